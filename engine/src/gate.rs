//! A subtask's input gate: one queue fed by many channels, each bounded by credits.
//!
//! A channel may have `exclusive` batches under way at any time; beyond that it borrows from the
//! gate's `floating` credits. A credit is taken before a batch is sent and given back when the
//! receiver has *processed* the batch, so "under way" is what the receiver still owes. A returned
//! floating credit is handed straight to the longest-waiting sender: nothing is lost between a
//! notification and the retry. The end of input and barriers travel in order and need no credit; a
//! barrier that may overtake what lies before it rings the receiver's bell for that.
//!
//! Emptied batches go back to the senders through the gate, so that a steady flow allocates nothing.
//!
//! Over a network parcels come encoded, each with the time when it is there; see [`transit`].

mod probe;
mod transit;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::batch::Batch;
use crate::checkpoint::barrier::Barrier;
use crate::config::ChannelConfig;
use crate::link::Passage;
use crate::snapshot::METERED;
use crate::wake::{Reason, Wake};

pub(crate) use probe::GateProbe;
use transit::Transit;

/// Leave to send one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credit {
    Exclusive,
    Floating,
}

/// What lies in the queue.
pub(crate) struct Parcel<T> {
    pub(crate) channel: usize,
    /// Job time; over a network, when it arrives.
    pub(crate) enqueued_ns: u64,
    pub(crate) payload: Payload<T>,
}

pub(crate) enum Payload<T> {
    Batch {
        batch: Batch<T>,
        credit: Credit,
    },
    /// A batch that comes over a network.
    Encoded(Encoded),
    Barrier(Barrier),
    EndOfInput,
}

/// A batch as bytes.
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: usize,
    pub(crate) credit: Credit,
}

impl<T> Payload<T> {
    pub(crate) fn rows(&self) -> u64 {
        match self {
            Payload::Batch { batch, .. } => batch.len() as u64,
            Payload::Encoded(encoded) => encoded.rows as u64,
            Payload::Barrier(_) | Payload::EndOfInput => 0,
        }
    }
}

/// The receiving end of all channels into one subtask over one edge.
pub(crate) struct Gate<T> {
    shared: Mutex<Shared<T>>,
    receiver: Arc<Wake>,
    channels: Box<[Channel]>,
    config: ChannelConfig,
    is_remote: bool,
    /// From when a barrier in the queue may overtake what lies before it, in job time; [`NEVER`] if
    /// there is none.
    urgent_from_ns: AtomicU64,
}

/// A job time that never comes.
const NEVER: u64 = u64::MAX;

struct Channel {
    sender: Arc<Wake>,
    from: usize,
    enqueued: AtomicU64,
    dequeued: AtomicU64,
    /// Of what came encoded.
    bytes: AtomicU64,
}

struct Shared<T> {
    queue: VecDeque<Parcel<T>>,
    /// In the place of the queue, over a network.
    transit: Option<Transit<T>>,
    accounts: Box<[CreditAccount]>,
    floating_free: usize,
    /// Channels that wait for a floating credit, longest first; some may have been served otherwise.
    waiters: VecDeque<usize>,
    spares: Vec<Batch<T>>,
}

#[derive(Clone, Default)]
struct CreditAccount {
    exclusive_free: usize,
    /// Floating credits handed to this channel and not yet used.
    floating_reserved: usize,
    waiting: bool,
    queued_as_waiter: bool,
}

