//! Faults that a job can be told to suffer: a freeze, and a subtask that is slower than it was.
//!
//! A plain state machine fed with orders, work and time; the subtask loop asks it whether to hold.
//! A slow subtask rests after each chunk for as long as its rows owe; no thread is kept meanwhile.

use crate::account::Wait;

/// What a subtask suffers at the moment. Times are nanoseconds of job time.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    frozen_until_ns: Option<u64>,
    slow: Slowness,
    slow_state: Slowness,
    /// Until when the network before it is throttled.
    throttled_until_ns: Option<u64>,
}

/// Something that takes longer each time, and what is still owed for it.
#[derive(Debug, Default)]
struct Slowness {
    /// Extra time, and when the fault ends.
    fault: Option<(u64, u64)>,
    resting_until_ns: u64,
}

impl Slowness {
    fn owe(&mut self, times: u64, began_ns: u64) {
        if let Some((extra_ns, _)) = self.fault {
            let owed_ns = times.saturating_mul(extra_ns);
            self.resting_until_ns = self.resting_until_ns.max(began_ns) + owed_ns;
        }
    }

    fn has_passed(&mut self, now_ns: u64) -> bool {
        self.fault
            .take_if(|(_, until_ns)| *until_ns <= now_ns)
            .is_some()
    }
}

/// A fault that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    Freeze,
    Slowness,
    SlowState,
    ThrottledNetwork,
}

/// Nothing may be done until then; what that time is to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) until_ns: u64,
    pub(crate) wait: Wait,
}

impl Faults {
    /// Nothing is done until `until_ns`.
    pub(crate) fn freeze(&mut self, until_ns: u64) {
        self.frozen_until_ns = Some(until_ns);
    }

    /// Every row costs `extra_ns` more, until `until_ns`.
    pub(crate) fn slow_down(&mut self, extra_ns: u64, until_ns: u64) {
        self.slow.fault = Some((extra_ns, until_ns));
    }

    /// Every access to state costs `extra_ns` more, until `until_ns`.
    pub(crate) fn slow_state(&mut self, extra_ns: u64, until_ns: u64) {
        self.slow_state.fault = Some((extra_ns, until_ns));
    }

    /// Its links are slower until `until_ns`. They see to that themselves: here only the end is noticed.
    pub(crate) fn throttle_network(&mut self, until_ns: u64) {
        self.throttled_until_ns = Some(until_ns);
    }

    /// When to look at the latest whether a fault is over that does not hold the subtask.
    pub(crate) fn look_at_ns(&self) -> Option<u64> {
        self.throttled_until_ns
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
        if self.slow.has_passed(now_ns) {
            return Some(Passed::Slowness);
        }
        if self.slow_state.has_passed(now_ns) {
            return Some(Passed::SlowState);
        }
        self.throttled_until_ns
            .take_if(|until_ns| *until_ns <= now_ns)
            .map(|_| Passed::ThrottledNetwork)
    }

    /// Until when nothing may be done, if there is a fault that says so; of several, the one that
    /// holds longest.
    pub(crate) fn hold(&self, now_ns: u64) -> Option<Hold> {
        let blocked_ns = self
            .slow
            .resting_until_ns
            .max(self.frozen_until_ns.unwrap_or(0));
        let holds = [
            (self.slow_state.resting_until_ns, Wait::State),
            (blocked_ns, Wait::Blocked),
        ];
        let (until_ns, wait) = holds.into_iter().max_by_key(|(until_ns, _)| *until_ns)?;
        (until_ns > now_ns).then_some(Hold { until_ns, wait })
    }

    /// Whether the subtask is to stop after each chunk, to pay for it.
    pub(crate) fn is_slow(&self) -> bool {
        self.slow.fault.is_some() || self.slow_state.fault.is_some()
    }

    /// `rows` were taken in, and state was accessed, by work that began at `began_ns`: what they owe is
    /// rested off from then.
    pub(crate) fn worked(&mut self, rows: u64, state_accesses: u64, began_ns: u64) {
        self.slow.owe(rows, began_ns);
        self.slow_state.owe(state_accesses, began_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked(until_ns: u64) -> Option<Hold> {
        let wait = Wait::Blocked;
        Some(Hold { until_ns, wait })
    }

    #[test]
    fn a_freeze_holds_until_its_end_and_passes_once() {
        let mut faults = Faults::default();
        faults.freeze(100);
        assert_eq!((faults.passed(50), faults.hold(50)), (None, blocked(100)));
        let passed = (faults.passed(100), faults.hold(100));
        assert_eq!(passed, (Some(Passed::Freeze), None));
        assert_eq!(faults.passed(200), None);
    }

    #[test]
    fn a_slow_subtask_rests_exactly_what_its_rows_owe() {
        let mut faults = Faults::default();
        faults.slow_down(10, 1_000);
        faults.worked(5, 9, 100);
        assert_eq!(faults.hold(120), blocked(150));
        faults.worked(5, 9, 157);
        assert_eq!(faults.hold(157), blocked(207));
        assert_eq!(faults.passed(1_000), Some(Passed::Slowness));
        faults.worked(5, 9, 1_000);
        assert_eq!(faults.hold(1_000), None);
    }

    #[test]
    fn slow_state_is_charged_by_the_access_and_called_state() {
        let mut faults = Faults::default();
        faults.slow_state(10, 1_000);
        faults.worked(100, 4, 100);
        let (until_ns, wait) = (140, Wait::State);
        assert_eq!(faults.hold(110), Some(Hold { until_ns, wait }));
        assert_eq!(faults.passed(1_000), Some(Passed::SlowState));
        assert!(!faults.is_slow());
    }
}
