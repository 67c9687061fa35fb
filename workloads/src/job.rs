//! The `[job]` table of a scenario: how the engine lays the job out.

mod state;

use std::time::Duration;

use engine::{Chaining, ChannelConfig, JobConfig};
use serde::{Deserialize, Serialize};

pub use state::{RocksDbSpec, StateSpec};

use crate::spec::{
    Default as Absent, Kind, Parameter, SpecError, check, read, serde_through_table, write,
};

/// How the engine lays a job out and drives it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSpec {
    /// Subtasks of every operator that does not set its own.
    pub parallelism: usize,
    /// Worker threads.
    pub slots: usize,
    /// Which neighbouring operators share a task.
    pub chaining: ChainingSpec,
    /// Sizes of all channels.
    pub channels: ChannelSpec,
    /// Where keyed state is kept.
    pub state: StateSpec,
}

/// Which neighbouring operators share a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainingSpec {
    /// All that can.
    On,
    /// None.
    Off,
    /// All that can, but these operators start a chain.
    BrokenBefore(Vec<String>),
}

/// Sizes of all channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelSpec {
    /// Records per batch.
    pub batch: usize,
    /// Batches of each channel's own.
    pub exclusive: usize,
    /// Batches shared by all channels into a subtask.
    pub floating: usize,
    /// How long a record waits at most for its batch to fill.
    #[serde(with = "humantime_serde")]
    pub flush_timeout: Duration,
}

/// The layout that serde sees; [`JobSpec`] itself goes through the checker.
#[derive(Serialize, Deserialize)]
struct Layout {
    parallelism: usize,
    slots: Option<usize>,
    chaining: toml::Value,
    channels: ChannelSpec,
    state: toml::Table,
}

static PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "parallelism",
        kind: Kind::Integer {
            min: 1,
            max: 10_000,
        },
        default: Absent::Value("2"),
        help: "subtasks of every operator that does not set its own",
    },
    Parameter {
        name: "slots",
        kind: Kind::Integer { min: 1, max: 1024 },
        default: Absent::Absent("one per core"),
        help: "worker threads of the engine",
    },
    Parameter {
        name: "chaining",
        kind: Kind::FlagOrNames,
        default: Absent::Value("true"),
        help: "fuse neighbouring operators into one task; a list names operators that start a new one",
    },
    Parameter {
        name: "channels",
        kind: Kind::Table(CHANNELS),
        default: Absent::Value("{}"),
        help: "sizes of all channels",
    },
    Parameter {
        name: "state",
        kind: state::KIND,
        default: Absent::Value("{ backend = \"heap\" }"),
        help: "where keyed state is kept",
    },
];

const CHANNELS: &[Parameter] = &[
    Parameter {
        name: "batch",
        kind: Kind::Integer {
            min: 1,
            max: 65_536,
        },
        default: Absent::Value("1024"),
        help: "records per batch",
    },
    Parameter {
        name: "exclusive",
        kind: Kind::Integer { min: 1, max: 1024 },
        default: Absent::Value("2"),
        help: "batches of each channel's own",
    },
    Parameter {
        name: "floating",
        kind: Kind::Integer {
            min: 0,
            max: 65_536,
        },
        default: Absent::Value("8"),
        help: "batches shared by all channels into a subtask",
    },
    Parameter {
        name: "flush_timeout",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: Duration::from_secs(60),
        },
        default: Absent::Value("\"5ms\""),
        help: "how long a record waits at most for its batch to fill",
    },
];

/// The parameters of `[job]`.
pub fn parameters_of_job() -> &'static [Parameter] {
    PARAMETERS
}

impl JobSpec {
    /// Reads a `[job]` table. Without `slots` there is one per core of this machine.
    ///
    /// # Errors
    /// Anything that [`parameters_of_job`] does not allow.
    pub fn parse(table: toml::Table) -> Result<JobSpec, SpecError> {
        let Layout {
            parallelism,
            slots,
            chaining,
            channels,
            state,
        } = read(check(PARAMETERS, table)?)?;
        let slots =
            slots.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let chaining = match chaining {
            toml::Value::Array(names) => ChainingSpec::BrokenBefore(
                names
                    .iter()
                    .filter_map(|name| name.as_str().map(str::to_owned))
                    .collect(),
            ),
            toml::Value::Boolean(false) => ChainingSpec::Off,
            _ => ChainingSpec::On,
        };
        Ok(JobSpec {
            parallelism,
            slots,
            chaining,
            channels,
            state: StateSpec::complete(state)?,
        })
    }

    /// The table again, with every default filled in.
    pub fn to_table(&self) -> toml::Table {
        let chaining = match &self.chaining {
            ChainingSpec::On => true.into(),
            ChainingSpec::Off => false.into(),
            ChainingSpec::BrokenBefore(names) => {
                toml::Value::Array(names.iter().map(|name| name.as_str().into()).collect())
            }
        };
        let JobSpec {
            parallelism,
            slots,
            channels,
            ..
        } = self.clone();
        write(&Layout {
            parallelism,
            slots: Some(slots),
            chaining,
            channels,
            state: self.state.to_table(),
        })
    }

    /// What the embedded engine is deployed with.
    pub fn to_config(&self) -> JobConfig {
        let ChannelSpec {
            batch,
            exclusive,
            floating,
            flush_timeout,
        } = self.channels;
        JobConfig {
            parallelism: self.parallelism,
            slots: self.slots,
            // Flink's rule: at least 128 key groups, more only where the parallelism needs them.
            max_parallelism: self.parallelism.next_power_of_two().max(128),
            chaining: match &self.chaining {
                ChainingSpec::On => Chaining::On,
                ChainingSpec::Off => Chaining::Off,
                ChainingSpec::BrokenBefore(names) => Chaining::BrokenBefore(names.clone()),
            },
            channels: ChannelConfig {
                batch,
                exclusive,
                floating,
                flush_timeout,
            },
            state_backend: self.state.to_backend(),
            ..JobConfig::default()
        }
    }
}

impl Default for JobSpec {
    fn default() -> JobSpec {
        JobSpec::parse(toml::Table::new())
            .expect("the declared defaults are allowed, checked by a test")
    }
}

serde_through_table!(JobSpec);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_survive_a_round_trip_with_their_defaults() {
        for text in [
            "",
            "chaining = false",
            "chaining = ['slow']\nslots = 3\nchannels = { batch = 16 }",
        ] {
            let job = JobSpec::parse(text.parse().expect("TOML")).expect("valid");
            assert_eq!(JobSpec::parse(job.to_table()), Ok(job));
        }
        assert_eq!(JobSpec::default().channels.batch, 1024);
    }

    #[test]
    fn nested_keys_are_refused_by_their_path() {
        let error = JobSpec::parse("channels = { batches = 1 }".parse().expect("TOML"))
            .expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "channels.batches: unknown key; known: batch, exclusive, floating, flush_timeout"
        );
    }
}
