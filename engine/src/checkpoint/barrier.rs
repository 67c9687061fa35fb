//! The barrier: what separates the rows before a checkpoint from those after it.

use crate::checkpoint::config::CheckpointMode;
use crate::clock::nanos;

/// Sent over every channel once, by every subtask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Barrier {
    pub(crate) checkpoint: u64,
    /// Job time at which the checkpoint began.
    pub(crate) triggered_ns: u64,
    pub(crate) passing: Passing,
}

/// Whether a barrier overtakes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Passing {
    Never,
    /// From this job time on.
    From(u64),
    AtOnce,
}

impl Barrier {
    pub(crate) fn new(checkpoint: u64, triggered_ns: u64, mode: CheckpointMode) -> Self {
        let passing = match mode {
            CheckpointMode::Aligned => Passing::Never,
            CheckpointMode::Unaligned => Passing::AtOnce,
            CheckpointMode::AlignedFor(timeout) => {
                Passing::From(triggered_ns.saturating_add(nanos(timeout)))
            }
        };
        Barrier {
            checkpoint,
            triggered_ns,
            passing,
        }
    }

    /// Job time from which it overtakes rows; `None`: never.
    pub(crate) fn passes_from_ns(&self) -> Option<u64> {
        match self.passing {
            Passing::Never => None,
            Passing::From(at_ns) => Some(at_ns),
            Passing::AtOnce => Some(0),
        }
    }

    pub(crate) fn passes(&self, now_ns: u64) -> bool {
        self.passes_from_ns()
            .is_some_and(|from_ns| from_ns <= now_ns)
    }

    /// The same for those behind a subtask at which it has overtaken rows.
    pub(crate) fn passing_at_once(self) -> Self {
        Barrier {
            passing: Passing::AtOnce,
            ..self
        }
    }
}
