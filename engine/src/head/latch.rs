//! Keeps the subtasks of a task together when a job goes on at another parallelism.
//!
//! Rows that were on their way to one of the old subtasks are worked off by one of the new ones, while
//! the rows that follow them may come to another. So none takes new rows before all have worked off and
//! sent on what a checkpoint had on its way: then rows of a key do not overtake each other. Over a
//! network sent is not enough, since links differ in what lies on them: it has to be there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use crate::link::SharedLink;
use crate::wake::{Reason, Wake};

/// Opens when all that have joined have arrived, and what they have sent has, too.
pub(crate) struct Latch {
    awaited: AtomicUsize,
    /// Not before this job time.
    opens_at_ns: AtomicU64,
    bells: Vec<Arc<Wake>>,
    links: Vec<SharedLink>,
}

impl Latch {
    /// For the subtasks with these bells, which send over these links.
    pub(crate) fn new(bells: Vec<Arc<Wake>>, links: Vec<SharedLink>) -> Self {
        Latch {
            awaited: AtomicUsize::new(0),
            opens_at_ns: AtomicU64::new(0),
            bells,
            links,
        }
    }

    /// Before the job runs: one more will arrive.
    pub(super) fn join(&self) {
        self.awaited.fetch_add(1, SeqCst);
    }

    pub(super) fn arrive(&self, now_ns: u64) {
        // Of those that have not arrived, too: whoever is last knows of all.
        let arrivals = self.links.iter().map(SharedLink::last_arrival_ns);
        let last_ns = arrivals.max().unwrap_or(0);
        self.opens_at_ns.fetch_max(last_ns, SeqCst);
        if self.awaited.fetch_sub(1, SeqCst) == 1 {
            let rung = self.bells.iter();
            rung.for_each(|bell| bell.notify(Reason::CONTROL, now_ns));
        }
    }

    /// From when it is open, once all have arrived.
    pub(super) fn opens_at_ns(&self) -> Option<u64> {
        let all_there = self.awaited.load(SeqCst) == 0;
        all_there.then(|| self.opens_at_ns.load(SeqCst))
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
        self.opens_at_ns().is_some_and(|at_ns| at_ns <= now_ns)
    }
    /// When to look again, if that is known.
    pub(super) fn opens_at_ns(&self) -> Option<u64> {
        self.latch.opens_at_ns()
    }
}
