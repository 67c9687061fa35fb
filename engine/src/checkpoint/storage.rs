//! The folder on disk in which a job keeps its checkpoints.
//!
//! ```text
//! <directory>/chk-7/MANIFEST                       what there is, with checksums; written last
//! <directory>/chk-7/<task>-<subtask>/state         the parts of a subtask
//! <directory>/chk-7/<task>-<subtask>/database-0/   links to the files of a database
//! ```
//!
//! A checkpoint counts once its manifest has its name: everything else was made to last before. It
//! stands on its own: removing its folder takes nothing from others. Folders without a manifest are
//! leftovers. `finished-*` holds what subtasks left that finished, until a checkpoint has it; names that
//! end in `.abandoned` are checkpoints that the job went back behind.
//!
//! One job at a time uses the folder, which a lock sees to. When checkpoints begin, and what is done
//! about one that fails, is not decided here; nor are snapshots encoded here.

mod choose;
mod direct;
mod directory;
mod disk;
mod error;
mod manifest;
mod progress;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::checkpoint::parts::Parts;
use directory::{Kind, remove};
use manifest::{MANIFEST, Manifest, SubtaskEntry, UNFINISHED};
use progress::{Progress, UnderWay};
use write::{Base, Writer, base_of};

pub(crate) use choose::Chosen;
pub(crate) use disk::Disk;
pub(crate) use error::StorageError;
pub(crate) use manifest::ManifestHead;
pub(crate) use read::{LoadedCheckpoint, is_plain, load};
pub(crate) use write::checksum_of;

/// A job's checkpoints on disk. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Storage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    retained: usize,
    disk: Disk,
    progress: Progress,
    /// Files that the next checkpoint need not write.
    base: Mutex<Arc<Base>>,
    /// A checkpoint in another directory that the job began with.
    origin: OnceLock<PathBuf>,
    /// Locked by this process, while its job runs; the system unlocks it however the process ends.
    lock: Mutex<Option<File>>,
}

/// What one subtask has in a checkpoint. It is on disk, for good once a manifest names it.
#[derive(Clone, Debug)]
pub(crate) struct StoredSubtask {
    /// All it stands for.
    pub(crate) bytes: u64,
    /// Without what the checkpoint before has already.
    pub(crate) written_bytes: u64,
    entry: SubtaskEntry,
    pending_output: Vec<(String, Vec<u8>)>,
    place: Arc<Place>,
}

impl StoredSubtask {
    /// Output of its sinks, by operator, that becomes visible when the checkpoint is complete.
    pub(crate) fn pending_output(&self) -> &[(String, Vec<u8>)] {
        &self.pending_output
    }
}

/// The folder that holds the folder of a subtask.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
    /// Set for a folder of its own, which goes when the last checkpoint that may have it is published.
    removed_by: Option<Disk>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(disk) = &self.removed_by {
            // A leftover goes when the next job begins.
            let _ = disk.remove_folder(&self.folder);
        }
    }
}

impl Storage {
    /// Uses `directory`, which is made, and keeps `retained` complete checkpoints there, at least one.
    /// Removes what earlier jobs left unfinished. Refused while another job uses it.
    pub(crate) fn open(directory: &Path, retained: usize) -> Result<Self, StorageError> {
        let lock = directory::lock(directory)?;
        let inner = Inner {
            directory: directory.to_owned(),
            retained: retained.max(1),
            disk: Disk::default(),
            progress: Progress::default(),
            base: Mutex::default(),
            origin: OnceLock::new(),
            lock: Mutex::new(Some(lock)),
        };
        let storage = Storage(Arc::new(inner));
        let entries = directory::entries(directory)?;
        let numbers = entries.iter().filter_map(|entry| entry.kind.number());
        storage.0.progress.begin_behind(numbers.max().unwrap_or(0));
        for entry in entries {
            if matches!(entry.kind, Kind::Unfinished(_) | Kind::Finished) {
                storage.0.disk.remove_folder(&entry.path)?;
            }
        }
        if let Some(newest) = storage.candidates()?.first() {
            let folder = storage.folder(*newest);
            // One that cannot be read helps nobody to write less.
            if let Ok(manifest) = Manifest::read(&folder.join(MANIFEST)) {
                storage.set_base(base_of(&manifest, &folder));
            }
        }
        Ok(storage)
    }

    /// The job is over: another one may use the folder.
    pub(crate) fn release(&self) {
        let mut lock = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.take();
    }

