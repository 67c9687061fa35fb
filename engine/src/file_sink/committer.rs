//! Makes files of output visible, and takes them back.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::FileSinkError;
use super::part::{PENDING, PartName, Transaction, sync_directory};
use crate::operator::{Committer, OperatorError};

/// The committer of [`FileSink`](super::FileSink)s that write to one directory.
#[derive(Clone, Debug)]
pub struct FileCommitter {
    directory: PathBuf,
}

impl FileCommitter {
    /// For sinks with this `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        FileCommitter {
            directory: directory.into(),
        }
    }

    fn decode(&self, transactions: &[Vec<u8>]) -> Result<Vec<Transaction>, FileSinkError> {
        let transactions = transactions.iter();
        let decoded = transactions.map(|bytes| Transaction::decode(&self.directory, bytes));
        decoded.collect()
    }

    fn make_visible(&self, transaction: &Transaction) -> Result<(), FileSinkError> {
        let Transaction { pending, part, .. } = transaction;
        let from = self.directory.join(pending);
        let to = self.directory.join(part);
        match (exists(&from)?, exists(&to)?) {
            (true, false) => {
                transaction.check(&from)?;
                fs::rename(&from, &to).map_err(FileSinkError::io("rename", &from))
            }
            (false, true) => transaction.check(&to),
            (true, true) => Err(FileSinkError::Taken {
                path: to,
                pending: pending.clone(),
            }),
            (false, false) => Err(FileSinkError::Lost {
                directory: self.directory.clone(),
                pending: pending.clone(),
                part: part.clone(),
            }),
        }
    }

    /// The names of everything in the directory; nothing, if there is none.
    fn names(&self) -> Result<Vec<String>, FileSinkError> {
        let failed = || FileSinkError::io("read", &self.directory);
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed())?,
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is no text is none of ours.
            names.extend(entry.map_err(failed())?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn remove(&self, name: &str) -> Result<(), FileSinkError> {
        let path = self.directory.join(name);
        fs::remove_file(&path).map_err(FileSinkError::io("remove", &path))
    }
}

impl Committer for FileCommitter {
    fn commit(&self, _checkpoint: u64, transactions: &[Vec<u8>]) -> Result<(), OperatorError> {
        for transaction in self.decode(transactions)? {
            self.make_visible(&transaction)?;
        }
        // Also where all were visible: who made them so may have been killed before this.
        if !transactions.is_empty() {
            sync_directory(&self.directory)?;
        }
        Ok(())
    }

    fn roll_back(
        &self,
        checkpoint: Option<u64>,
        kept: &[Vec<u8>],
    ) -> Result<Option<String>, OperatorError> {
        let kept = self.decode(kept)?;
        let kept = kept.iter().flat_map(|kept| [&kept.pending, &kept.part]);
        let kept: HashSet<&String> = kept.collect();
        let mut taken_back = Vec::new();
        for name in self.names()? {
            let part = PartName::parse(&name)
                .filter(|part| checkpoint.is_none_or(|checkpoint| part.checkpoint > checkpoint));
            let ours = part.is_some() || name.starts_with(PENDING);
            if ours && !kept.contains(&name) {
                self.remove(&name)?;
                taken_back.extend(part);
            }
        }
        if self.directory.is_dir() {
            sync_directory(&self.directory)?;
        }
        Ok(said(&taken_back, &self.directory))
    }
}

fn exists(path: &Path) -> Result<bool, FileSinkError> {
    let exists = path.try_exists();
    exists.map_err(FileSinkError::io("look for", path))
}

/// What was removed that could be seen.
fn said(parts: &[PartName], directory: &Path) -> Option<String> {
    let checkpoints = parts.iter().map(|part| part.checkpoint);
    let (first, last) = (checkpoints.clone().min()?, checkpoints.max()?);
    let (files, directory) = (parts.len(), directory.display());
    Some(format!(
        "removed {files} files of output from {directory}, of checkpoints {first} to {last}"
    ))
}
