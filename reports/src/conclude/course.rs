//! How rates and latencies went over the measured phase, in bounded memory, so that it can be judged
//! whether they were steady. Intervals that were disturbed on purpose or by a failure are left out.

use super::disturbances::Disturbances;
use crate::record::{RunDir, TimelineRow};
use crate::stats::Averaged;
use crate::steady::{Steadiness, judge_averaged};

/// The series of one run, one value per interval.
#[derive(Default)]
pub(super) struct Course {
    offered: Averaged,
    throughput: Averaged,
    response_p50: Averaged,
    response_p99: Averaged,
    /// Begin of the interval that is being fed.
    from: Option<TimelineRow>,
    usual: UsualLength,
    disturbances: Disturbances,
    disturbed: u64,
}

/// Mean length of the intervals so far, of the warm-up too.
#[derive(Default)]
struct UsualLength {
    total_ms: u64,
    count: u64,
}

impl Course {
    pub(super) fn of(record: &RunDir) -> Course {
        Course {
            disturbances: Disturbances::of(record),
            ..Course::default()
        }
    }

    /// The next row. Extra samples, at the begin and end of the phase for example, make intervals that
    /// are shorter than the others: those join the next.
    pub(super) fn feed(&mut self, row: &TimelineRow, is_measured: bool) {
        let Some(from) = &self.from else {
            self.from = Some(row.clone());
            return;
        };
        let length_ms = row.t_ms.saturating_sub(from.t_ms);
        if length_ms == 0 || self.usual.is_twice(length_ms) {
            return;
        }
        let is_disturbed = self.disturbances.reach(from.t_ms, row);
        self.disturbed += u64::from(is_measured && is_disturbed);
        if is_measured && !is_disturbed {
            let per_s = |records: u64| records as f64 * 1e3 / length_ms as f64;
            let admitted = row.admitted.saturating_sub(from.admitted);
            self.throughput.push(per_s(admitted));
            if let Some((now, then)) = row.offered.zip(from.offered) {
                self.offered.push(per_s(now.saturating_sub(then)));
            }
            for (series, value) in [
                (&mut self.response_p50, row.response_p50_ns),
                (&mut self.response_p99, row.response_p99_ns),
            ] {
                if let Some(ns) = value {
                    series.push(ns as f64);
                }
            }
        }
        self.usual.total_ms = self.usual.total_ms.saturating_add(length_ms);
        self.usual.count += 1;
        self.from = Some(row.clone());
    }

    pub(super) fn judged(&self) -> JudgedCourse {
        let judged = |series: &Averaged| {
            let any = !series.values().is_empty();
            any.then(|| judge_averaged(series))
        };
        JudgedCourse {
            disturbed: self.disturbed,
            still_behind: self.disturbances.is_behind(),
            offered: judged(&self.offered),
            throughput: judged(&self.throughput),
            response_p50: judged(&self.response_p50),
            response_p99: judged(&self.response_p99),
        }
    }
}

impl UsualLength {
    /// Whether the usual interval is more than twice as long.
    fn is_twice(&self, length_ms: u64) -> bool {
        length_ms.saturating_mul(2).saturating_mul(self.count) < self.total_ms
    }
}

/// What the series say of themselves; `None` where nothing was measured.
#[derive(Clone, Copy, Default)]
pub(super) struct JudgedCourse {
    /// Intervals that were left out: faults, failures, and what followed.
    pub(super) disturbed: u64,
    /// The last one had not been caught up with at the end.
    pub(super) still_behind: bool,
    pub(super) offered: Option<Steadiness>,
    pub(super) throughput: Option<Steadiness>,
    pub(super) response_p50: Option<Steadiness>,
    pub(super) response_p99: Option<Steadiness>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_whole_intervals_of_the_measured_phase_also_with_extra_samples() {
        let mut course = Course::default();
        for t_ms in [0, 100, 200, 203, 300, 400, 401, 500, 600] {
            let row = TimelineRow {
                t_ms,
                offered: Some(t_ms * 7),
                admitted: t_ms * 5,
                response_p50_ns: Some(t_ms),
                ..TimelineRow::default()
            };
            course.feed(&row, t_ms > 200);
        }
        assert_eq!(course.throughput.values(), [5_000.0; 4]);
        assert_eq!(course.offered.values(), [7_000.0; 4]);
        assert_eq!(course.response_p50.values(), [300.0, 400.0, 500.0, 600.0]);
        assert!(course.judged().response_p99.is_none());
    }
}
