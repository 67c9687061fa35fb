//! A snapshot under way in a subtask, from the moment when it is due to when it is whole: the same for
//! sources and for tasks with an input.

use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::parts::Parts;
use crate::checkpoint::spares::Spares;
use crate::checkpoint::taking::{Taking, Times};
use crate::operator::OperatorError;
use crate::stage::{Stage, Step, earliest};
use crate::subtask::Slice;

/// At most one snapshot under way.
#[derive(Default)]
pub(crate) struct Underway {
    due: Option<Due>,
    taken: Option<TakenParts>,
    /// The last checkpoint of which a snapshot was taken here, or from which the subtask went on.
    last_checkpoint: u64,
    spares: Spares,
}

/// A snapshot that waits until nothing is under way between the links of the chain.
#[derive(Clone, Copy)]
struct Due {
    barrier: Barrier,
    first_ns: u64,
    last_ns: u64,
    /// Rows of the input are worked off before it, too: it does not overtake them.
    with_input: bool,
}

/// One that has been taken, and to which rows may still be added.
struct TakenParts {
    due: Due,
    parts: Parts,
    sync_ns: u64,
    unaligned: bool,
    /// Until barriers have come over all channels.
    is_whole: bool,
    in_flight_bytes: u64,
}

/// A whole snapshot.
pub(crate) struct Whole {
    pub(crate) checkpoint: u64,
    pub(crate) parts: Parts,
    pub(crate) times: Times,
}

impl Underway {
    /// A snapshot is due since `first_ns`, when the first barrier came; it waits for rows of the input,
    /// or overtakes them.
    pub(crate) fn due(&mut self, barrier: Barrier, with_input: bool, first_ns: u64, now_ns: u64) {
        self.taken = None;
        self.due = Some(Due {
            barrier,
            first_ns,
            last_ns: now_ns,
            with_input,
        });
    }

    /// The subtask goes on from this checkpoint.
    pub(crate) fn go_on_from(&mut self, checkpoint: u64) {
        self.last_checkpoint = checkpoint;
    }

    /// The first checkpoint that has what the subtask holds at its end.
    pub(crate) fn next_checkpoint(&self) -> u64 {
        self.last_checkpoint + 1
    }

    /// Whether a snapshot waits: then the chain gets no more rows.
    pub(crate) fn is_due(&self) -> bool {
        self.due.is_some()
    }

    /// The checkpoint and all before it are over.
    pub(crate) fn give_up(&mut self, checkpoint: u64) {
        self.due.take_if(|due| due.barrier.checkpoint <= checkpoint);
        self.taken
            .take_if(|taken| taken.due.barrier.checkpoint <= checkpoint);
    }

    /// Job time from which a barrier here may pass what keeps it waiting.
    pub(crate) fn deadline_ns(&self) -> Option<u64> {
        let due = self.due.and_then(|due| due.barrier.passes_from_ns());
        let taken = self.taken.as_ref();
        let taken = taken.and_then(|taken| taken.due.barrier.passes_from_ns());
        earliest(due, taken)
    }

    /// Lets what is under way in the chain get out of it; `Done` once the snapshot can be taken.
    pub(crate) fn settle<T>(
        &mut self,
        first: &mut dyn Stage<T>,
        slice: &mut Slice<'_>,
    ) -> Result<Step, OperatorError> {
        let Some(due) = self.due else {
            return Ok(Step::Done);
        };
        // Whoever may pass rows that were sent may send some more, and pass them.
        slice.overdraft = due.barrier.passes(slice.now_ns);
        let step = first.settle(due.with_input, slice);
        slice.overdraft = false;
        step
    }

    /// Takes the snapshot of a settled chain; `save` adds what the head itself holds.
    pub(crate) fn take<T>(
        &mut self,
        first: &mut dyn Stage<T>,
        slice: &mut Slice<'_>,
        save: impl FnOnce(&mut dyn Stage<T>, bool, &mut Taking<'_>) -> Result<(), OperatorError>,
    ) -> Result<(), OperatorError> {
        let Some(due) = self.due.take() else {
            return Ok(());
        };
        let began_ns = slice.tick();
        let unaligned = due.barrier.passes(began_ns);
        let mut parts = Parts::in_memory_of(&self.spares);
        self.last_checkpoint = due.barrier.checkpoint;
        let mut taking = Taking {
            checkpoint: due.barrier.checkpoint,
            barrier: Some(due.barrier),
            overtakes: unaligned,
            now_ns: began_ns,
            parts: &mut parts,
        };
        save(first, unaligned, &mut taking)?;
        first.snapshot(&mut taking)?;
        let in_flight_bytes = taking.parts.in_flight_bytes();
        slice.state += parts.state;
        let sync_ns = slice.tick() - began_ns;
        self.taken = Some(TakenParts {
            due,
            parts,
            sync_ns,
            unaligned,
            is_whole: true,
            in_flight_bytes,
        });
        Ok(())
    }

    /// Rows still come that are part of the snapshot.
    pub(crate) fn is_to_be_continued(&mut self) {
        if let Some(taken) = &mut self.taken {
            taken.is_whole = false;
        }
    }

    /// The last of them has come; `add` adds them.
    pub(crate) fn has_become_whole(&mut self, now_ns: u64, add: impl FnOnce(&mut Parts)) {
        if let Some(taken) = &mut self.taken {
            taken.is_whole = true;
            taken.due.last_ns = now_ns;
            add(&mut taken.parts);
            taken.in_flight_bytes = taken.parts.in_flight_bytes();
        }
    }

    /// The snapshot, once it is whole and its barrier has left, or has passed what kept it.
    pub(crate) fn whole<T>(&mut self, first: &mut dyn Stage<T>, now_ns: u64) -> Option<Whole> {
        let taken = self.taken.as_mut().filter(|taken| taken.is_whole)?;
        let barrier = taken.due.barrier;
        // A barrier that never passes rows needs no looking after once it has its place among them.
        if barrier.passes_from_ns().is_some() && first.holds_barrier() {
            if !barrier.passes(now_ns) {
                return None;
            }
            first.pass_barrier(&mut Taking {
                checkpoint: barrier.checkpoint,
                barrier: Some(barrier),
                overtakes: true,
                now_ns,
                parts: &mut taken.parts,
            });
            taken.unaligned = true;
            taken.in_flight_bytes = taken.parts.in_flight_bytes();
        }
        let taken = self.taken.take()?;
        let Due {
            first_ns, last_ns, ..
        } = taken.due;
        Some(Whole {
            checkpoint: barrier.checkpoint,
            parts: taken.parts,
            times: Times {
                start_delay_ns: Some(first_ns.saturating_sub(barrier.triggered_ns)),
                alignment_ns: Some(last_ns.saturating_sub(first_ns)),
                sync_ns: taken.sync_ns,
                unaligned: taken.unaligned,
                in_flight_bytes: taken.in_flight_bytes,
            },
        })
    }
}
