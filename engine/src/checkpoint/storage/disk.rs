//! The one way in which checkpoints change the disk. It can be made slow or small while a job runs,
//! and it can be left in the middle of a write that nobody waits for any more.
//!
//! A slow disk is simulated by waiting, one writer at a time, in pieces short enough that a change of
//! the limits or an end of the work shows soon. Links cost nothing: their bytes were written by others.
//! Reading is not slowed down.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::direct::DirectFile;
use super::error::StorageError;

/// The most that is written, and waited for, at once.
const PIECE_BYTES: u64 = 256 * 1024;
const PIECE_NS: u64 = 50_000_000;

/// The disk of a job's checkpoints. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Limits>);

#[derive(Debug)]
struct Limits {
    /// Bytes per second; 0: as fast as it is.
    rate_per_s: AtomicU64,
    /// What each sync costs beyond what it costs, in nanoseconds.
    sync_ns: AtomicU64,
    /// Bytes that may still be written.
    room: AtomicU64,
    /// Held by the writer that has the slow disk for itself.
    turn: Mutex<()>,
    #[cfg(test)]
    trial: super::tests::trial::Trial,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            rate_per_s: AtomicU64::new(0),
            sync_ns: AtomicU64::new(0),
            room: AtomicU64::new(u64::MAX),
            turn: Mutex::new(()),
            #[cfg(test)]
            trial: Default::default(),
        }
    }
}

/// One change to the disk: what is done, to what, and from where it comes.
pub(super) struct Change<'a> {
    pub(super) doing: &'static str,
    pub(super) path: &'a Path,
    #[cfg_attr(not(test), expect(dead_code, reason = "asked by trials only"))]
    pub(super) from: Option<&'a Path>,
}

impl Disk {
    /// From now on the disk takes so many bytes per second, and so many nanoseconds more for each sync.
    pub(crate) fn limit(&self, rate_per_s: Option<u64>, sync_ns: u64) {
        self.0.rate_per_s.store(rate_per_s.unwrap_or(0), Relaxed);
        self.0.sync_ns.store(sync_ns, Relaxed);
    }

    /// From now on the disk takes so many bytes, and is full then. What is removed makes no room.
    #[cfg(test)]
    pub(crate) fn set_room(&self, bytes: Option<u64>) {
        self.0.room.store(bytes.unwrap_or(u64::MAX), Relaxed);
    }

    #[cfg(test)]
    pub(super) fn trial(&self) -> &super::tests::trial::Trial {
        &self.0.trial
    }

