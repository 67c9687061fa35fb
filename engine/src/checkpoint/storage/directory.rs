//! What lies in the directory of a job's checkpoints, and who may use it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::disk::Disk;
use super::error::StorageError;
use super::manifest::MANIFEST;

const LOCK: &str = "in-use";
const CHECKPOINT: &str = "chk-";
const FINISHED: &str = "finished-";
const ABANDONED: &str = ".abandoned";

/// Something in the directory.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A checkpoint that counts.
    Complete(u64),
    /// One without a manifest.
    Unfinished(u64),
    /// One that the job went back behind.
    Abandoned(u64),
    /// What a subtask left that finished.
    Finished,
}

impl Kind {
    /// The number of the checkpoint that it is.
    pub(super) fn number(self) -> Option<u64> {
        match self {
            Kind::Complete(number) | Kind::Unfinished(number) | Kind::Abandoned(number) => {
                Some(number)
            }
            Kind::Finished => None,
        }
    }

    fn of(name: &str, path: &Path) -> Option<Self> {
        if name.starts_with(FINISHED) {
            return Some(Kind::Finished);
        }
        let name = name.strip_prefix(CHECKPOINT)?;
        if let Some(number) = name.strip_suffix(ABANDONED) {
            return number_in(number).map(Kind::Abandoned);
        }
        let number = number_in(name)?;
        let is_complete = path.join(MANIFEST).exists();
        Some(match is_complete {
            true => Kind::Complete(number),
            false => Kind::Unfinished(number),
        })
    }
}

/// A number as it is written here.
fn number_in(name: &str) -> Option<u64> {
    let number: u64 = name.parse().ok()?;
    (number.to_string() == name).then_some(number)
}

pub(super) fn checkpoint(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{CHECKPOINT}{number}"))
}

pub(super) fn abandoned(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{CHECKPOINT}{number}{ABANDONED}"))
}

pub(super) fn finished(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{FINISHED}{number}"))
}

/// Makes the directory and takes it for this process, as long as the file is open.
pub(super) fn lock(directory: &Path) -> Result<File, StorageError> {
    fs::create_dir_all(directory).map_err(StorageError::io("make", directory))?;
    let path = directory.join(LOCK);
    let mut options = File::options();
    let file = options.create(true).truncate(false).write(true);
    let file = file.open(&path).map_err(StorageError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::InUse(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(StorageError::io("lock", &path)(error)),
    }
}

/// Everything in the directory that has to do with checkpoints.
pub(super) fn entries(directory: &Path) -> Result<Vec<Entry>, StorageError> {
    let failed = || StorageError::io("read", directory);
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed())? {
        let (name, path) = entry
            .map(|entry| (entry.file_name(), entry.path()))
            .map_err(failed())?;
        // A name that is no text is none of ours.
        let kind = name.to_str().and_then(|name| Kind::of(name, &path));
        entries.extend(kind.map(|kind| Entry { path, kind }));
    }
    Ok(entries)
}

/// Removes a checkpoint's folder: first its manifest, so that what is left of it never counts.
pub(super) fn remove(disk: &Disk, folder: &Path) -> Result<(), StorageError> {
    let manifest = folder.join(MANIFEST);
    if manifest.exists() {
        disk.remove_file(&manifest)?;
        disk.sync(folder, &AtomicBool::new(false))?;
    }
    disk.remove_folder(folder)
}
