//! Writes a run directory while the run goes on. One thread writes; the order of creation is the
//! order of the format, so that a directory that was left early still says what it is.

use std::path::{Path, PathBuf};

use hdrhistogram::Histogram;

use super::latency::{self, Encoder};
use super::line_file::{LineFile, publish};
use super::{
    GRAPH_FILE, Graph, LATENCY_FILE, RUN_FILE, RecordError, Row, Run, SCENARIO_FILE, Series, Table,
};

/// The growing record of one run.
///
/// Rows wait in memory until [`flush`](Writer::flush), which belongs at the end of every sampling
/// interval. After an error (a full disk) the files end with complete lines and the writer should
/// be dropped.
pub struct Writer {
    directory: PathBuf,
    tables: Vec<LineFile>,
    latency: LineFile,
    encoder: Encoder,
}

impl Writer {
    /// Creates the directory if need be, and every file but `run.json` in it. `started_unix_ms` is
    /// the wall-clock time of job time 0.
    ///
    /// # Errors
    /// If the directory cannot be made, or one of the files exists already or cannot be written.
    pub fn create(
        directory: &Path,
        scenario_toml: &str,
        graph: &Graph,
        started_unix_ms: u64,
    ) -> Result<Writer, RecordError> {
        std::fs::create_dir_all(directory)
            .map_err(|source| RecordError::io("create", directory, source))?;
        let mut graph_json = to_json(graph);
        graph_json.push(b'\n');
        LineFile::create(directory.join(SCENARIO_FILE), scenario_toml.as_bytes())?;
        LineFile::create(directory.join(GRAPH_FILE), &graph_json)?;
        let tables = Table::ALL
            .into_iter()
            .map(|table| LineFile::create(directory.join(table.file_name()), &header(table)))
            .collect::<Result<_, _>>()?;
        let latency = LineFile::create(
            directory.join(LATENCY_FILE),
            &latency::header(started_unix_ms),
        )?;
        Ok(Writer {
            directory: directory.to_owned(),
            tables,
            latency,
            encoder: Encoder::new(),
        })
    }

    /// Adds a row to its table, which must be one that grows during a run.
    ///
    /// # Errors
    /// If a file cannot grow.
    pub fn append<R: Row>(&mut self, row: &R) -> Result<(), RecordError> {
        const { assert!((R::TABLE as usize) < Table::ALL.len()) };
        self.tables[R::TABLE as usize].append(|line| row.write(line))
    }

    /// Adds one interval of one latency series: job time from `from_ms` to `to_ms`, values in
    /// nanoseconds. Intervals without a record need not be written.
    ///
    /// # Errors
    /// If the file cannot grow, or a count is beyond what the format holds (`i64::MAX`).
    pub fn append_latency(
        &mut self,
        series: Series,
        from_ms: u64,
        to_ms: u64,
        histogram: &Histogram<u64>,
    ) -> Result<(), RecordError> {
        let mut encoded = true;
        self.latency.append(|line| {
            encoded = self
                .encoder
                .write((series, from_ms, to_ms), histogram, line)
        })?;
        if encoded {
            Ok(())
        } else {
            Err(RecordError::CountTooLarge {
                series: series.tag(),
            })
        }
    }

    /// Hands everything to the operating system: what is written survives a kill.
    ///
    /// # Errors
    /// If a file cannot grow. Every file is tried.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        self.each_file(LineFile::flush)
    }

    /// Brings everything to the disk. What is concluded from the record may follow as
    /// [`publish_run`].
    ///
    /// # Errors
    /// If a file cannot grow or be synchronised. Every file is tried.
    pub fn close(mut self) -> Result<(), RecordError> {
        self.each_file(LineFile::sync)
    }

    /// The run directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn each_file(
        &mut self,
        mut action: impl FnMut(&mut LineFile) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        let files = self.tables.iter_mut().chain([&mut self.latency]);
        files.map(&mut action).fold(Ok(()), Result::and)
    }
}

/// Writes `run.json`, which makes the record a finished one: temporary file, fsync, rename.
///
/// # Errors
/// If the file cannot be written; a temporary file is removed again.
pub fn publish_run(directory: &Path, run: &Run) -> Result<(), RecordError> {
    let mut json = to_json(run);
    json.push(b'\n');
    publish(&directory.join(RUN_FILE), &json)
}

pub(super) fn header(table: Table) -> Vec<u8> {
    let columns = match table {
        Table::Timeline => super::TimelineRow::COLUMNS,
        Table::Subtasks => super::SubtaskRow::COLUMNS,
        Table::Channels => super::ChannelRow::COLUMNS,
        Table::Checkpoints => super::CheckpointRow::COLUMNS,
        Table::Outcomes => super::OutcomeRow::COLUMNS,
        Table::Events => super::EventRow::COLUMNS,
        Table::Keys => super::KeyRow::COLUMNS,
        Table::State => super::StateRow::COLUMNS,
        Table::TradeOff => super::TradeOffRow::COLUMNS,
        Table::Search => super::ProbeRow::COLUMNS,
        Table::Sweep => super::SweepRow::COLUMNS,
        Table::SelfTest => super::FindingRow::COLUMNS,
    };
    let mut header = columns.join(",").into_bytes();
    header.push(b'\n');
    header
}

pub(super) fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value)
        .expect("the record's types have string keys and no failing serializer")
}
