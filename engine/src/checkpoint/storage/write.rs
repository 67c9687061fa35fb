//! Writing what one subtask has in a checkpoint: its parts into one file, the files of its databases as
//! links, in a folder of its own.
//!
//! Files of a database never change, and most of them are in the checkpoint before as well. Those are
//! known by their identity: they are linked again, and neither read nor written. Where the job's state
//! lies on another file system than its checkpoints, links are made from the checkpoint before, and only
//! what is new is copied.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::disk::Disk;
use super::error::StorageError;
use super::manifest::{DatabaseEntry, FileEntry, Manifest, PartEntry, SubtaskEntry};
use crate::checkpoint::parts::{Part, PartFile, PartFiles, Parts};

/// Name of the file with the parts of a subtask.
pub(super) const STATE: &str = "state";

const BUFFER_BYTES: usize = 256 * 1024;

/// The files of the newest complete checkpoint, by identity.
pub(super) type Base = HashMap<String, KnownFile>;

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct KnownFile {
    path: PathBuf,
    bytes: u64,
    checksum: u32,
}

/// The files of a checkpoint in `folder` that may be in the next one as well.
pub(super) fn base_of(manifest: &Manifest, folder: &Path) -> Base {
    let databases = manifest.subtasks.iter().flat_map(|subtask| {
        let folder = folder.join(&subtask.folder);
        let databases = subtask.databases.iter();
        databases.map(move |database| (folder.join(&database.folder), database))
    });
    let files = databases.flat_map(|(folder, database)| {
        database.files.iter().filter_map(move |file| {
            let known = KnownFile {
                path: folder.join(&file.name),
                bytes: file.bytes,
                checksum: file.checksum,
            };
            Some((file.identity.clone()?, known))
        })
    });
    files.collect()
}

/// What it takes to write.
pub(super) struct Writer<'a> {
    pub(super) disk: &'a Disk,
    pub(super) given_up: &'a AtomicBool,
    pub(super) base: &'a Base,
}

