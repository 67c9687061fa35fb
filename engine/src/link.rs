//! The link of a sending subtask into a network: when what it sends is there.
//!
//! A virtual server that is fed with time: messages leave one after the other, each for as long as its
//! bytes need at the link's bandwidth, and are there a latency later. It holds nothing back itself;
//! the gate at its end does. Only messages are modelled: no packets, no loss, and no link that several
//! subtasks share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::nanos;
use crate::config::NetworkConfig;

/// What a link is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pipe {
    /// `None`: a message takes no time to leave.
    pub(crate) bandwidth_per_s: Option<u64>,
    pub(crate) latency_ns: u64,
}

impl Pipe {
    /// Time that it takes so many bytes to leave, rounded up: never faster than the bandwidth.
    fn leaving_ns(self, bytes: u64) -> u64 {
        let Some(per_s) = self.bandwidth_per_s else {
            return 0;
        };
        let ns = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(per_s.max(1)));
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// Whole bytes that leave in that time; without a bandwidth, all.
    fn bytes_in(self, ns: u64) -> u64 {
        let Some(per_s) = self.bandwidth_per_s else {
            return u64::MAX;
        };
        let bytes = u128::from(ns) * u128::from(per_s.max(1)) / 1_000_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// When a message comes out of a link, in job time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    /// From when the other end can know of it: a latency after it was sent. What may overtake
    /// others, as barriers may, is there then.
    pub(crate) seen_from_ns: u64,
    /// When it is there, behind all that was sent before.
    pub(crate) arrives_ns: u64,
}

/// One link.
#[derive(Debug)]
pub(crate) struct Link {
    usual: Pipe,
    /// What it is like instead, and until when.
    throttled: Option<(Pipe, u64)>,
    /// When the last byte so far has left.
    free_at_ns: u64,
    last: Passage,
}

impl Link {
    pub(crate) fn new(usual: Pipe) -> Self {
        Link {
            usual,
            throttled: None,
            free_at_ns: 0,
            last: Passage {
                seen_from_ns: 0,
                arrives_ns: 0,
            },
        }
    }

    /// It is another one for a while. What has been sent is not affected.
    pub(crate) fn throttle(&mut self, pipe: Pipe, until_ns: u64) {
        self.throttled = Some((pipe, until_ns));
    }

    /// Sends so many bytes.
    pub(crate) fn send(&mut self, bytes: u64, now_ns: u64) -> Passage {
        self.free_at_ns = self.left_at_ns(bytes, self.free_at_ns.max(now_ns));
        let there_ns = self
            .free_at_ns
            .saturating_add(self.at(self.free_at_ns).latency_ns);
        let seen_ns = now_ns.saturating_add(self.at(now_ns).latency_ns);
        // Where a latency ends that was longer, nothing is overtaken.
        let arrives_ns = there_ns.max(self.last.arrives_ns);
        self.last = Passage {
            seen_from_ns: seen_ns.min(arrives_ns).max(self.last.seen_from_ns),
            arrives_ns,
        };
        self.last
    }

    /// When the last of `bytes` has left that begin to leave at `from_ns`.
    fn left_at_ns(&self, bytes: u64, from_ns: u64) -> u64 {
        let pipe = self.at(from_ns);
        let left_ns = from_ns.saturating_add(pipe.leaving_ns(bytes));
        match self.throttled {
            // The rest goes as usual.
            Some((_, until_ns)) if from_ns < until_ns && until_ns < left_ns => {
                let rest = bytes.saturating_sub(pipe.bytes_in(until_ns - from_ns));
                until_ns.saturating_add(self.usual.leaving_ns(rest))
            }
            _ => left_ns,
        }
    }

    fn at(&self, at_ns: u64) -> Pipe {
        match self.throttled {
            Some((pipe, until_ns)) if at_ns < until_ns => pipe,
            _ => self.usual,
        }
    }
}

/// A link that is used by one thread, and throttled and asked by others.
#[derive(Clone)]
pub(crate) struct SharedLink(Arc<Mutex<Link>>);

impl SharedLink {
    pub(crate) fn new(network: &NetworkConfig) -> Self {
        let pipe = Pipe {
            bandwidth_per_s: network.bandwidth_per_s,
            latency_ns: nanos(network.latency),
        };
        SharedLink(Arc::new(Mutex::new(Link::new(pipe))))
    }

