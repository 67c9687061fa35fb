//! What operators write into a checkpoint, and what they read of one.
//!
//! Each subtask writes parts: bytes under the uid of an operator and a name. State on disk adds files.
//! Who reads is one of the subtasks of a job that may have another parallelism: it sees the parts of all
//! subtasks of its operator that were, and picks what belongs to it.

use std::any::Any;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::account::StateCost;
use crate::checkpoint::spares::{Lent, Spares};
use crate::data::{Decode, Encode, encode};
use crate::key_group::{Groups, groups_of, overlap, subtask_of};
use crate::operator::{OperatorError, SubtaskContext};

/// Bytes that an operator subtask put into a checkpoint under a name.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) operator: String,
    pub(crate) name: String,
    pub(crate) bytes: Lent,
}

/// Files of a database at the moment of a checkpoint: links in a folder of their own, which goes when
/// this does. They never change.
#[derive(Debug)]
pub(crate) struct PartFiles {
    pub(crate) operator: String,
    pub(crate) folder: tempfile::TempDir,
    /// What the folder lies in, which is removed when nobody holds it any more.
    pub(crate) _within: Arc<dyn Any + Send + Sync>,
    pub(crate) files: Vec<PartFile>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartFile {
    /// Its name in the folder.
    pub(crate) name: String,
    /// Equal for equal contents, over all checkpoints of a job; none for a file that is new each time.
    pub(crate) identity: Option<String>,
    pub(crate) bytes: u64,
}

/// Everything that one subtask puts into one checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) parts: Vec<Part>,
    pub(crate) files: Vec<PartFiles>,
    /// By operator: output that becomes visible when the checkpoint is complete.
    pub(crate) pending_output: Vec<(String, Vec<u8>)>,
    /// Time to write what lies in memory to a database's files, in nanoseconds; `None` without one.
    pub(crate) flush_ns: Option<u64>,
    /// Time to link a database's files, in nanoseconds.
    pub(crate) link_ns: Option<u64>,
    /// What of the subtask's time belongs to a state backend: both of these, on the subtask's thread.
    pub(crate) state: StateCost,
    /// Where the memory of parts comes from, and goes back to.
    spares: Spares,
}

/// How names begin under which the engine keeps rows that barriers have passed.
pub(crate) const IN_FLIGHT: &str = "engine/in-flight/";

impl Parts {
    /// Nothing yet, and nothing that would need fresh memory where there is some left.
    pub(crate) fn in_memory_of(spares: &Spares) -> Self {
        Parts {
            spares: spares.clone(),
            ..Parts::default()
        }
    }

    /// Adds what the engine itself has to know again.
    pub(crate) fn put(&mut self, operator: &str, name: &str, value: &impl Encode) {
        self.put_bytes(operator, name, |bytes| encode(value, bytes));
    }

    /// Adds what `write` appends.
    pub(crate) fn put_bytes(
        &mut self,
        operator: &str,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut bytes = self.spares.take(operator, name);
        write(&mut bytes);
        self.parts.push(Part {
            operator: operator.to_owned(),
            name: name.to_owned(),
            bytes,
        });
    }

    /// Bytes of rows that barriers have passed.
    pub(crate) fn in_flight_bytes(&self) -> u64 {
        let parts = self.parts.iter();
        let in_flight = parts.filter(|part| part.name.starts_with(IN_FLIGHT));
        in_flight.map(|part| part.bytes.len() as u64).sum()
    }
}

/// Where an operator subtask puts what it holds, for one checkpoint.
#[derive(Debug)]
pub struct Snapshot<'a> {
    checkpoint: u64,
    operator: &'a str,
    into: &'a mut Parts,
}

impl<'a> Snapshot<'a> {
    pub(crate) fn new(checkpoint: u64, operator: &'a str, into: &'a mut Parts) -> Self {
        Snapshot {
            checkpoint,
            operator,
            into,
        }
    }

    /// The checkpoint's number; they grow, also over restarts. What a subtask holds at its end belongs to
    /// all checkpoints from this number on.
    pub fn checkpoint(&self) -> u64 {
        self.checkpoint
    }

    /// Keeps what `write` appends under `name`, which is used once per operator.
    pub fn put(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.into.put_bytes(self.operator, name, write);
    }

    /// Keeps a value under `name`.
    pub fn put_value<V: Encode>(&mut self, name: &str, value: &V) {
        self.into.put(self.operator, name, value);
    }

    /// Of a sink with a committer: output that is to become visible when the checkpoint is complete. A
    /// checkpoint may be given up: so it is put into each one until it is visible.
    pub fn put_pending_output(&mut self, transaction: Vec<u8>) {
        let operator = self.operator.to_owned();
        self.into.pending_output.push((operator, transaction));
    }

    pub(crate) fn put_files(
        &mut self,
        folder: tempfile::TempDir,
        within: Arc<dyn Any + Send + Sync>,
        files: Vec<PartFile>,
    ) {
        self.into.files.push(PartFiles {
            operator: self.operator.to_owned(),
            folder,
            _within: within,
            files,
        });
    }

    /// Adds to what the subtask has spent in a state backend.
    pub(crate) fn spent(&mut self, cost: StateCost) {
        self.into.state += cost;
    }

