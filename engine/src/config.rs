//! What a job is deployed with, apart from its graph.

use std::time::Duration;

use crate::checkpoint::config::{CheckpointConfig, RestartStrategy, RestoreFrom};
use crate::state::StateBackend;

/// How a job is laid out and driven.
#[derive(Clone, Debug)]
pub struct JobConfig {
    /// Subtasks of every operator that does not set its own.
    pub parallelism: usize,
    /// Worker threads: the CPU that the job may use.
    pub slots: usize,
    /// Number of key groups, and so the largest parallelism of keyed operators.
    pub max_parallelism: usize,
    /// Which operators share a task.
    pub chaining: Chaining,
    /// Where keyed state is kept.
    pub state_backend: StateBackend,
    /// Sizes of all channels.
    pub channels: ChannelConfig,
    /// Which exchanges go over the network.
    pub remote: Remote,
    /// What that network is like.
    pub network: NetworkConfig,
    /// Whether, when and how checkpoints are taken.
    pub checkpoints: Option<CheckpointConfig>,
    /// Whether a failed job is started again.
    pub restart: RestartStrategy,
    /// What the job begins with.
    pub restore: RestoreFrom,
    /// Whether the job may go back to a checkpoint before its latest, if that is damaged, although it has
    /// sinks that cannot take back what they have been given since.
    pub allow_rollback: bool,
    /// At most this many subtasks may hold a blocking operator: each may need a thread of its own.
    pub max_blocking_subtasks: usize,
}

impl Default for JobConfig {
    fn default() -> Self {
        JobConfig {
            parallelism: 1,
            slots: std::thread::available_parallelism().map_or(1, usize::from),
            max_parallelism: 128,
            chaining: Chaining::On,
            state_backend: StateBackend::default(),
            channels: ChannelConfig::default(),
            remote: Remote::None,
            network: NetworkConfig::default(),
            checkpoints: None,
            restart: RestartStrategy::None,
            restore: RestoreFrom::Nothing,
            allow_rollback: false,
            max_blocking_subtasks: 1024,
        }
    }
}

/// Whether neighbouring operators are fused into one task, handing batches over without a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chaining {
    /// Wherever the exchange is forward, the parallelism equal and the consumer the only one.
    On,
    /// Never: every operator is a task.
    Off,
    /// As `On`, but these operators (by name) start a chain.
    BrokenBefore(Vec<String>),
}

/// Which exchanges go over the network: their batches are encoded, pass a link with a bandwidth and a
/// latency, and are decoded where they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remote {
    /// None.
    None,
    /// All there are. Operators that share a task still hand batches over without an exchange.
    All,
    /// Those into these operators (by uid), each of which then starts a chain.
    Into(Vec<String>),
}

/// The links of exchanges that go over the network: every sending subtask has one of its own for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Bytes per second; `None`: as many as there are.
    pub bandwidth_per_s: Option<u64>,
    /// From when the last byte of a batch has left to when the batch is there.
    pub latency: Duration,
}

/// Sizes of channels. A channel holds `exclusive` batches of its own; all channels into one
/// subtask share `floating` more, as Apache Flink's credit-based flow control does with buffers.
#[derive(Clone, Debug)]
pub struct ChannelConfig {
    /// Records per batch.
    pub batch: usize,
    /// Batches that each channel may always have under way.
    pub exclusive: usize,
    /// Batches that all channels into a subtask may have under way beyond that, together.
    pub floating: usize,
    /// A record waits at most this long for its batch to fill.
    pub flush_timeout: Duration,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        ChannelConfig {
            batch: 1024,
            exclusive: 2,
            floating: 8,
            flush_timeout: Duration::from_millis(5),
        }
    }
}
