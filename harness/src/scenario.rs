//! Scenario files: what to run, how hard and for how long; never on which engine.
//!
//! A [`Scenario`] holds parsed, checked values only. The `[workload]`, `[load]` and `[job]` tables
//! belong to `workloads`; this module adds `[measure]`, `[[fault]]`, the overrides of `--set`, and
//! says where in which file a wrong value stands. What only the built job can tell (does a fault's
//! operator exist?) is checked by [`Scenario::check_operators`] after the job is built.

mod catalog;
mod error;
mod locate;
mod overrides;
mod parameters;
mod parse;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use workloads::{JobSpec, LoadSpec, WorkloadSpec};

pub use catalog::find;
pub(crate) use catalog::nearest;
pub use error::ScenarioError;
pub use parameters::{MEASURE as PARAMETERS_OF_MEASURE, of_fault as parameters_of_fault};
pub use parse::Document;

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
    #[serde(with = "humantime_serde")]
    pub warmup: Duration,
    /// Length of the measured phase; an input that ends earlier ends it.
    #[serde(with = "humantime_serde")]
    pub duration: Duration,
    /// Time between two samples.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
}

/// One `[[fault]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// The operator it happens to, by its uid; a chained operator takes its whole task along.
    pub operator: String,
    /// When it begins, from the start of the measured phase.
    #[serde(with = "humantime_serde")]
    pub at: Duration,
    /// How long it lasts.
    #[serde(rename = "for", with = "humantime_serde")]
    pub lasting: Duration,
}

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The operator processes nothing for a while.
    Freeze,
}

impl Scenario {
    /// The effective scenario as TOML, every default filled in; parses back to the same scenario.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a scenario holds only what was parsed from TOML")
    }

    /// From the job's start to the end of the measured phase.
    pub fn end(&self) -> Duration {
        self.measure.warmup + self.measure.duration
    }

    /// Refuses faults on operators the built job does not have.
    pub fn check_operators(
        &self,
        operators: &[&str],
        document: &Document,
    ) -> Result<(), ScenarioError> {
        for (index, fault) in self.faults.iter().enumerate() {
            if !operators.contains(&fault.operator.as_str()) {
                return Err(document.invalid(
                    &format!("fault.{index}.operator"),
                    format!(
                        "found {:?}; allowed, the operators of this job: {}",
                        fault.operator,
                        operators.join(", ")
                    ),
                ));
            }
        }
        Ok(())
    }
}
