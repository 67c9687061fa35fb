//! Whether and when a failed job starts again: Apache Flink's restart strategies, without their jitter.
//!
//! A plain machine that is told of failures. What it is to start from is not its business.

use std::collections::VecDeque;

use crate::checkpoint::config::RestartStrategy;
use crate::clock::nanos;

/// The failures of a job up to now, and what its strategy says of the next. Times are nanoseconds of
/// job time and do not go back.
#[derive(Clone, Debug)]
pub(crate) struct Restarts {
    strategy: RestartStrategy,
    /// For a fixed delay: how often the job has failed.
    count: u32,
    /// For delays that grow: the last one, and when the job began again after it.
    last: Option<Restart>,
    /// For a failure rate: the failures within the interval; never more than one above the bound.
    recent_ns: VecDeque<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Restart {
    delay_ns: u64,
    at_ns: u64,
}

impl Restarts {
    pub(crate) fn new(strategy: RestartStrategy) -> Self {
        Restarts {
            strategy,
            count: 0,
            last: None,
            recent_ns: VecDeque::new(),
        }
    }

    /// The job has failed: when to start it again, if at all.
    pub(crate) fn failed(&mut self, now_ns: u64) -> Option<u64> {
        let delay_ns = match self.strategy {
            RestartStrategy::None => None,
            RestartStrategy::FixedDelay { attempts, delay } => {
                self.count = self.count.saturating_add(1);
                (self.count <= attempts).then_some(nanos(delay))
            }
            RestartStrategy::ExponentialDelay {
                initial,
                max,
                multiplier,
                reset_after,
            } => {
                let longest_ns = nanos(max);
                let next_ns = match self.last_before(now_ns, nanos(reset_after)) {
                    Some(last) => scaled(last.delay_ns, multiplier),
                    None => nanos(initial),
                };
                Some(next_ns.min(longest_ns))
            }
            RestartStrategy::FailureRate {
                max_failures,
                interval,
                delay,
            } => {
                let recent = self.note_failure(now_ns, nanos(interval));
                (recent <= max_failures as usize).then_some(nanos(delay))
            }
        }?;
        let at_ns = now_ns.saturating_add(delay_ns);
        self.last = Some(Restart { delay_ns, at_ns });
        Some(at_ns)
    }

    /// The restart before this failure, unless the job has run for so long since that it is forgotten.
    fn last_before(&self, now_ns: u64, reset_after_ns: u64) -> Option<Restart> {
        self.last
            .filter(|last| now_ns.saturating_sub(last.at_ns) < reset_after_ns)
    }

    /// How many failures there were within the interval, this one included.
    fn note_failure(&mut self, now_ns: u64, interval_ns: u64) -> usize {
        self.recent_ns
            .retain(|&at_ns| now_ns.saturating_sub(at_ns) <= interval_ns);
        self.recent_ns.push_back(now_ns);
        self.recent_ns.len()
    }
}

/// A delay never shrinks, and one beyond all time stays there.
fn scaled(delay_ns: u64, multiplier: f64) -> u64 {
    (delay_ns as f64 * multiplier.max(1.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const SECOND_NS: u64 = 1_000_000_000;

    fn exponential() -> Restarts {
        Restarts::new(RestartStrategy::ExponentialDelay {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(5),
            multiplier: 2.0,
            reset_after: Duration::from_secs(60),
        })
    }

    #[test]
    fn without_a_strategy_a_failed_job_stays_failed() {
        assert_eq!(Restarts::new(RestartStrategy::None).failed(7), None);
    }

    #[test]
    fn a_fixed_delay_restarts_so_many_times() {
        let mut restarts = Restarts::new(RestartStrategy::FixedDelay {
            attempts: 2,
            delay: Duration::from_nanos(10),
        });
        let answers = [5, 50, 500, 5_000].map(|now_ns| restarts.failed(now_ns));
        assert_eq!(answers, [Some(15), Some(60), None, None]);
    }

    #[test]
    fn an_exponential_delay_doubles_up_to_its_longest() {
        let (mut restarts, mut now_ns) = (exponential(), 0);
        let mut delays_s = Vec::new();
        for _ in 0..5 {
            let at_ns = restarts.failed(now_ns).unwrap();
            delays_s.push((at_ns - now_ns) / SECOND_NS);
            now_ns = at_ns + 59 * SECOND_NS;
        }
        assert_eq!(delays_s, [1, 2, 4, 5, 5]);
    }

    #[test]
    fn a_job_that_ran_long_enough_begins_with_the_first_delay_again() {
        let mut restarts = exponential();
        for _ in 0..3 {
            restarts.failed(0);
        }
        // It began again 4 seconds after its last failure.
        let (early_ns, late_ns) = (63 * SECOND_NS, 64 * SECOND_NS);
        let early = restarts.clone().failed(early_ns).unwrap() - early_ns;
        let late = restarts.failed(late_ns).unwrap() - late_ns;
        assert_eq!((early / SECOND_NS, late / SECOND_NS), (5, 1));
    }

    #[test]
    fn no_multiplier_makes_a_delay_shrink_or_overflow() {
        for multiplier in [f64::NAN, f64::NEG_INFINITY, 0.0, f64::INFINITY] {
            let mut restarts = Restarts::new(RestartStrategy::ExponentialDelay {
                initial: Duration::from_nanos(3),
                max: Duration::MAX,
                multiplier,
                reset_after: Duration::MAX,
            });
            let delays = [0, 0, 0].map(|now_ns| restarts.failed(now_ns).unwrap());
            assert!(delays.is_sorted() && delays[0] == 3, "{multiplier}");
        }
    }

    proptest! {
        /// Against a count over all failures that were.
        #[test]
        fn a_failure_rate_ends_a_job_that_fails_too_often_in_too_short_a_time(
            gaps_ns in prop::collection::vec(0u64..10, 1..60),
            max_failures in 0u32..5,
            interval_ns in 0u64..30,
        ) {
            let mut restarts = Restarts::new(RestartStrategy::FailureRate {
                max_failures,
                interval: Duration::from_nanos(interval_ns),
                delay: Duration::from_nanos(1),
            });
            let (mut now_ns, mut failures_ns) = (0, Vec::new());
            for gap_ns in gaps_ns {
                now_ns += gap_ns;
                failures_ns.push(now_ns);
                let within = failures_ns.iter().filter(|&&at_ns| now_ns - at_ns <= interval_ns);
                let ends = within.count() > max_failures as usize;
                let expected = (!ends).then_some(now_ns + 1);
                prop_assert_eq!(restarts.failed(now_ns), expected);
                if ends {
                    break;
                }
                prop_assert!(restarts.recent_ns.len() <= max_failures as usize);
            }
        }
    }
}
