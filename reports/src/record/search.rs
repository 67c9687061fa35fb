//! `search.csv` and `sweep.csv`: the probes of a search and the loads of a sweep, in a folder of their
//! own. Both are written whole after each row, so that a search that was interrupted goes on from its
//! file.

use std::path::Path;
use std::time::Duration;

use super::line_file::publish;
use super::reader::Rows;
use super::table::{Cell, Row, Table, row};
use super::{Distribution, RecordError, Verdict, writer};
use crate::search::{Capacity, ProbeResult};
use crate::sustainable::Probe;

row! {
    /// One probe of a search, and what was known after it.
    ProbeRow in Table::Search;
    /// Which one, from 1.
    probe: u32,
    /// The load: records due per second.
    rate_per_s: f64,
    /// How long it was measured, milliseconds, extensions included.
    duration_ms: u64,
    /// Whether it was held.
    outcome: Probe,
    /// Records completed per second.
    completed_per_s: Option<f64>,
    /// 95 % interval of the backlog's growth, seconds of load per second: lower end.
    backlog_slope_lower: Option<f64>,
    /// Upper end of the same.
    backlog_slope_upper: Option<f64>,
    /// Estimate of the capacity after this probe, records per second; `None` while there is no bracket.
    capacity_per_s: Option<f64>,
    /// Lower end of its 95 % interval.
    capacity_lower_per_s: Option<f64>,
    /// Upper end of the same.
    capacity_upper_per_s: Option<f64>,
    /// Median response time, nanoseconds; null with too few samples.
    response_p50_ns: Option<u64>,
    /// 90th percentile of the same.
    response_p90_ns: Option<u64>,
    /// 99th percentile of the same.
    response_p99_ns: Option<u64>,
    /// 99.9th percentile of the same.
    response_p999_ns: Option<u64>,
    /// The rate that the driver was given, so that this load came of it.
    asked_per_s: Option<f64>,
    /// Verdict of the run; of the last one, where it was extended.
    verdict: Option<Verdict>,
    /// Its run directory, in the folder `runs`.
    run: Option<String>,
}

row! {
    /// One load of a sweep. Response times are null with too few samples.
    SweepRow in Table::Sweep;
    /// The load that was asked for, times the capacity.
    load: f64,
    /// The load: records due per second.
    rate_per_s: f64,
    /// How long it was measured, milliseconds.
    duration_ms: u64,
    /// Whether it was held.
    outcome: Probe,
    /// Records completed per second, over the capacity.
    completed: Option<f64>,
    /// The same of only those within the objective.
    within_objective: Option<f64>,
    /// Median response time, nanoseconds.
    response_p50_ns: Option<u64>,
    /// 90th percentile of the same.
    response_p90_ns: Option<u64>,
    /// 99th percentile of the same.
    response_p99_ns: Option<u64>,
    /// 99.9th percentile of the same.
    response_p999_ns: Option<u64>,
    /// Verdict of the run; of the last one, where it was extended.
    verdict: Option<Verdict>,
    /// Its run directory, in the folder `runs`.
    run: Option<String>,
}

impl Cell for Probe {
    fn write(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(self.as_str().as_bytes());
    }

    fn read(cell: &[u8]) -> Option<Self> {
        let mut all = Probe::ALL.into_iter();
        all.find(|probe| probe.as_str().as_bytes() == cell)
    }
}

impl Cell for Verdict {
    fn write(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(self.as_str().as_bytes());
    }

    fn read(cell: &[u8]) -> Option<Self> {
        let word = serde_json::Value::from(std::str::from_utf8(cell).ok()?);
        serde_json::from_value(word).ok()
    }
}

impl ProbeRow {
    /// The row of a search's probe, counted from 1, with the estimate after it. Its run is not known here.
    pub fn new(probe: u32, result: &ProbeResult, capacity: Option<Capacity>) -> ProbeRow {
        ProbeRow {
            probe,
            rate_per_s: result.rate_per_s,
            duration_ms: u64::try_from(result.duration.as_millis()).unwrap_or(u64::MAX),
            outcome: result.outcome,
            completed_per_s: result.completed_per_s,
            backlog_slope_lower: result.backlog_slope_lower,
            backlog_slope_upper: result.backlog_slope_upper,
            capacity_per_s: capacity.map(|it| it.median_per_s),
            capacity_lower_per_s: capacity.map(|it| it.lower_per_s),
            capacity_upper_per_s: capacity.map(|it| it.upper_per_s),
            ..ProbeRow::default()
        }
    }

