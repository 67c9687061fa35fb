//! Queue occupancy per edge over time.

use std::collections::HashMap;

use super::Span;
use crate::record::{ChannelRow, Edge, RunDir};

/// More lines than this cannot be told apart; the fullest edges are shown.
const MAX_EDGES: usize = 7;

/// One edge's queue.
pub(crate) struct EdgeQueue {
    /// The tasks at its ends.
    pub(crate) name: String,
    /// Share of capacity at the begin of each column's time; `None` without a sample.
    pub(crate) points: Vec<(u64, Option<f64>)>,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    queued: f64,
    capacity: f64,
}

/// The fullest edges in the graph's order, and how many more there are.
pub(crate) fn edge_queues(record: &RunDir, span: Span) -> (Vec<EdgeQueue>, usize) {
    let graph = record.graph();
    let mut positions: HashMap<String, usize> = graph
        .edges
        .iter()
        .enumerate()
        .map(|(at, edge)| (edge.id.clone(), at))
        .collect();
    let mut sums: Vec<(String, Vec<Sum>)> = graph
        .edges
        .iter()
        .map(|edge| (name(edge), Vec::new()))
        .collect();
    for row in record.rows::<ChannelRow>() {
        let at = *positions.entry(row.edge).or_insert_with_key(|edge| {
            sums.push((edge.clone(), Vec::new()));
            sums.len() - 1
        });
        let Some(capacity) = row.capacity.filter(|&capacity| capacity > 0.0) else {
            continue;
        };
        let columns = &mut sums[at].1;
        columns.resize(span.columns() + 1, Sum::default());
        let column = &mut columns[span.position(row.t_ms).round() as usize];
        column.queued += row.enqueued.saturating_sub(row.dequeued) as f64;
        column.capacity += capacity;
    }
    fullest(sums, span)
}

fn fullest(sums: Vec<(String, Vec<Sum>)>, span: Span) -> (Vec<EdgeQueue>, usize) {
    let mut edges: Vec<(usize, f64, String, Vec<Sum>)> = Vec::new();
    for (at, (name, columns)) in sums
        .into_iter()
        .enumerate()
        .filter(|(_, (_, columns))| !columns.is_empty())
    {
        let total = columns.iter().fold(Sum::default(), |total, column| Sum {
            queued: total.queued + column.queued,
            capacity: total.capacity + column.capacity,
        });
        edges.push((at, total.queued / total.capacity, name, columns));
    }
    let more = edges.len().saturating_sub(MAX_EDGES);
    edges.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    edges.truncate(MAX_EDGES);
    edges.sort_by_key(|edge| edge.0);
    let queues = edges.into_iter().map(|(_, _, name, columns)| EdgeQueue {
        name,
        points: points(&columns, span),
    });
    (queues.collect(), more)
}

/// A column without a sample between two with one is jitter of the sampler, not a gap.
fn points(columns: &[Sum], span: Span) -> Vec<(u64, Option<f64>)> {
    let sampled = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.capacity > 0.0);
    sampled
        .map(|(at, column)| (span.column_ms(at), Some(column.queued / column.capacity)))
        .collect()
}

fn name(edge: &Edge) -> String {
    format!("{} → {}", edge.from, edge.to)
}
