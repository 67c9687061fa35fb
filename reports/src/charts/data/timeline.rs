//! The timeline as points of lines.

use super::Span;
use crate::record::{RunDir, TimelineRow};

/// One point: consecutive sampling intervals taken together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Moment {
    pub(crate) t_ms: u64,
    pub(crate) offered_per_s: Option<f64>,
    pub(crate) admitted_per_s: Option<f64>,
    pub(crate) completed_per_s: Option<f64>,
    /// At the last of the intervals.
    pub(crate) backlog: Option<u64>,
    /// p50, p90, p99, p99.9 and the maximum, nanoseconds: each the worst of the intervals, because
    /// percentiles cannot be averaged.
    pub(crate) response_ns: [Option<u64>; 5],
    /// Resident bytes at the last of the intervals.
    pub(crate) rss: Option<u64>,
}

pub(crate) fn moments(record: &RunDir, span: Span) -> Vec<Moment> {
    let per_point = span.samples_per_point();
    let least_ms = span.least_interval_ms();
    let mut points = Vec::new();
    let mut begin: Option<TimelineRow> = None;
    let mut worst = [None; 5];
    let mut samples = 0;
    for row in record.rows::<TimelineRow>() {
        let response = [
            row.response_p50_ns,
            row.response_p90_ns,
            row.response_p99_ns,
            row.response_p999_ns,
            row.response_max_ns,
        ];
        worst = std::array::from_fn(|at| worst[at].max(response[at]));
        samples += 1;
        match &begin {
            Some(first)
                if row.t_ms >= first.t_ms.saturating_add(least_ms) && samples >= per_point =>
            {
                points.push(moment(first, &row, std::mem::take(&mut worst)));
                begin = Some(row);
                samples = 0;
            }
            Some(_) => {}
            None => begin = Some(row),
        }
    }
    points
}

fn moment(first: &TimelineRow, last: &TimelineRow, response_ns: [Option<u64>; 5]) -> Moment {
    let seconds = (last.t_ms - first.t_ms) as f64 / 1e3;
    let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
    Moment {
        t_ms: last.t_ms,
        offered_per_s: last
            .offered
            .zip(first.offered)
            .map(|(now, then)| rate(now, then)),
        admitted_per_s: Some(rate(last.admitted, first.admitted)),
        completed_per_s: Some(rate(last.completed, first.completed)),
        backlog: last.backlog,
        response_ns,
        rss: last.rss,
    }
}
