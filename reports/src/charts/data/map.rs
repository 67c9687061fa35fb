//! Shares of time per operator and column, for the backpressure map.

use super::Span;
use crate::deltas::{BUSY, Counter, Delta, Differences};
use crate::record::{Run, RunDir, SubtaskRow};

/// More rows than this are not drawn.
const MAX_ROWS: usize = 64;

/// Mean shares of an operator's subtasks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shares {
    pub(crate) busy: f64,
    pub(crate) backpressured: f64,
    pub(crate) idle: f64,
}

/// One operator.
pub(crate) struct MapRow {
    /// Position in `run.operators`.
    pub(crate) operator: usize,
    /// `None` where there is no sample.
    pub(crate) columns: Vec<Option<Shares>>,
}

/// One row per operator in the order of `run.operators`, sources first, and how many were left
/// out.
pub(crate) fn map_rows(record: &RunDir, run: &Run, span: Span) -> (Vec<MapRow>, usize) {
    let mut differences =
        Differences::new(run.operators.iter().map(|operator| operator.id.as_str()));
    let shown = run.operators.len().min(MAX_ROWS);
    let mut sums = vec![vec![Sum::default(); span.columns()]; shown];
    for row in record.rows::<SubtaskRow>() {
        let Some(delta) = differences.feed(&row) else {
            continue;
        };
        if let Some(columns) = sums.get_mut(delta.task) {
            add(columns, span, &delta);
        }
    }
    let rows = sums.into_iter().enumerate();
    let rows = rows.map(|(operator, columns)| MapRow {
        operator,
        columns: columns.iter().map(Sum::shares).collect(),
    });
    (rows.collect(), run.operators.len() - shown)
}

/// Sums of shares, weighted by how much of the column the intervals cover.
#[derive(Clone, Copy, Default)]
struct Sum {
    weight: f64,
    shares: Shares,
}

impl Sum {
    fn shares(&self) -> Option<Shares> {
        // Less than a sliver of a column is rounding, not a sample.
        (self.weight > 1e-6).then(|| Shares {
            busy: self.shares.busy / self.weight,
            backpressured: self.shares.backpressured / self.weight,
            idle: self.shares.idle / self.weight,
        })
    }
}

fn add(columns: &mut [Sum], span: Span, delta: &Delta) {
    let shares = [&BUSY[..], &[Counter::Backpressured], &[Counter::Idle]].map(|of| delta.share(of));
    if shares.iter().all(Option::is_none) {
        return;
    }
    let [busy, backpressured, idle] = shares.map(Option::unwrap_or_default);
    let (from, to) = (span.position(delta.from_ms), span.position(delta.to_ms));
    for (at, column) in columns
        .iter_mut()
        .enumerate()
        .take(to.ceil() as usize)
        .skip(from as usize)
    {
        let weight = (to.min(at as f64 + 1.0) - from.max(at as f64)).max(0.0);
        column.weight += weight;
        column.shares.busy += busy * weight;
        column.shares.backpressured += backpressured * weight;
        column.shares.idle += idle * weight;
    }
}
