//! What a run needs of an engine, and nothing more.
//!
//! A [`Target`] turns a scenario into a deployed job; a [`RunningJob`] is started, looked at,
//! disturbed and ended. Everything an engine reports comes out as the neutral rows of the record:
//! nothing beyond this module's children knows which engine ran. Schedules, latencies and phases
//! are not a target's business.

mod embedded;
mod null;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reports::record::{
    ChannelRow, CheckpointRow, EventRow, Graph, KeyRow, OutcomeRow, StateRow, SubtaskRow,
};
use thiserror::Error;
use workloads::{Alone, BuildError, Progress, Verifier};

use crate::latency::Recorder;
use crate::resume::Resume;
use crate::scenario::{Fault, Scenario};

pub use embedded::{Embedded, deployment};
pub use null::{Null, NullJob};

/// An engine that can run scenarios.
pub trait Target {
    /// Its name on the command line and in the record.
    fn kind(&self) -> &'static str;

    /// Its version.
    fn version(&self) -> String;

    /// Builds the scenario's job without running it, to go on from a checkpoint if there is one.
    fn deploy(
        &self,
        scenario: &Scenario,
        recorder: &Recorder,
        resume: Option<&Resume>,
    ) -> Result<Deployment, DeployError>;
}

/// A job that is built and does not run yet.
pub struct Deployment {
    /// Its plan.
    pub graph: Graph,
    /// What the sources have admitted, now and later.
    pub progress: Arc<Progress>,
    /// Compares its results with the oracle's; `None` where there are no results.
    pub verifier: Option<Box<dyn Verifier>>,
    /// Its sources without the job, to measure what they reach alone; `None` if they are no
    /// workload's, or there is nothing but them.
    pub alone: Option<Alone>,
    /// The checkpoint that it goes on from, if it does.
    pub restored: Option<u64>,
    /// What it does before its time begins; `None` if there is nothing to prepare.
    pub preparation: Option<Box<dyn Preparation>>,
    /// Prepares and starts it: then job time begins. May be called once; the job runs on threads of its
    /// own.
    pub start: Box<Start>,
}

/// A job's preparation, for somebody who waits for it on another thread.
pub trait Preparation: Send + Sync {
    /// Entries of state that are in place.
    fn done(&self) -> u64;

    /// Makes the start end with [`DeployError::Cancelled`], as soon as the job notices.
    fn cancel(&self);
}

/// Starts a deployed job.
pub type Start = dyn FnOnce() -> Result<Arc<dyn RunningJob>, DeployError>;

/// Why a scenario cannot be deployed on a target.
#[derive(Debug, Error)]
pub enum DeployError {
    /// The scenario asks for something impossible; `key` is its full path.
    #[error("{key}: {message}")]
    Scenario {
        /// Full dotted path, or empty if it is not one key's fault.
        key: String,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// The checkpoint that it is to go on from cannot be used.
    #[error("{0}")]
    Restore(String),
    /// The engine refused.
    #[error("{0}")]
    Engine(String),
    /// Its preparation was cancelled.
    #[error("cancelled before the job began")]
    Cancelled,
}

impl From<BuildError> for DeployError {
    fn from(error: BuildError) -> Self {
        let (table, error) = match error {
            BuildError::Load(error) => ("load", error),
            BuildError::Job(error) => ("job", error),
            BuildError::Disturbance(message) => {
                return DeployError::Scenario {
                    key: "fault".to_owned(),
                    message,
                };
            }
            BuildError::Flights(error) => return DeployError::Engine(error.to_string()),
        };
        DeployError::Scenario {
            key: format!("{table}.{}", error.key),
            message: error.message,
        }
    }
}

/// A job under way. All times are nanoseconds of job time.
pub trait RunningJob: Send + Sync {
    /// Job time now.
    fn now_ns(&self) -> u64;

    /// Fills in the state of every subtask and channel. Rows that are there already are reused, so
    /// that a snapshot allocates nothing once the job is up.
    fn snapshot(&self, into: &mut Snapshot);

    /// Replaces what is in `into` by the most frequent keys of every keyed task, counted since the
    /// start; nothing on an engine that does not know them.
    fn top_keys(&self, into: &mut Vec<KeyRow>);

    /// Moves what has happened since the last call to the end of `into`.
    fn take_events(&self, into: &mut Vec<EventRow>);

    /// Moves what has become of checkpoints since the last call to the end of `into`.
    fn take_checkpoints(&self, into: &mut CheckpointRows);

    /// Makes an operator suffer a fault; its begin and end become events.
    fn disturb(&self, fault: &Fault) -> Result<(), String>;

    /// Stops the sources and lets everything flow out.
    fn drain(&self);

    /// Stops everything; what is in flight is lost.
    fn cancel(&self);

    /// Waits until the job has ended, at most `timeout`; true if it has.
    fn wait(&self, timeout: Duration) -> bool;

    /// The closing account of a job that has ended.
    fn ending(&self) -> Ending;
}

/// Checkpoints that have ended, and what each subtask did for them.
#[derive(Debug, Default)]
pub struct CheckpointRows {
    /// One row per checkpoint.
    pub outcomes: Vec<OutcomeRow>,
    /// One row per checkpoint and subtask whose part was in place.
    pub subtasks: Vec<CheckpointRow>,
}

impl CheckpointRows {
    /// Forgets all rows, and keeps their memory.
    pub fn clear(&mut self) {
        self.outcomes.clear();
        self.subtasks.clear();
    }
}

/// The state of a job at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// One row per subtask.
    pub subtasks: Vec<SubtaskRow>,
    /// One row per subtask with keyed state.
    pub states: Vec<StateRow>,
    /// One row per channel, or per receiver of an edge with very many.
    pub channels: Vec<ChannelRow>,
    /// Highest event time that any source has emitted minus the lowest watermark at the sinks,
    /// milliseconds; `None` while either is not known, and after the final watermark.
    pub watermark_lag_ms: Option<i64>,
}

/// How a job ended.
#[derive(Debug, Default)]
pub struct Ending {
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// Whether everything that was sent was received and processed.
    pub complete: bool,
    /// What the engine's own books say about it that a reader should know.
    pub notes: Vec<String>,
    /// Mean time per record and operator in nanoseconds, by operator id, where it is measured.
    pub member_costs_ns: BTreeMap<String, f64>,
}
