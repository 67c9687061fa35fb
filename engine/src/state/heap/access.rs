//! How long one access to a state on the heap takes: one get or put in 64 is timed.
//!
//! Updates are not: they are what a running aggregate does for every row, and must cost nothing more.

use super::gauge::{AccessKind, HeapGauge};
use crate::clock::Clock;

/// One access in this many is timed: reading the clock takes longer than the access.
const SAMPLE: u64 = 64;

/// Times some of the accesses to a state.
#[derive(Debug)]
pub(crate) struct AccessTimes {
    clock: Clock,
    /// Counted apart: where the two take turns, one in 64 of all would always be of one kind.
    reads: u64,
    writes: u64,
    gauge: HeapGauge,
}

impl AccessTimes {
    pub(crate) fn new(gauge: HeapGauge) -> Self {
        AccessTimes {
            clock: Clock::start(),
            reads: 0,
            writes: 0,
            gauge,
        }
    }

    #[inline]
    fn begins(&mut self, kind: AccessKind) -> Option<u64> {
        let accesses = match kind {
            AccessKind::Read => &mut self.reads,
            AccessKind::Write => &mut self.writes,
        };
        *accesses += 1;
        accesses.is_multiple_of(SAMPLE).then(|| self.clock.now())
    }

    #[cold]
    #[inline(never)]
    fn took(&self, kind: AccessKind, began_ns: u64) {
        let ended_ns = self.clock.now();
        // What reading the clock takes is part of what was measured.
        let reading_ns = self.clock.now() - ended_ns;
        let took_ns = (ended_ns - began_ns).saturating_sub(reading_ns);
        self.gauge.timed(kind, took_ns);
    }
}

/// A state of which some accesses are timed.
pub(crate) trait Timed {
    fn times(&mut self) -> &mut AccessTimes;

    /// An access; `kind` says which.
    #[inline]
    fn access<R>(&mut self, kind: AccessKind, access: impl FnOnce(&mut Self) -> R) -> R {
        let began_ns = self.times().begins(kind);
        let result = access(self);
        if let Some(began_ns) = began_ns {
            self.times().took(kind, began_ns);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use crate::state::StateContext;
    use crate::state::snapshot::StateSnapshot;

    #[test]
    fn one_get_and_one_put_in_64_is_timed_however_they_take_turns() {
        let mut context = StateContext::new(None, 128);
        let mut values = context.value::<u64, u64>("values");
        let mut maps = context.map::<u64, u64, u64>("maps");
        let probe = context.finish().unwrap().probe().unwrap();
        for n in 0..640 {
            values.put(&n, n).unwrap();
            values.get(&n).unwrap();
            values.update(&n, || 0, |value| *value += 1).unwrap();
            maps.put(&n, &n, n).unwrap();
            maps.get(&n, &n).unwrap();
        }
        let mut seen = StateSnapshot::default();
        probe.read(&mut seen);
        assert_eq!((seen.read_samples, seen.write_samples), (20, 20));
        assert_eq!(
            (seen.reads, seen.writes),
            (0, 0),
            "accesses are not counted"
        );
    }
}
