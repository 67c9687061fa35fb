//! Watermarks and windows over time: one pass over `subtasks.csv`, for runs that have event time.

use super::Span;
use super::gauge::Gauge;
use super::latency::Points;
use crate::deltas::{Counter, Differences};
use crate::event_time::{Moment, Moments};
use crate::record::{Run, RunDir, SubtaskRow};

/// More operators than this are not followed.
const MAX_OPERATORS: usize = 64;

/// What is counted, all operators together.
const COUNTED: [Counter; 5] = [
    Counter::LateDropped,
    Counter::LateSideOutput,
    Counter::FiredEarly,
    Counter::FiredOnTime,
    Counter::FiredLate,
];

/// All of it empty for a run without event time; a part is empty where it is not measured.
#[derive(Default)]
pub(crate) struct EventTime {
    /// Of every operator of which it is known, in the order of `run.operators`.
    pub(crate) lags: Vec<OperatorLag>,
    /// Late records per second.
    pub(crate) dropped_per_s: Points,
    pub(crate) side_output_per_s: Points,
    /// Further results of windows that had fired, per second.
    pub(crate) refined_per_s: Points,
    /// Firings in each column's time.
    pub(crate) fired_early: Points,
    pub(crate) fired_on_time: Points,
    pub(crate) refined: Points,
    /// Pairs of key and window held.
    pub(crate) panes: Points,
    /// Timers waiting.
    pub(crate) timers: Points,
}

/// How far one operator's watermark lags.
pub(crate) struct OperatorLag {
    /// Position in `run.operators`.
    pub(crate) operator: usize,
    /// Milliseconds of event time, the largest sample of each column.
    pub(crate) points: Points,
}

pub(crate) fn event_time(record: &RunDir, run: &Run, span: Span) -> EventTime {
    if run.operators.iter().all(|it| it.event_time.is_none()) {
        return EventTime::default();
    }
    let shown = run.operators.len().min(MAX_OPERATORS);
    let mut differences = Differences::new(run.operators.iter().map(|it| it.id.as_str()));
    let mut counts = COUNTED.map(|counter| Counts::new(counter, span));
    let mut gauges = Gauges::new(shown, span);
    let mut moments = Moments::default();
    for row in record.rows::<SubtaskRow>() {
        let operator = differences.position(&row.task);
        if let Some(moment) = moments.feed(operator, &row) {
            gauges.add(&moment, span);
        }
        if let Some(delta) = differences.feed(&row) {
            for counts in &mut counts {
                counts.is_measured |= span.spread(&delta, counts.counter, &mut counts.columns);
            }
        }
    }
    if let Some(moment) = moments.finish() {
        gauges.add(&moment, span);
    }
    let [dropped, side_output, early, on_time, late] = counts;
    EventTime {
        dropped_per_s: dropped.per_second(span),
        side_output_per_s: side_output.per_second(span),
        refined_per_s: late.per_second(span),
        fired_early: early.points(span),
        fired_on_time: on_time.points(span),
        refined: late.points(span),
        panes: gauges.panes.points(span),
        timers: gauges.timers.points(span),
        lags: gauges.lags(span),
    }
}

/// One counter over all operators.
struct Counts {
    counter: Counter,
    columns: Vec<f64>,
    is_measured: bool,
}

impl Counts {
    fn new(counter: Counter, span: Span) -> Self {
        Counts {
            counter,
            columns: vec![0.0; span.columns()],
            is_measured: false,
        }
    }

    fn points(&self, span: Span) -> Points {
        self.scaled(span, 1.0)
    }

    fn per_second(&self, span: Span) -> Points {
        self.scaled(span, 1.0 / span.column_s())
    }

    fn scaled(&self, span: Span, factor: f64) -> Points {
        let columns = self.columns.iter().enumerate();
        let columns = columns.filter(|_| self.is_measured);
        columns
            .map(|(at, counted)| (span.column_ms(at + 1), Some(counted * factor)))
            .collect()
    }
}

/// Gauges per column.
struct Gauges {
    /// By operator.
    lags: Vec<Gauge>,
    /// All operators together.
    panes: Gauge,
    timers: Gauge,
}

impl Gauges {
    fn new(operators: usize, span: Span) -> Self {
        Gauges {
            lags: vec![Gauge::new(span); operators],
            panes: Gauge::new(span),
            timers: Gauge::new(span),
        }
    }

    fn add(&mut self, moment: &Moment, span: Span) {
        let operators = self.lags.len();
        for (operator, lags) in self.lags.iter_mut().enumerate() {
            let lag_ms = moment.lag_ms(operator).map(|lag_ms| lag_ms.max(0) as f64);
            lags.sample(span, moment.t_ms, lag_ms);
        }
        let sum = |of: fn(&Moment, usize) -> Option<u64>| {
            let known = (0..operators).filter_map(|operator| of(moment, operator));
            known.map(|held| held as f64).reduce(|sum, more| sum + more)
        };
        self.panes
            .sample(span, moment.t_ms, sum(Moment::panes_pending));
        self.timers
            .sample(span, moment.t_ms, sum(Moment::timers_pending));
    }

    fn lags(&self, span: Span) -> Vec<OperatorLag> {
        let lags = self.lags.iter().enumerate();
        let lags = lags.map(|(operator, lag)| OperatorLag {
            operator,
            points: lag.points(span),
        });
        lags.filter(|lag| !lag.points.is_empty()).collect()
    }
}
