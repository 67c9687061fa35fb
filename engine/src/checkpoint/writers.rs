//! Threads that write for checkpoints: how many there are at the moment.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Counts them; clones count together.
#[derive(Clone, Default)]
pub(crate) struct Writers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    count: Mutex<usize>,
    changed: Condvar,
}

/// One that writes, as long as this exists.
pub(crate) struct Writing(Writers);

impl Writers {
    pub(crate) fn begin(&self) -> Writing {
        *self.count() += 1;
        Writing(self.clone())
    }

    /// Waits until nobody writes, at most `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) {
        let write = |count: &mut usize| *count > 0;
        let waited = self
            .0
            .changed
            .wait_timeout_while(self.count(), timeout, write);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn count(&self) -> MutexGuard<'_, usize> {
        self.0.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        *self.0.count() -= 1;
        self.0.0.changed.notify_all();
    }
}
