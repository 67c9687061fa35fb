//! States without a job, as tests and benches of whatever uses states want them.

use super::backend::KeyedBackend;
use super::rocksdb::shared::SharedResources;
use super::saved::ShowStates;
use super::snapshot::StateSnapshot;
use super::{StateBackend, StateContext, StateError};
use crate::checkpoint::parts::{OperatorParts, Parts, Restored, Snapshot};
use crate::checkpoint::spares::Spares;
use crate::operator::SubtaskContext;
use crate::plan::DeployError;

/// States that belong to no job: the caller says when a run of rows ends, and what time it is.
pub struct DetachedStates {
    backend: KeyedBackend,
    key_groups: usize,
    spares: Spares,
}

/// What such states would put into a checkpoint.
#[derive(Debug, Default)]
pub struct DetachedCheckpoint(Parts);

impl DetachedCheckpoint {
    /// Bytes in it; of files their size, also of those that an earlier one has as well.
    pub fn bytes(&self) -> u64 {
        let parts = self.0.parts.iter().map(|part| part.bytes.len() as u64);
        let files = self.0.files.iter().flat_map(|files| &files.files);
        parts.sum::<u64>() + files.map(|file| file.bytes).sum::<u64>()
    }

    #[cfg(test)]
    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }

    /// Time to write what lay in memory to files, and to link them, in nanoseconds; `None` on the heap.
    pub fn flush_and_link_ns(&self) -> Option<(u64, u64)> {
        self.0.flush_ns.zip(self.0.link_ns)
    }
}

/// The operator that has them.
const OPERATOR: &str = "detached";

impl DetachedStates {
    /// Opens states as one subtask of an operator would that owns all of `key_groups`.
    ///
    /// # Errors
    /// If the backend cannot be opened.
    pub fn open(
        backend: &StateBackend,
        key_groups: usize,
        open: impl FnOnce(&mut StateContext),
    ) -> Result<Self, DeployError> {
        let mut context = StateContext::new(SharedResources::of(backend)?, key_groups);
        open(&mut context);
        let backend = context.finish().map_err(DeployError::State)?;
        Ok(DetachedStates {
            backend,
            key_groups,
            spares: Spares::default(),
        })
    }

    /// The run is over, and the next begins at `now_ms` of processing time, which never goes back.
    ///
    /// # Errors
    /// If what the run changed cannot be written.
    pub fn next_run(&mut self, now_ms: u64) -> Result<(), StateError> {
        self.backend.settle()?;
        self.backend.set_time(now_ms);
        Ok(())
    }

    /// Between two runs: what a checkpoint would hold of the states, all of which `show` shows.
    ///
    /// # Errors
    /// If not all are shown, or what lies in memory cannot be written.
    pub fn checkpoint(
        &mut self,
        show: &mut ShowStates<'_>,
    ) -> Result<DetachedCheckpoint, StateError> {
        let mut parts = Parts::in_memory_of(&self.spares);
        let mut into = Snapshot::new(0, OPERATOR, &mut parts);
        self.backend.snapshot(show, &mut into)?;
        Ok(DetachedCheckpoint(parts))
    }

    /// Before the first run: goes on from a checkpoint.
    ///
    /// # Errors
    /// If it is one of other states, is damaged, or cannot be read.
    pub fn restore(
        &mut self,
        from: &DetachedCheckpoint,
        show: &mut ShowStates<'_>,
    ) -> Result<(), StateError> {
        let subtask = SubtaskContext {
            index: 0,
            parallelism: 1,
        };
        let parts = OperatorParts {
            subtasks: vec![from.0.of(OPERATOR)],
        };
        let from = Restored::new(subtask, self.key_groups, &parts);
        self.backend.restore(show, &from)?;
        self.backend.settle()
    }

    /// What others would see of it.
    pub fn snapshot(&self) -> StateSnapshot {
        let mut seen = StateSnapshot::default();
        if let Some(probe) = self.backend.probe() {
            probe.read(&mut seen);
        }
        seen
    }
}