    /// Adds to the time that a database took: to write its memory to files, and to link these.
    pub(crate) fn took(&mut self, flush_ns: u64, link_ns: u64) {
        *self.into.flush_ns.get_or_insert(0) += flush_ns;
        *self.into.link_ns.get_or_insert(0) += link_ns;
    }
}

impl Parts {
    /// What is in them of an operator, as it is read back.
    pub(crate) fn of(&self, operator: &str) -> SubtaskPart {
        let parts = self.parts.iter().filter(|part| part.operator == operator);
        let parts = parts.map(|part| (part.name.clone(), part.bytes.as_slice().into()));
        let files = self.files.iter().find(|files| files.operator == operator);
        SubtaskPart {
            parts: parts.collect(),
            files: files.map(|files| {
                let names = files.files.iter().map(|file| file.name.clone());
                (files.folder.path().to_owned(), names.collect())
            }),
        }
    }
}

/// What a complete checkpoint holds of one operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperatorParts {
    /// By subtask of the job that took the checkpoint; their number was its parallelism.
    pub(crate) subtasks: Vec<SubtaskPart>,
}

/// What one subtask put in.
#[derive(Clone, Debug, Default)]
pub(crate) struct SubtaskPart {
    pub(crate) parts: Vec<(String, Arc<[u8]>)>,
    /// Folder and names of its database's files.
    pub(crate) files: Option<(PathBuf, Vec<String>)>,
}

/// What a checkpoint holds of an operator, as one of its subtasks sees it that is to go on from there.
#[derive(Clone, Debug)]
pub struct Restored<'a> {
    subtask: SubtaskContext,
    max_parallelism: usize,
    groups: Groups,
    parts: &'a OperatorParts,
}

impl<'a> Restored<'a> {
    pub(crate) fn new(
        subtask: SubtaskContext,
        max_parallelism: usize,
        parts: &'a OperatorParts,
    ) -> Self {
        Restored {
            subtask,
            max_parallelism,
            groups: Groups::new(max_parallelism),
            parts,
        }
    }

    /// The subtask that is to go on.
    pub fn subtask(&self) -> SubtaskContext {
        self.subtask
    }

    /// How many subtasks the operator had.
    pub fn old_parallelism(&self) -> usize {
        self.parts.subtasks.len()
    }

    /// What all its subtasks kept under `name`: each one's index, and its bytes.
    pub fn all(&self, name: &str) -> impl Iterator<Item = (usize, &'a [u8])> {
        let subtasks = self.parts.subtasks.iter().enumerate();
        subtasks.filter_map(move |(index, subtask)| {
            let mut parts = subtask.parts.iter();
            let part = parts.find(|(other, _)| other == name)?;
            Some((index, &*part.1))
        })
    }

    /// As [`all`](Self::all), of those subtasks whose part this one takes over where each goes to
    /// exactly one.
    pub fn own(&self, name: &str) -> impl Iterator<Item = (usize, &'a [u8])> {
        let SubtaskContext { index, parallelism } = self.subtask;
        self.all(name)
            .filter(move |(old, _)| old % parallelism == index)
    }

    /// The values that subtasks kept under `name`, whose part this one takes over.
    pub fn own_values<V: Decode>(&self, name: &str) -> Result<Vec<V>, OperatorError> {
        let parts = self.own(name);
        let values = parts.map(|(_, bytes)| V::try_from_slice(bytes));
        Ok(values.collect::<Result<_, _>>()?)
    }

    /// Whether rows with this encoded key reach this subtask, and no other.
    pub fn owns_key(&self, encoded_key: &[u8]) -> bool {
        let group = self.groups.of(encoded_key);
        let SubtaskContext { index, parallelism } = self.subtask;
        subtask_of(group, parallelism, self.max_parallelism) == index
    }

    /// The key groups of this subtask: the first, and the first that is not its own any more.
    pub(crate) fn own_groups(&self) -> Range<usize> {
        self.groups_of(self.subtask)
    }

    /// The key groups that an old subtask had.
    pub(crate) fn old_groups(&self, index: usize) -> Range<usize> {
        let parallelism = self.old_parallelism();
        self.groups_of(SubtaskContext { index, parallelism })
    }

    fn groups_of(&self, SubtaskContext { index, parallelism }: SubtaskContext) -> Range<usize> {
        groups_of(index, parallelism, self.max_parallelism)
    }

    /// Whether an old subtask had key groups that are this one's now.
    pub(crate) fn overlaps(&self, old: usize) -> bool {
        overlap(&self.old_groups(old), &self.own_groups())
    }

    /// As [`all`](Self::all), of those subtasks that had keys of this one.
    pub(crate) fn overlapping(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let parts = self.all(name).filter(|(old, _)| self.overlaps(*old));
        parts.map(|(_, bytes)| bytes)
    }

    /// The databases of all its subtasks: each one's index, folder, and names of files.
    pub(crate) fn databases(&self) -> impl Iterator<Item = (usize, &'a Path, &'a [String])> {
        let subtasks = self.parts.subtasks.iter().enumerate();
        subtasks.filter_map(|(index, subtask)| {
            let (folder, files) = subtask.files.as_ref()?;
            Some((index, folder.as_path(), files.as_slice()))
        })
    }
}
