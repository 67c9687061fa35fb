//! What the charts show of `latency.hlog`: one pass over its intervals.

use hdrhistogram::Histogram;

use super::Span;
use crate::record::{LatencyInterval, Phase, Run, RunDir, Series, histogram};

/// Job time in milliseconds and a value, per column.
pub(crate) type Points = Vec<(u64, Option<f64>)>;

/// Totals of the measured phase, and the lags over time.
pub(crate) struct Latency {
    pub(crate) response: Histogram<u64>,
    pub(crate) service: Histogram<u64>,
    /// 99th percentiles, nanoseconds.
    pub(crate) schedule_lag: Points,
    pub(crate) engine_lag: Points,
    pub(crate) own_lag: Points,
}

pub(crate) fn latency(record: &RunDir, run: &Run, span: Span) -> Latency {
    let (mut response, mut service) = (histogram(), histogram());
    let mut lags = [Series::ScheduleLag, Series::EngineLag, Series::OwnLag].map(Lag::new);
    for interval in record.latency() {
        match interval.series {
            Series::Response if is_measured(run.measured, &interval) => {
                // A damaged interval leaves the total as it is; the conclusion notes it.
                interval.add_to(&mut response);
            }
            Series::Service if is_measured(run.measured, &interval) => {
                interval.add_to(&mut service);
            }
            Series::Response | Series::Service => {}
            series => {
                for lag in lags.iter_mut().filter(|lag| lag.series == series) {
                    lag.add(&interval, span);
                }
            }
        }
    }
    let [schedule_lag, engine_lag, own_lag] = lags.map(|lag| lag.finish(span));
    Latency {
        response,
        service,
        schedule_lag,
        engine_lag,
        own_lag,
    }
}

fn is_measured(phase: Option<Phase>, interval: &LatencyInterval) -> bool {
    phase.is_none_or(|phase| phase.counts_latency(interval.from_ms, interval.to_ms))
}

/// Percentiles of one series per column: the intervals of a column are merged, never averaged.
struct Lag {
    series: Series,
    column: usize,
    values: Histogram<u64>,
    points: Points,
}

impl Lag {
    fn new(series: Series) -> Self {
        Lag {
            series,
            column: 0,
            values: histogram(),
            points: Vec::new(),
        }
    }

    fn add(&mut self, interval: &LatencyInterval, span: Span) {
        let column = span.column_of(interval.to_ms);
        if column != self.column {
            self.close(span);
            // One column without an interval is jitter of the sampler, several are a gap.
            if column > self.column + 2 && !self.points.is_empty() {
                self.points.push((span.column_ms(self.column + 2), None));
            }
            self.column = column;
        }
        interval.add_to(&mut self.values);
    }

    fn close(&mut self, span: Span) {
        if !self.values.is_empty() {
            let p99 = self.values.value_at_quantile(0.99) as f64;
            self.points
                .push((span.column_ms(self.column + 1), Some(p99)));
            self.values.reset();
        }
    }

    fn finish(mut self, span: Span) -> Points {
        self.close(span);
        // A file whose intervals are out of order would draw a line backwards.
        self.points.sort_by_key(|(t_ms, _)| *t_ms);
        self.points
    }
}
