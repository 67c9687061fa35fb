//! One file of output: while it is written, and as the transaction that it then is.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use borsh::{BorshDeserialize, BorshSerialize};
use tempfile::TempPath;

use super::FileSinkError;
use crate::checkpoint::storage::{checksum_of, is_plain};

/// What the names of files begin with that are no output yet.
pub(super) const PENDING: &str = ".pending-";

const BUFFER_BYTES: usize = 64 * 1024;

/// The name of a file of output. They are in the order of checkpoints, then of subtasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartName {
    /// The first checkpoint that the file was part of.
    pub(super) checkpoint: u64,
    pub(super) subtask: usize,
    /// From 0, for each sink.
    pub(super) number: u64,
}

impl PartName {
    pub(super) fn file_name(&self) -> String {
        let PartName {
            checkpoint,
            subtask,
            number,
        } = self;
        format!("part-{checkpoint:08}-{subtask}-{number}.csv")
    }

    /// None for a name that no part has.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let numbers = name.strip_prefix("part-")?.strip_suffix(".csv")?;
        let mut numbers = numbers.splitn(3, '-');
        let parsed = PartName {
            checkpoint: numbers.next()?.parse().ok()?,
            subtask: numbers.next()?.parse().ok()?,
            number: numbers.next()?.parse().ok()?,
        };
        (parsed.file_name() == name).then_some(parsed)
    }
}

/// A file that is closed, on disk for good, and to become visible.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Transaction {
    /// Its name until then.
    pub(super) pending: String,
    /// Its name from then on.
    pub(super) part: String,
    pub(super) bytes: u64,
    pub(super) checksum: u32,
}

impl Transaction {
    pub(super) fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).expect("memory takes every write")
    }

    pub(super) fn decode(directory: &Path, bytes: &[u8]) -> Result<Self, FileSinkError> {
        let failed = |reason: String| FileSinkError::Transaction {
            directory: directory.to_owned(),
            reason,
        };
        let read = Transaction::try_from_slice(bytes).map_err(|error| failed(error.to_string()))?;
        let ours = read.pending.starts_with(PENDING) && PartName::parse(&read.part).is_some();
        match ours && is_plain(&read.pending) {
            true => Ok(read),
            false => Err(failed("it names files of somebody else".to_owned())),
        }
    }

    /// Whether the file at `path` is as it was written.
    pub(super) fn check(&self, path: &Path) -> Result<(), FileSinkError> {
        let read = checksum_of(path, &AtomicBool::new(false));
        let (bytes, checksum) = read.map_err(FileSinkError::io("read", path))?;
        let reason = match (bytes == self.bytes, checksum == self.checksum) {
            (true, true) => return Ok(()),
            (true, false) => "its checksum is another".to_owned(),
            (false, _) => format!("it has {bytes} bytes in place of {}", self.bytes),
        };
        let path = path.to_owned();
        Err(FileSinkError::Changed { path, reason })
    }
}

/// A file that rows go to. It is removed with this.
#[derive(Debug)]
pub(super) struct OpenPart {
    writer: csv::Writer<Summed>,
    path: TempPath,
}

impl OpenPart {
    /// A new file in `directory`, which is made, with the header line.
    pub(super) fn new(
        directory: &Path,
        subtask: usize,
        header: &[&str],
    ) -> Result<Self, FileSinkError> {
        let made = make_directory(directory);
        made.map_err(FileSinkError::io("make", directory))?;
        let file = tempfile::Builder::new()
            .prefix(&format!("{PENDING}{subtask}-"))
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(directory)
            .map_err(FileSinkError::io("make a file in", directory))?;
        let (file, path) = file.into_parts();
        let writer = csv::WriterBuilder::new()
            .buffer_capacity(BUFFER_BYTES)
            .from_writer(Summed::new(file));
        let mut part = OpenPart { writer, path };
        part.writer
            .write_record(header)
            .map_err(|source| part.failed(source))?;
        Ok(part)
    }

    pub(super) fn write(&mut self, fields: &csv::ByteRecord) -> Result<(), FileSinkError> {
        let written = self.writer.write_byte_record(fields);
        written.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: csv::Error) -> FileSinkError {
        let path = self.path.to_path_buf();
        FileSinkError::Csv { path, source }
    }

    /// Makes the file and its hidden name last.
    pub(super) fn close(
        mut self,
        directory: &Path,
        name: &PartName,
    ) -> Result<Transaction, FileSinkError> {
        let flushed = self.writer.flush();
        let synced = flushed.and_then(|()| self.writer.get_ref().file.sync_all());
        synced.map_err(FileSinkError::io("write", &self.path))?;
        let pending = self.path.file_name().unwrap_or_default();
        let transaction = Transaction {
            pending: pending.to_string_lossy().into_owned(),
            part: name.file_name(),
            bytes: self.writer.get_ref().bytes,
            checksum: self.writer.get_ref().checksum.clone().finalize(),
        };
        sync_directory(directory)?;
        let path = self.path.to_path_buf();
        let kept = self.path.keep();
        kept.map_err(|error| FileSinkError::io("keep", &path)(error.error))?;
        Ok(transaction)
    }
}

/// A file, and the length and checksum of all that was written to it.
#[derive(Debug)]
struct Summed {
    file: File,
    bytes: u64,
    checksum: crc32fast::Hasher,
}

impl Summed {
    fn new(file: File) -> Self {
        Summed {
            file,
            bytes: 0,
            checksum: crc32fast::Hasher::new(),
        }
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        self.checksum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    match directory.parent() {
        Some(parent) if parent != Path::new("") => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

/// Makes the names in a directory last.
pub(super) fn sync_directory(directory: &Path) -> Result<(), FileSinkError> {
    let synced = File::open(directory).and_then(|folder| folder.sync_all());
    synced.map_err(FileSinkError::io("sync", directory))
}
