//! The time of the run under way, for states whose entries grow old.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Processing time of the run under way, shared by an operator subtask and its states.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunClock(Arc<AtomicU64>);

impl RunClock {
    /// Milliseconds of job time. Never goes back.
    pub(crate) fn now_ms(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn set(&self, now_ms: u64) {
        self.0.fetch_max(now_ms, Relaxed);
    }
}
