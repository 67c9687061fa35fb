//! Reading output again, for tests and tools.

use std::fs;
use std::path::Path;

use super::FileSinkError;
use super::part::PartName;
use crate::operator::OperatorError;

/// The records of all visible files in a directory of a [`FileSink`](super::FileSink), without the header
/// lines: by checkpoint, then by subtask, then in the order in which they were written.
pub fn read_parts(
    directory: &Path,
) -> Result<impl Iterator<Item = Result<csv::StringRecord, OperatorError>> + use<>, OperatorError> {
    let failed = || FileSinkError::io("read", directory);
    let mut parts = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let part = entry.file_name().to_str().and_then(PartName::parse);
        parts.extend(part.map(|part| (part, entry.path())));
    }
    parts.sort_unstable();
    let records = parts.into_iter().flat_map(|(_, path)| {
        let (records, failed) = match csv::Reader::from_path(path) {
            Ok(reader) => (Some(reader.into_records()), None),
            Err(error) => (None, Some(Err(error))),
        };
        failed.into_iter().chain(records.into_iter().flatten())
    });
    Ok(records.map(|record| Ok(record?)))
}
