//! Checkpoints one by one: when each was, where its time went, and what it holds.

use std::collections::BTreeMap;

use super::{MAX_COLUMNS, Span};
use crate::record::{CheckpointOutcome, CheckpointRow, OutcomeRow, RunDir};

/// A checkpoint, its subtasks taken together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Checkpoint {
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    pub(crate) duration_ms: f64,
    pub(crate) is_failed: bool,
    /// Of the subtask that was finished last; none of a checkpoint that failed.
    pub(crate) parts: Parts,
    /// What it stands for, and what of that had to be written.
    pub(crate) bytes: Option<f64>,
    pub(crate) written_bytes: Option<f64>,
    /// What barriers overtook; none if they overtook nothing.
    pub(crate) in_flight_bytes: Option<f64>,
    /// When its last subtask was finished.
    last_ms: u64,
}

/// Parts of a checkpoint's duration, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Parts {
    pub(crate) start_delay: f64,
    pub(crate) alignment: f64,
    pub(crate) flush: f64,
    pub(crate) link: f64,
    /// The synchronous part without flush and link.
    pub(crate) sync: f64,
    pub(crate) asynchronous: f64,
}

impl Parts {
    fn of(row: &CheckpointRow) -> Self {
        let ms = |ns: Option<u64>| ns.unwrap_or(0) as f64 / 1e6;
        let (flush, link) = (ms(row.flush_ns), ms(row.link_ns));
        Parts {
            start_delay: ms(row.start_delay_ns),
            alignment: ms(row.alignment_ns),
            flush,
            link,
            sync: (ms(row.sync_ns) - flush - link).max(0.0),
            asynchronous: ms(row.async_ns),
        }
    }
}

/// All checkpoints in the order of their triggers. Of so many that a picture cannot tell them apart the longest of
/// each column.
pub(crate) fn checkpoints(record: &RunDir, span: Span) -> Vec<Checkpoint> {
    let mut found: BTreeMap<u64, Checkpoint> = BTreeMap::new();
    for row in record.rows::<OutcomeRow>() {
        let checkpoint = Checkpoint {
            from_ms: row.triggered_ms,
            to_ms: row.t_ms,
            duration_ms: row.duration_ns as f64 / 1e6,
            is_failed: row.outcome == CheckpointOutcome::Failed,
            ..Checkpoint::default()
        };
        found.insert(row.checkpoint, checkpoint);
    }
    for row in record.rows::<CheckpointRow>() {
        let complete = found.get_mut(&row.checkpoint).filter(|it| !it.is_failed);
        if let Some(checkpoint) = complete {
            checkpoint.add(&row);
        }
    }
    longest_of_each_column(found.into_values().collect(), span)
}

impl Checkpoint {
    fn add(&mut self, row: &CheckpointRow) {
        let add = |sum: &mut Option<f64>, more: Option<u64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0.0) + more as f64);
            }
        };
        add(&mut self.bytes, row.bytes);
        add(&mut self.written_bytes, row.written_bytes);
        if row.unaligned == Some(true) {
            add(&mut self.in_flight_bytes, row.in_flight_bytes);
        }
        if row.t_ms >= self.last_ms {
            self.last_ms = row.t_ms;
            self.parts = Parts::of(row);
        }
    }
}

fn longest_of_each_column(checkpoints: Vec<Checkpoint>, span: Span) -> Vec<Checkpoint> {
    if checkpoints.len() as u64 <= MAX_COLUMNS {
        return checkpoints;
    }
    let mut longest: BTreeMap<u64, Checkpoint> = BTreeMap::new();
    for checkpoint in checkpoints {
        let since = checkpoint.from_ms.saturating_sub(span.from_ms);
        let column = since.saturating_mul(MAX_COLUMNS) / span.length_ms().max(1);
        let shorter = |it: &Checkpoint| it.duration_ms < checkpoint.duration_ms;
        if longest.get(&column).is_none_or(shorter) {
            longest.insert(column, checkpoint);
        }
    }
    longest.into_values().collect()
}
