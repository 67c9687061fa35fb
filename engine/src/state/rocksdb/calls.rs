//! Time in calls of a database that the account of time has not been told of yet: those of the slice
//! under way, and the call under way, which a stall can make last for seconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;

/// Calls that are not booked yet. Shared by whoever calls and whoever watches.
#[derive(Clone, Debug)]
pub(crate) struct UnbookedCalls {
    clock: Clock,
    calls: Arc<Mutex<Calls>>,
}

/// Nanoseconds.
#[derive(Debug, Default)]
struct Calls {
    /// Wall time of calls that have returned.
    returned_ns: u64,
    /// When the call under way began.
    since_ns: Option<u64>,
}

impl UnbookedCalls {
    pub(crate) fn new() -> Self {
        UnbookedCalls {
            clock: Clock::start(),
            calls: Arc::default(),
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        // Two numbers that are set together: whole after a panic, too.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call begins.
    pub(crate) fn begins(&self) {
        self.calls().since_ns = Some(self.clock.now());
    }

    /// It has returned; the time it took.
    pub(crate) fn returns(&self) -> u64 {
        let now_ns = self.clock.now();
        let mut calls = self.calls();
        let took_ns = calls
            .since_ns
            .take()
            .map_or(0, |since_ns| now_ns - since_ns);
        calls.returned_ns += took_ns;
        took_ns
    }

    /// So much has been booked elsewhere.
    pub(crate) fn booked(&self, wall_ns: u64) {
        let mut calls = self.calls();
        calls.returned_ns = calls.returned_ns.saturating_sub(wall_ns);
    }

    /// What has returned belongs to nobody's time.
    pub(crate) fn forget(&self) {
        self.calls().returned_ns = 0;
    }

    /// What is still to be booked, up to now.
    pub(crate) fn pending_ns(&self) -> u64 {
        let calls = self.calls();
        let now_ns = self.clock.now();
        let under_way = calls
            .since_ns
            .map_or(0, |since_ns| now_ns.saturating_sub(since_ns));
        calls.returned_ns + under_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_pending_from_its_begin_until_it_is_booked() {
        let calls = UnbookedCalls::new();
        assert_eq!(calls.pending_ns(), 0);
        calls.begins();
        let under_way = calls.clone();
        let first = under_way.pending_ns();
        let took = calls.returns();
        assert!(first <= took && under_way.pending_ns() == took);
        calls.booked(took);
        assert_eq!(under_way.pending_ns(), 0);
    }
}
