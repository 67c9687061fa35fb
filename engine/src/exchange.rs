//! How rows are spread from the subtasks of one operator over those of the next: which channels
//! exist, and which one each row takes.

use crate::batch::Batch;
use crate::data::Key;
use crate::key_group::{Groups, subtask_of};
use crate::output::{Buffers, Router, Sending};

/// The pattern between two operators, under Apache Flink's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Subtask i to subtask i.
    Forward,
    /// By key group, every subtask to every subtask.
    Hash,
    /// Round robin, every subtask to every subtask.
    Rebalance,
    /// Round robin over a local group of subtasks.
    Rescale,
    /// Every row to every subtask.
    Broadcast,
}

impl Exchange {
    /// The name as it stands in plans and records.
    pub fn name(self) -> &'static str {
        match self {
            Exchange::Forward => "forward",
            Exchange::Hash => "hash",
            Exchange::Rebalance => "rebalance",
            Exchange::Rescale => "rescale",
            Exchange::Broadcast => "broadcast",
        }
    }

    /// The sending subtasks with a channel into `receiver`, in channel order.
    pub(crate) fn senders(self, receiver: usize, from: usize, to: usize) -> Vec<usize> {
        match self {
            Exchange::Forward => vec![receiver],
            Exchange::Rescale if from <= to => vec![receiver * from / to],
            Exchange::Rescale => (0..from)
                .filter(|sender| sender * to / from == receiver)
                .collect(),
            Exchange::Hash | Exchange::Rebalance | Exchange::Broadcast => (0..from).collect(),
        }
    }

    /// The channels out of `sender`: (receiving subtask, channel index in its gate).
    pub(crate) fn targets(self, sender: usize, from: usize, to: usize) -> Vec<(usize, usize)> {
        match self {
            Exchange::Forward => vec![(sender, 0)],
            Exchange::Rescale if from <= to => (0..to)
                .filter(|receiver| receiver * from / to == sender)
                .map(|r| (r, 0))
                .collect(),
            Exchange::Rescale => {
                let receiver = sender * to / from;
                let first = (0..from).find(|s| s * to / from == receiver).unwrap_or(0);
                vec![(receiver, sender - first)]
            }
            Exchange::Hash | Exchange::Rebalance | Exchange::Broadcast => {
                (0..to).map(|receiver| (receiver, sender)).collect()
            }
        }
    }
}

/// Each row to the next channel in turn.
pub(crate) struct RoundRobin {
    next: usize,
}

impl RoundRobin {
    /// Senders begin at different channels, so that a few rows spread too.
    pub(crate) fn starting_at(next: usize) -> Self {
        RoundRobin { next }
    }
}

impl<T> Router<T> for RoundRobin {
    fn route(&mut self, rows: &mut Batch<T>, buffers: &mut Buffers<T>, sending: &mut Sending<'_>) {
        let channels = buffers.channels();
        if channels == 1 {
            return buffers.append(0, rows, sending);
        }
        buffers.opening(sending);
        for row in rows.drain(rows.len()) {
            if self.next >= channels {
                self.next = 0;
            }
            buffers.push(self.next, row, sending);
            self.next += 1;
        }
    }
}

/// Keys that encode to at most this many bytes are encoded on the stack, where the compiler sees
/// the length of a key of fixed size and unrolls its hash (bench `exchange`).
const SHORT_KEY: usize = 32;

/// Each row to the owner of its key's group.
pub(crate) struct ByKey<F> {
    key: F,
    owners: Owners,
}

impl<F> ByKey<F> {
    pub(crate) fn new(key: F, parallelism: usize, max_parallelism: usize) -> Self {
        ByKey {
            key,
            owners: Owners::new(parallelism, max_parallelism),
        }
    }
}

impl<T, K: Key, F: FnMut(&T) -> K + Send> Router<T> for ByKey<F> {
    fn owner(&mut self, value: &T) -> Option<usize> {
        Some(self.owners.of(&(self.key)(value)))
    }

    fn route(&mut self, rows: &mut Batch<T>, buffers: &mut Buffers<T>, sending: &mut Sending<'_>) {
        // With one receiver there is nothing to choose.
        if buffers.channels() == 1 {
            return buffers.append(0, rows, sending);
        }
        buffers.opening(sending);
        // Nearly half of what routing costs is to look at each row's tag (instruction count
        // `exchange by key`).
        if let Some(tag) = rows.shared_tag()
            && buffers.share_tag(tag, rows.len())
        {
            for value in rows.drain_values() {
                let owner = self.owners.of(&(self.key)(&value));
                buffers.push_shared(owner, value, sending);
            }
            return;
        }
        for row in rows.drain(rows.len()) {
            let owner = self.owners.of(&(self.key)(&row.value));
            buffers.push(owner, row, sending);
        }
    }
}

/// Which subtask owns a key.
struct Owners {
    groups: Groups,
    of_group: Vec<usize>,
    long_key: Vec<u8>,
}

impl Owners {
    fn new(parallelism: usize, max_parallelism: usize) -> Self {
        let of_group = (0..max_parallelism)
            .map(|group| subtask_of(group, parallelism, max_parallelism))
            .collect();
        Owners {
            groups: Groups::new(max_parallelism),
            of_group,
            long_key: Vec::new(),
        }
    }

    #[inline]
    fn of<K: Key>(&mut self, key: &K) -> usize {
        let mut short = [0; SHORT_KEY];
        let mut rest = &mut short[..];
        let group = match key.serialize(&mut rest) {
            Ok(()) => {
                let length = SHORT_KEY - rest.len();
                self.groups.of(&short[..length])
            }
            Err(_no_room) => self.group_of_long(key),
        };
        self.of_group[group]
    }

    #[cold]
    fn group_of_long<K: Key>(&mut self, key: &K) -> usize {
        self.long_key.clear();
        key.serialize(&mut self.long_key)
            .expect("encoding into memory cannot fail");
        self.groups.of(&self.long_key)
    }
}

/// Each row to every channel.
pub(crate) struct ToAll;

impl<T: Clone> Router<T> for ToAll {
    fn route(&mut self, rows: &mut Batch<T>, buffers: &mut Buffers<T>, sending: &mut Sending<'_>) {
        let Some(last) = buffers.channels().checked_sub(1) else {
            return;
        };
        buffers.opening(sending);
        for row in rows.drain(rows.len()) {
            for channel in 0..last {
                buffers.push(channel, row.clone(), sending);
            }
            buffers.push(last, row, sending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Both ends of an exchange agree on its channels, and nobody is left without one.
        #[test]
        fn senders_and_receivers_agree_on_the_channels(
            from in 1usize..20, to in 1usize..20, pick in 0usize..4,
        ) {
            let exchange =
                [Exchange::Hash, Exchange::Rebalance, Exchange::Rescale, Exchange::Broadcast][pick];
            let mut seen = 0;
            for sender in 0..from {
                let targets = exchange.targets(sender, from, to);
                prop_assert!(!targets.is_empty());
                for (receiver, channel) in targets {
                    prop_assert_eq!(exchange.senders(receiver, from, to)[channel], sender);
                    seen += 1;
                }
            }
            let channels: usize = (0..to).map(|r| exchange.senders(r, from, to).len()).sum();
            prop_assert_eq!(seen, channels);
            prop_assert!((0..to).all(|r| !exchange.senders(r, from, to).is_empty()));
        }
    }
}
