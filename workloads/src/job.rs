//! The `[job]` table of a scenario: how the engine lays the job out.

mod checkpoint;
mod network;
mod output;
mod restart;
mod state;

use std::path::Path;
use std::time::Duration;

use engine::{Chaining, ChannelConfig, JobConfig};
use serde::{Deserialize, Serialize};

pub use checkpoint::CheckpointSpec;
pub use network::{NetworkSpec, RemoteSpec};
pub use output::OutputSpec;
pub use restart::RestartSpec;
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
    /// Which exchanges go over the network.
    pub remote: RemoteSpec,
    /// What that is like.
    pub network: NetworkSpec,
    /// Where keyed state is kept.
    pub state: StateSpec,
    /// Whether, when and how checkpoints are taken.
    pub checkpoint: Option<CheckpointSpec>,
    /// Whether and when a failed job is started again.
    pub restart: RestartSpec,
    /// Where what reaches the sinks goes, apart from being judged.
    pub output: OutputSpec,
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
    remote: toml::Value,
    network: NetworkSpec,
    state: toml::Table,
    checkpoint: Option<toml::Table>,
    restart: toml::Table,
    output: toml::Table,
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
        name: "remote",
        kind: Kind::FlagOrNames,
        default: Absent::Value("false"),
        help: "exchanges that go over the network, encoded: all, or those into these operators",
    },
    Parameter {
        name: "network",
        kind: Kind::Table(network::PARAMETERS),
        default: Absent::Value("{}"),
        help: "what the network is like; every sending subtask has a link of its own for each remote exchange",
    },
    Parameter {
        name: "state",
        kind: state::KIND,
        default: Absent::Value("{ backend = \"heap\" }"),
        help: "where keyed state is kept",
    },
    Parameter {
        name: "checkpoint",
        kind: Kind::Table(checkpoint::PARAMETERS),
        default: Absent::Absent("no checkpoints are taken"),
        help: "when and how the job writes down what it holds, to go on from there",
    },
    Parameter {
        name: "restart",
        kind: restart::KIND,
        default: Absent::Value("{ strategy = \"none\" }"),
        help: "whether and when a failed job is started again, from its last checkpoint if there is one",
    },
    Parameter {
        name: "output",
        kind: output::KIND,
        default: Absent::Value("{ kind = \"none\" }"),
        help: "where what reaches the sinks goes, apart from being judged",
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
            remote,
            network,
            state,
            checkpoint,
            restart,
            output,
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
            remote: RemoteSpec::complete(&remote),
            network,
            state: StateSpec::complete(state)?,
            output: OutputSpec::complete(output, checkpoint.is_some())?,
            checkpoint: checkpoint.map(CheckpointSpec::complete).transpose()?,
            restart: RestartSpec::complete(restart)?,
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
            network,
            ..
        } = self.clone();
        write(&Layout {
            parallelism,
            slots: Some(slots),
            chaining,
            channels,
            remote: self.remote.to_value(),
            network,
            state: self.state.to_table(),
            checkpoint: self.checkpoint.as_ref().map(CheckpointSpec::to_table),
            restart: self.restart.to_table(),
            output: self.output.to_table(),
        })
    }

    /// The same with a place for everything that the job leaves behind: below the directory of the run unless the
    /// scenario gives another.
    pub fn within(&self, run: &Path) -> JobSpec {
        let checkpoint = self.checkpoint.as_ref();
        JobSpec {
            checkpoint: checkpoint.map(|checkpoint| checkpoint.within(run)),
            output: self.output.within(run),
            ..self.clone()
        }
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
            remote: self.remote.to_remote(),
            network: self.network.to_config(),
            state_backend: self.state.to_backend(),
            checkpoints: self.checkpoint.as_ref().map(CheckpointSpec::to_config),
            restart: self.restart.to_strategy(),
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
            "checkpoint = {}",
            "checkpoint = { interval = '5s', mode = 'aligned-with-timeout', alignment_timeout = '1s', directory = 'x' }",
            "checkpoint = { mode = 'unaligned', min_pause = '1s', timeout = '2s', tolerable_failures = 3, retained = 2 }",
            "checkpoint = {}\noutput = { kind = 'files' }",
            "checkpoint = {}\noutput = { kind = 'files', directory = 'x' }",
            "restart = { strategy = 'fixed-delay' }",
            "remote = true\nnetwork = { bandwidth_per_s = '125MiB', latency = '1ms' }",
            "remote = ['count', 'sink']",
            "restart = { strategy = 'exponential-delay', multiplier = 2 }",
            "restart = { strategy = 'failure-rate', max_failures = 3 }",
        ] {
            let job = JobSpec::parse(text.parse().expect("TOML")).expect("valid");
            assert_eq!(JobSpec::parse(job.to_table()), Ok(job));
        }
        assert_eq!(JobSpec::default().channels.batch, 1024);
    }

    #[test]
    fn checkpoints_and_restarts_have_the_defaults_of_flink() {
        let job = JobSpec::parse("checkpoint = { interval = '1s' }".parse().expect("TOML"));
        let config = job.expect("valid").within(Path::new("run")).to_config();
        let expected = engine::CheckpointConfig {
            interval: Some(Duration::from_secs(1)),
            ..engine::CheckpointConfig::new("run/checkpoints".into())
        };
        assert_eq!(config.checkpoints, Some(expected));
        assert_eq!(config.restart, engine::RestartStrategy::None);
        assert_eq!(JobSpec::default().to_config().checkpoints, None);
    }

    #[test]
    fn a_directory_that_is_given_is_not_moved() {
        let job = JobSpec::parse("checkpoint = { directory = '/x' }".parse().expect("TOML"));
        let config = job.expect("valid").within(Path::new("run")).to_config();
        let directory = config.checkpoints.map(|checkpoints| checkpoints.directory);
        assert_eq!(directory.as_deref(), Some(Path::new("/x")));
    }

    #[test]
    fn what_does_not_go_together_is_refused_by_key() {
        for (text, expected) in [
            (
                "checkpoint = { mode = 'aligned-with-timeout' }",
                "checkpoint.alignment_timeout: missing; mode \"aligned-with-timeout\" needs it",
            ),
            (
                "checkpoint = { alignment_timeout = '1s' }",
                "checkpoint.alignment_timeout: found \"1s\"; allowed with mode = \"aligned-with-timeout\"",
            ),
            (
                "checkpoint = { mode = 'exactly-once' }",
                "checkpoint.mode: found \"exactly-once\" (string); allowed: \"aligned\" or \"unaligned\" or \"aligned-with-timeout\"",
            ),
            (
                "restart = { strategy = 'exponential-delay', max_backoff = '1ms' }",
                "restart.max_backoff: found \"1ms\"; allowed: from initial_backoff = \"1s\"",
            ),
            (
                "output = { kind = 'files' }",
                "output.kind: found \"files\"; they become visible with checkpoints: allowed with checkpoint",
            ),
            (
                "restart = { attempts = 3 }",
                "restart.strategy: missing; allowed: \"none\" or \"fixed-delay\" or \"exponential-delay\" or \"failure-rate\"",
            ),
        ] {
            let error = JobSpec::parse(text.parse().expect("TOML")).expect_err(text);
            assert_eq!(error.to_string(), expected);
        }
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
