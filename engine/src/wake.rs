//! How a waiting subtask learns that it may go on, and since when it could have.
//!
//! A subtask is one future that waits for one of several things: input, credit, a deadline, an
//! asynchronous call, a command. Whoever makes one of them happen calls [`Wake::notify`] with the
//! time; the first notification that the subtask is interested in stamps the moment from which it
//! is *ready* and no longer idle or backpressured. What passes between that stamp and its next
//! poll is time spent waiting for a slot: `starved`.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::SeqCst};
use std::task::Waker;

use atomic_waker::AtomicWaker;

/// Reasons to wake, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason(u8);

impl Reason {
    pub(crate) const INPUT: Reason = Reason(1);
    pub(crate) const CREDIT: Reason = Reason(2);
    pub(crate) const DEADLINE: Reason = Reason(4);
    pub(crate) const ASYNC: Reason = Reason(8);
    pub(crate) const CONTROL: Reason = Reason(16);

    pub(crate) const fn or(self, other: Reason) -> Reason {
        Reason(self.0 | other.0)
    }
}

/// One subtask's bell.
#[derive(Default)]
pub(crate) struct Wake {
    waker: AtomicWaker,
    /// What happened since the subtask last looked.
    events: AtomicU8,
    /// What the subtask waits for; 0 while it runs.
    interest: AtomicU8,
    /// Job time of the first event of interest since the wait began; 0 = none yet.
    ready_at_ns: AtomicU64,
}

impl Wake {
    /// Something happened at `now_ns`.
    pub(crate) fn notify(&self, reason: Reason, now_ns: u64) {
        // Sequentially consistent against `wait`: either this sees the interest, or the waiter sees
        // the event.
        self.events.fetch_or(reason.0, SeqCst);
        if self.interest.load(SeqCst) & reason.0 != 0 {
            let _ = self
                .ready_at_ns
                .compare_exchange(0, now_ns.max(1), SeqCst, SeqCst);
            self.waker.wake();
        }
    }

    /// Forgets past events; call before looking at what they told of.
    pub(crate) fn clear(&self) {
        self.interest.store(0, SeqCst);
        self.events.store(0, SeqCst);
    }

    /// Whether `reason` was notified since the last [`clear`](Self::clear).
    pub(crate) fn happened(&self, reason: Reason) -> bool {
        self.events.load(SeqCst) & reason.0 != 0
    }

    /// Starts to wait for any of `interest`. False if one has happened since [`clear`](Self::clear):
    /// then there is nothing to wait for, look again.
    pub(crate) fn wait(&self, interest: Reason, waker: &Waker) -> bool {
        self.ready_at_ns.store(0, SeqCst);
        self.waker.register(waker);
        self.interest.store(interest.0, SeqCst);
        let waiting = self.events.load(SeqCst) & interest.0 == 0;
        if !waiting {
            self.interest.store(0, SeqCst);
        }
        waiting
    }

    /// Job time since which the waiting subtask could have gone on, if it can.
    pub(crate) fn ready_at_ns(&self) -> Option<u64> {
        Some(self.ready_at_ns.load(SeqCst)).filter(|&at| at != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_event_of_interest_stamps_readiness() {
        let wake = Wake::default();
        wake.clear();
        assert!(wake.wait(Reason::CREDIT, Waker::noop()));
        wake.notify(Reason::INPUT, 10);
        assert_eq!(wake.ready_at_ns(), None);
        wake.notify(Reason::CREDIT, 20);
        wake.notify(Reason::CREDIT, 30);
        assert_eq!(wake.ready_at_ns(), Some(20));
    }

    #[test]
    fn an_event_before_the_wait_is_not_slept_through() {
        let wake = Wake::default();
        wake.clear();
        wake.notify(Reason::INPUT, 10);
        assert!(!wake.wait(Reason::INPUT.or(Reason::DEADLINE), Waker::noop()));
        wake.clear();
        assert!(wake.wait(Reason::INPUT, Waker::noop()));
    }
}
