//! `result.json`, `comparison.csv` and `blocks.csv`: written after every block, read for resuming and
//! for rendering again.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::quantities::unit;
use super::words::word;
use super::{Compared, ComparedRun, RESULT_FILE, SCHEMA};
use crate::comparison::Verdict;
use crate::record::{RecordError, publish as publish_file};

/// One row per variant and metric.
const COMPARISON_FILE: &str = "comparison.csv";
/// One row per run.
const BLOCKS_FILE: &str = "blocks.csv";
/// A larger `result.json` is none.
const MAX_RESULT_BYTES: u64 = 64 << 20;

/// Why a comparison could not be written, read or drawn.
#[derive(Debug, thiserror::Error)]
pub enum ComparedError {
    /// A file or a run directory.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// `result.json` is not one.
    #[error("{} is not the record of a comparison: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is one of another version.
    #[error("{} has schema {found}; this program knows schema {SCHEMA}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// One run shows no difference.
    #[error("a comparison takes at least two runs")]
    TooFewRuns,
}

/// Writes the tables, then `result.json` by rename: whoever finds that one finds the tables too.
///
/// # Errors
/// If a file cannot be written.
pub fn publish(directory: &Path, compared: &Compared) -> Result<(), ComparedError> {
    publish_file(&directory.join(COMPARISON_FILE), &comparison_csv(compared))?;
    publish_file(&directory.join(BLOCKS_FILE), &blocks_csv(compared))?;
    let mut json = serde_json::to_vec_pretty(compared)
        .expect("its types have string keys and no failing serializer");
    json.push(b'\n');
    publish_file(&directory.join(RESULT_FILE), &json)?;
    Ok(())
}

/// The comparison in this directory, finished or not.
///
/// # Errors
/// If there is no `result.json`, or it cannot be understood.
pub fn read(directory: &Path) -> Result<Compared, ComparedError> {
    let path = directory.join(RESULT_FILE);
    let error = |source: io::Error| RecordError::io("read", &path, source);
    let file = File::open(&path).map_err(error)?;
    let mut json = Vec::new();
    file.take(MAX_RESULT_BYTES)
        .read_to_end(&mut json)
        .map_err(error)?;
    let read: Result<Compared, serde_json::Error> = serde_json::from_slice(&json);
    match read {
        Ok(compared) if compared.schema != SCHEMA => Err(ComparedError::Schema {
            found: compared.schema,
            path,
        }),
        Ok(compared) => Ok(compared),
        Err(source) => Err(ComparedError::Unreadable { path, source }),
    }
}

fn comparison_csv(compared: &Compared) -> Vec<u8> {
    let mut rows = vec![
        [
            "variant",
            "metric",
            "unit",
            "baseline_median",
            "variant_median",
            "ratio",
            "low",
            "high",
            "p",
            "p_adjusted",
            "verdict",
            "beyond_floor",
            "more_blocks",
            "blocks",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let variants = compared.variants.iter().enumerate().skip(1);
    for ((at, variant), estimates) in variants.zip(&compared.estimates) {
        for (metric, it) in estimates.iter().enumerate() {
            let more_blocks = match it.verdict {
                Verdict::Inconclusive { more_blocks } => more_blocks,
                Verdict::Better | Verdict::Worse | Verdict::Equivalent => None,
            };
            rows.push(vec![
                variant.name.clone(),
                it.metric.clone(),
                unit(&it.metric).to_owned(),
                cell(compared.median(0, at, metric)),
                cell(compared.median(at, 0, metric)),
                cell(it.ratio),
                cell(it.low),
                cell(it.high),
                it.p.to_string(),
                it.p_adjusted.to_string(),
                word(it.verdict).to_owned(),
                it.beyond_floor.to_string(),
                cell(more_blocks),
                it.pairs.to_string(),
            ]);
        }
    }
    csv(&rows)
}

fn blocks_csv(compared: &Compared) -> Vec<u8> {
    let columns = ["block", "place", "variant", "directory", "verdict"];
    let calibrations = [
        "calibration_first_ns",
        "calibration_last_ns",
        "calibration_median_ns",
    ];
    let metrics = compared.metrics.iter().map(|metric| metric.name.as_str());
    let header = columns.into_iter().chain(metrics).chain(calibrations);
    let mut rows = vec![header.map(str::to_owned).collect::<Vec<_>>()];
    for (at, block) in compared.blocks.iter().enumerate() {
        let runs = compared.variants.iter().enumerate();
        for (variant, run) in
            runs.filter_map(|(at, it)| Some((at, block.run(at)?)).map(|run| (it, run)))
        {
            let place = block.order.iter().position(|&it| it == run.0);
            let mut row = vec![
                (at + 1).to_string(),
                cell(place.map(|place| place + 1)),
                variant.name.clone(),
            ];
            row.extend(run_cells(run.1, compared.metrics.len()));
            rows.push(row);
        }
    }
    csv(&rows)
}

fn run_cells(run: &ComparedRun, metrics: usize) -> Vec<String> {
    let value = |metric: usize| cell(run.values.get(metric).copied().flatten());
    let calibration = run.calibration_ns;
    let named = [run.directory.clone(), run.verdict.to_string()];
    let machine = [
        cell(calibration.map(|it| it.first)),
        cell(calibration.map(|it| it.last)),
        cell(calibration.map(|it| it.median)),
    ];
    named
        .into_iter()
        .chain((0..metrics).map(value))
        .chain(machine)
        .collect()
}

/// What is not known is an empty cell.
fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn csv(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // One row is one line, as in all tables of a record.
        let row = row.iter().map(|cell| cell.replace(['\r', '\n'], " "));
        writer
            .write_record(row)
            .expect("all rows are as long as the header, and memory takes every byte");
    }
    writer.into_inner().expect("memory takes every byte")
}
