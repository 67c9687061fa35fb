//! A gauge in columns: what is read off at each sample, the largest sample of each column.

use super::Span;
use super::latency::Points;

/// One gauge over the time of a chart.
#[derive(Clone)]
pub(super) struct Gauge {
    /// `None` without a sample, and `Some(None)` where samples do not know it.
    columns: Vec<Option<Option<f64>>>,
}

impl Gauge {
    pub(super) fn new(span: Span) -> Self {
        Gauge {
            columns: vec![None; span.columns()],
        }
    }

    /// Takes a sample of this moment.
    pub(super) fn sample(&mut self, span: Span, t_ms: u64, value: Option<f64>) {
        let place = &mut self.columns[span.column_of(t_ms)];
        let before = place.flatten();
        *place = Some(value.map_or(before, |now| Some(now.max(before.unwrap_or(now)))));
    }

    /// A column without a sample between two with one is jitter of the sampler, not a gap. Empty if
    /// nothing is known.
    pub(super) fn points(&self, span: Span) -> Points {
        let sampled = self.columns.iter().enumerate();
        let points: Points = sampled
            .filter_map(|(at, sampled)| Some((span.column_ms(at + 1), (*sampled)?)))
            .collect();
        let is_known = points.iter().any(|(_, value)| value.is_some());
        if is_known { points } else { Points::new() }
    }

    /// Spans of columns whose largest sample is above zero, milliseconds.
    pub(super) fn spans_above_zero(&self, span: Span) -> Vec<(u64, u64)> {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        let above = |value: &Option<Option<f64>>| value.flatten().is_some_and(|it| it > 0.0);
        for (at, _) in self.columns.iter().enumerate().filter(|(_, it)| above(it)) {
            let (from_ms, to_ms) = (span.column_ms(at), span.column_ms(at + 1));
            match spans.last_mut() {
                Some((_, end_ms)) if *end_ms == from_ms => *end_ms = to_ms,
                _ => spans.push((from_ms, to_ms)),
            }
        }
        spans
    }
}
