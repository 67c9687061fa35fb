//! What lies between the two ends of channels that go over a network: sent, and not there yet.
//!
//! A parcel is *seen* a latency after it was sent, and *arrives* when all before it have come through
//! its link, too. The receiver is given what it can see, and holds it back until it arrives. It has
//! to be given that early: a barrier that overtakes rows makes those a part of its checkpoint.

use std::collections::VecDeque;

use super::{Parcel, Payload};
use crate::link::Passage;

/// The parcels of one gate.
pub(super) struct Transit<T> {
    /// By when they are seen; those of a channel in their order.
    unseen: VecDeque<(u64, Parcel<T>)>,
    /// Per channel: when each batch arrives that has not been worked off.
    arrivals: Box<[VecDeque<u64>]>,
}

impl<T> Transit<T> {
    pub(super) fn new(channels: usize) -> Self {
        Transit {
            unseen: VecDeque::new(),
            arrivals: vec![VecDeque::new(); channels].into(),
        }
    }

    /// Something is sent over `channel`.
    pub(super) fn send(&mut self, channel: usize, payload: Payload<T>, passage: Passage) {
        if let Payload::Encoded { .. } = payload {
            self.arrivals[channel].push_back(passage.arrives_ns);
        }
        let seen_from_ns = passage.seen_from_ns;
        let place = self
            .unseen
            .partition_point(|(at_ns, _)| *at_ns <= seen_from_ns);
        let parcel = Parcel {
            channel,
            enqueued_ns: passage.arrives_ns,
            payload,
        };
        self.unseen.insert(place, (seen_from_ns, parcel));
    }

    /// Moves what is seen by `now_ns` to the end of `taken`.
    pub(super) fn take(&mut self, now_ns: u64, taken: &mut VecDeque<Parcel<T>>) {
        let seen = self.unseen.partition_point(|(at_ns, _)| *at_ns <= now_ns);
        taken.extend(self.unseen.drain(..seen).map(|(_, parcel)| parcel));
    }

    /// The earliest arrival of anything that is not seen yet.
    pub(super) fn next_arrival_ns(&self) -> Option<u64> {
        self.parcels().map(|parcel| parcel.enqueued_ns).min()
    }

    /// From when a barrier that is not seen yet may overtake what lies before it; an end stands for one.
    pub(super) fn urgent_from_ns(&self) -> Option<u64> {
        let unseen = self.unseen.iter();
        let urgent = unseen.filter_map(|(seen_from_ns, parcel)| match parcel.payload {
            Payload::Barrier(barrier) => Some(barrier.passes_from_ns()?.max(*seen_from_ns)),
            Payload::EndOfInput => Some(*seen_from_ns),
            Payload::Batch { .. } | Payload::Encoded(_) => None,
        });
        urgent.min()
    }

    pub(super) fn parcels(&self) -> impl Iterator<Item = &Parcel<T>> {
        self.unseen.iter().map(|(_, parcel)| parcel)
    }

    /// The first batch of `channel` has been worked off.
    pub(super) fn release(&mut self, channel: usize) {
        self.arrivals[channel].pop_front();
    }

    /// Batches of `channel` that have not arrived.
    pub(super) fn on_link(&self, channel: usize, now_ns: u64) -> usize {
        let arrivals = &self.arrivals[channel];
        arrivals.len() - arrivals.partition_point(|at_ns| *at_ns <= now_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Credit, Encoded};
    use crate::link::{Link, Pipe};
    use proptest::prelude::*;

    proptest! {
        /// Each channel has a link of its own; a number stands for a batch, as its rows.
        #[test]
        fn batches_are_taken_in_their_order_once_seen_and_count_as_on_the_link_until_they_arrive(
            latency_ns in 0u64..300,
            steps in prop::collection::vec((0usize..3, 0u64..200, any::<bool>()), 1..100),
        ) {
            let pipe = Pipe { bandwidth_per_s: Some(1_000_000_000), latency_ns };
            let mut links = [0; 3].map(|_| Link::new(pipe));
            let mut transit: Transit<u64> = Transit::new(3);
            let (mut now_ns, mut sent, mut next) = (0, [0; 3], [0; 3]);
            let mut arrivals: [Vec<u64>; 3] = Default::default();
            let mut taken = VecDeque::new();
            for (channel, bytes, sends) in steps {
                now_ns += 50;
                if sends {
                    let passage = links[channel].send(bytes, now_ns);
                    arrivals[channel].push(passage.arrives_ns);
                    let (rows, credit) = (sent[channel], Credit::Floating);
                    let encoded = Encoded { bytes: Vec::new(), rows, credit };
                    transit.send(channel, Payload::Encoded(encoded), passage);
                    sent[channel] += 1;
                }
                transit.take(now_ns, &mut taken);
                for parcel in taken.drain(..) {
                    prop_assert_eq!(parcel.payload.rows(), next[parcel.channel]);
                    prop_assert_eq!(parcel.enqueued_ns, arrivals[parcel.channel][next[parcel.channel] as usize]);
                    next[parcel.channel] += 1;
                }
                for (channel, arrivals) in arrivals.iter().enumerate() {
                    let on_link = arrivals.iter().filter(|at_ns| **at_ns > now_ns).count();
                    prop_assert_eq!(transit.on_link(channel, now_ns), on_link);
                }
            }
            prop_assert!(transit.next_arrival_ns().is_none_or(|at_ns| at_ns > now_ns));
            transit.take(now_ns + latency_ns, &mut taken);
            prop_assert_eq!(transit.parcels().count(), 0);
        }
    }
}
