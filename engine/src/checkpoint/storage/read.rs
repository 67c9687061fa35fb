//! Reading a checkpoint. Everything in it is compared with what its manifest says before anything of it
//! is used: a checkpoint is whole, or it is refused.
//!
//! The files of databases are read to the end for that, and left where they are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::error::StorageError;
use super::manifest::{DatabaseEntry, MANIFEST, Manifest, ManifestHead, SubtaskEntry};
use super::write::{STATE, checksum_of};
use crate::checkpoint::parts::{OperatorParts, SubtaskPart};

/// What a complete checkpoint holds.
#[derive(Clone, Debug)]
pub(crate) struct LoadedCheckpoint {
    pub(crate) head: ManifestHead,
    /// By uid.
    pub(crate) operators: BTreeMap<String, OperatorParts>,
    /// Output that is visible with this checkpoint, by the uid of the operator that made it.
    pub(crate) pending_output: Vec<(String, Vec<u8>)>,
}

/// Reads the complete checkpoint in `folder`, a `chk-N`.
pub(crate) fn load(folder: &Path) -> Result<LoadedCheckpoint, StorageError> {
    let path = folder.join(MANIFEST);
    load_as(Manifest::read(&path)?, folder)
}

/// Reads the checkpoint in `folder` of which the manifest is known.
pub(super) fn load_as(manifest: Manifest, folder: &Path) -> Result<LoadedCheckpoint, StorageError> {
    let path = folder.join(MANIFEST);
    let parallelism = parallelism_of_tasks(&manifest.subtasks)
        .map_err(|reason| StorageError::damaged(&path, reason))?;
    let mut operators = BTreeMap::new();
    for subtask in &manifest.subtasks {
        let tasks_parallelism = parallelism.get(subtask.task.as_str());
        let mut reader = Reader {
            operators: &mut operators,
            manifest: &path,
            subtask,
            parallelism: tasks_parallelism.copied().unwrap_or(0),
        };
        reader.read(folder)?;
    }
    Ok(LoadedCheckpoint {
        head: manifest.head,
        operators,
        pending_output: manifest.pending_output,
    })
}

/// The number of subtasks of each task. All have to be there, each once.
fn parallelism_of_tasks(subtasks: &[SubtaskEntry]) -> Result<BTreeMap<&str, usize>, String> {
    let mut of_tasks: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for entry in subtasks {
        let indices = of_tasks.entry(&entry.task).or_default();
        indices.push(entry.subtask);
    }
    let counted = of_tasks.into_iter().map(|(task, mut indices)| {
        indices.sort_unstable();
        let complete = indices.iter().enumerate().all(|(i, &index)| i == index);
        match complete {
            true => Ok((task, indices.len())),
            false => Err(format!("of task {task:?} it has the subtasks {indices:?}")),
        }
    });
    counted.collect()
}

/// Reads the parts of one subtask into the operators that they are of.
struct Reader<'a> {
    operators: &'a mut BTreeMap<String, OperatorParts>,
    manifest: &'a Path,
    subtask: &'a SubtaskEntry,
    parallelism: usize,
}

impl Reader<'_> {
    fn read(&mut self, folder: &Path) -> Result<(), StorageError> {
        let folder = folder.join(self.plain(&self.subtask.folder)?);
        self.state(&folder.join(STATE))?;
        let subtask = self.subtask;
        for database in &subtask.databases {
            let folder = folder.join(self.plain(&database.folder)?);
            self.database(database, folder)?;
        }
        Ok(())
    }

    fn state(&mut self, path: &Path) -> Result<(), StorageError> {
        let mut file = File::open(path).map_err(missing(path))?;
        let found = file.metadata().map_err(missing(path))?.len();
        let subtask = self.subtask;
        let mut lengths = subtask.parts.iter().map(|part| part.bytes);
        let wanted = lengths.try_fold(0u64, u64::checked_add);
        if wanted != Some(found) {
            return Err(other_length(path, wanted, found));
        }
        for part in &subtask.parts {
            let length = usize::try_from(part.bytes).map_err(|_| self.nonsense("a length"))?;
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes).map_err(missing(path))?;
            if crc32fast::hash(&bytes) != part.checksum {
                let (name, operator) = (&part.name, &part.operator);
                let reason = format!("{name:?} of operator {operator:?} has another checksum");
                return Err(StorageError::damaged(path, reason));
            }
            let parts = &mut self.part_of(&part.operator).parts;
            parts.push((part.name.clone(), Arc::from(bytes)));
        }
        Ok(())
    }

    fn database(&mut self, database: &DatabaseEntry, folder: PathBuf) -> Result<(), StorageError> {
        let mut names = Vec::with_capacity(database.files.len());
        for file in &database.files {
            let path = folder.join(self.plain(&file.name)?);
            let found = path.metadata().map_err(missing(&path))?.len();
            if found != file.bytes {
                return Err(other_length(&path, Some(file.bytes), found));
            }
            let read = checksum_of(&path, &AtomicBool::new(false)).map_err(missing(&path))?;
            if read != (file.bytes, file.checksum) {
                return Err(StorageError::damaged(&path, "its checksum is another"));
            }
            names.push(file.name.clone());
        }
        self.part_of(&database.operator).files = Some((folder, names));
        Ok(())
    }

    /// What this subtask has of an operator.
    fn part_of(&mut self, operator: &str) -> &mut SubtaskPart {
        let parts = self.operators.entry(operator.to_owned()).or_default();
        let count = parts.subtasks.len().max(self.parallelism);
        parts.subtasks.resize_with(count, SubtaskPart::default);
        &mut parts.subtasks[self.subtask.subtask]
    }

    /// Refuses names that lead out of the folder.
    fn plain<'b>(&self, name: &'b str) -> Result<&'b str, StorageError> {
        match is_plain(name) {
            true => Ok(name),
            false => Err(self.nonsense("a name")),
        }
    }

    fn nonsense(&self, what: &str) -> StorageError {
        StorageError::damaged(self.manifest, format!("{what} in it cannot be"))
    }
}

/// Whether a name is one in a folder, and leads nowhere else.
pub(crate) fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let first = components.next();
    first == Some(Component::Normal(name.as_ref())) && components.next().is_none()
}

fn missing(path: &Path) -> impl FnOnce(io::Error) -> StorageError {
    move |error| match error.kind() {
        io::ErrorKind::NotFound => StorageError::damaged(path, "it is missing"),
        io::ErrorKind::UnexpectedEof => StorageError::damaged(path, "it is too short"),
        _ => StorageError::io("read", path)(error),
    }
}

fn other_length(path: &Path, wanted: Option<u64>, found: u64) -> StorageError {
    let wanted = wanted.map_or("more".to_owned(), |bytes| bytes.to_string());
    StorageError::damaged(path, format!("it has {found} bytes in place of {wanted}"))
}
