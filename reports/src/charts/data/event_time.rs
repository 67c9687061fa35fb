//! Watermarks and windows over time: one pass over `subtasks.csv`, for runs that have event time.

use super::Span;
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
        panes: points(&gauges.panes, span),
        timers: points(&gauges.timers, span),
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

/// What a column has of a gauge: `None` without a sample, and `Some(None)` where samples do not
/// know it.
type Sampled = Option<Option<f64>>;

/// Gauges per column, the largest sample of each.
struct Gauges {
    /// By operator.
    lags: Vec<Vec<Sampled>>,
    /// All operators together.
    panes: Vec<Sampled>,
    timers: Vec<Sampled>,
}

impl Gauges {
    fn new(operators: usize, span: Span) -> Self {
        let columns = vec![None; span.columns()];
        Gauges {
            lags: vec![columns.clone(); operators],
            panes: columns.clone(),
            timers: columns,
        }
    }

    fn add(&mut self, moment: &Moment, span: Span) {
        let column = span.column_of(moment.t_ms);
        let sample = |place: &mut Sampled, value: Option<f64>| {
            let before = place.flatten();
            *place = Some(value.map_or(before, |now| Some(now.max(before.unwrap_or(now)))));
        };
        let operators = self.lags.len();
        for (operator, lags) in self.lags.iter_mut().enumerate() {
            let lag_ms = moment.lag_ms(operator).map(|lag_ms| lag_ms.max(0) as f64);
            sample(&mut lags[column], lag_ms);
        }
        let sum = |of: fn(&Moment, usize) -> Option<u64>| {
            let known = (0..operators).filter_map(|operator| of(moment, operator));
            known.map(|held| held as f64).reduce(|sum, more| sum + more)
        };
        sample(&mut self.panes[column], sum(Moment::panes_pending));
        sample(&mut self.timers[column], sum(Moment::timers_pending));
    }

    fn lags(&self, span: Span) -> Vec<OperatorLag> {
        let lags = self.lags.iter().enumerate();
        let lags = lags.map(|(operator, columns)| OperatorLag {
            operator,
            points: points(columns, span),
        });
        lags.filter(|lag| !lag.points.is_empty()).collect()
    }
}

/// A column without a sample between two with one is jitter of the sampler, not a gap. Empty if
/// nothing is known.
fn points(columns: &[Sampled], span: Span) -> Points {
    let sampled = columns.iter().enumerate();
    let points: Points = sampled
        .filter_map(|(at, sampled)| Some((span.column_ms(at + 1), (*sampled)?)))
        .collect();
    let is_known = points.iter().any(|(_, value)| value.is_some());
    if is_known { points } else { Points::new() }
}
