//! Queue occupancy per edge over time: one pass over `channels.csv`.

use std::collections::HashMap;

use super::Span;
use crate::record::{ChannelRow, Edge, Phase, RunDir};

/// Sampled are followed up to this number, however many a file names.
const MAX_EDGES: usize = 128;

/// One edge's queue.
pub(crate) struct EdgeQueue {
    /// The edge's id.
    pub(crate) edge: String,
    /// The tasks at its ends.
    pub(crate) name: String,
    /// Mean share of capacity in use over the measured phase; `None` without a sample in it.
    pub(crate) mean: Option<f64>,
    /// Share of capacity at the begin of each column's time, where there is a sample.
    pub(crate) points: Vec<(u64, Option<f64>)>,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    queued: f64,
    capacity: f64,
}

impl Sum {
    fn add(&mut self, queued: f64, capacity: f64) {
        self.queued += queued;
        self.capacity += capacity;
    }

    fn share(&self) -> Option<f64> {
        (self.capacity > 0.0).then(|| self.queued / self.capacity)
    }
}

/// An edge that is being summed up.
struct Sampled {
    edge: String,
    name: String,
    measured: Sum,
    columns: Vec<Sum>,
}

/// Every edge that was sampled, in the graph's order.
pub(crate) fn edge_queues(record: &RunDir, phase: Option<Phase>, span: Span) -> Vec<EdgeQueue> {
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut edges: Vec<Sampled> = Vec::new();
    let planned = record.graph().edges.iter();
    for (id, name) in planned.map(|edge| (&edge.id, name(edge))).take(MAX_EDGES) {
        positions.insert(id.clone(), edges.len());
        edges.push(Sampled::new(id.clone(), name));
    }
    for row in record.rows::<ChannelRow>() {
        let at = match positions.get(&row.edge) {
            Some(&at) => at,
            None if edges.len() < MAX_EDGES => {
                positions.insert(row.edge.clone(), edges.len());
                edges.push(Sampled::new(row.edge.clone(), row.edge.clone()));
                edges.len() - 1
            }
            None => continue,
        };
        edges[at].add(&row, phase, span);
    }
    let sampled = edges.into_iter().filter(|edge| !edge.columns.is_empty());
    sampled
        .map(|edge| EdgeQueue {
            points: points(&edge.columns, span),
            mean: edge.measured.share(),
            edge: edge.edge,
            name: edge.name,
        })
        .collect()
}

impl Sampled {
    fn new(edge: String, name: String) -> Self {
        Sampled {
            edge,
            name,
            measured: Sum::default(),
            columns: Vec::new(),
        }
    }

    fn add(&mut self, row: &ChannelRow, phase: Option<Phase>, span: Span) {
        let Some(capacity) = row.capacity.filter(|&capacity| capacity > 0.0) else {
            return;
        };
        let queued = row.enqueued.saturating_sub(row.dequeued) as f64;
        self.columns.resize(span.columns() + 1, Sum::default());
        self.columns[span.position(row.t_ms).round() as usize].add(queued, capacity);
        if phase.is_none_or(|phase| (phase.from_ms..=phase.to_ms).contains(&row.t_ms)) {
            self.measured.add(queued, capacity);
        }
    }
}

/// A column without a sample between two with one is jitter of the sampler, not a gap.
fn points(columns: &[Sum], span: Span) -> Vec<(u64, Option<f64>)> {
    let sampled = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.capacity > 0.0);
    sampled
        .map(|(at, column)| (span.column_ms(at), column.share()))
        .collect()
}

fn name(edge: &Edge) -> String {
    format!("{} → {}", edge.from, edge.to)
}
