//! `run.json`: what was concluded from a record, over the measured phase.
//!
//! The keys are a stable contract. `null` is "not measured" or "not supported", never 0. Shares
//! are of wall time, 0..1. Beyond the contract's keys there are `seed`, `failure`, `measured`,
//! `censored`, `evidence`, `ceiling`, `slo`, `environment` and `notes`.

mod checkpoints;
mod environment;
mod objectives;
mod state;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::steady::Steadiness;

pub use checkpoints::{CheckpointDuration, CheckpointParts, Checkpoints, Recovery};
pub use environment::{Calibration, Environment};
pub use objectives::{Objective, Slo};
pub use state::{Backend, BlockCache, Memory, StateBackend};

/// Version of the keys; grows when one changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// The conclusion of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The scenario's name.
    pub name: String,
    /// The engine under test.
    pub target: Target,
    /// What the numbers are worth.
    pub verdict: Verdict,
    /// Wall-clock start, RFC 3339.
    pub started_at: String,
    /// The machine, as the harness described it.
    pub host: BTreeMap<String, Value>,
    /// The scenario with every default filled in.
    pub scenario: Value,
    /// Records delivered again after restarts.
    pub records_replayed: u64,
    /// How often the job was started in this run, at least once.
    #[serde(default = "one")]
    pub attempts: u32,
    /// The checkpoint of an earlier run that this one went on from.
    #[serde(default)]
    pub restored_from: Option<String>,
    /// Checkpoints of the measured phase; null if the job takes none.
    #[serde(default)]
    pub checkpoints: Option<Checkpoints>,
    /// Failures of the whole run after which the job was started again.
    #[serde(default)]
    pub recoveries: Vec<Recovery>,
    /// The job as a whole.
    pub summary: Summary,
    /// One entry per task, from sources to sinks.
    pub operators: Vec<Operator>,
    /// Whether the results are right.
    pub correctness: Correctness,
    /// The seed of every random draw.
    pub seed: Option<u64>,
    /// Why the run failed.
    pub failure: Option<String>,
    /// The measured phase, as far as there are samples of it.
    pub measured: Option<Phase>,
    /// Records that had not come out when the run ended; they count in `response` with the time
    /// they had waited by then, so its percentiles are lower bounds.
    pub censored: Option<u64>,
    /// What the verdict rests on.
    pub evidence: Evidence,
    /// What the harness reaches without an engine; null where that was not measured.
    pub ceiling: Option<Ceiling>,
    /// What was asked of the run, and whether it was met; null if nothing was.
    #[serde(default)]
    pub slo: Option<Slo>,
    /// What else the machine did; null in records from before that was looked at.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// What a reader should know: missing files, cut tables.
    pub notes: Vec<String>,
}

/// Of runs from before there were restarts.
fn one() -> u32 {
    1
}

/// The engine under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// embedded, flink or null.
    pub kind: String,
    /// The engine's version.
    pub version: String,
}

/// What the numbers of a run are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The run ended by an error.
    Failed,
    /// The run was ended early, or its record was left unfinished.
    Aborted,
    /// Results differ from what they must be.
    Wrong,
    /// The load driver, not the engine, was the limit.
    GeneratorLimited,
    /// More load than the engine takes: a valid result.
    Overloaded,
    /// Throughput falls or response time rises over the run: it would not have gone on like this.
    Degrading,
    /// The offered load, throughput or response time changes otherwise: no one number describes it.
    Drifting,
    /// Too few samples to judge.
    Insufficient,
    /// The throughput varies too much for its mean to say something, or the machine was not quiet.
    Noisy,
    /// None of the above: the numbers describe one state of the engine.
    Steady,
    /// Of records from before steadiness was judged: nothing was found that forbids their use.
    Unjudged,
}

impl Verdict {
    /// The word used in `run.json` and everywhere else.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Failed => "failed",
            Verdict::Aborted => "aborted",
            Verdict::Wrong => "wrong",
            Verdict::GeneratorLimited => "generator-limited",
            Verdict::Overloaded => "overloaded",
            Verdict::Degrading => "degrading",
            Verdict::Drifting => "drifting",
            Verdict::Insufficient => "insufficient",
            Verdict::Noisy => "noisy",
            Verdict::Steady => "steady",
            Verdict::Unjudged => "unjudged",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A span of job time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Begin, milliseconds.
    pub from_ms: u64,
    /// End, milliseconds.
    pub to_ms: u64,
}

impl Phase {
    /// Whether latencies of this interval count: those of arrivals in the phase (by the interval's
    /// middle), and those of the drain after it. What was in flight at the end has often waited the
    /// longest; to leave it out would be to omit what is slow.
    pub(crate) fn counts_latency(&self, from_ms: u64, to_ms: u64) -> bool {
        from_ms + to_ms.saturating_sub(from_ms) / 2 >= self.from_ms
    }
}