    /// When all that was sent so far is there.
    pub(crate) fn last_arrival_ns(&self) -> u64 {
        self.lock().last.arrives_ns
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Link> {
        // Nothing under the lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pipe() -> impl Strategy<Value = Pipe> {
        let bandwidth = prop::option::of(1u64..5_000_000_000);
        (bandwidth, 0u64..50_000_000).prop_map(|(bandwidth_per_s, latency_ns)| Pipe {
            bandwidth_per_s,
            latency_ns,
        })
    }

    proptest! {
        /// Departures are arrivals less the latency.
        #[test]
        fn over_no_span_does_more_leave_than_the_bandwidth_allows(
            pipe in pipe(), sends in prop::collection::vec((0u64..1_000_000, 0u64..5_000_000), 1..60),
        ) {
            let mut link = Link::new(pipe);
            let (mut now_ns, mut departures, mut busy_ns) = (0, Vec::new(), 0);
            for (bytes, pause_ns) in sends {
                now_ns += pause_ns;
                let passage = link.send(bytes, now_ns);
                prop_assert_eq!(passage.seen_from_ns, now_ns + pipe.latency_ns);
                let left_ns = passage.arrives_ns - pipe.latency_ns;
                // Work is not put off: it waits for those before it, and for nothing else.
                busy_ns = now_ns.max(busy_ns) + pipe.leaving_ns(bytes);
                prop_assert_eq!(left_ns, busy_ns);
                departures.push((left_ns, bytes));
            }
            let Some(per_s) = pipe.bandwidth_per_s else { return Ok(()) };
            for first in 0..departures.len() {
                let mut passed = 0;
                for (left_ns, bytes) in &departures[first + 1..] {
                    passed += u128::from(*bytes);
                    let span_ns = u128::from(left_ns - departures[first].0);
                    prop_assert!(passed * 1_000_000_000 <= span_ns * u128::from(per_s));
                }
            }
        }

        #[test]
        fn nothing_overtakes_and_nothing_is_seen_after_it_arrives_whatever_throttles_the_link(
            usual in pipe(), steps in prop::collection::vec(
                (0u64..100_000, 0u64..5_000_000, prop::option::of((pipe(), 0u64..20_000_000))), 1..80),
        ) {
            let mut link = Link::new(usual);
            let (mut now_ns, mut last) = (0, Passage { seen_from_ns: 0, arrives_ns: 0 });
            for (bytes, pause_ns, throttle) in steps {
                now_ns += pause_ns;
                if let Some((pipe, lasting_ns)) = throttle {
                    link.throttle(pipe, now_ns + lasting_ns);
                }
                let passage = link.send(bytes, now_ns);
                prop_assert!(now_ns <= passage.arrives_ns);
                prop_assert!(passage.seen_from_ns <= passage.arrives_ns);
                prop_assert!(last.seen_from_ns <= passage.seen_from_ns);
                prop_assert!(last.arrives_ns <= passage.arrives_ns);
                last = passage;
            }
        }
    }

    #[test]
    fn what_is_on_its_way_when_a_throttle_ends_goes_on_as_usual() {
        let pipe = |per_s, latency_ns| Pipe {
            bandwidth_per_s: Some(per_s),
            latency_ns,
        };
        let second_ns = 1_000_000_000;
        let mut link = Link::new(pipe(1_000, 5));
        link.throttle(pipe(10, 70), 3 * second_ns);
        // 20 of 1,020 bytes leave in the two seconds that are left of it.
        let passage = link.send(1_020, second_ns);
        assert_eq!(passage.arrives_ns, 4 * second_ns + 5);
        assert_eq!(passage.seen_from_ns, second_ns + 70);
        assert_eq!(link.send(0, 4 * second_ns).arrives_ns, 4 * second_ns + 5);
    }
}
