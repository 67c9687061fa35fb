//! What a barrier means to a subtask with several channels: which of them wait, when its snapshot is
//! due, and when it is whole.
//!
//! Aligned, a snapshot is due when barriers have come over all channels; one whose barrier has come is
//! held back until then. Where barriers overtake rows, it is due with the first of them, and whole when
//! the last has come: what the others still bring before theirs is part of it. An end of input stands
//! for its channel's barriers.
//!
//! A plain machine: what is held back, recorded and written is up to the caller.

use crate::checkpoint::barrier::Barrier;

/// The channels of one subtask.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Alignment {
    channels: Vec<Channel>,
    current: Option<Current>,
    /// Barriers of checkpoints up to this one mean nothing any more.
    past: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Channel {
    ended: bool,
    /// The barrier of the current checkpoint has come.
    arrived: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Current {
    barrier: Barrier,
    is_taken: bool,
}

/// What follows from an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing, yet or any more.
    Nothing,
    /// A snapshot is due now. `is_whole`: nothing that still comes is part of it.
    Snapshot { barrier: Barrier, is_whole: bool },
    /// The snapshot that was taken is whole now.
    Whole,
}

impl Alignment {
    pub(crate) fn new(channels: usize) -> Self {
        Alignment {
            channels: vec![Channel::default(); channels],
            current: None,
            past: 0,
        }
    }

    /// A barrier has come over `channel`, behind everything that is before it there. It `overtakes` rows
    /// of other channels, or does not.
    pub(crate) fn arrived(&mut self, channel: usize, barrier: Barrier, overtakes: bool) -> Next {
        if barrier.checkpoint <= self.past {
            return Next::Nothing;
        }
        let known = self.current.map(|current| current.barrier.checkpoint);
        if known.is_some_and(|known| known > barrier.checkpoint) {
            return Next::Nothing;
        }
        if known != Some(barrier.checkpoint) {
            // Another is under way: that one has been given up.
            self.begin(barrier);
        }
        self.channels[channel].arrived = true;
        self.next(overtakes)
    }

    /// Nothing more comes over `channel`.
    pub(crate) fn ended(&mut self, channel: usize) -> Next {
        self.channels[channel].ended = true;
        self.next(false)
    }

    /// A barrier overtakes rows from now on, wherever it lies: a snapshot is due, if none has been taken.
    /// That it has come over its channel is said by [`arrived`](Self::arrived), once what lies ahead of
    /// it there has been recorded.
    pub(crate) fn passes(&mut self, barrier: Barrier) -> Next {
        let known = self.current.map(|current| current.barrier.checkpoint);
        if barrier.checkpoint <= self.past || known > Some(barrier.checkpoint) {
            return Next::Nothing;
        }
        if known != Some(barrier.checkpoint) {
            self.begin(barrier);
        }
        self.next(true)
    }

    /// The checkpoint and all before it are over.
    pub(crate) fn give_up(&mut self, checkpoint: u64) {
        self.past = self.past.max(checkpoint);
        let is_past = |current: Current| current.barrier.checkpoint <= checkpoint;
        if self.current.is_some_and(is_past) {
            self.current = None;
        }
    }

    /// Whether what comes over `channel` has to wait.
    pub(crate) fn holds(&self, channel: usize) -> bool {
        let waits = self.current.is_some_and(|current| !current.is_taken);
        waits && self.channels[channel].arrived
    }

    /// Whether what comes over `channel` is part of a snapshot that has been taken.
    pub(crate) fn records(&self, channel: usize) -> bool {
        let taken = self.current.is_some_and(|current| current.is_taken);
        taken && !self.channels[channel].is_through()
    }

    /// The barrier of a snapshot that has been taken and is not whole.
    pub(crate) fn recording(&self) -> Option<Barrier> {
        let current = self.current.filter(|current| current.is_taken)?;
        Some(current.barrier)
    }

    /// The barrier that a snapshot waits for on other channels.
    pub(crate) fn waiting(&self) -> Option<Barrier> {
        let current = self.current.filter(|current| !current.is_taken)?;
        Some(current.barrier)
    }

    fn begin(&mut self, barrier: Barrier) {
        if let Some(current) = self.current {
            self.past = self.past.max(current.barrier.checkpoint);
        }
        for channel in &mut self.channels {
            channel.arrived = false;
        }
        self.current = Some(Current {
            barrier,
            is_taken: false,
        });
    }

    fn next(&mut self, overtakes: bool) -> Next {
        let is_whole = self.channels.iter().all(Channel::is_through);
        let Some(current) = &mut self.current else {
            return Next::Nothing;
        };
        let (barrier, was_taken) = (current.barrier, current.is_taken);
        current.is_taken |= overtakes || is_whole;
        let is_taken = current.is_taken;
        if is_whole {
            self.past = barrier.checkpoint;
            self.current = None;
        }
        match (was_taken, is_taken, is_whole) {
            (false, true, _) => Next::Snapshot { barrier, is_whole },
            (true, _, true) => Next::Whole,
            _ => Next::Nothing,
        }
    }
}

impl Channel {
    fn is_through(&self) -> bool {
        self.arrived || self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::barrier::Passing;

    fn barrier(checkpoint: u64, passing: Passing) -> Barrier {
        Barrier {
            checkpoint,
            triggered_ns: 0,
            passing,
        }
    }

    #[test]
    fn an_aligned_snapshot_waits_for_all_channels_and_holds_those_that_are_there() {
        let mut alignment = Alignment::new(3);
        let first = barrier(1, Passing::Never);
        assert_eq!(alignment.arrived(0, first, false), Next::Nothing);
        assert!(alignment.holds(0) && !alignment.holds(1));
        assert_eq!(alignment.ended(1), Next::Nothing);
        let due = Next::Snapshot {
            barrier: first,
            is_whole: true,
        };
        assert_eq!(alignment.arrived(2, first, false), due);
        assert!(!alignment.holds(0));
        assert_eq!(alignment.arrived(2, first, false), Next::Nothing, "stale");
    }

    #[test]
    fn an_overtaking_barrier_makes_a_snapshot_due_that_is_whole_with_the_last() {
        let mut alignment = Alignment::new(2);
        let first = barrier(1, Passing::AtOnce);
        let due = Next::Snapshot {
            barrier: first,
            is_whole: false,
        };
        assert_eq!(alignment.arrived(1, first, true), due);
        assert!(alignment.records(0) && !alignment.records(1));
        assert!(!alignment.holds(1));
        assert_eq!(alignment.arrived(0, first, true), Next::Whole);
        assert!(!alignment.records(0));
    }

    #[test]
    fn a_newer_barrier_ends_a_checkpoint_that_was_given_up() {
        let mut alignment = Alignment::new(2);
        let (first, second) = (barrier(1, Passing::Never), barrier(2, Passing::Never));
        alignment.arrived(0, first, false);
        assert_eq!(alignment.arrived(1, second, false), Next::Nothing);
        assert!(alignment.holds(1) && !alignment.holds(0));
        assert_eq!(alignment.arrived(1, first, false), Next::Nothing);
        alignment.give_up(2);
        assert!(!alignment.holds(1) && alignment.waiting().is_none());
        assert_eq!(alignment.arrived(0, second, false), Next::Nothing);
    }
}