    /// The same with what its run says: response times, verdict, folder.
    #[must_use]
    pub fn with_run(
        self,
        response: Option<&Distribution>,
        verdict: Verdict,
        run: &str,
    ) -> ProbeRow {
        let at = |percentile: fn(&Distribution) -> Option<u64>| response.and_then(percentile);
        ProbeRow {
            response_p50_ns: at(|it| it.p50),
            response_p90_ns: at(|it| it.p90),
            response_p99_ns: at(|it| it.p99),
            response_p999_ns: at(|it| it.p999),
            verdict: Some(verdict),
            run: Some(run.to_owned()),
            ..self
        }
    }

    /// As a load of a sweep around a capacity: what a search says of latency over load.
    pub fn over_load(&self, capacity_per_s: f64) -> SweepRow {
        SweepRow {
            load: self.rate_per_s / capacity_per_s,
            rate_per_s: self.rate_per_s,
            duration_ms: self.duration_ms,
            outcome: self.outcome,
            completed: self.completed_per_s.map(|per_s| per_s / capacity_per_s),
            within_objective: None,
            response_p50_ns: self.response_p50_ns,
            response_p90_ns: self.response_p90_ns,
            response_p99_ns: self.response_p99_ns,
            response_p999_ns: self.response_p999_ns,
            verdict: self.verdict,
            run: self.run.clone(),
        }
    }

    /// What the search was fed with.
    pub fn result(&self) -> ProbeResult {
        ProbeResult {
            rate_per_s: self.rate_per_s,
            duration: Duration::from_millis(self.duration_ms),
            outcome: self.outcome,
            completed_per_s: self.completed_per_s,
            backlog_slope_lower: self.backlog_slope_lower,
            backlog_slope_upper: self.backlog_slope_upper,
        }
    }
}

/// Writes `search.csv`: temporary file, fsync, rename.
///
/// # Errors
/// If the file cannot be written; a temporary file is removed again.
pub fn publish_probes(directory: &Path, rows: &[ProbeRow]) -> Result<(), RecordError> {
    publish_rows(directory, rows)
}

/// Writes `sweep.csv`: temporary file, fsync, rename.
///
/// # Errors
/// If the file cannot be written; a temporary file is removed again.
pub fn publish_sweep(directory: &Path, rows: &[SweepRow]) -> Result<(), RecordError> {
    publish_rows(directory, rows)
}

fn publish_rows<R: Row>(directory: &Path, rows: &[R]) -> Result<(), RecordError> {
    let mut lines = writer::header(R::TABLE);
    rows.iter().for_each(|row| row.write(&mut lines));
    publish(&directory.join(R::TABLE.file_name()), &lines)
}

/// The rows of `search.csv`; none if there is no such file.
pub fn probe_rows(directory: &Path) -> Rows<ProbeRow> {
    Rows::open(&directory.join(Table::Search.file_name()))
}

/// The rows of `sweep.csv`; none if there is no such file.
pub fn sweep_rows(directory: &Path) -> Rows<SweepRow> {
    Rows::open(&directory.join(Table::Sweep.file_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_comes_back_from_its_file_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let result = ProbeResult {
            rate_per_s: 1_234.5,
            duration: Duration::from_secs(40),
            outcome: Probe::Unsustainable,
            completed_per_s: Some(0.1 + 0.2),
            backlog_slope_lower: None,
            backlog_slope_upper: Some(-1e-17),
        };
        let rows =
            Probe::ALL.map(|outcome| ProbeRow::new(1, &ProbeResult { outcome, ..result }, None));
        let rows = rows.map(|row| row.with_run(None, Verdict::GeneratorLimited, "01-1234"));
        publish_probes(directory.path(), &rows).unwrap();
        let read: Vec<ProbeRow> = probe_rows(directory.path()).collect();
        assert_eq!(read, rows);
        assert_eq!(read[1].result(), result);
        assert_eq!(sweep_rows(directory.path()).count(), 0);
        publish_sweep(directory.path(), &[SweepRow::default()]).unwrap();
        assert_eq!(
            sweep_rows(directory.path()).collect::<Vec<_>>(),
            [SweepRow::default()]
        );
    }
}
