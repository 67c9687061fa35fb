//! Keeps the subtasks of a task together when a job goes on at another parallelism.
//!
//! Rows that were on their way to one of the old subtasks are worked off by one of the new ones, while
//! the rows that follow them may come to another. So none takes new rows before all have worked off and
//! sent on what a checkpoint had on its way: then rows of a key do not overtake each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use crate::wake::{Reason, Wake};

/// Opens when all that have joined have arrived.
pub(crate) struct Latch {
    awaited: AtomicUsize,
    bells: Vec<Arc<Wake>>,
}

impl Latch {
    /// For the subtasks with these bells.
    pub(crate) fn new(bells: Vec<Arc<Wake>>) -> Self {
        Latch {
            awaited: AtomicUsize::new(0),
            bells,
        }
    }

    /// Before the job runs: one more will arrive.
    pub(super) fn join(&self) {
        self.awaited.fetch_add(1, SeqCst);
    }

    pub(super) fn arrive(&self, now_ns: u64) {
        if self.awaited.fetch_sub(1, SeqCst) == 1 {
            let rung = self.bells.iter();
            rung.for_each(|bell| bell.notify(Reason::CONTROL, now_ns));
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.awaited.load(SeqCst) == 0
    }
}

/// One subtask's hold on the latch of its task.
pub(super) struct Latched {
    latch: Arc<Latch>,
    has_arrived: bool,
}

impl Latched {
    pub(super) fn join(latch: &Arc<Latch>) -> Self {
        latch.join();
        Latched {
            latch: Arc::clone(latch),
            has_arrived: false,
        }
    }

    /// The subtask has worked off what it had to; whether it may go on.
    pub(super) fn pass(&mut self, now_ns: u64) -> bool {
        if !std::mem::replace(&mut self.has_arrived, true) {
            self.latch.arrive(now_ns);
        }
        self.latch.is_open()
    }
}
