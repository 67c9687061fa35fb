//! Faults that a job can be told to suffer: a freeze, and a subtask that is slower than it was.
//!
//! A plain state machine fed with orders, work and time; the subtask loop asks it whether to hold.
//! A slow subtask rests after each chunk for as long as its rows owe; no thread is kept meanwhile.

/// What a subtask suffers at the moment. Times are nanoseconds of job time.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    frozen_until_ns: Option<u64>,
    slow: Option<Slow>,
    resting_until_ns: u64,
}

#[derive(Debug)]
struct Slow {
    extra_ns_per_row: u64,
    until_ns: u64,
}

/// A fault that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    Freeze,
    Slowness,
}

impl Faults {
    /// Nothing is done until `until_ns`.
    pub(crate) fn freeze(&mut self, until_ns: u64) {
        self.frozen_until_ns = Some(until_ns);
    }

    /// Every row costs `extra_ns_per_row` more, until `until_ns`.
    pub(crate) fn slow_down(&mut self, extra_ns_per_row: u64, until_ns: u64) {
        self.slow = Some(Slow {
            extra_ns_per_row,
            until_ns,
        });
    }

    /// A fault that is over by `now_ns`; to be asked again until there is none.
    pub(crate) fn passed(&mut self, now_ns: u64) -> Option<Passed> {
        if self
            .frozen_until_ns
            .take_if(|until_ns| *until_ns <= now_ns)
            .is_some()
        {
            return Some(Passed::Freeze);
        }
        self.slow.take_if(|slow| slow.until_ns <= now_ns)?;
        Some(Passed::Slowness)
    }

    /// Until when nothing may be done, if there is a fault that says so.
    pub(crate) fn hold_until_ns(&self, now_ns: u64) -> Option<u64> {
        let until_ns = self.resting_until_ns.max(self.frozen_until_ns.unwrap_or(0));
        (until_ns > now_ns).then_some(until_ns)
    }

    /// Whether the subtask is to stop after each chunk, to pay for it.
    pub(crate) fn is_slow(&self) -> bool {
        self.slow.is_some()
    }

    /// `rows` were taken in by work that began at `began_ns`: what they owe is rested off from then.
    pub(crate) fn worked(&mut self, rows: u64, began_ns: u64) {
        if let Some(slow) = &self.slow {
            let owed_ns = rows * slow.extra_ns_per_row;
            self.resting_until_ns = self.resting_until_ns.max(began_ns) + owed_ns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freeze_holds_until_its_end_and_passes_once() {
        let mut faults = Faults::default();
        faults.freeze(100);
        assert_eq!(
            (faults.passed(50), faults.hold_until_ns(50)),
            (None, Some(100))
        );
        assert_eq!(
            (faults.passed(100), faults.hold_until_ns(100)),
            (Some(Passed::Freeze), None)
        );
        assert_eq!(faults.passed(200), None);
    }

    #[test]
    fn a_slow_subtask_rests_exactly_what_its_rows_owe() {
        let mut faults = Faults::default();
        faults.slow_down(10, 1_000);
        faults.worked(5, 100);
        assert_eq!(faults.hold_until_ns(120), Some(150));
        faults.worked(5, 157);
        assert_eq!(faults.hold_until_ns(157), Some(207));
        assert_eq!(faults.passed(1_000), Some(Passed::Slowness));
        faults.worked(5, 1_000);
        assert_eq!(faults.hold_until_ns(1_000), None);
    }
}