impl<T> Gate<T> {
    /// A gate with one channel per entry of `senders` (sending subtask and its bell), over a network or not.
    pub(crate) fn new(
        senders: Vec<(usize, Arc<Wake>)>,
        receiver: Arc<Wake>,
        config: &ChannelConfig,
        is_remote: bool,
    ) -> Self {
        let account = CreditAccount {
            exclusive_free: config.exclusive,
            ..Default::default()
        };
        Gate {
            shared: Mutex::new(Shared {
                queue: VecDeque::new(),
                transit: is_remote.then(|| Transit::new(senders.len())),
                accounts: vec![account; senders.len()].into(),
                floating_free: config.floating,
                waiters: VecDeque::new(),
                spares: Vec::new(),
            }),
            receiver,
            channels: senders
                .into_iter()
                .map(|(from, sender)| Channel {
                    sender,
                    from,
                    enqueued: AtomicU64::new(0),
                    dequeued: AtomicU64::new(0),
                    bytes: AtomicU64::new(0),
                })
                .collect(),
            config: config.clone(),
            is_remote,
            urgent_from_ns: AtomicU64::new(NEVER),
        }
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Whether it is read over a network: then what is taken may have yet to arrive.
    pub(crate) fn is_remote(&self) -> bool {
        self.is_remote
    }

    /// Tells the sending subtask of each channel, in order.
    pub(crate) fn each_sender(&self, mut tell: impl FnMut(usize)) {
        self.channels.iter().for_each(|channel| tell(channel.from));
    }

    /// Takes a credit for `channel`, or notes that its sender waits: it is notified when to ask again.
    pub(crate) fn request(&self, channel: usize) -> Option<Credit> {
        let mut shared = self.lock();
        let Shared {
            accounts,
            floating_free,
            waiters,
            ..
        } = &mut *shared;
        let account = &mut accounts[channel];
        account.waiting = false;
        // The reserved one first: left lying, it would be lost to the other channels.
        if account.floating_reserved > 0 {
            account.floating_reserved -= 1;
            return Some(Credit::Floating);
        }
        if account.exclusive_free > 0 {
            account.exclusive_free -= 1;
            return Some(Credit::Exclusive);
        }
        if *floating_free > 0 {
            *floating_free -= 1;
            return Some(Credit::Floating);
        }
        account.waiting = true;
        if !account.queued_as_waiter {
            account.queued_as_waiter = true;
            waiters.push_back(channel);
        }
        None
    }

    /// Sends a batch for which a credit was taken; gives an empty buffer back.
    pub(crate) fn send(
        &self,
        channel: usize,
        credit: Credit,
        batch: Batch<T>,
        now_ns: u64,
    ) -> Batch<T> {
        if METERED {
            self.channels[channel].enqueued.fetch_add(1, Relaxed);
        }
        let payload = Payload::Batch { batch, credit };
        let mut shared = self.lock();
        shared.queue.push_back(Parcel {
            channel,
            enqueued_ns: now_ns,
            payload,
        });
        let spare = shared.spares.pop();
        drop(shared);
        self.receiver.notify(Reason::INPUT, now_ns);
        spare.unwrap_or_default()
    }

    /// The same over a network.
    pub(crate) fn send_encoded(
        &self,
        channel: usize,
        encoded: Encoded,
        passage: Passage,
        now_ns: u64,
    ) {
        if METERED {
            let counters = &self.channels[channel];
            counters.enqueued.fetch_add(1, Relaxed);
            counters
                .bytes
                .fetch_add(encoded.bytes.len() as u64, Relaxed);
        }
        let payload = Payload::Encoded(encoded);
        self.lock().put(channel, payload, Some(passage), now_ns);
        self.receiver.notify(Reason::INPUT, now_ns);
    }

    /// Nothing more comes over `channel`. Over a network it has a `passage`.
    pub(crate) fn send_end(&self, channel: usize, passage: Option<Passage>, now_ns: u64) {
        let payload = Payload::EndOfInput;
        let mut shared = self.lock();
        shared.put(channel, payload, passage, now_ns);
        // It stands for a barrier, and a snapshot may wait for that.
        let seen_from_ns = passage.map_or(0, |passage| passage.seen_from_ns);
        self.urgent_from_ns.fetch_min(seen_from_ns, Relaxed);
        drop(shared);
        let reason = Reason::INPUT.or(Reason::CONTROL);
        self.receiver.notify(reason, now_ns);
    }

    /// A checkpoint lies between what has been sent over `channel` and what will be. Over a network this
    /// has a `passage`.
    pub(crate) fn send_barrier(
        &self,
        channel: usize,
        barrier: Barrier,
        passage: Option<Passage>,
        now_ns: u64,
    ) {
        let payload = Payload::Barrier(barrier);
        let mut shared = self.lock();
        shared.put(channel, payload, passage, now_ns);
        let mut reason = Reason::INPUT;
        if let Some(from_ns) = barrier.passes_from_ns() {
            let seen_from_ns = passage.map_or(0, |passage| passage.seen_from_ns);
            self.urgent_from_ns
                .fetch_min(from_ns.max(seen_from_ns), Relaxed);
            // A receiver that waits for credit does not hear of input.
            reason = reason.or(Reason::CONTROL);
        }
        drop(shared);
        self.receiver.notify(reason, now_ns);
    }

    /// From when a barrier in the queue may overtake what lies before it.
    pub(crate) fn urgent_from_ns(&self) -> Option<u64> {
        Some(self.urgent_from_ns.load(Relaxed)).filter(|&at_ns| at_ns != NEVER)
    }

    /// Moves everything that lies in the queue to the end of `taken`, of a network what is seen by now;
    /// says from when a barrier in it may overtake what lies before it.
    pub(crate) fn take(&self, now_ns: u64, taken: &mut VecDeque<Parcel<T>>) -> Option<u64> {
        let mut shared = self.lock();
        let urgent_from_ns = self.urgent_from_ns();
        if let Some(transit) = &mut shared.transit {
            transit.take(now_ns, taken);
            let urgent_from_ns = transit.urgent_from_ns().unwrap_or(NEVER);
            self.urgent_from_ns.store(urgent_from_ns, Relaxed);
        } else {
            self.urgent_from_ns.store(NEVER, Relaxed);
        }
        if taken.is_empty() {
            std::mem::swap(&mut shared.queue, taken);
        } else {
            taken.append(&mut shared.queue);
        }
        urgent_from_ns
    }

    /// When the next thing arrives over the network that [`take`](Self::take) has left, as far as is known.
    pub(crate) fn next_arrival_ns(&self) -> Option<u64> {
        if !self.is_remote {
            return None;
        }
        self.lock().transit.as_ref()?.next_arrival_ns()
    }

    /// A batch has been processed: its credit and its emptied buffer go back.
    pub(crate) fn release(&self, channel: usize, credit: Credit, spare: Batch<T>, now_ns: u64) {
        if METERED {
            self.channels[channel].dequeued.fetch_add(1, Relaxed);
        }
        let mut shared = self.lock();
        if spare.has_room() && shared.spares.len() < self.config.exclusive + self.config.floating {
            shared.spares.push(spare);
        }
        if let Some(transit) = &mut shared.transit {
            transit.release(channel);
        }
        let served = shared.give_back(channel, credit);
        drop(shared);
        if let Some(channel) = served {
            self.channels[channel].sender.notify(Reason::CREDIT, now_ns);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared<T>> {
        // Nothing under the lock can panic half-way; a poisoned state is still whole.
        self.shared.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl<T> Shared<T> {
    /// Whatever needs no emptied batch in return.
    fn put(&mut self, channel: usize, payload: Payload<T>, passage: Option<Passage>, now_ns: u64) {
        match (&mut self.transit, passage) {
            (Some(transit), Some(passage)) => transit.send(channel, payload, passage),
            _ => self.queue.push_back(Parcel {
                channel,
                enqueued_ns: now_ns,
                payload,
            }),
        }
    }

    /// Books a returned credit; the channel whose sender may go on, if one waits for it.
    fn give_back(&mut self, channel: usize, credit: Credit) -> Option<usize> {
        if credit == Credit::Exclusive {
            let account = &mut self.accounts[channel];
            account.exclusive_free += 1;
            return std::mem::take(&mut account.waiting).then_some(channel);
        }
        while let Some(waiter) = self.waiters.pop_front() {
            let account = &mut self.accounts[waiter];
            account.queued_as_waiter = false;
            if std::mem::take(&mut account.waiting) {
                account.floating_reserved += 1;
                return Some(waiter);
            }
        }
        self.floating_free += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Row;
    use proptest::prelude::*;

    fn gate(channels: usize, exclusive: usize, floating: usize) -> Gate<u64> {
        let senders = (0..channels)
            .map(|from| (from, Arc::new(Wake::default())))
            .collect();
        let config = ChannelConfig {
            exclusive,
            floating,
            ..Default::default()
        };
        Gate::new(senders, Arc::new(Wake::default()), &config, false)
    }

    proptest! {
        /// Credits are conserved, no channel passes its bound, order holds per channel, and every
        /// sender that was refused is served once enough has been released.
        #[test]
        fn credits_are_conserved_and_waiters_are_served(
            exclusive in 1usize..4, floating in 0usize..4,
            steps in prop::collection::vec((any::<bool>(), 0usize..3), 1..200),
        ) {
            let gate = gate(3, exclusive, floating);
            let mut under_way: VecDeque<(usize, Credit, u64)> = VecDeque::new();
            let mut sent = [0u64; 3];
            let mut received = [0u64; 3];
            let mut taken = VecDeque::new();
            for (send, channel) in steps {
                if send {
                    if let Some(credit) = gate.request(channel) {
                        let mut batch = Batch::default();
                        batch.push(Row { tag: 0, value: sent[channel] });
                        gate.send(channel, credit, batch, 1);
                        under_way.push_back((channel, credit, sent[channel]));
                        sent[channel] += 1;
                    } else {
                        let of_channel = under_way.iter().filter(|u| u.0 == channel).count();
                        prop_assert!(of_channel >= exclusive);
                    }
                } else if let Some((channel, credit, value)) = under_way.pop_front() {
                    if taken.is_empty() {
                        gate.take(2, &mut taken);
                    }
                    let parcel: Parcel<u64> = taken.pop_front().expect("under way");
                    prop_assert_eq!(parcel.channel, channel);
                    let Payload::Batch { batch, .. } = parcel.payload else { panic!("a batch") };
                    prop_assert_eq!(batch.values()[0], value);
                    prop_assert_eq!(value, received[channel]);
                    received[channel] += 1;
                    gate.release(channel, credit, Batch::default(), 2);
                }
                prop_assert!(under_way.len() <= 3 * exclusive + floating);
            }
            for (channel, credit, _) in under_way.drain(..) {
                gate.release(channel, credit, Batch::default(), 3);
            }
            let shared = gate.lock();
            let free: usize = shared.accounts.iter().map(|a| a.exclusive_free + a.floating_reserved).sum();
            prop_assert_eq!(free + shared.floating_free, 3 * exclusive + floating);
            prop_assert!(shared.accounts.iter().all(|a| !a.waiting));
        }
    }
}
