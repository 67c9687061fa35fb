//! Tests of the folder as a whole: a small job of two tasks with two subtasks each, one of which has a
//! database whose files go on from checkpoint to checkpoint.

mod damage;
mod links;
mod stops;
pub(super) mod trial;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::checkpoint::config::RestoreFrom;
use crate::checkpoint::parts::{Part, PartFile, PartFiles};

/// A folder in memory, if there are such: a thousand checkpoints have ten thousand syncs, and whether they
/// are in the right places is what [`trial`] tells.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Everything in a checkpoint, under a name of its own.
type Contents = BTreeMap<String, Vec<u8>>;

/// The small job: what it holds at each checkpoint.
struct SmallJob {
    /// Where its databases lie.
    state: tempfile::TempDir,
    part_bytes: usize,
}

impl SmallJob {
    fn new(part_bytes: usize) -> Self {
        SmallJob {
            state: folder(),
            part_bytes,
        }
    }

    fn bytes(&self, of: &str) -> Vec<u8> {
        let seed = crc32fast::hash(of.as_bytes()) as usize;
        (0..self.part_bytes)
            .map(|i| (seed.wrapping_mul(i + 1) >> 7) as u8)
            .collect()
    }

    /// Two parts of the source's subtasks; one, a database and output of the counts'.
    fn parts(&self, task: &str, subtask: usize, checkpoint: u64) -> Parts {
        let mut parts = Parts::default();
        let mut put = |operator: &str, name: &str| {
            let of = format!("{operator}/{subtask}/{name} at {checkpoint}");
            parts.put_bytes(operator, name, |bytes| *bytes = self.bytes(&of));
        };
        if task == "numbers" {
            put("numbers", "position");
            put("numbers", "watermark");
            return parts;
        }
        put("count", "timers");
        parts.files.push(self.database(subtask, checkpoint));
        let output = self.bytes(&format!("output/{subtask} at {checkpoint}"));
        parts.pending_output.push(("count".to_owned(), output));
        parts
    }

    /// Linked from the database's own files: one that stays, one that is new, one without identity.
    fn database(&self, subtask: usize, checkpoint: u64) -> PartFiles {
        let folder = tempfile::tempdir_in(self.state.path()).unwrap();
        let mut files = Vec::new();
        for number in [1, checkpoint + 1] {
            let name = format!("{number:06}.sst");
            let identity = format!("{subtask}/{name}");
            let own = self.state.path().join(format!("{subtask}-{name}"));
            if !own.exists() {
                fs::write(&own, self.bytes(&identity)).unwrap();
            }
            fs::hard_link(&own, folder.path().join(&name)).unwrap();
            files.push((name, Some(identity)));
        }
        let current = format!("{subtask}/CURRENT at {checkpoint}");
        fs::write(folder.path().join("CURRENT"), self.bytes(&current)).unwrap();
        files.push(("CURRENT".to_owned(), None));
        let files = files.into_iter().map(|(name, identity)| PartFile {
            name,
            identity,
            bytes: self.part_bytes as u64,
        });
        PartFiles {
            operator: "count".to_owned(),
            files: files.collect(),
            folder,
            _within: Arc::new(()),
        }
    }

    fn subtasks() -> impl Iterator<Item = (&'static str, usize)> {
        ["numbers", "count -> out/put"]
            .into_iter()
            .flat_map(|task| [(task, 0), (task, 1)])
    }

    fn head(checkpoint: u64) -> ManifestHead {
        ManifestHead {
            checkpoint,
            is_final: false,
            at_ns: checkpoint * 1_000,
            max_parallelism: 128,
            backend: "heap".to_owned(),
            attempt: 0,
        }
    }

    /// A whole checkpoint; gives how much it had to write.
    fn take(&self, storage: &Storage, checkpoint: u64) -> Result<u64, StorageError> {
        let mut stored = Vec::new();
        for (task, subtask) in Self::subtasks() {
            let parts = self.parts(task, subtask, checkpoint);
            stored.push(storage.store(checkpoint, task, subtask, parts)?);
        }
        let written = stored.iter().map(|stored| stored.written_bytes).sum();
        storage.publish(&Self::head(checkpoint), stored)?;
        Ok(written)
    }

