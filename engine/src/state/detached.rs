//! States without a job, as tests and benches of whatever uses states want them.

use super::backend::KeyedBackend;
use super::rocksdb::shared::SharedResources;
use super::snapshot::StateSnapshot;
use super::{StateBackend, StateContext, StateError};
use crate::plan::DeployError;

/// States that belong to no job: the caller says when a run of rows ends, and what time it is.
pub struct DetachedStates {
    backend: KeyedBackend,
}

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
        Ok(DetachedStates { backend })
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

    /// What others would see of it.
    pub fn snapshot(&self) -> StateSnapshot {
        let mut seen = StateSnapshot::default();
        if let Some(probe) = self.backend.probe() {
            probe.read(&mut seen);
        }
        seen
    }
}
