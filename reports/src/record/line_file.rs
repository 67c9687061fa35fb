//! A file that only ever grows by whole lines, even when the disk is full.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::RecordError;

/// Lines wait in memory until `flush`, but no more than this.
const MAX_BUFFERED_BYTES: usize = 1 << 20;

/// Appends lines to one file.
pub(super) struct LineFile {
    file: File,
    path: PathBuf,
    pending: Vec<u8>,
    /// Length of the file up to its last complete line.
    complete_bytes: u64,
}

impl LineFile {
    /// Creates the file, which must not exist, and writes its first lines.
    pub(super) fn create(path: PathBuf, head: &[u8]) -> Result<Self, RecordError> {
        let file =
            File::create_new(&path).map_err(|source| RecordError::io("create", &path, source))?;
        let mut created = LineFile {
            file,
            path,
            pending: head.to_vec(),
            complete_bytes: 0,
        };
        created.flush()?;
        Ok(created)
    }

    /// Lets `append` add complete lines.
    pub(super) fn append(&mut self, append: impl FnOnce(&mut Vec<u8>)) -> Result<(), RecordError> {
        append(&mut self.pending);
        if self.pending.len() >= MAX_BUFFERED_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Hands what is pending to the operating system. After an error the file ends with its last
    /// complete line again and what was pending is dropped.
    pub(super) fn flush(&mut self) -> Result<(), RecordError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let result = self.write_pending();
        self.pending.clear();
        result.map_err(|source| {
            // Best effort: the reader drops an incomplete last line anyway.
            let _ = self.file.set_len(self.complete_bytes);
            RecordError::io("write", &self.path, source)
        })
    }

    /// `flush`, and the bytes reach the disk.
    pub(super) fn sync(&mut self) -> Result<(), RecordError> {
        self.flush()?;
        self.file
            .sync_all()
            .map_err(|source| RecordError::io("sync", &self.path, source))
    }

    /// Like `write_all`, but a disk that fills up half-way keeps the lines that did fit.
    fn write_pending(&mut self) -> io::Result<()> {
        let start = self.complete_bytes;
        let mut written = 0;
        while written < self.pending.len() {
            let more = match self.file.write(&self.pending[written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let batch = &self.pending[written..written + more];
            let line_end = batch.iter().rposition(|&byte| byte == b'\n');
            if let Some(line_end) = line_end {
                self.complete_bytes = start + (written + line_end) as u64 + 1;
            }
            written += more;
        }
        Ok(())
    }
}

/// Writes `bytes` under a temporary name, brings them to the disk and renames: a reader sees the
/// whole file or none.
pub(crate) fn publish(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let temporary = path.with_extension("tmp");
    let error = |what: &'static str| move |source| RecordError::io(what, path, source);
    let mut file = File::create(&temporary).map_err(error("create"))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let published = written.and_then(|()| std::fs::rename(&temporary, path));
    if published.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    published.map_err(error("write"))?;
    // The rename itself is durable once the directory is.
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(parent)
        .and_then(|directory| directory.sync_all())
        .map_err(error("sync the folder of"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let file = File::options().write(true).open("/dev/full").unwrap();
        let mut full = LineFile {
            file,
            path: "run/timeline.csv".into(),
            pending: Vec::new(),
            complete_bytes: 0,
        };
        full.append(|line| line.extend_from_slice(b"1,2\n"))
            .unwrap();
        let message = full.flush().unwrap_err().to_string();
        assert!(
            message.starts_with("cannot write run/timeline.csv: No space left"),
            "{message}"
        );
        full.flush().unwrap();
    }

    #[test]
    fn a_published_file_replaces_the_old_one_and_leaves_no_temporary_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        publish(&path, b"old").unwrap();
        publish(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
