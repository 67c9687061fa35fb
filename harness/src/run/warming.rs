//! Ends the warm-up of a run whose scenario leaves that to the run: asks once a second whether it is over, and decides
//! when the measured phase begins. Whether it is over is for `reports` to say.

use reports::WarmUp;

use super::director::nanoseconds;
use crate::scenario::{Measure, Warmup};
use crate::ticks::Ticks;

/// Time between two questions.
const QUESTION_NS: u64 = 1_000_000_000;
/// A decision is made this long before it is due: longer than between two looks at the run.
const AHEAD_NS: u64 = 100_000_000;

/// A warm-up without a planned end. Times are nanoseconds of job time.
#[derive(Debug)]
pub struct Warming {
    ticks: Ticks,
    limit_ns: u64,
    next_ns: u64,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// When the measured phase begins.
    pub begin_ns: u64,
    /// Whether the run was found to be warm; otherwise the longest warm-up is over.
    pub is_warm: bool,
}

impl Warming {
    /// `None` if the scenario says how long the warm-up is.
    pub fn new(measure: &Measure, ticks: Ticks) -> Option<Self> {
        let is_open = measure.warmup == Warmup::Auto;
        is_open.then(|| Self {
            ticks,
            limit_ns: nanoseconds(measure.longest_warmup()),
            next_ns: 0,
        })
    }

    /// Decides once. `series` gives what has been sampled so far.
    pub fn look(&mut self, now_ns: u64, series: impl FnOnce() -> WarmUp) -> Option<Decision> {
        let is_last = self.ticks.soon(now_ns).saturating_add(AHEAD_NS) > self.limit_ns;
        if self.ticks.begin_ns().is_some() || (now_ns < self.next_ns && !is_last) {
            return None;
        }
        self.next_ns = now_ns.saturating_add(QUESTION_NS);
        let is_warm = series().is_over();
        (is_warm || is_last).then(|| Decision {
            begin_ns: self.ticks.begin_soon(now_ns),
            is_warm,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use reports::record::TimelineRow;

    use super::*;

    const MS: u64 = 1_000_000;
    const INTERVAL_MS: u64 = 100;

    /// Looks every 50 ms at a run whose throughput is level from `level_ms` on; when, and how often, it asked.
    fn decided(level_ms: u64) -> (u64, Decision, u32) {
        let ms = Duration::from_millis;
        let measure = Measure {
            warmup: Warmup::Auto,
            warmup_max: ms(20_000),
            duration: ms(1_000),
            interval: ms(INTERVAL_MS),
        };
        let ticks = Ticks::new(None, measure.duration, measure.interval);
        let mut warming = Warming::new(&measure, ticks.clone()).unwrap();
        let (mut series, asked) = (WarmUp::default(), Cell::new(0));
        let mut admitted = 0;
        for now_ms in (0..).step_by(50) {
            if now_ms % INTERVAL_MS == 0 {
                admitted += now_ms.min(level_ms);
                series.feed(&TimelineRow {
                    t_ms: now_ms,
                    admitted,
                    ..TimelineRow::default()
                });
            }
            let decision = warming.look(now_ms * MS, || {
                asked.set(asked.get() + 1);
                series.clone()
            });
            if let Some(decision) = decision {
                assert_eq!(ticks.begin_ns(), Some(decision.begin_ns));
                assert_eq!(warming.look(now_ms * MS, WarmUp::default), None);
                return (now_ms, decision, asked.get());
            }
        }
        unreachable!("there is a limit");
    }

    #[test]
    fn a_run_that_settles_is_measured_from_the_second_tick_after() {
        let (now_ms, decision, asked) = decided(2_000);
        assert!(decision.is_warm && (4_000..15_000).contains(&now_ms));
        assert_eq!(decision.begin_ns, (now_ms + 2 * INTERVAL_MS) * MS);
        assert_eq!(u64::from(asked), now_ms / 1_000 + 1);
    }

    #[test]
    fn a_run_that_does_not_settle_is_measured_when_the_longest_warm_up_is_over() {
        let (_, decision, _) = decided(u64::MAX);
        assert!(!decision.is_warm);
        assert!((19_700 * MS..=20_000 * MS).contains(&decision.begin_ns));
    }
}
