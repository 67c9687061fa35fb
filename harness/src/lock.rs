//! One process at a time in a folder that several may go on with.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::io::{FdFlags, fcntl_setfd};

/// Held until it, and what it was copied to, is dropped, and the processes that were started meanwhile have ended. Leaves
/// nothing in the folder, whatever ends the process.
#[derive(Clone, Debug)]
pub struct Lock {
    _folder: Arc<File>,
}

impl Lock {
    /// Of a folder that is there. `None` if another process holds it.
    pub fn take(folder: &Path) -> io::Result<Option<Lock>> {
        let folder = Arc::new(File::open(folder)?);
        if let Err(TryLockError::WouldBlock) = folder.try_lock() {
            return Ok(None);
        }
        // Other errors are of file systems without locks, where nobody is kept out. A run that outlives its parent for
        // a moment holds the lock, too.
        fcntl_setfd(&*folder, FdFlags::empty())?;
        Ok(Some(Lock { _folder: folder }))
    }
}

/// What the user is told.
pub fn taken(folder: &Path) -> String {
    format!("another process is at work in {}", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once_until_the_last_copy_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let take = || Lock::take(folder.path()).unwrap();
        let lock = take().unwrap();
        let copy = lock.clone();
        drop(lock);
        assert!(take().is_none());
        drop(copy);
        assert!(take().is_some());
        assert!(Lock::take(&folder.path().join("absent")).is_err());
    }
}
