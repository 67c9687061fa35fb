//! What a comparison keeps of one run.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::quantities::values;
use crate::conclude::conclusion;
use crate::record::{RunDir, TimelineRow, Verdict};
use crate::stats::median_of;

/// One run of a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedRun {
    /// The run directory, relative to that of the comparison, with `/` between its parts.
    pub directory: String,
    /// What its numbers are worth.
    pub verdict: Verdict,
    /// In the order of the comparison's metrics.
    pub values: Vec<Option<f64>>,
    /// Intended records per second; null with closed-loop load.
    pub offered_per_s: Option<f64>,
    /// How fast the machine was; null if that was not measured.
    pub calibration_ns: Option<Calibration>,
}

/// Times of a fixed piece of work, nanoseconds: the longer, the slower the machine was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Before the run.
    pub first: u64,
    /// After it.
    pub last: u64,
    /// Median of all of the run: a single one may have been interrupted.
    pub median: f64,
}

impl ComparedRun {
    /// The run that left its record in `directory` below `root`, the directory of the comparison. One
    /// that left none has failed.
    pub fn of(root: &Path, directory: &str) -> ComparedRun {
        ComparedRun::named(&root.join(directory), directory)
    }

    /// The run of this path, which the comparison knows as `directory`.
    pub(super) fn named(path: &Path, directory: &str) -> ComparedRun {
        let Ok(record) = RunDir::open(path) else {
            return ComparedRun {
                directory: directory.to_owned(),
                verdict: Verdict::Failed,
                values: Vec::new(),
                offered_per_s: None,
                calibration_ns: None,
            };
        };
        let run = conclusion(&record);
        ComparedRun {
            directory: directory.to_owned(),
            verdict: run.verdict,
            values: values(&run),
            offered_per_s: run.summary.offered_per_s,
            calibration_ns: Calibration::of(&record),
        }
    }
}

impl Calibration {
    fn of(record: &RunDir) -> Option<Calibration> {
        let rows = record.rows::<TimelineRow>();
        let times: Vec<u64> = rows.filter_map(|row| row.calibration).collect();
        let mut sorted: Vec<f64> = times.iter().map(|&ns| ns as f64).collect();
        Some(Calibration {
            first: *times.first()?,
            last: *times.last()?,
            median: median_of(&mut sorted),
        })
    }
}
