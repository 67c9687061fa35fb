//! A job's folder for its databases: removed at its end, or by the next job if the process was killed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const PREFIX: &str = "backwater-state-";
const LOCK: &str = "in-use";

/// A folder that is in use as long as this exists.
pub(crate) struct StateFolder {
    folder: TempDir,
    /// Locked by this process; the system unlocks it however the process ends.
    _lock: File,
}

impl StateFolder {
    /// Makes a folder below `directory`, which is made as well, and removes those there that nobody
    /// uses any more.
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        remove_stale(directory)?;
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(directory)?;
        // Locked before it has its name: nobody finds it free.
        let unnamed = folder.path().join("in-use.part");
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        fs::rename(unnamed, folder.path().join(LOCK))?;
        Ok(StateFolder {
            folder,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder in it that may go earlier.
    pub(crate) fn temporary(&self) -> io::Result<TempDir> {
        tempfile::Builder::new()
            .prefix("staging-")
            .tempdir_in(self.path())
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Removes folders whose lock nobody holds. One without a lock is being made, or is not ours. What
/// cannot be removed stays: it may be somebody else's.
fn remove_stale(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_left_behind_goes_with_the_next_one_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let used = StateFolder::new(directory.path()).unwrap();
        let killed = directory.path().join("backwater-state-killed");
        let unmarked = directory.path().join("backwater-state-unmarked");
        let foreign = directory.path().join("foreign");
        for folder in [&killed, &unmarked, &foreign] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(killed.join(LOCK), "").unwrap();
        fs::write(foreign.join(LOCK), "").unwrap();
        let next = StateFolder::new(directory.path()).unwrap();
        assert!(!killed.exists());
        assert!(unmarked.exists() && foreign.exists());
        assert!(used.join("").exists() && next.join("").exists());
    }
}
