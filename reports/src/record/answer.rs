//! `result.json` of a search or a sweep: what was found, and all that is needed to go on with one that has not
//! ended. Written whole after every step, by rename.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::line_file::publish;
use super::{RecordError, Target, Verdict, writer};
use crate::overload::{Drain, Goodput, Violation};
use crate::search::{Answer, Capacity, SearchPlan};
use crate::sweep::Knee;

/// The conclusion of a search or a sweep.
pub const RESULT_FILE: &str = "result.json";
/// Version of its keys; grows when one changes its meaning or goes away.
pub const RESULT_SCHEMA: u32 = 1;

/// What both have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heading {
    /// [`RESULT_SCHEMA`].
    pub schema: u32,
    /// `search` or `sweep`.
    pub command: String,
    /// The scenario's name.
    pub name: String,
    /// The engine under test; null before the first run.
    pub target: Option<Target>,
    /// Wall-clock start, RFC 3339.
    pub started_at: String,
    /// What its numbers are worth.
    pub verdict: Verdict,
    /// Whether it has come to its end. If not, it can go on.
    pub finished: bool,
    /// Why it could not go on, the last time.
    pub failure: Option<String>,
    /// What a reader should know, a sentence each.
    pub notes: Vec<String>,
    /// The machine and the program of its runs, as in their records.
    #[serde(default)]
    pub host: BTreeMap<String, Value>,
}

/// `result.json` of a search. The probes are in `search.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchRecord {
    /// Which search, and how it ended.
    pub heading: Heading,
    /// What it began with; null before the closed-loop run was over.
    pub start: Option<Start>,
    /// What was found so far.
    pub answer: Option<Answer>,
}

/// What a search begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Throughput of the closed-loop run, records per second; null if the job cannot be driven so.
    pub throughput_per_s: Option<f64>,
    /// Largest share of its time that a subtask behind the sources was busy in it.
    pub busiest: Option<f64>,
    /// Run directory of the closed-loop run, in the folder `runs`.
    pub run: Option<String>,
    /// The plan.
    pub plan: SearchPlan,
    /// How long a probe lasts at most that stays undecided.
    pub longest: Duration,
}

/// `result.json` of a sweep. The loads are in `sweep.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepRecord {
    /// Which sweep, and how it ended.
    pub heading: Heading,
    /// What the loads are relative to.
    pub capacity: Capacity,
    /// Whether the capacity was given as a number: its interval is not known then.
    pub is_given: bool,
    /// How long every load is measured.
    pub duration: Duration,
    /// What response times should stay within, nanoseconds.
    pub objective_ns: Option<u64>,
    /// Where p99 of the response time turns from flat to steep, of loads that were held.
    pub knee: Option<Knee>,
    /// Goodput above the capacity.
    pub overload: Vec<Goodput>,
    /// How the job came back from the scenario's freeze.
    pub freeze: Option<Freeze>,
}

/// How a job came back from a freeze.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Freeze {
    /// The load, records per second.
    pub rate_per_s: f64,
    /// Its run directory, in the folder `runs`.
    pub run: String,
    /// The run's verdict.
    pub verdict: Verdict,
    /// How fast the backlog was worked off; null if the freeze was not seen in the record.
    pub drain: Option<Drain>,
    /// Measured over expected time of that.
    pub score: Option<f64>,
    /// Response time above the objective, from the begin of the freeze on; null without an objective.
    pub violation: Option<Violation>,
}

impl Heading {
    /// Of one that has not begun.
    pub fn new(command: &str, name: &str, started_at: String) -> Heading {
        Heading {
            schema: RESULT_SCHEMA,
            command: command.to_owned(),
            name: name.to_owned(),
            target: None,
            started_at,
            verdict: Verdict::Aborted,
            finished: false,
            failure: None,
            notes: Vec::new(),
            host: BTreeMap::new(),
        }
    }
}

/// Writes `result.json`: temporary file, fsync, rename.
///
/// # Errors
/// If the file cannot be written; a temporary file is removed again.
pub fn publish_result(directory: &Path, result: &impl Serialize) -> Result<(), RecordError> {
    let mut json = writer::to_json(result);
    json.push(b'\n');
    publish(&directory.join(RESULT_FILE), &json)
}

/// Reads `result.json`; `None` if there is none.
///
/// # Errors
/// If there is one that cannot be read, or that is of another command.
pub fn result_of<T: DeserializeOwned>(directory: &Path) -> Result<Option<T>, RecordError> {
    let path = directory.join(RESULT_FILE);
    let error = |source: std::io::Error| RecordError::io("read", &path, source);
    match File::open(&path) {
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(other) => Err(error(other)),
        Ok(file) => {
            let read = serde_json::from_reader(BufReader::new(file));
            read.map(Some).map_err(|other| error(other.into()))
        }
    }
}
