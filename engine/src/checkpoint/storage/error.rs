//! What can be wrong with checkpoints on disk, in words for whoever has to act on it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    /// The file system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// What is there is not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    /// Written by another version of this program.
    #[error("{} has format {found}, of which nothing is known here: it was written by another version of this program", path.display())]
    Format { path: PathBuf, found: u32 },
    /// A writer broke down: never by itself, since it panics on no input.
    #[error("a writer panicked: {0}")]
    Panic(String),
    /// Nobody waits for it any more.
    #[error("checkpoint {0} was given up meanwhile")]
    GivenUp(u64),
    /// Another job keeps its checkpoints there.
    #[error("{} holds the checkpoints of a job that is running", .0.display())]
    InUse(PathBuf),
    /// Another job has left its checkpoints there, which this one does not go on from.
    #[error("{} holds checkpoints of another job: go on from them, or keep those of this job elsewhere", .0.display())]
    Occupied(PathBuf),
    /// What one subtask put in twice, and could be read only once.
    #[error(
        "checkpoint {checkpoint}: subtask {subtask} of operator {operator:?} put {what} in twice"
    )]
    Twice {
        checkpoint: u64,
        operator: String,
        subtask: usize,
        what: String,
    },
    /// There are checkpoints, and none can be used.
    #[error("no checkpoint can be used: {0}")]
    NoneUsable(PassedOver),
}

impl StorageError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| StorageError::Io {
            doing,
            path,
            source,
        }
    }

    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        StorageError::Damaged {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

/// Checkpoints that were not used, the latest first, and what is wrong with each.
#[derive(Debug, Default)]
pub(crate) struct PassedOver(pub(crate) Vec<(u64, StorageError)>);

impl fmt::Display for PassedOver {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (checkpoint, why)) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            write!(to, "{separator}checkpoint {checkpoint}: {why}")?;
        }
        Ok(())
    }
}
