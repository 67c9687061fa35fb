//! Reads a run directory that is finished, still growing, or was left behind by a crash.
//!
//! Whatever is there is read as far as it goes, and what is missing or cut becomes a note. Nothing
//! in a file makes the reader allocate more than that file's size; JSON and scenario files above a
//! bound are refused.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Take};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use serde::de::DeserializeOwned;

use super::{
    ChannelRow, CheckpointRow, EventRow, GRAPH_FILE, Graph, KeyRow, LATENCY_FILE, LatencyInterval,
    OutcomeRow, RUN_FILE, RecordError, Row, Run, SCENARIO_FILE, StateRow, SubtaskRow, Table,
    TimelineRow, TradeOffRow,
};

/// `run.json`, `graph.json` and `scenario.toml` are read whole, up to this size.
const MAX_WHOLE_FILE_BYTES: u64 = 64 << 20;
/// One line of `latency.hlog` is at most this long.
const MAX_LATENCY_LINE_BYTES: u64 = 2 << 20;

/// An opened run directory.
pub struct RunDir {
    path: PathBuf,
    scenario_toml: Option<String>,
    graph: Graph,
    run: Option<Run>,
    notes: Vec<String>,
}

impl RunDir {
    /// Opens a run directory and reads its small files.
    ///
    /// # Errors
    /// Only if `path` is not a directory that can be listed, or holds none of a record's files.
    pub fn open(path: &Path) -> Result<RunDir, RecordError> {
        std::fs::read_dir(path).map_err(|source| RecordError::io("open", path, source))?;
        let mut notes = Vec::new();
        let scenario_toml = read_whole(path, SCENARIO_FILE, &mut notes);
        let graph = read_json(path, GRAPH_FILE, &mut notes).unwrap_or_default();
        note_table::<TimelineRow>(path, &mut notes);
        note_table::<SubtaskRow>(path, &mut notes);
        note_table::<ChannelRow>(path, &mut notes);
        note_table::<CheckpointRow>(path, &mut notes);
        note_table::<EventRow>(path, &mut notes);
        // Records of engines without a sketch, of jobs without state or windows, and older ones, lack these.
        if path.join(Table::Outcomes.file_name()).exists() {
            note_table::<OutcomeRow>(path, &mut notes);
        }
        if path.join(Table::Keys.file_name()).exists() {
            note_table::<KeyRow>(path, &mut notes);
        }
        if path.join(Table::State.file_name()).exists() {
            note_table::<StateRow>(path, &mut notes);
        }
        if path.join(Table::TradeOff.file_name()).exists() {
            note_table::<TradeOffRow>(path, &mut notes);
        }
        note_file(path, LATENCY_FILE, &mut notes);
        let run = read_json(path, RUN_FILE, &mut notes);
        let files = [SCENARIO_FILE, GRAPH_FILE, LATENCY_FILE, RUN_FILE];
        let any = Table::ALL
            .map(Table::file_name)
            .iter()
            .chain(&files)
            .any(|name| path.join(name).exists());
        if !any {
            return Err(RecordError::NotARecord {
                path: path.to_owned(),
            });
        }
        Ok(RunDir {
            path: path.to_owned(),
            scenario_toml,
            graph,
            run,
            notes,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The effective scenario as it was written.
    pub fn scenario_toml(&self) -> Option<&str> {
        self.scenario_toml.as_deref()
    }

    /// The deployed plan; empty if it is missing.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What was concluded; `None` if the run has not finished or crashed.
    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// What is missing or was cut, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The rows of one table, in the file's order, without an incomplete last line. Rows that do
    /// not hold what their columns promise are left out and counted.
    pub fn rows<R: Row>(&self) -> Rows<R> {
        Rows::open(&self.path.join(R::TABLE.file_name()))
    }

    /// The intervals of `latency.hlog`, in the file's order, without damaged lines.
    pub fn latency(&self) -> impl Iterator<Item = LatencyInterval> + use<> {
        let mut lines =
            complete_lines(&self.path.join(LATENCY_FILE)).map(|(file, _)| BufReader::new(file));
        let mut line = Vec::new();
        std::iter::from_fn(move || {
            let reader = lines.as_mut()?;
            loop {
                line.clear();
                let read = reader
                    .by_ref()
                    .take(MAX_LATENCY_LINE_BYTES)
                    .read_until(b'\n', &mut line)
                    .ok()?;
                if read == 0 {
                    return None;
                }
                let interval = std::str::from_utf8(&line)
                    .ok()
                    .and_then(LatencyInterval::parse);
                if interval.is_some() {
                    return interval;
                }
            }
        })
    }
}

/// Iterates over one table's rows; a missing file has none.
pub struct Rows<R> {
    reader: Option<csv::Reader<Take<File>>>,
    /// For each of the row's columns its place in the file.
    places: Vec<Option<usize>>,
    record: ByteRecord,
    skipped: u64,
    row: PhantomData<R>,
}

impl<R: Row> Rows<R> {
    pub(super) fn open(path: &Path) -> Self {
        let reader = complete_lines(path).and_then(|(file, _)| {
            let mut reader = csv::ReaderBuilder::new()
                .flexible(true)
                .buffer_capacity(1 << 18)
                .from_reader(file);
            reader.byte_headers().is_ok().then_some(reader)
        });
        let mut rows = Rows {
            reader,
            places: Vec::new(),
            record: ByteRecord::new(),
            skipped: 0,
            row: PhantomData,
        };
        if let Some(Ok(header)) = rows.reader.as_mut().map(csv::Reader::byte_headers) {
            let place = |column: &&str| header.iter().position(|name| name == column.as_bytes());
            rows.places = R::COLUMNS.iter().map(place).collect();
        }
        rows
    }

    /// How many rows were left out so far because a cell could not be read.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next row; a row type's strings are new, so hot readers keep their own names.
    fn read(&mut self) -> Option<R> {
        let reader = self.reader.as_mut()?;
        loop {
            if !reader.read_byte_record(&mut self.record).unwrap_or(false) {
                return None;
            }
            let mut places = self.places.iter();
            let record = &self.record;
            let next_cell = || {
                let place = places.next().copied().flatten();
                place
                    .and_then(|place| record.get(place))
                    .unwrap_or_default()
            };
            match R::read(next_cell) {
                Some(row) => return Some(row),
                None => self.skipped += 1,
            }
        }
    }
}

impl<R: Row> Iterator for Rows<R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        self.read()
    }
}

/// The file up to its last line break as it is now, and whether anything follows that. `None` if
/// there is no such file.
fn complete_lines(path: &Path) -> Option<(Take<File>, bool)> {
    const BLOCK_BYTES: u64 = 1 << 16;
    let mut file = File::open(path).ok()?;
    let length = file
        .metadata()
        .ok()
        .filter(std::fs::Metadata::is_file)?
        .len();
    let mut block = Vec::new();
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BLOCK_BYTES);
        block.clear();
        file.seek(SeekFrom::Start(start)).ok()?;
        file.by_ref()
            .take(end - start)
            .read_to_end(&mut block)
            .ok()?;
        if let Some(at) = block.iter().rposition(|&byte| byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    file.rewind().ok()?;
    Some((file.take(end), end < length))
}

fn note_table<R: Row>(path: &Path, notes: &mut Vec<String>) {
    let name = R::TABLE.file_name();
    if !note_file(path, name, notes) {
        return;
    }
    let rows = Rows::<R>::open(&path.join(name));
    let absent: Vec<&str> = R::COLUMNS
        .iter()
        .zip(&rows.places)
        .filter(|(_, place)| place.is_none())
        .map(|(column, _)| *column)
        .collect();
    if rows.places.is_empty() || absent.len() == R::COLUMNS.len() {
        notes.push(format!("{name} has no header that can be read"));
    } else if !absent.is_empty() {
        notes.push(format!("{name} lacks the columns {}", absent.join(", ")));
    }
}

/// Notes a missing or cut file of lines; true if it is there.
fn note_file(path: &Path, name: &str, notes: &mut Vec<String>) -> bool {
    let lines = complete_lines(&path.join(name));
    match &lines {
        None => notes.push(format!("{name} is missing")),
        Some((_, true)) => notes.push(format!("{name} ends within a line, which is left out")),
        Some((_, false)) => {}
    }
    lines.is_some()
}

fn read_whole(path: &Path, name: &str, notes: &mut Vec<String>) -> Option<String> {
    let Ok(file) = File::open(path.join(name)) else {
        notes.push(format!("{name} is missing"));
        return None;
    };
    let mut bytes = Vec::new();
    match file.take(MAX_WHOLE_FILE_BYTES).read_to_end(&mut bytes) {
        Ok(_) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => {
            notes.push(format!("{name} cannot be read: {error}"));
            None
        }
    }
}

fn read_json<T: DeserializeOwned>(path: &Path, name: &str, notes: &mut Vec<String>) -> Option<T> {
    let text = read_whole(path, name, notes)?;
    match serde_json::from_str(&text) {
        Ok(value) => Some(value),
        Err(error) => {
            notes.push(format!("{name} cannot be read: {error}"));
            None
        }
    }
}
