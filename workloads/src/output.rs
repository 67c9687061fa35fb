//! What reaches the sinks of a job, also written to CSV files, each row exactly once: `<directory>/<sink>/part-*.csv`.
//!
//! The engine's file sink does the writing. Whether results are right is judged as without files, by what the sinks
//! themselves keep; so the files can be held against that, and against the oracle, by whoever reads them.

mod rows;

use engine::{
    CsvRecord, Data, FileSink, OperatorContext, OperatorError, Restored, Rows, Sink, Snapshot,
    SubtaskContext,
};

/// A sink whose rows are also written to files.
pub(crate) struct Written<S, R> {
    sink: S,
    files: FileSink<R>,
}

impl<S, R: CsvRecord> Written<S, R> {
    /// `sink`, with files in `directory`.
    pub(crate) fn new(sink: S, directory: &std::path::Path, context: &SubtaskContext) -> Self {
        Written {
            sink,
            files: FileSink::new(directory, context),
        }
    }
}

impl<S: Sink<R>, R: Data + CsvRecord> Sink<R> for Written<S, R> {
    fn write(
        &mut self,
        rows: Rows<'_, R>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.files.append(rows.values())?;
        self.sink.write(rows, context)
    }

    fn close(&mut self, context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.sink.close(context)
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        self.files.snapshot(into)?;
        self.sink.snapshot(into)
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        self.sink.restore(from)
    }
}