    /// Makes a folder; whether it is new.
    pub(super) fn make_folder(&self, path: &Path) -> Result<bool, StorageError> {
        self.change("make", path, None, || match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            made => made.map(|()| true),
        })
    }

    /// A new file. Writing to it ends with an error once `given_up` is true.
    pub(super) fn create<'a>(
        &'a self,
        path: PathBuf,
        given_up: &'a AtomicBool,
    ) -> Result<DiskFile<'a>, StorageError> {
        let file = self.change("create", &path, None, || File::create_new(&path))?;
        Ok(DiskFile {
            disk: self,
            file: DirectFile::new(file),
            path,
            given_up,
        })
    }

    pub(super) fn link(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.change("link", to, Some(from), || fs::hard_link(from, to))
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.change("rename", to, Some(from), || fs::rename(from, to))
    }

    /// Makes what is in a file, or which names are in a folder, last.
    pub(super) fn sync(&self, path: &Path, given_up: &AtomicBool) -> Result<(), StorageError> {
        self.change("sync", path, None, || File::open(path)?.sync_all())?;
        self.wait_for_sync(path, given_up)
    }

    /// Removes a file; one that is not there is removed already.
    pub(super) fn remove_file(&self, path: &Path) -> Result<(), StorageError> {
        self.change("remove", path, None, || gone(fs::remove_file(path)))
    }

    /// Removes a folder with everything in it.
    pub(super) fn remove_folder(&self, path: &Path) -> Result<(), StorageError> {
        self.change("remove", path, None, || gone(fs::remove_dir_all(path)))
    }

    fn change<R>(
        &self,
        doing: &'static str,
        path: &Path,
        from: Option<&Path>,
        act: impl FnOnce() -> io::Result<R>,
    ) -> Result<R, StorageError> {
        let change = Change { doing, path, from };
        self.permit(&change)
            .and_then(|()| act())
            .map_err(StorageError::io(change.doing, change.path))
    }

    #[cfg(not(test))]
    fn permit(&self, _change: &Change<'_>) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn permit(&self, change: &Change<'_>) -> io::Result<()> {
        self.0.trial.permit(change)
    }

    /// Takes room for as many of `bytes` as there is room for.
    fn take_room(&self, bytes: u64) -> u64 {
        let left = |room: u64| Some(room - room.min(bytes));
        match self.0.room.fetch_update(Relaxed, Relaxed, left) {
            Ok(room) | Err(room) => room.min(bytes),
        }
    }

    /// Waits as long as the disk is said to take for a piece of so many bytes.
    fn wait_for_bytes(&self, bytes: u64) {
        let rate = self.0.rate_per_s.load(Relaxed);
        if rate > 0 {
            let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let ns = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
            let ns = u64::try_from(ns).unwrap_or(u64::MAX);
            std::thread::sleep(Duration::from_nanos(ns));
        }
    }

    fn wait_for_sync(&self, path: &Path, given_up: &AtomicBool) -> Result<(), StorageError> {
        if self.0.sync_ns.load(Relaxed) == 0 {
            return Ok(());
        }
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waited_ns = 0;
        loop {
            let left_ns = self.0.sync_ns.load(Relaxed).saturating_sub(waited_ns);
            if left_ns == 0 {
                return Ok(());
            }
            check(given_up).map_err(StorageError::io("sync", path))?;
            let piece_ns = left_ns.min(PIECE_NS);
            std::thread::sleep(Duration::from_nanos(piece_ns));
            waited_ns += piece_ns;
        }
    }

    /// So many bytes are a piece: never more than the disk takes in the time of one.
    fn piece_bytes(&self) -> usize {
        let in_time = match self.0.rate_per_s.load(Relaxed) {
            0 => PIECE_BYTES,
            rate => rate / (1_000_000_000 / PIECE_NS),
        };
        in_time.clamp(1, PIECE_BYTES) as usize
    }
}

/// A file that is being written.
pub(super) struct DiskFile<'a> {
    disk: &'a Disk,
    file: DirectFile,
    path: PathBuf,
    given_up: &'a AtomicBool,
}

impl DiskFile<'_> {
    /// Writes all of `bytes`, or as many as there is room for and fails.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), StorageError> {
        while !bytes.is_empty() {
            let piece = bytes.len().min(self.disk.piece_bytes());
            let (now, later) = bytes.split_at(piece);
            self.write_piece(now)?;
            self.disk.wait_for_bytes(now.len() as u64);
            bytes = later;
        }
        Ok(())
    }

    fn write_piece(&mut self, piece: &[u8]) -> Result<(), StorageError> {
        let (file, disk, given_up) = (&mut self.file, self.disk, self.given_up);
        disk.change("write", &self.path, None, || {
            check(given_up)?;
            let room = disk.take_room(piece.len() as u64) as usize;
            file.write_all(&piece[..room])?;
            match room < piece.len() {
                true => Err(rustix::io::Errno::NOSPC.into()),
                false => Ok(()),
            }
        })
    }

    /// Makes what was written last.
    pub(super) fn sync(mut self) -> Result<(), StorageError> {
        let file = &mut self.file;
        self.disk
            .change("write", &self.path, None, || file.flush())?;
        self.disk
            .change("sync", &self.path, None, || file.sync_all())?;
        self.disk.wait_for_sync(&self.path, self.given_up)
    }
}

fn check(given_up: &AtomicBool) -> io::Result<()> {
    match given_up.load(Relaxed) {
        true => Err(io::Error::other("given up")),
        false => Ok(()),
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
