//! What operators did with their time and how many records their subtasks took in, per column:
//! one pass over `subtasks.csv` for every chart that needs it.

use std::collections::HashMap;

use super::Span;
use crate::deltas::{BUSY, Counter, Delta, Differences};
use crate::record::{Run, RunDir, SubtaskRow};

/// More operators than this are not drawn.
const MAX_OPERATORS: usize = 64;
/// Records are followed for so many subtasks, however many a file names.
const MAX_SUBTASKS: usize = 512;

/// The kinds of time, idle last: everything before it is what an operator did or suffered.
pub(crate) const KINDS: [Counter; 6] = [
    Counter::OnCpu,
    Counter::State,
    Counter::Blocked,
    Counter::Starved,
    Counter::Backpressured,
    Counter::Idle,
];

/// Mean shares of an operator's subtasks, in the order of [`KINDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shares(pub(crate) [f64; 6]);

impl Shares {
    pub(crate) fn busy(&self) -> f64 {
        self.0[..BUSY.len()].iter().sum()
    }

    pub(crate) fn backpressured(&self) -> f64 {
        self.0[4]
    }

    pub(crate) fn idle(&self) -> f64 {
        self.0[5]
    }
}

/// All operators that are drawn.
#[derive(Default)]
pub(crate) struct Activity {
    /// In the order of `run.operators`, sources first.
    pub(crate) operators: Vec<OperatorColumns>,
    /// How many operators were left out.
    pub(crate) more: usize,
}

/// One operator.
pub(crate) struct OperatorColumns {
    /// Position in `run.operators`.
    pub(crate) operator: usize,
    /// `None` where there is no sample.
    pub(crate) shares: Vec<Option<Shares>>,
    /// Of operators with several subtasks: records taken in per column, by subtask.
    pub(crate) subtasks: Vec<(u32, Vec<f64>)>,
}

/// Reads the table once. Of a damaged file at most [`MAX_OPERATORS`] and [`MAX_SUBTASKS`] are kept.
pub(crate) fn activity(record: &RunDir, run: &Run, span: Span) -> Activity {
    let mut differences =
        Differences::new(run.operators.iter().map(|operator| operator.id.as_str()));
    let shown = run.operators.len().min(MAX_OPERATORS);
    let mut shares = vec![vec![Sum::default(); span.columns()]; shown];
    let mut records: HashMap<(usize, u32), Vec<f64>> = HashMap::new();
    for row in record.rows::<SubtaskRow>() {
        let Some(delta) = differences.feed(&row) else {
            continue;
        };
        let Some(columns) = shares.get_mut(delta.task) else {
            continue;
        };
        add_shares(columns, span, &delta);
        let place = (delta.task, delta.subtask);
        let is_followed = records.contains_key(&place) || records.len() < MAX_SUBTASKS;
        if run.operators[delta.task].parallelism > 1 && is_followed {
            let columns = records.entry(place);
            let columns = columns.or_insert_with(|| vec![0.0; span.columns()]);
            span.spread(&delta, Counter::RecordsIn, columns);
        }
    }
    let mut operators: Vec<OperatorColumns> = shares
        .into_iter()
        .enumerate()
        .map(|(operator, columns)| OperatorColumns {
            operator,
            shares: columns.iter().map(Sum::shares).collect(),
            subtasks: Vec::new(),
        })
        .collect();
    for ((operator, subtask), columns) in records {
        operators[operator].subtasks.push((subtask, columns));
    }
    for operator in &mut operators {
        operator.subtasks.sort_by_key(|(subtask, _)| *subtask);
    }
    Activity {
        operators,
        more: run.operators.len() - shown,
    }
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
        (self.weight > 1e-6).then(|| Shares(self.shares.0.map(|share| share / self.weight)))
    }
}

fn add_shares(columns: &mut [Sum], span: Span, delta: &Delta) {
    let shares = KINDS.map(|kind| delta.share(&[kind]));
    if shares.iter().all(Option::is_none) {
        return;
    }
    let shares = shares.map(Option::unwrap_or_default);
    for (at, weight) in span.covered(delta.from_ms, delta.to_ms) {
        let column = &mut columns[at];
        column.weight += weight;
        for (sum, share) in column.shares.0.iter_mut().zip(shares) {
            *sum += share * weight;
        }
    }
}