impl Writer<'_> {
    /// Writes the parts of a subtask into a new folder in `within` and makes them last, but for the
    /// name of that folder. Gives its entry, and how many bytes the checkpoint before did not have.
    pub(super) fn subtask(
        &self,
        within: &Path,
        task: &str,
        subtask: usize,
        parts: &Parts,
    ) -> Result<(SubtaskEntry, u64), StorageError> {
        let (name, folder) = self.new_folder(within, task, subtask)?;
        let written = self.fill(&folder, parts);
        if written.is_err() {
            // What cannot be removed goes with the folder of the checkpoint.
            let _ = self.disk.remove_folder(&folder);
        }
        let (parts, databases, written_bytes) = written?;
        let entry = SubtaskEntry {
            task: task.to_owned(),
            subtask,
            folder: name,
            parts,
            databases,
        };
        Ok((entry, written_bytes))
    }

    /// A folder whose name tells whose it is as well as any name may, and is nobody else's.
    fn new_folder(
        &self,
        within: &Path,
        task: &str,
        subtask: usize,
    ) -> Result<(String, PathBuf), StorageError> {
        let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let readable: String = task.chars().take(64).map(safe).collect();
        let mut name = format!("{readable}-{subtask}");
        let mut taken = 0;
        loop {
            let folder = within.join(&name);
            if self.disk.make_folder(&folder)? {
                return Ok((name, folder));
            }
            taken += 1;
            name = format!("{readable}-{subtask}-{taken}");
        }
    }

    fn fill(
        &self,
        folder: &Path,
        parts: &Parts,
    ) -> Result<(Vec<PartEntry>, Vec<DatabaseEntry>, u64), StorageError> {
        let (parts_in_file, mut written_bytes) = self.state(folder, &parts.parts)?;
        let mut databases = Vec::new();
        for (index, files) in parts.files.iter().enumerate() {
            let (database, written) = self.database(folder, index, files)?;
            databases.push(database);
            written_bytes += written;
        }
        self.disk.sync(folder, self.given_up)?;
        Ok((parts_in_file, databases, written_bytes))
    }

    fn state(&self, folder: &Path, parts: &[Part]) -> Result<(Vec<PartEntry>, u64), StorageError> {
        let mut file = self.disk.create(folder.join(STATE), self.given_up)?;
        let mut entries = Vec::with_capacity(parts.len());
        for part in parts {
            let mut checksum = crc32fast::Hasher::new();
            // Piece by piece: what has been summed up is still in the processor's cache when it is written.
            for piece in part.bytes.chunks(BUFFER_BYTES) {
                checksum.update(piece);
                file.write(piece)?;
            }
            entries.push(PartEntry {
                operator: part.operator.clone(),
                name: part.name.clone(),
                bytes: part.bytes.len() as u64,
                checksum: checksum.finalize(),
            });
        }
        file.sync()?;
        let bytes = entries.iter().map(|part| part.bytes).sum();
        Ok((entries, bytes))
    }

    fn database(
        &self,
        folder: &Path,
        index: usize,
        database: &PartFiles,
    ) -> Result<(DatabaseEntry, u64), StorageError> {
        let name = format!("database-{index}");
        let to = folder.join(&name);
        self.disk.make_folder(&to)?;
        let mut files = Vec::with_capacity(database.files.len());
        let mut written_bytes = 0;
        for file in &database.files {
            let from = database.folder.path().join(&file.name);
            let (entry, written) = self.file(&from, &to.join(&file.name), file)?;
            files.push(entry);
            written_bytes += written;
        }
        self.disk.sync(&to, self.given_up)?;
        let entry = DatabaseEntry {
            operator: database.operator.clone(),
            folder: name,
            files,
        };
        Ok((entry, written_bytes))
    }

    fn file(
        &self,
        from: &Path,
        to: &Path,
        file: &PartFile,
    ) -> Result<(FileEntry, u64), StorageError> {
        let known = file.identity.as_ref().and_then(|id| self.base.get(id));
        let known = known.filter(|known| known.bytes == file.bytes);
        let entry = |bytes, checksum| FileEntry {
            name: file.name.clone(),
            identity: file.identity.clone(),
            bytes,
            checksum,
        };
        if let Some(known) = known {
            let mut places = [from, &known.path].into_iter();
            if places.any(|place| self.disk.link(place, to).is_ok()) {
                return Ok((entry(known.bytes, known.checksum), 0));
            }
        }
        let (bytes, checksum) = match self.disk.link(from, to) {
            Ok(()) => {
                let read = checksum_of(to, self.given_up).map_err(StorageError::io("read", to))?;
                self.disk.sync(to, self.given_up)?;
                read
            }
            Err(_) => self.copy(from, to)?,
        };
        Ok((entry(bytes, checksum), bytes))
    }

    /// Copies a file and makes it last. Gives its length and checksum.
    fn copy(&self, from: &Path, to: &Path) -> Result<(u64, u32), StorageError> {
        let mut copy = self.disk.create(to.to_owned(), self.given_up)?;
        let mut original = File::open(from).map_err(StorageError::io("read", from))?;
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut checksum = crc32fast::Hasher::new();
        let mut bytes = 0;
        loop {
            let read = original.read(&mut buffer);
            let read = read.map_err(StorageError::io("read", from))?;
            if read == 0 {
                break;
            }
            copy.write(&buffer[..read])?;
            checksum.update(&buffer[..read]);
            bytes += read as u64;
        }
        copy.sync()?;
        Ok((bytes, checksum.finalize()))
    }

    /// Puts what a subtask has in another folder into one in `within` as well.
    pub(super) fn again(
        &self,
        entry: &SubtaskEntry,
        from: &Path,
        within: &Path,
    ) -> Result<SubtaskEntry, StorageError> {
        let (name, to) = self.new_folder(within, &entry.task, entry.subtask)?;
        let from = from.join(&entry.folder);
        self.link_or_copy(&from.join(STATE), &to.join(STATE))?;
        for database in &entry.databases {
            let (from, to) = (from.join(&database.folder), to.join(&database.folder));
            self.disk.make_folder(&to)?;
            for file in &database.files {
                self.link_or_copy(&from.join(&file.name), &to.join(&file.name))?;
            }
            self.disk.sync(&to, self.given_up)?;
        }
        self.disk.sync(&to, self.given_up)?;
        let folder = name;
        Ok(SubtaskEntry {
            folder,
            ..entry.clone()
        })
    }

    fn link_or_copy(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        match self.disk.link(from, to) {
            Ok(()) => Ok(()),
            Err(_) => self.copy(from, to).map(drop),
        }
    }
}

/// Length and checksum of a file; an error, soon, once `given_up` is true.
pub(crate) fn checksum_of(path: &Path, given_up: &AtomicBool) -> io::Result<(u64, u32)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut checksum = crc32fast::Hasher::new();
    let mut bytes = 0;
    loop {
        if given_up.load(Relaxed) {
            return Err(io::Error::other("given up"));
        }
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, checksum.finalize()));
        }
        checksum.update(&buffer[..read]);
        bytes += read as u64;
    }
}