/// The job as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Intended records per second; null with closed-loop load.
    pub offered_per_s: Option<f64>,
    /// Source records admitted per second.
    pub throughput_per_s: Option<f64>,
    /// Source records admitted.
    pub records_in: Option<u64>,
    /// Arrivals at sinks.
    pub records_out: Option<u64>,
    /// Records too late for their windows.
    pub late: Late,
    /// Scheduled but not admitted records at the end; null with closed-loop load.
    pub backlog_end: Option<u64>,
    /// CPU time of the harness's own threads over that of the process, 0..1.
    pub harness_cpu: Option<f64>,
    /// CPU time of the process without the harness's own threads, per source record admitted,
    /// nanoseconds.
    #[serde(default)]
    pub cpu_per_record_ns: Option<f64>,
    /// Memory of the process.
    #[serde(default)]
    pub memory: Memory,
    /// Latencies in nanoseconds.
    pub latency_ns: Latencies,
}

/// Late records; null where no operator has windows or joins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    /// Dropped.
    pub dropped: Option<u64>,
    /// Sent to the late side output.
    pub side_output: Option<u64>,
}

/// One distribution per series; null if nothing was recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// From the intended time to the sink.
    pub response: Option<Distribution>,
    /// From being sent to the sink. In a closed loop all records of a batch have one send time.
    pub service: Option<Distribution>,
    /// From the intended time to being sent.
    pub schedule_lag: Option<Distribution>,
    /// The part of it that the engine caused.
    pub engine_lag: Option<Distribution>,
    /// The part of it that the driver caused.
    pub own_lag: Option<Distribution>,
}

/// A distribution in nanoseconds. A percentile q is null with fewer than 10 / (1 - q) samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Samples.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<u64>,
    /// 90th percentile.
    pub p90: Option<u64>,
    /// 99th percentile.
    pub p99: Option<u64>,
    /// 99.9th percentile.
    pub p999: Option<u64>,
    /// Largest sample.
    pub max: Option<u64>,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    /// Id of the chain's first operator.
    pub id: String,
    /// Names joined by " -> ".
    pub name: String,
    /// The chained operators.
    pub members: Vec<MemberCost>,
    /// Number of subtasks.
    pub parallelism: u32,
    /// Over all subtasks: counters summed, shares of parallelism x wall time.
    #[serde(flatten)]
    pub activity: Activity,
    /// Records taken in by the busiest subtask over the mean of all; null with one subtask, or if
    /// nothing was taken in.
    #[serde(default)]
    pub skew_factor: Option<f64>,
    /// Watermarks and windows; null where the operator saw no watermark and has no windows.
    #[serde(default)]
    pub event_time: Option<EventTime>,
    /// Its keyed state; null where it has none.
    #[serde(default)]
    pub state_backend: Option<StateBackend>,
    /// The most frequent keys, if the operator is keyed and they were counted.
    #[serde(default)]
    pub top_keys: Vec<TopKey>,
    /// The same for each.
    pub subtasks: Vec<Subtask>,
}

/// What an operator did in event time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventTime {
    /// How far its watermark was behind the sources.
    pub watermark_lag_ms: WatermarkLag,
    /// Records too late for its windows.
    pub late: Late,
    /// Results of its windows.
    pub fired: Fired,
    /// Timers fired.
    pub timers_fired: Option<u64>,
    /// Most pairs of key and window held at a sample, over all subtasks.
    pub panes_pending_max: Option<u64>,
    /// Most timers waiting at a sample, over all subtasks.
    pub timers_pending_max: Option<u64>,
}

/// Highest event time that any source had emitted minus the operator's lowest watermark,
/// milliseconds of event time; null without a sample that knows both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WatermarkLag {
    /// Time-weighted mean.
    pub mean: Option<f64>,
    /// Largest sample.
    pub max: Option<i64>,
}

/// Firings of windows, one per key and window; null where the operator has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// Before the end of the window.
    pub early: Option<u64>,
    /// The first at or after it.
    pub on_time: Option<u64>,
    /// Further ones after it: refinements.
    pub late: Option<u64>,
}

/// One of the most frequent keys of an operator, from a Space-Saving sketch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopKey {
    /// The key as text.
    pub key: String,
    /// Records of this key, at most.
    pub count: u64,
    /// By how much `count` may be too large.
    pub error: u64,
    /// `count` over the records that the operator took in, 0..1.
    pub share: Option<f64>,
}

