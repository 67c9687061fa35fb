//! Which checkpoint a job goes on from.

use std::path::{Path, PathBuf};

use super::error::{PassedOver, StorageError};
use super::manifest::{MANIFEST, Manifest};
use super::read::{LoadedCheckpoint, load_as};
use super::write::{Base, base_of};
use super::{Storage, directory};
use crate::checkpoint::config::RestoreFrom;

/// A checkpoint to go on from.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) loaded: LoadedCheckpoint,
    pub(crate) path: PathBuf,
    /// Newer ones that cannot be used.
    pub(crate) passed_over: PassedOver,
}

impl Chosen {
    /// The one at `path`, or none.
    pub(crate) fn named(path: &Path) -> Result<Self, StorageError> {
        Ok(Chosen {
            loaded: super::load(path)?,
            path: path.to_owned(),
            passed_over: PassedOver::default(),
        })
    }
}

impl Storage {
    /// Reads what a job is to go on from, if it is to. A checkpoint that is named is taken or refused.
    /// Where the latest is asked for and cannot be used, the one before is taken, in the end that from
    /// elsewhere which the job began with; but if none can be used, the job does not begin anew by itself.
    /// A job that begins, here, does so in a directory without checkpoints.
    pub(crate) fn choose(&self, from: &RestoreFrom) -> Result<Option<Chosen>, StorageError> {
        match from {
            RestoreFrom::Nothing => self.refuse_occupied().map(|()| None),
            RestoreFrom::Checkpoint(path) => self.named(path).map(Some),
            RestoreFrom::Latest => self.latest(),
        }
    }

    fn named(&self, path: &Path) -> Result<Chosen, StorageError> {
        let is_own = same(path.parent(), Some(&self.0.directory));
        if !is_own {
            self.refuse_occupied()?;
        }
        let (loaded, base) = load(path)?;
        self.0.progress.begin_after(loaded.head.checkpoint);
        if !is_own {
            // A job begins once.
            let _ = self.0.origin.set(path.to_owned());
        }
        Ok(self.go_on(path.to_owned(), loaded, base, PassedOver::default()))
    }

    fn refuse_occupied(&self) -> Result<(), StorageError> {
        match self.candidates()?.is_empty() {
            true => Ok(()),
            false => Err(StorageError::Occupied(self.0.directory.clone())),
        }
    }

    fn latest(&self) -> Result<Option<Chosen>, StorageError> {
        let mut passed_over = PassedOver::default();
        for number in self.candidates()? {
            let path = directory::checkpoint(&self.0.directory, number);
            match load(&path).and_then(|read| numbered(read, number, &path)) {
                Ok((loaded, base)) => {
                    return Ok(Some(self.go_on(path, loaded, base, passed_over)));
                }
                Err(error) => passed_over.0.push((number, error)),
            }
        }
        if let Some(origin) = self.0.origin.get() {
            let (loaded, base) = load(origin)?;
            return Ok(Some(self.go_on(origin.clone(), loaded, base, passed_over)));
        }
        match passed_over.0.is_empty() {
            true => Ok(None),
            false => Err(StorageError::NoneUsable(passed_over)),
        }
    }

    /// The next checkpoint need not write what this one has.
    fn go_on(
        &self,
        path: PathBuf,
        loaded: LoadedCheckpoint,
        base: Base,
        passed_over: PassedOver,
    ) -> Chosen {
        self.set_base(base);
        Chosen {
            loaded,
            path,
            passed_over,
        }
    }
}

/// Whether two paths lead to the same folder.
fn same(a: Option<&Path>, b: Option<&Path>) -> bool {
    let real = |path: Option<&Path>| path.and_then(|path| path.canonicalize().ok());
    real(a).is_some_and(|a| real(b) == Some(a))
}

fn load(folder: &Path) -> Result<(LoadedCheckpoint, Base), StorageError> {
    let manifest = Manifest::read(&folder.join(MANIFEST))?;
    let base = base_of(&manifest, folder);
    Ok((load_as(manifest, folder)?, base))
}

/// Refuses a checkpoint that lies where another was.
fn numbered<B>(
    read: (LoadedCheckpoint, B),
    number: u64,
    path: &Path,
) -> Result<(LoadedCheckpoint, B), StorageError> {
    match read.0.head.checkpoint {
        found if found == number => Ok(read),
        found => {
            let reason = format!("it holds checkpoint {found}");
            Err(StorageError::damaged(path, reason))
        }
    }
}
