//! What `run.json` says of checkpoints and of failures.

use serde::{Deserialize, Serialize};

/// Checkpoints that were triggered in the measured phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoints {
    /// How many are complete.
    pub completed: u64,
    /// How many were given up.
    pub failed: u64,
    /// Of the complete ones, those in which barriers overtook rows somewhere.
    pub unaligned: u64,
    /// From trigger to completion, of the complete ones.
    pub duration_ms: CheckpointDuration,
    /// Where that time went.
    pub parts_ms: CheckpointParts,
    /// What the last complete one stands for.
    pub bytes: Option<u64>,
    /// Median of what complete ones had to write: without what an earlier one had already.
    pub written_bytes: Option<u64>,
    /// Most bytes of overtaken rows in one of them.
    pub in_flight_bytes_max: Option<u64>,
}

/// How long checkpoints took, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointDuration {
    /// Median, of however few; null without any.
    pub p50: Option<f64>,
    /// 99th percentile; null with fewer than 1,000.
    pub p99: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

/// Parts of a checkpoint's duration, milliseconds: of each checkpoint those of the subtask that was
/// finished last, of these the median over the complete ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointParts {
    /// Until the first barrier arrived.
    pub start_delay: Option<f64>,
    /// From the first to the last barrier.
    pub alignment: Option<f64>,
    /// Synchronous part of the snapshot.
    pub sync: Option<f64>,
    /// In that, writing a database's memory to its files.
    pub flush: Option<f64>,
    /// In that, linking a database's files.
    pub link: Option<f64>,
    /// Asynchronous part of the snapshot.
    #[serde(rename = "async")]
    pub asynchronous: Option<f64>,
}

/// A failure after which the job was started again. Times are milliseconds of job time; those that
/// are not known are null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// When the attempt failed.
    pub failed_at_ms: u64,
    /// When the next attempt had what it goes on from, and began to work.
    pub restarted_at_ms: u64,
    /// The first sample from then on with no more backlog than the largest in the second before the failure;
    /// null with closed-loop load, or if the run, or the attempt, ended before.
    pub caught_up_at_ms: Option<u64>,
    /// From which checkpoint; null if from the beginning.
    pub restored_checkpoint: Option<u64>,
    /// What failed.
    pub cause: String,
}
