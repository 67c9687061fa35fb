//! What a user chooses about checkpoints and restarts, under Flink's names.

use std::path::PathBuf;
use std::time::Duration;

/// Whether, when and how checkpoints are taken. The defaults are Flink's, but for the interval, which
/// has none there.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointConfig {
    /// Where checkpoints are kept: `chk-N` for each.
    pub directory: PathBuf,
    /// From the beginning of one to the beginning of the next; without it, only at the end of the job.
    pub interval: Option<Duration>,
    /// At least this long between the end of one and the beginning of the next.
    pub min_pause: Duration,
    /// One that takes longer is given up.
    pub timeout: Duration,
    /// How barriers pass rows.
    pub mode: CheckpointMode,
    /// So many may fail one after the other; one more fails the job.
    pub tolerable_failures: u32,
    /// So many complete ones are kept; at least 1.
    pub retained: usize,
}

impl CheckpointConfig {
    /// Checkpoints in `directory` with Flink's defaults, and no interval.
    pub fn new(directory: PathBuf) -> Self {
        CheckpointConfig {
            directory,
            interval: None,
            min_pause: Duration::ZERO,
            timeout: Duration::from_secs(600),
            mode: CheckpointMode::Aligned,
            tolerable_failures: 0,
            retained: 1,
        }
    }
}

/// How barriers pass rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointMode {
    /// Never: a subtask waits until a barrier has come over each of its channels.
    Aligned,
    /// At once: what they overtake is part of the checkpoint.
    Unaligned,
    /// Aligned, until that has taken this long since the checkpoint began.
    AlignedFor(Duration),
}

/// Whether and when a failed job is started again from its last checkpoint. Names and meaning are
/// Flink's.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RestartStrategy {
    /// Never.
    #[default]
    None,
    /// So many times, each after the same delay.
    FixedDelay {
        /// How often.
        attempts: u32,
        /// From a failure to the next attempt.
        delay: Duration,
    },
    /// After delays that grow, for ever.
    ExponentialDelay {
        /// The first delay.
        initial: Duration,
        /// The longest.
        max: Duration,
        /// Each is so many times the one before.
        multiplier: f64,
        /// A job that has run for so long begins with the first delay again.
        reset_after: Duration,
    },
    /// Unless there are too many failures in too short a time.
    FailureRate {
        /// More than so many failures within the interval end the job.
        max_failures: u32,
        /// The interval.
        interval: Duration,
        /// From a failure to the next attempt.
        delay: Duration,
    },
}

/// What a job begins with.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RestoreFrom {
    /// Nothing.
    #[default]
    Nothing,
    /// The latest complete checkpoint in the directory of the job's checkpoints; nothing if there is
    /// none.
    Latest,
    /// This checkpoint: the path of its `chk-N`.
    Checkpoint(PathBuf),
}
