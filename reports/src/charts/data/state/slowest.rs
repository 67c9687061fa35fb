//! Which subtask's reads of state take longest, column by column: one slow disk or one large subtask
//! is lost in a mean over many.

use std::collections::HashMap;

use super::super::Span;
use super::super::gauge::Gauge;
use super::super::latency::Points;
use crate::deltas::{StateCounter, StateDelta};

/// Subtasks are followed up to this many, however many a file names.
const MAX_SUBTASKS: usize = 512;
/// A mean of fewer timed reads says more of chance than of a subtask.
const LEAST_SAMPLES: u64 = 8;

pub(super) struct Slowest {
    columns: Gauge,
    /// By operator and subtask.
    open: HashMap<(usize, u32), Open>,
}

/// What a subtask read in the column that is being fed.
#[derive(Clone, Copy)]
struct Open {
    t_ms: u64,
    column: usize,
    samples: u64,
    ns: u64,
}

impl Slowest {
    pub(super) fn new(span: Span) -> Self {
        Slowest {
            columns: Gauge::new(span),
            open: HashMap::new(),
        }
    }

    pub(super) fn feed(&mut self, span: Span, delta: &StateDelta) {
        let place = (delta.task, delta.subtask);
        if self.open.len() >= MAX_SUBTASKS && !self.open.contains_key(&place) {
            return;
        }
        let counts = &delta.counts;
        let new = Open {
            t_ms: delta.to_ms,
            column: span.column_of(delta.to_ms),
            samples: counts[StateCounter::ReadSamples].unwrap_or(0),
            ns: counts[StateCounter::ReadNs].unwrap_or(0),
        };
        let before = self.open.insert(place, new);
        match before {
            Some(before) if before.column == new.column => {
                let both = Open {
                    samples: before.samples.saturating_add(new.samples),
                    ns: before.ns.saturating_add(new.ns),
                    ..new
                };
                self.open.insert(place, both);
            }
            Some(before) => sample(&mut self.columns, span, before),
            None => {}
        }
    }

    /// Empty with one subtask, which is no slower than itself.
    pub(super) fn points(mut self, span: Span) -> Points {
        if self.open.len() < 2 {
            return Points::new();
        }
        for open in self.open.into_values() {
            sample(&mut self.columns, span, open);
        }
        self.columns.points(span)
    }
}

fn sample(columns: &mut Gauge, span: Span, read: Open) {
    let mean_ns = read.ns as f64 / read.samples as f64;
    let known = read.samples >= LEAST_SAMPLES;
    columns.sample(span, read.t_ms, known.then_some(mean_ns));
}