    fn expected(&self, checkpoint: u64) -> Contents {
        let mut contents = Contents::new();
        for (task, subtask) in Self::subtasks() {
            let parts = self.parts(task, subtask, checkpoint);
            for Part {
                operator,
                name,
                bytes,
            } in parts.parts
            {
                contents.insert(format!("{operator}/{subtask}/{name}"), bytes.to_vec());
            }
            for database in parts.files {
                for file in &database.files {
                    let bytes = fs::read(database.folder.path().join(&file.name)).unwrap();
                    contents.insert(format!("count/{subtask}/{}", file.name), bytes);
                }
            }
            for (operator, output) in parts.pending_output {
                contents.insert(format!("{operator}/{subtask}/output"), output);
            }
        }
        contents
    }
}

fn contents(loaded: &LoadedCheckpoint) -> Contents {
    let mut contents = Contents::new();
    for (operator, parts) in &loaded.operators {
        for (subtask, part) in parts.subtasks.iter().enumerate() {
            for (name, bytes) in &part.parts {
                contents.insert(format!("{operator}/{subtask}/{name}"), bytes.to_vec());
            }
            if let Some((folder, files)) = &part.files {
                for file in files {
                    let bytes = fs::read(folder.join(file)).unwrap();
                    contents.insert(format!("{operator}/{subtask}/{file}"), bytes);
                }
            }
        }
    }
    for (subtask, (operator, output)) in loaded.pending_output.iter().enumerate() {
        contents.insert(format!("{operator}/{subtask}/output"), output.clone());
    }
    contents
}

fn named(folder: PathBuf) -> RestoreFrom {
    RestoreFrom::Checkpoint(folder)
}

