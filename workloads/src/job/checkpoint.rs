//! `[job] checkpoint`: whether, when and how the job writes down what it holds. Names and defaults are those of Apache
//! Flink's `execution.checkpointing.*`, but for the interval, which has no default there either.

use std::path::PathBuf;
use std::time::Duration;

use engine::{CheckpointConfig, CheckpointMode};
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::spec::{Default as Absent, Kind, Parameter, SpecError, read, write};

/// Where checkpoints are kept unless the scenario says so, below the directory of the run.
const DIRECTORY: &str = "checkpoints";

/// Between two checkpoints of a run that lasts a day, and the least that still is a pause.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// When and how checkpoints are taken.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointSpec {
    /// From the beginning of one to the beginning of the next; without it, only at the end of the input.
    pub interval: Option<Duration>,
    /// How barriers pass rows.
    pub mode: CheckpointMode,
    /// At least so long between the end of one and the beginning of the next.
    pub min_pause: Duration,
    /// One that takes longer is given up.
    pub timeout: Duration,
    /// So many may fail one after the other; one more fails the job.
    pub tolerable_failures: u32,
    /// So many complete ones are kept.
    pub retained: usize,
    /// Where; without it, in the directory of the run.
    pub directory: Option<PathBuf>,
}

/// The layout that serde sees.
#[derive(Serialize, Deserialize)]
struct Layout {
    #[serde(with = "humantime_serde", default)]
    interval: Option<Duration>,
    mode: Mode,
    #[serde(with = "humantime_serde", default)]
    alignment_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    min_pause: Duration,
    #[serde(with = "humantime_serde")]
    timeout: Duration,
    tolerable_failures: u32,
    retained: usize,
    directory: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Aligned,
    Unaligned,
    AlignedWithTimeout,
}

const fn span(min: Duration, max: Duration) -> Kind {
    Kind::Span { min, max }
}

/// What `[job] checkpoint` may be. Each names Flink's option in brackets.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "interval",
        kind: span(SHORTEST, LONGEST),
        default: Absent::Absent("none: one checkpoint, at the end of the input"),
        help: "from the beginning of one checkpoint to the beginning of the next (interval)",
    },
    Parameter {
        name: "mode",
        kind: Kind::Choice(&["aligned", "unaligned", "aligned-with-timeout"]),
        default: Absent::Value("\"aligned\""),
        help: "barriers wait behind rows; or overtake them, which go into the checkpoint; or do so after a while (unaligned.enabled)",
    },
    Parameter {
        name: "alignment_timeout",
        kind: span(Duration::from_millis(1), LONGEST),
        default: Absent::Absent("required with mode aligned-with-timeout"),
        help: "how long after its begin a checkpoint stays aligned (aligned-checkpoint-timeout)",
    },
    Parameter {
        name: "min_pause",
        kind: span(Duration::ZERO, LONGEST),
        default: Absent::Value("\"0s\""),
        help: "at least so long between the end of one and the beginning of the next (min-pause)",
    },
    Parameter {
        name: "timeout",
        kind: span(SHORTEST, LONGEST),
        default: Absent::Value("\"10m\""),
        help: "a checkpoint that takes longer is given up (timeout)",
    },
    Parameter {
        name: "tolerable_failures",
        kind: Kind::Integer {
            min: 0,
            max: 1_000_000,
        },
        default: Absent::Value("0"),
        help: "so many may fail one after the other; one more fails the job (tolerable-failed-checkpoints)",
    },
    Parameter {
        name: "retained",
        kind: Kind::Integer { min: 1, max: 1_000 },
        default: Absent::Value("1"),
        help: "so many complete ones are kept (num-retained)",
    },
    Parameter {
        name: "directory",
        kind: Kind::Choice(&[]),
        default: Absent::Absent("checkpoints in the run directory"),
        help: "where they are kept (dir)",
    },
];

impl CheckpointSpec {
    /// Reads a checked table.
    ///
    /// # Errors
    /// A mode and a timeout of the alignment that do not go together.
    pub(super) fn complete(table: Table) -> Result<CheckpointSpec, SpecError> {
        let layout: Layout = read(table)?;
        Ok(CheckpointSpec {
            mode: mode(&layout)?,
            interval: layout.interval,
            min_pause: layout.min_pause,
            timeout: layout.timeout,
            tolerable_failures: layout.tolerable_failures,
            retained: layout.retained,
            directory: layout.directory.map(PathBuf::from),
        })
    }

    /// The table again, with every default filled in.
    pub(super) fn to_table(&self) -> Table {
        let (mode, alignment_timeout) = match self.mode {
            CheckpointMode::Aligned => (Mode::Aligned, None),
            CheckpointMode::Unaligned => (Mode::Unaligned, None),
            CheckpointMode::AlignedFor(timeout) => (Mode::AlignedWithTimeout, Some(timeout)),
        };
        write(&Layout {
            interval: self.interval,
            mode,
            alignment_timeout,
            min_pause: self.min_pause,
            timeout: self.timeout,
            tolerable_failures: self.tolerable_failures,
            retained: self.retained,
            // Only a run directory can have another name than text, and it is found again without being written out.
            directory: self
                .directory
                .as_ref()
                .and_then(|path| path.to_str())
                .map(str::to_owned),
        })
    }

    /// What the embedded engine is deployed with.
    pub(super) fn to_config(&self) -> CheckpointConfig {
        CheckpointConfig {
            directory: self.directory.clone().unwrap_or_else(|| DIRECTORY.into()),
            interval: self.interval,
            min_pause: self.min_pause,
            timeout: self.timeout,
            mode: self.mode,
            tolerable_failures: self.tolerable_failures,
            retained: self.retained,
        }
    }

    /// The same with a directory, below that of the run unless it had one.
    pub(super) fn within(&self, run: &std::path::Path) -> CheckpointSpec {
        let directory = self.directory.clone();
        CheckpointSpec {
            directory: Some(directory.unwrap_or_else(|| run.join(DIRECTORY))),
            ..self.clone()
        }
    }
}

fn mode(layout: &Layout) -> Result<CheckpointMode, SpecError> {
    match (&layout.mode, layout.alignment_timeout) {
        (Mode::Aligned, None) => Ok(CheckpointMode::Aligned),
        (Mode::Unaligned, None) => Ok(CheckpointMode::Unaligned),
        (Mode::AlignedWithTimeout, Some(timeout)) => Ok(CheckpointMode::AlignedFor(timeout)),
        (Mode::AlignedWithTimeout, None) => {
            let message = "missing; mode \"aligned-with-timeout\" needs it";
            Err(SpecError::new("checkpoint.alignment_timeout", message))
        }
        (Mode::Aligned | Mode::Unaligned, Some(timeout)) => {
            let found = humantime::format_duration(timeout);
            let message =
                format!("found \"{found}\"; allowed with mode = \"aligned-with-timeout\"");
            Err(SpecError::new("checkpoint.alignment_timeout", message))
        }
    }
}
