//! When the warm-up of a run that is still going on is over, so that what counts can begin.
//!
//! The same questions as afterwards (see [`steady`](crate::steady)), asked of the throughput and of the median
//! response time so far: where MSER-5 finds the start of a steady part, enough of it is there to judge, and it has no
//! trend. Never their values, only how they change, decide: a run does not go on until it looks good. A drift so slow
//! that a window of this length does not show it, and a noise that no waiting takes away, do not hold the measured
//! phase up: the verdict is of the whole of it.

use crate::record::TimelineRow;
use crate::stats::Averaged;
use crate::steady::{State, judge_averaged};

/// The series of a run's warm-up, one value per interval.
#[derive(Clone, Debug, Default)]
pub struct WarmUp {
    throughput: Averaged,
    response_p50: Averaged,
    intervals: u64,
    /// Intervals in which records arrived.
    with_response: u64,
    /// Time in milliseconds and admitted records at the last sample.
    from: Option<(u64, u64)>,
}

impl WarmUp {
    /// The next sample. Of samples at one time the first counts.
    pub fn feed(&mut self, row: &TimelineRow) {
        let now = (row.t_ms, row.admitted);
        let Some((from_ms, admitted)) = self.from else {
            self.from = Some(now);
            return;
        };
        let length_ms = row.t_ms.saturating_sub(from_ms);
        if length_ms == 0 {
            return;
        }
        self.from = Some(now);
        self.intervals += 1;
        let records = row.admitted.saturating_sub(admitted);
        self.throughput
            .push(records as f64 * 1e3 / length_ms as f64);
        if let Some(ns) = row.response_p50_ns {
            self.with_response += 1;
            self.response_p50.push(ns as f64);
        }
    }

    /// Whether both series are in their steady part. The response time takes no part with closed-loop load, or if
    /// records arrive in less than half of the intervals. Takes milliseconds: for once a second, not for every sample.
    pub fn is_over(&self) -> bool {
        let has_response = self.with_response * 2 >= self.intervals.max(1);
        is_warm(&self.throughput) && (!has_response || is_warm(&self.response_p50))
    }
}

fn is_warm(series: &Averaged) -> bool {
    match judge_averaged(series).state {
        State::Steady | State::Noisy => true,
        State::Drifting | State::Insufficient => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulated::{Series, rng};
    use crate::steady::LEAST_SAMPLES;

    const INTERVAL_MS: u64 = 100;
    const PER_SECOND: usize = 10;

    /// After how many samples of 600 the warm-up is found to be over, asked every second.
    fn ends_after(throughput: &[f64], response: &[f64]) -> Option<usize> {
        let mut warm_up = WarmUp::default();
        let mut row = TimelineRow::default();
        warm_up.feed(&row);
        for (at, (rate, ns)) in throughput.iter().zip(response).enumerate() {
            row.t_ms += INTERVAL_MS;
            row.admitted += (rate * 1e4) as u64;
            row.response_p50_ns = Some((ns * 1e6) as u64);
            warm_up.feed(&row);
            if (at + 1) % PER_SECOND == 0 && warm_up.is_over() {
                return Some(at + 1);
            }
        }
        None
    }

    const RUNS: usize = 100;

    /// The ends of [`RUNS`] warm-ups whose response time begins with a transient; 600 if there was none. Sorted.
    fn ends(transient: f64, decay: f64, autocorrelation: f64) -> Vec<usize> {
        let mut rng = rng(5);
        let level = Series {
            length: 600,
            autocorrelation,
            ..Series::default()
        };
        let warming = Series {
            transient,
            decay,
            ..level
        };
        let mut ends: Vec<usize> = (0..RUNS)
            .map(|_| {
                ends_after(&level.draw(&mut rng), &warming.draw(&mut rng)).unwrap_or(level.length)
            })
            .collect();
        ends.sort_unstable();
        println!(
            "transient {transient} over {decay}, AR(1) {autocorrelation}: {} to {}, median {}",
            ends[RUNS / 20],
            ends[RUNS - RUNS / 20 - 1],
            ends[RUNS / 2]
        );
        ends
    }

    #[test]
    fn a_run_that_is_warm_from_the_start_is_not_held_up() {
        for autocorrelation in [0.0, 0.6] {
            let ends = ends(0.0, 1.0, autocorrelation);
            assert!(ends[0] >= LEAST_SAMPLES && ends[RUNS - RUNS / 20 - 1] <= 2 * LEAST_SAMPLES);
        }
    }

    #[test]
    fn when_a_warm_up_is_over_less_than_a_drift_is_left_of_it() {
        for (transient, decay) in [(1.0, 10.0), (1.0, 40.0), (-0.5, 40.0), (3.0, 30.0)] {
            let ends = ends(transient, decay, 0.3);
            let left = |at: usize| f64::abs(transient) * (-(at as f64) / decay).exp();
            let early = ends.iter().filter(|&&at| left(at) > 0.05).count();
            println!("{early} of {RUNS} too early");
            assert!(early * 20 <= RUNS && ends[RUNS / 2] < 600);
        }
    }

    #[test]
    fn a_run_that_never_settles_never_ends_its_warm_up() {
        let level = vec![1.0; 600];
        let growing: Vec<f64> = (0..600).map(|at| 1.0 + f64::from(at) / 100.0).collect();
        assert_eq!(ends_after(&level, &growing), None);
        assert_eq!(ends_after(&growing, &level), None);
        assert_eq!(ends_after(&level, &level), Some(LEAST_SAMPLES));
    }

    #[test]
    fn without_response_times_the_throughput_decides() {
        let mut warm_up = WarmUp::default();
        for t_ms in (0..10_000).step_by(100) {
            let row = TimelineRow {
                t_ms,
                admitted: t_ms,
                response_p50_ns: (t_ms % 500 == 0).then_some(t_ms),
                ..TimelineRow::default()
            };
            warm_up.feed(&row);
            warm_up.feed(&row);
        }
        assert!(warm_up.is_over());
    }
}