/// One operator of a chain and what a record costs there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberCost {
    /// The operator's id.
    pub id: String,
    /// The operator's name.
    pub name: String,
    /// Mean time per record, nanoseconds, from sampled batches.
    pub cost_ns: Option<f64>,
}

/// One subtask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subtask {
    /// Index from 0.
    pub subtask: u32,
    /// What it did.
    #[serde(flatten)]
    pub activity: Activity,
}

/// What a task or a subtask did with its time; `busy = on_cpu + state + blocked + starved`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Records taken in.
    pub records_in: Option<u64>,
    /// Records handed on.
    pub records_out: Option<u64>,
    /// Share with input to process.
    pub busy: Option<f64>,
    /// Share without input.
    pub idle: Option<f64>,
    /// Share waiting for output.
    pub backpressured: Option<f64>,
    /// Share on a CPU, outside the state backend.
    pub on_cpu: Option<f64>,
    /// Share inside the state backend.
    pub state: Option<f64>,
    /// Share inside declared external calls.
    pub blocked: Option<f64>,
    /// Share ready but not running.
    pub starved: Option<f64>,
    /// How bad the backpressure is.
    pub backpressure: Backpressure,
    /// Time-weighted mean share of the input capacity in use.
    pub in_usage: Option<f64>,
    /// Time-weighted mean share of the output capacity in use.
    pub out_usage: Option<f64>,
}

/// Backpressure in one word, and how often it was severe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backpressure {
    /// By the largest share among the subtasks.
    pub level: Option<Level>,
    /// Spans of consecutive sampling intervals in which some subtask was backpressured for more
    /// than half of the time.
    pub episodes: Option<u64>,
    /// The longest such span, milliseconds.
    pub longest_ms: Option<u64>,
}

/// Flink's words for the backpressured share (`JobVertexBackPressureHandler`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// At most 0.10.
    Ok,
    /// At most 0.50.
    Low,
    /// Above 0.50.
    High,
}

impl Level {
    /// The level of a backpressured share.
    pub fn of(share: f64) -> Level {
        match share {
            share if share <= 0.10 => Level::Ok,
            share if share <= 0.50 => Level::Low,
            _ => Level::High,
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Low => "low",
            Level::High => "high",
        }
    }
}

/// Whether the outputs are what a single-threaded oracle expects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correctness {
    /// Whether anything was checked.
    pub checked: bool,
    /// How.
    pub mode: Option<Mode>,
    /// Results that must be there.
    pub expected: Option<u64>,
    /// Of these, not there.
    pub missing: Option<u64>,
    /// There more than once.
    pub duplicated: Option<u64>,
    /// There with another value.
    pub wrong: Option<u64>,
}

/// How results are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Every result against the oracle's.
    Exact,
    /// What must hold whatever the order of arrival.
    Invariants,
}

/// What a verdict rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// How late the driver was by itself, 99th percentile, nanoseconds.
    pub own_lag_p99_ns: Option<u64>,
    /// Beyond this it is the limit.
    pub own_lag_p99_bound_ns: u64,
    /// Records offered in the measured phase.
    pub offered: Option<u64>,
    /// Admitted over offered records.
    pub admitted_share: Option<f64>,
    /// Largest share of time that the engine held a source subtask.
    pub held_share: Option<f64>,
    /// Seconds of load by which the backlog grew per second (Theil-Sen).
    pub backlog_slope: Option<f64>,
    /// Intervals of the measured phase that the series below leave out: faults, failures, and the
    /// time until backlog and response time were what they had been.
    #[serde(default)]
    pub disturbed_intervals: u64,
    /// They never were again: what the run is like after the last fault or failure is not known.
    #[serde(default)]
    pub still_behind: bool,
    /// Records per second that were offered, interval by interval; null with closed-loop load.
    #[serde(default)]
    pub offered_rate: Option<Steadiness>,
    /// Records per second that were admitted, interval by interval.
    #[serde(default)]
    pub throughput: Option<Steadiness>,
    /// Median response time of each interval, nanoseconds.
    #[serde(default)]
    pub response_p50: Option<Steadiness>,
    /// Its 99th percentile, nanoseconds.
    #[serde(default)]
    pub response_p99: Option<Steadiness>,
    /// Bytes of all state, sample by sample. Not part of the verdict: growth is what a job does.
    #[serde(default)]
    pub state_bytes: Option<Steadiness>,
}

/// What the harness reaches without an engine: a closed-loop run's sources, as many at once as run in
/// the job, make, stamp and record their records and hand them to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Records per second, measured before the job starts.
    pub generated_per_s: f64,
    /// Throughput over that: the share of their time in which the sources could have made, stamped
    /// and recorded what they did, 0..1. The engine has the rest.
    #[serde(default)]
    pub generation_share: Option<f64>,
}