    /// The disk as these checkpoints see it.
    pub(crate) fn disk(&self) -> &Disk {
        &self.0.disk
    }

    /// The lowest number above those of all checkpoints that have ended or are under way.
    pub(crate) fn next_id(&self) -> u64 {
        self.0.progress.highest() + 1
    }

    /// Whether nothing is being written any more for checkpoints that were given up.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.progress.is_idle()
    }

    /// Where checkpoint `number` is.
    pub(crate) fn folder(&self, number: u64) -> PathBuf {
        directory::checkpoint(&self.0.directory, number)
    }

    /// Writes what a subtask has in a checkpoint. Takes as long as the disk does; ends soon with an error
    /// if the checkpoint is given up. What an error leaves is removed.
    pub(crate) fn store(
        &self,
        checkpoint: u64,
        task: &str,
        subtask: usize,
        parts: Parts,
    ) -> Result<StoredSubtask, StorageError> {
        let under_way = self.begin(checkpoint)?;
        let place = Place {
            folder: self.folder(checkpoint),
            removed_by: None,
        };
        let stored = self.write(place, task, subtask, parts, &under_way.given_up);
        stored.map_err(|error| under_way.explain(error))
    }

    /// Writes what a subtask has that has finished: for all checkpoints that are yet to be published, as
    /// long as the result or a clone of it exists. Ends soon with an error once `given_up` is true.
    pub(crate) fn store_finished(
        &self,
        task: &str,
        subtask: usize,
        parts: Parts,
        given_up: &AtomicBool,
    ) -> Result<StoredSubtask, StorageError> {
        let number = self.0.progress.next_finished();
        let place = Place {
            folder: directory::finished(&self.0.directory, number),
            removed_by: Some(self.0.disk.clone()),
        };
        self.write(place, task, subtask, parts, given_up)
    }

    fn write(
        &self,
        place: Place,
        task: &str,
        subtask: usize,
        parts: Parts,
        given_up: &AtomicBool,
    ) -> Result<StoredSubtask, StorageError> {
        let base = self.base();
        let writer = self.writer(given_up, &base);
        self.0.disk.make_folder(&place.folder)?;
        let (entry, written_bytes) = writer.subtask(&place.folder, task, subtask, &parts)?;
        let files = entry.databases.iter().flat_map(|database| &database.files);
        let bytes = entry.parts.iter().map(|part| part.bytes);
        let bytes = bytes.chain(files.map(|file| file.bytes)).sum();
        Ok(StoredSubtask {
            bytes,
            written_bytes,
            entry,
            pending_output: parts.pending_output,
            place: Arc::new(place),
        })
    }

    /// Makes a checkpoint complete: what all its subtasks stored is its contents. An error leaves nothing
    /// of it.
    pub(crate) fn publish(
        &self,
        head: &ManifestHead,
        subtasks: Vec<StoredSubtask>,
    ) -> Result<(), StorageError> {
        let checkpoint = head.checkpoint;
        refuse_twice(checkpoint, &subtasks)?;
        let under_way = self.begin(checkpoint)?;
        let folder = self.folder(checkpoint);
        let published = self
            .write_manifest(head, &subtasks, &under_way.given_up)
            .and_then(|manifest| under_way.publish().map(|()| manifest));
        match published {
            Ok(manifest) => {
                self.set_base(base_of(&manifest, &folder));
                Ok(())
            }
            Err(error) => {
                let error = under_way.explain(error);
                drop(under_way);
                self.discard(checkpoint);
                Err(error)
            }
        }
    }

    fn write_manifest(
        &self,
        head: &ManifestHead,
        subtasks: &[StoredSubtask],
        given_up: &AtomicBool,
    ) -> Result<Manifest, StorageError> {
        let (disk, base) = (&self.0.disk, self.base());
        let writer = self.writer(given_up, &base);
        let folder = self.folder(head.checkpoint);
        disk.make_folder(&folder)?;
        let place = |stored: &StoredSubtask| match stored.place.folder == folder {
            true => Ok(stored.entry.clone()),
            false => writer.again(&stored.entry, &stored.place.folder, &folder),
        };
        let pending = subtasks.iter().flat_map(|stored| &stored.pending_output);
        let manifest = Manifest {
            head: head.clone(),
            subtasks: subtasks.iter().map(place).collect::<Result<_, _>>()?,
            pending_output: pending.cloned().collect(),
        };
        let unfinished = folder.join(UNFINISHED);
        let mut file = disk.create(unfinished.clone(), given_up)?;
        file.write(&manifest.encode())?;
        file.sync()?;
        disk.sync(&folder, given_up)?;
        disk.sync(&self.0.directory, given_up)?;
        disk.rename(&unfinished, &folder.join(MANIFEST))?;
        disk.sync(&folder, given_up)?;
        Ok(manifest)
    }

    /// Gives a checkpoint up, unless it is complete; whether it is given up now. What is being written of
    /// it ends soon, and is removed then.
    pub(crate) fn discard(&self, checkpoint: u64) -> bool {
        let (given_up, idle) = self.0.progress.give_up(checkpoint);
        if idle {
            self.remove(checkpoint);
        }
        given_up
    }

    /// Removes complete checkpoints beyond those to keep, and whatever else is older than the newest.
    pub(crate) fn retain(&self) -> Result<(), StorageError> {
        let candidates = self.candidates()?;
        let newest = candidates.first().copied().unwrap_or(0);
        let kept = candidates.iter().take(self.0.retained);
        let kept: Vec<Kind> = kept.map(|&number| Kind::Complete(number)).collect();
        for entry in directory::entries(&self.0.directory)? {
            let is_older = entry.kind.number().is_some_and(|number| number < newest);
            if is_older && !kept.contains(&entry.kind) {
                remove(&self.0.disk, &entry.path)?;
            }
        }
        Ok(())
    }

    /// The numbers of complete checkpoints, the newest first. Whether they are intact is not known.
    pub(crate) fn candidates(&self) -> Result<Vec<u64>, StorageError> {
        let entries = directory::entries(&self.0.directory)?;
        let complete = entries.iter().filter_map(|entry| match entry.kind {
            Kind::Complete(number) if self.0.progress.counts(number) => Some(number),
            _ => None,
        });
        let mut numbers: Vec<u64> = complete.collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbers)
    }

    /// The job goes back to `checkpoint`, or to its beginning: takes those after it out of the choice for
    /// ever, since what they hold has not happened. Before output that they made visible is taken back:
    /// else a job that ends in between could go on from one whose output is gone. Gives their numbers.
    pub(crate) fn abandon_newer(&self, checkpoint: Option<u64>) -> Result<Vec<u64>, StorageError> {
        let newer = |number: &u64| checkpoint.is_none_or(|checkpoint| *number > checkpoint);
        let mut abandoned: Vec<u64> = self.candidates()?;
        abandoned.retain(newer);
        for number in &abandoned {
            let to = directory::abandoned(&self.0.directory, *number);
            self.0.disk.rename(&self.folder(*number), &to)?;
        }
        if !abandoned.is_empty() {
            let directory = &self.0.directory;
            self.0.disk.sync(directory, &AtomicBool::new(false))?;
        }
        Ok(abandoned)
    }

    fn begin(&self, checkpoint: u64) -> Result<UnderWay<'_>, StorageError> {
        UnderWay::begin(self, checkpoint)
    }

    /// Removes a checkpoint that was given up. What cannot be removed is a leftover.
    fn remove(&self, checkpoint: u64) {
        let _ = remove(&self.0.disk, &self.folder(checkpoint));
    }

    fn writer<'a>(&'a self, given_up: &'a AtomicBool, base: &'a Base) -> Writer<'a> {
        Writer {
            disk: &self.0.disk,
            given_up,
            base,
        }
    }

    fn locked_base(&self) -> MutexGuard<'_, Arc<Base>> {
        self.0.base.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn base(&self) -> Arc<Base> {
        Arc::clone(&self.locked_base())
    }

    fn set_base(&self, base: Base) {
        *self.locked_base() = Arc::new(base);
    }
}

/// An operator's part can be read once, so a subtask puts it in once, whatever tasks it belongs to.
fn refuse_twice(checkpoint: u64, subtasks: &[StoredSubtask]) -> Result<(), StorageError> {
    let mut seen = HashSet::new();
    for stored in subtasks {
        let subtask = stored.entry.subtask;
        let parts = stored.entry.parts.iter();
        let parts = parts.map(|part| (&part.operator, Some(&part.name)));
        let databases = stored.entry.databases.iter();
        let databases = databases.map(|database| (&database.operator, None));
        for (operator, name) in parts.chain(databases) {
            if !seen.insert((subtask, operator, name)) {
                return Err(StorageError::Twice {
                    checkpoint,
                    operator: operator.clone(),
                    subtask,
                    what: name.map_or("a database".to_owned(), |name| format!("{name:?}")),
                });
            }
        }
    }
    Ok(())
}