fn latest(storage: &Storage) -> Option<Chosen> {
    storage.choose(&RestoreFrom::Latest).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_published_is_read_and_only_as_many_are_kept_as_wanted() {
    let (job, folder) = (SmallJob::new(50), folder());
    let storage = Storage::open(folder.path(), 2).unwrap();
    assert!(latest(&storage).is_none());
    for checkpoint in 1..=4 {
        assert_eq!(storage.next_id(), checkpoint);
        job.take(&storage, checkpoint).unwrap();
        storage.retain().unwrap();
        let chosen = latest(&storage).unwrap();
        assert_eq!(chosen.loaded.head, SmallJob::head(checkpoint));
        assert_eq!(contents(&chosen.loaded), job.expected(checkpoint));
    }
    assert_eq!(storage.candidates().unwrap(), [4, 3]);
    assert_eq!(names(folder.path()), ["chk-3", "chk-4", "in-use"]);
    let third = folder.path().join("chk-3");
    let chosen = storage.choose(&named(third)).unwrap().unwrap();
    assert_eq!(contents(&chosen.loaded), job.expected(3));
}

#[test]
fn a_directory_is_refused_while_another_job_uses_it() {
    let folder = folder();
    let storage = Storage::open(folder.path(), 1).unwrap();
    let refused = Storage::open(folder.path(), 1);
    assert!(matches!(refused, Err(StorageError::InUse(_))));
    drop(storage);
    assert!(Storage::open(folder.path(), 1).is_ok());
}

#[test]
fn one_that_is_given_up_while_a_slow_disk_writes_it_ends_and_leaves_nothing() {
    let (job, folder) = (SmallJob::new(1_000_000), folder());
    let storage = Storage::open(folder.path(), 1).unwrap();
    storage.disk().limit(Some(1_000), 0);
    let writer = {
        let (storage, parts) = (storage.clone(), job.parts("numbers", 0, 1));
        std::thread::spawn(move || storage.store(1, "numbers", 0, parts))
    };
    while !folder.path().join("chk-1").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(storage.discard(1));
    assert!(matches!(
        writer.join().unwrap(),
        Err(StorageError::GivenUp(1))
    ));
    assert!(storage.is_idle());
    assert_eq!(names(folder.path()), ["in-use"]);
    let late = storage.store(1, "numbers", 1, job.parts("numbers", 1, 1));
    assert!(matches!(late, Err(StorageError::GivenUp(1))));
    assert_eq!(storage.next_id(), 2);
}

#[test]
fn a_complete_checkpoint_cannot_be_given_up_any_more() {
    let (job, folder) = (SmallJob::new(10), folder());
    let storage = Storage::open(folder.path(), 1).unwrap();
    job.take(&storage, 1).unwrap();
    assert!(!storage.discard(1));
    assert_eq!(contents(&latest(&storage).unwrap().loaded), job.expected(1));
}

#[test]
fn checkpoints_that_a_job_went_back_behind_are_never_chosen_and_their_numbers_never_used() {
    let (job, folder) = (SmallJob::new(10), folder());
    let storage = Storage::open(folder.path(), 3).unwrap();
    for checkpoint in 1..=3 {
        job.take(&storage, checkpoint).unwrap();
    }
    assert_eq!(storage.abandon_newer(Some(1)).unwrap(), [3, 2]);
    drop(storage);
    let storage = Storage::open(folder.path(), 3).unwrap();
    assert_eq!(storage.candidates().unwrap(), [1]);
    assert_eq!(storage.next_id(), 4);
    job.take(&storage, 4).unwrap();
    storage.retain().unwrap();
    assert_eq!(names(folder.path()), ["chk-1", "chk-4", "in-use"]);
}

#[test]
fn a_job_that_began_with_a_checkpoint_from_elsewhere_goes_back_to_it_until_it_has_its_own() {
    let (job, elsewhere, folder) = (SmallJob::new(10), folder(), folder());
    let other = Storage::open(elsewhere.path(), 1).unwrap();
    for checkpoint in 1..=7 {
        job.take(&other, checkpoint).unwrap();
    }
    let storage = Storage::open(folder.path(), 1).unwrap();
    let begin = other.folder(7);
    let chosen = storage.choose(&named(begin.clone())).unwrap().unwrap();
    assert_eq!(contents(&chosen.loaded), job.expected(7));
    assert_eq!(latest(&storage).unwrap().path, begin);
    assert_eq!(storage.next_id(), 8, "numbers grow");
    job.take(&storage, 8).unwrap();
    assert_eq!(latest(&storage).unwrap().path, storage.folder(8));
}

#[test]
fn checkpoints_of_another_job_are_never_mixed_with_those_of_one_that_begins() {
    let (job, elsewhere, folder) = (SmallJob::new(10), folder(), folder());
    let other = Storage::open(elsewhere.path(), 1).unwrap();
    job.take(&other, 7).unwrap();
    let storage = Storage::open(folder.path(), 1).unwrap();
    job.take(&storage, 1).unwrap();
    for from in [RestoreFrom::Nothing, named(other.folder(7))] {
        let refused = storage.choose(&from);
        assert!(matches!(refused, Err(StorageError::Occupied(_))));
    }
    assert!(storage.choose(&named(storage.folder(1))).is_ok());
}

#[test]
fn what_a_subtask_puts_in_twice_is_refused() {
    let (job, folder) = (SmallJob::new(10), folder());
    let storage = Storage::open(folder.path(), 1).unwrap();
    let mut parts = job.parts("numbers", 0, 1);
    parts.parts[1].name = "position".to_owned();
    let stored = storage.store(1, "numbers", 0, parts).unwrap();
    let error = storage
        .publish(&SmallJob::head(1), vec![stored])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "checkpoint 1: subtask 0 of operator \"numbers\" put \"position\" in twice"
    );
    assert!(storage.discard(1));
    assert_eq!(names(folder.path()), ["in-use"]);
}
