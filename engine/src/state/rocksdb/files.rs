//! The files of a database, as checkpoints know them: which are equal to those of an earlier one.
//!
//! RocksDB never changes a table file once it is written, but databases of one job use the same names
//! for different files, and a database that goes on from a checkpoint even has the identity of the one
//! before. What tells files apart is the folder in which they were first written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::checkpoint::parts::PartFile;

/// Tells the table files of one database from those of all others.
#[derive(Debug)]
pub(crate) struct FileIdentities {
    /// The database's own; there has never been another of this name.
    folder: String,
    /// Of files that were taken over from a checkpoint, by name.
    taken_over: BTreeMap<String, String>,
}

impl FileIdentities {
    /// Of a new database in a folder of this name.
    pub(crate) fn new(folder: String) -> Self {
        FileIdentities {
            folder,
            taken_over: BTreeMap::new(),
        }
    }

    /// Files come from a checkpoint: their names, and what they were known as there.
    pub(crate) fn take_over(&mut self, files: Vec<(String, String)>) {
        self.taken_over.extend(files);
    }

    /// What a file is known as; none if it is not a table, and may be different each time.
    fn of(&self, name: &str) -> Option<String> {
        if Path::new(name).extension() != Some("sst".as_ref()) {
            return None;
        }
        let taken_over = self.taken_over.get(name).cloned();
        Some(taken_over.unwrap_or_else(|| format!("{}/{name}", self.folder)))
    }

    /// All files in a folder.
    pub(crate) fn list(&self, folder: &Path) -> io::Result<Vec<PartFile>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            files.push(PartFile {
                identity: self.of(&name),
                bytes: entry.metadata()?.len(),
                name,
            });
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }
}

/// Makes a folder with the files of another, for a database to be opened there. Tables are shared, as
/// long as the file system allows; the rest, which a database goes on writing, is copied.
pub(crate) fn link(from: &Path, names: &[String], to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for name in names {
        let (from, to) = (from.join(name), to.join(name));
        let is_table = to.extension() == Some("sst".as_ref());
        if !(is_table && fs::hard_link(&from, &to).is_ok()) {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}
