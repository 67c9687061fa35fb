//! Where a source's records come from, and whom it tells how far it is.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::events::Events;
use super::progress::Progress;
use super::schedule::Schedule;

/// What one source subtask needs to make its records and to count them.
pub(super) struct Origin<E> {
    pub(super) events: E,
    pub(super) schedule: Arc<Schedule>,
    pub(super) progress: Arc<Progress>,
    pub(super) subtask: u32,
    /// Rows of the input dropped so far.
    pub(super) dropped: u64,
}

impl<E: Events> Origin<E> {
    /// Makes a record, and counts what is dropped before it.
    #[inline]
    pub(super) fn event(&mut self, record: u64, intended_ns: u64) -> E::Out {
        self.dropped += self.events.dropped_before(record);
        self.events.event_at(record, intended_ns)
    }

    /// The counters of its splits, by share number.
    pub(super) fn admitted(&self) -> &[AtomicU64] {
        self.progress.admitted_by(self.subtask)
    }
}
