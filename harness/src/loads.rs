//! Runs of one scenario at loads that are chosen as they go: what a search and a sweep have in common.
//!
//! [`Runner`] stands between their loops and what runs a job, so that both are tested without one. [`Processes`]
//! is the real one, [`Basis`] what becomes of the scenario. Which loads are run, and what follows, is decided
//! elsewhere.

mod basis;
mod folder;
mod observed;
mod processes;
#[cfg(test)]
pub(crate) mod simulated;

use std::time::Duration;

use reports::record::{RecordError, Verdict};
use thiserror::Error;

pub use basis::Basis;
pub use folder::{Folder, number_name};
pub use observed::Observed;
pub use processes::Processes;

/// A run that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// How hard.
    pub load: Load,
    /// Length of the measured phase.
    pub duration: Duration,
    /// Name of its run directory.
    pub run: String,
}

/// How hard a job is driven.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// As fast as it takes records.
    ClosedLoop,
    /// So many records per second, and no faults.
    PerSecond(f64),
    /// So many records per second, and the scenario's faults.
    WithFaults(f64),
}

/// How a run ended.
#[derive(Debug)]
pub enum Came {
    /// With a record.
    Observed(Box<Observed>),
    /// The user ended it.
    Interrupted,
    /// Without a record, or with one that says nothing of the load.
    Failed(Failure),
}

/// A run that says nothing of the load.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// `failed`, `wrong` or `aborted`.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

/// What runs jobs.
pub trait Runner {
    /// Runs the scenario once. A run of this name that was finished before, and is the same, need not be run
    /// again.
    ///
    /// # Errors
    /// If runs cannot be started at all.
    fn run(&mut self, wanted: &Wanted) -> Result<Came, LoadsError>;

    /// Says something to the person who waits.
    fn say(&mut self, text: &str);
}

/// Why a search or a sweep cannot begin or go on.
#[derive(Debug, Error)]
pub enum LoadsError {
    /// Nothing has run.
    #[error("{0}")]
    Refused(String),
    /// The operating system refused.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// The reason.
        source: std::io::Error,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// How a search or a sweep left off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It has come to its end.
    Finished,
    /// The user ended it; it can go on.
    Interrupted,
    /// It could not go on; the record says why.
    Failed,
}

/// Runs once more what has failed: a failure may come of the machine. Fails as the second attempt does.
pub fn twice(runner: &mut dyn Runner, wanted: &Wanted) -> Result<Came, LoadsError> {
    match runner.run(wanted)? {
        Came::Failed(failure) if failure.verdict != Verdict::Wrong => {
            let reason = failure.reason;
            runner.say(&format!("run {} failed, once more: {reason}", wanted.run));
            runner.run(wanted)
        }
        other => Ok(other),
    }
}
