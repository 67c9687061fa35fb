//! A snapshot under way in a subtask: what its chain is told, what comes of it, and what a chain is told
//! when it goes on from one.

use std::sync::Arc;

use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::parts::{OperatorParts, Parts, Restored, Snapshot};
use crate::checkpoint::storage::LoadedCheckpoint;
use crate::data::Decode;
use crate::head::latch::Latch;
use crate::key_group::{groups_of, overlap};
use crate::operator::{OperatorError, SubtaskContext};
use crate::output::InFlight;

/// Of a task whose chain takes a snapshot: what its links put in, and how the barrier leaves.
pub(crate) struct Taking<'a> {
    pub(crate) checkpoint: u64,
    /// None goes out behind the last rows.
    pub(crate) barrier: Option<Barrier>,
    /// The barrier leaves before what has not been sent, which is part of the snapshot.
    pub(crate) overtakes: bool,
    pub(crate) now_ns: u64,
    pub(crate) parts: &'a mut Parts,
}

impl<'a> Taking<'a> {
    /// Of a chain that everything has left: for all checkpoints from `checkpoint` on.
    pub(crate) fn last(checkpoint: u64, parts: &'a mut Parts) -> Self {
        Taking {
            checkpoint,
            barrier: None,
            overtakes: false,
            now_ns: 0,
            parts,
        }
    }

    /// Where an operator puts what it holds.
    pub(crate) fn of<'s>(&'s mut self, operator: &'s str) -> Snapshot<'s> {
        Snapshot::new(self.checkpoint, operator, self.parts)
    }

    /// Keeps rows that the barrier passes on their way to other subtasks.
    pub(crate) fn put_in_flight(&mut self, operator: &str, name: &str, rows: &InFlight) {
        if !rows.is_empty() {
            self.parts.put(operator, name, rows);
        }
    }
}

/// Where the time of a snapshot went, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// From the beginning of the checkpoint to the first barrier here.
    pub(crate) start_delay_ns: Option<u64>,
    /// From the first barrier to the last; nothing at a source.
    pub(crate) alignment_ns: Option<u64>,
    /// On the subtask itself.
    pub(crate) sync_ns: u64,
    /// Whether barriers overtook rows here.
    pub(crate) unaligned: bool,
    /// Bytes of rows that they overtook.
    pub(crate) in_flight_bytes: u64,
}

/// What a checkpoint holds of a task, for one of its subtasks that goes on from there.
pub(crate) struct RestoredTask<'a> {
    pub(crate) checkpoint: &'a LoadedCheckpoint,
    pub(crate) subtask: SubtaskContext,
    pub(crate) max_parallelism: usize,
    /// Of the task, for all its subtasks.
    pub(crate) latch: Arc<Latch>,
}

impl<'a> RestoredTask<'a> {
    /// What it holds of an operator, if it has a part there.
    pub(crate) fn of(&self, operator: &str) -> Option<Restored<'a>> {
        let parts: &OperatorParts = self.checkpoint.operators.get(operator)?;
        Some(Restored::new(self.subtask, self.max_parallelism, parts))
    }

    /// Whether a key group of this subtask was one of the old subtask `old` of `old_parallelism`.
    pub(crate) fn shares_groups_with(&self, old: usize, old_parallelism: usize) -> bool {
        let SubtaskContext { index, parallelism } = self.subtask;
        overlap(
            &groups_of(old, old_parallelism, self.max_parallelism),
            &groups_of(index, parallelism, self.max_parallelism),
        )
    }

    /// What all old subtasks kept for the engine itself, in their order.
    pub(crate) fn all<V: Decode>(
        &self,
        operator: &str,
        name: &str,
    ) -> Result<Vec<(usize, V)>, OperatorError> {
        let Some(restored) = self.of(operator) else {
            return Ok(Vec::new());
        };
        let parts = restored.all(name);
        let values = parts.map(|(index, bytes)| Ok((index, V::try_from_slice(bytes)?)));
        values.collect()
    }
}
