//! Why a run did not come to a conclusion, and the exit status that says so.

use std::path::PathBuf;

use reports::record::RecordError;
use thiserror::Error;

use crate::scenario::ScenarioError;

/// Why a run did not come to a conclusion.
#[derive(Debug, Error)]
pub enum RunError {
    /// The scenario was refused; nothing was written.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The target could not build the job; nothing was written.
    #[error("the {target} target cannot build this job: {message}")]
    Deploy {
        /// Its name.
        target: &'static str,
        /// Its reason.
        message: String,
    },
    /// The checkpoint to go on from cannot be used; nothing was written.
    #[error("--restore: {0}")]
    Restore(String),
    /// The target could not start the job.
    #[error("the {target} target cannot start the job: {message}")]
    Start {
        /// Its name.
        target: String,
        /// Its reason.
        message: String,
    },
    /// The output folder cannot be used.
    #[error("--out: {message}")]
    Output {
        /// What was found and what is allowed.
        message: String,
    },
    /// The record could not be written to its end.
    #[error("{source}; the run was ended, and the record up to then is kept in {}", directory.display())]
    Record {
        /// Which file, and why.
        source: RecordError,
        /// The run directory.
        directory: PathBuf,
    },
    /// The operating system gave no thread.
    #[error("cannot start the harness's threads: {0}")]
    Threads(#[from] std::io::Error),
}

impl RunError {
    /// 2 for what was refused before anything ran, 3 for what broke afterwards.
    pub fn exit_status(&self) -> u8 {
        match self {
            RunError::Scenario(_)
            | RunError::Deploy { .. }
            | RunError::Restore(_)
            | RunError::Output { .. } => 2,
            RunError::Start { .. } | RunError::Record { .. } | RunError::Threads(_) => 3,
        }
    }
}
