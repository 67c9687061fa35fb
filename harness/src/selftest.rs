//! The instrument held against the truth, on the machine that it is to measure on: the part of `backwater selftest`
//! that is not its command line.
//!
//! A [`Claim`] is data: the runs that it needs, and a pure judge of their finished records, which knows by theory or
//! by construction what they must say. So the same claim can be given a subject that is broken on purpose, and must
//! fail then. [`Runs`] stands between claims and what runs jobs; [`Processes`] gives each run a process of its own.
//!
//! Claims measure the instrument, not the engine: how fast that is, only `benches` says. Nothing here changes what a
//! run does, and no switch of the command line is there for it.

mod a_a;
mod examine;
mod freeze;
mod measured;
mod null_ceiling;
mod own_lag;
mod processes;
mod queueing;
mod sampling_cost;
mod time_split;

use std::time::Duration;

use reports::record::Finding;

use crate::scenario::{Document, Scenario, ScenarioError};

pub use examine::{Came, Runs, SelfTestError, examine};
pub use measured::Measured;
pub use processes::Processes;

/// How often a claim is tried before it is said not to hold.
pub const ATTEMPTS: u32 = 3;

/// Something that the instrument says of itself.
pub struct Claim {
    /// Its name.
    pub name: &'static str,
    /// What it says, and what its bounds are from.
    pub about: &'static str,
    /// What is run, in this order.
    pub subjects: Vec<Subject>,
    /// What the records of the subjects, in their order, say of it. A pure function: what a record lacks becomes a
    /// finding that was not measured, and does not pass.
    pub judge: fn(&[Measured]) -> Vec<Finding>,
}

/// One run of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Names its run directory.
    pub name: String,
    /// The target, as on the command line.
    pub target: &'static str,
    /// The text of the scenario.
    pub scenario: String,
}

impl Subject {
    /// On the embedded engine.
    fn embedded(name: &str, scenario: String) -> Subject {
        Subject {
            name: name.to_owned(),
            target: "embedded",
            scenario,
        }
    }

    /// The scenario, checked.
    pub fn parsed(&self) -> Result<(Document, Scenario), ScenarioError> {
        let mut document = Document::new(&self.name, &self.name, self.scenario.clone());
        let scenario = document.parse(&[])?;
        Ok((document, scenario))
    }
}

/// Every claim, at the length that its bound needs.
pub fn claims() -> Vec<Claim> {
    vec![
        freeze::claim(),
        queueing(0.7, 1_500),
        time_split(Duration::from_secs(4)),
        null_ceiling(Duration::from_secs(2)),
        sampling_cost(Duration::from_secs(4)),
        own_lag(Duration::from_secs(3)),
        a_a(Duration::from_millis(1_500)),
    ]
}

pub use a_a::claim as a_a;
pub use freeze::claim as freeze;
pub use null_ceiling::claim as null_ceiling;
pub use own_lag::claim as own_lag;
pub use queueing::claim as queueing;
pub use sampling_cost::claim as sampling_cost;
pub use time_split::claim as time_split;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_is_a_scenario_and_has_a_name_of_its_own() {
        let claims = claims();
        for claim in &claims {
            for subject in &claim.subjects {
                assert!(subject.parsed().is_ok(), "{}: {subject:?}", claim.name);
                let same = claim.subjects.iter().filter(|it| it.name == subject.name);
                assert_eq!(same.count(), 1, "{}: {}", claim.name, subject.name);
            }
            let same = claims.iter().filter(|it| it.name == claim.name);
            assert_eq!(same.count(), 1);
        }
    }

    #[test]
    fn a_record_that_says_nothing_fails_every_claim() {
        for claim in claims() {
            for records in [0, claim.subjects.len()] {
                let records: Vec<Measured> = (0..records).map(|_| Measured::nothing()).collect();
                let findings = (claim.judge)(&records);
                assert!(!findings.is_empty(), "{}", claim.name);
                assert!(
                    findings.iter().any(|it| !it.pass),
                    "{}: {findings:?}",
                    claim.name
                );
            }
        }
    }
}
