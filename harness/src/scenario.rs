//! Scenario files: what to run, how hard and for how long; never on which engine.
//!
//! A [`Scenario`] holds parsed, checked values only. The `[workload]`, `[load]` and `[job]` tables
//! belong to `workloads`; this module adds `[slo]`, `[measure]`, `[[fault]]`, the overrides of `--set`, and
//! says where in which file a wrong value stands. What only the built job can tell (does a fault's
//! operator exist?) is checked by [`Scenario::check_operators`] after the job is built.

mod catalog;
mod error;
mod fault;
mod locate;
mod objectives;
mod overrides;
mod parameters;
mod parse;
mod variant;
mod warmup;

use std::time::Duration;

use reports::record::{Graph, Task};
use serde::{Deserialize, Serialize};
use workloads::{JobSpec, LoadSpec, WorkloadSpec};

pub use catalog::find;
pub(crate) use catalog::nearest;
pub use error::ScenarioError;
pub use fault::{FAULT as PARAMETER_FAULT, Fault, disturbances};
pub use objectives::{SLO as PARAMETERS_OF_SLO, Slo};
pub use parameters::MEASURE as PARAMETERS_OF_MEASURE;
pub use parse::Document;
pub use variant::Variant;
pub use warmup::Warmup;

/// One run's specification, every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scenario {
    /// Names the run directory; letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Seed of every random choice; at most `i64::MAX`, the largest integer TOML can hold.
    pub seed: u64,
    /// What is processed.
    pub workload: WorkloadSpec,
    /// How hard it is driven.
    pub load: LoadSpec,
    /// How the job is laid out on the engine.
    pub job: JobSpec,
    /// What is asked of it.
    #[serde(skip_serializing_if = "Slo::is_empty")]
    pub slo: Slo,
    /// How long it is measured, and how often it is sampled.
    pub measure: Measure,
    /// What is broken on purpose, and when.
    #[serde(rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// The `[measure]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Time before the measured phase.
    pub warmup: Warmup,
    /// Longest such time, if the run itself finds when it is warm.
    #[serde(with = "humantime_serde")]
    pub warmup_max: Duration,
    /// Length of the measured phase; an input that ends earlier ends it.
    #[serde(with = "humantime_serde")]
    pub duration: Duration,
    /// Time between two samples.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
}

impl Measure {
    /// The time before the measured phase, if that is known before the run.
    pub fn planned_warmup(&self) -> Option<Duration> {
        match self.warmup {
            Warmup::Lasts(span) => Some(span),
            Warmup::Auto => None,
        }
    }

    /// The time before the measured phase, at most.
    pub fn longest_warmup(&self) -> Duration {
        self.planned_warmup().unwrap_or(self.warmup_max)
    }
}

impl Scenario {
    /// The effective scenario as TOML, every default filled in; parses back to the same scenario.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a scenario holds only what was parsed from TOML")
    }

    /// From the job's start to the end of the measured phase, at most.
    pub fn end(&self) -> Duration {
        self.measure.longest_warmup() + self.measure.duration
    }

    /// Refuses faults on operators and subtasks the built job does not have.
    pub fn check_operators(&self, graph: &Graph, document: &Document) -> Result<(), ScenarioError> {
        for (index, fault) in self.faults.iter().enumerate() {
            let Some(operator) = fault.operator() else {
                continue;
            };
            let holds = |task: &&Task| task.members.iter().any(|member| member.id == operator);
            let Some(task) = graph.tasks.iter().find(holds) else {
                let members = graph.tasks.iter().flat_map(|task| &task.members);
                let operators: Vec<&str> = members.map(|member| member.id.as_str()).collect();
                return Err(document.invalid(
                    &format!("fault.{index}.operator"),
                    format!(
                        "found {operator:?}; allowed, the operators of this job: {}",
                        operators.join(", ")
                    ),
                ));
            };
            if let Some(subtask) = fault.subtask()
                && subtask >= task.parallelism
            {
                let last = task.parallelism - 1;
                return Err(document.invalid(
                    &format!("fault.{index}.subtask"),
                    format!("found {subtask}; allowed, the subtasks of {operator}: 0 to {last}"),
                ));
            }
        }
        Ok(())
    }
}
