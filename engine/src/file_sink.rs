//! A sink that writes CSV files of which each row is there exactly once, however often the job fails.
//!
//! Rows go to a hidden file that no reader takes for output. With a checkpoint it is closed and becomes a
//! transaction, part of that checkpoint; when the checkpoint is complete, the [`FileCommitter`] gives it its
//! name: `part-<checkpoint>-<subtask>-<number>.csv`, header line included. So the output of a job is what
//! was written before its last complete checkpoint, never more; a job without checkpoints shows none.
//!
//! This is one of two places where the engine touches files that are not its own state: it writes to the
//! directory that the sink was given, and nowhere else (the other is the directory of the checkpoints).
//! The directory belongs to one sink of one job. Files are not split by size, and none is appended to.

mod committer;
mod part;
mod read;
#[cfg(test)]
mod tests;

use std::fmt::{Display, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

pub use committer::FileCommitter;
pub use read::read_parts;

use crate::batch::Rows;
use crate::checkpoint::parts::Snapshot;
use crate::operator::{OperatorContext, OperatorError, Sink, SubtaskContext};
use part::{OpenPart, PartName, Transaction};

/// A record that can be a line of a CSV file.
pub trait CsvRecord {
    /// The names of its fields.
    fn header() -> &'static [&'static str];

    /// Gives its fields, one for each name.
    fn write(&self, row: &mut CsvRow);
}

/// Takes the fields of one record.
#[derive(Debug, Default)]
pub struct CsvRow {
    fields: csv::ByteRecord,
    text: String,
}

impl CsvRow {
    /// The next field.
    pub fn field(&mut self, value: impl Display) -> &mut Self {
        self.text.clear();
        // Memory takes every write.
        let _ = write!(self.text, "{value}");
        self.fields.push_field(self.text.as_bytes());
        self
    }
}

/// Why output could not be written, made visible, or taken back.
#[derive(Debug, thiserror::Error)]
enum FileSinkError {
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot write {}: {source}", path.display())]
    Csv { path: PathBuf, source: csv::Error },
    #[error("a transaction of {} cannot be read: {reason}", directory.display())]
    Transaction { directory: PathBuf, reason: String },
    #[error("output is lost: neither {pending} nor {part} is in {}", directory.display())]
    Lost {
        directory: PathBuf,
        pending: String,
        part: String,
    },
    #[error("{} is there already, and {pending} was to become it", path.display())]
    Taken { path: PathBuf, pending: String },
    #[error("{} is not what was written: {reason}", path.display())]
    Changed { path: PathBuf, reason: String },
}

impl FileSinkError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| FileSinkError::Io {
            doing,
            path,
            source,
        }
    }
}

/// Writes records to CSV files. A sink that does more with its rows owns one of these and hands it the
/// records and the snapshots.
#[derive(Debug)]
pub struct FileSink<T> {
    directory: PathBuf,
    subtask: usize,
    /// How many files there have been.
    number: u64,
    open: Option<OpenPart>,
    /// Closed, and perhaps not visible yet.
    closed: Vec<Transaction>,
    row: CsvRow,
    marker: PhantomData<fn(T)>,
}

impl<T: CsvRecord> FileSink<T> {
    /// The sink of one subtask. All have the same `directory`, which is made with the first row.
    pub fn new(directory: impl Into<PathBuf>, context: &SubtaskContext) -> Self {
        FileSink {
            directory: directory.into(),
            subtask: context.index,
            number: 0,
            open: None,
            closed: Vec::new(),
            row: CsvRow::default(),
            marker: PhantomData,
        }
    }

    /// Writes records behind those before.
    pub fn append(&mut self, records: &[T]) -> Result<(), OperatorError> {
        if records.is_empty() {
            return Ok(());
        }
        let open = match self.open.take() {
            Some(open) => open,
            None => OpenPart::new(&self.directory, self.subtask, T::header())?,
        };
        let open = self.open.insert(open);
        for record in records {
            self.row.fields.clear();
            record.write(&mut self.row);
            open.write(&self.row.fields)?;
        }
        Ok(())
    }

    /// Closes the file and puts it into the checkpoint.
    pub fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        self.forget_visible()?;
        if let Some(open) = self.open.take() {
            let name = PartName {
                checkpoint: into.checkpoint(),
                subtask: self.subtask,
                number: self.number,
            };
            self.number += 1;
            self.closed.push(open.close(&self.directory, &name)?);
        }
        for transaction in &self.closed {
            into.put_pending_output(transaction.encode());
        }
        Ok(())
    }

    /// What an earlier checkpoint has not made visible was part of one that failed, so it becomes part of
    /// the next: nobody tells a sink which are complete, but then the hidden files are gone.
    fn forget_visible(&mut self) -> Result<(), FileSinkError> {
        let mut hidden = Vec::with_capacity(self.closed.len() + 1);
        for transaction in self.closed.drain(..) {
            let path = self.directory.join(&transaction.pending);
            let exists = path.try_exists();
            if exists.map_err(FileSinkError::io("look for", &path))? {
                hidden.push(transaction);
            }
        }
        self.closed = hidden;
        Ok(())
    }
}

impl<T: CsvRecord + Send> Sink<T> for FileSink<T> {
    fn write(
        &mut self,
        rows: Rows<'_, T>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.append(rows.values())
    }

    /// The committer does.
    fn takes_back(&self) -> bool {
        true
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        FileSink::snapshot(self, into)
    }
}
