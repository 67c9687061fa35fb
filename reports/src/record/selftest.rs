//! `selftest.csv` and `result.json` of a self-test: what the instrument claims of itself, and what was measured of
//! it on this machine. Both are written whole after every claim, by rename.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::answer::publish_result;
use super::line_file::publish;
use super::table::{Table, row};
use super::{RecordError, Row, writer};

/// What `result.json` of a self-test names as its command.
pub const SELFTEST: &str = "selftest";
/// Version of its keys; grows when one changes its meaning or goes away.
pub const SELFTEST_SCHEMA: u32 = 1;

/// `result.json` of a self-test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTestRecord {
    /// [`SELFTEST_SCHEMA`].
    pub schema: u32,
    /// [`SELFTEST`].
    pub command: String,
    /// The harness's version.
    pub version: String,
    /// Wall-clock start, RFC 3339.
    pub started_at: String,
    /// Whether every claim that was to be examined has been.
    pub finished: bool,
    /// Those that have been.
    pub claims: Vec<Examined>,
}

/// A claim that was examined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// The claim's name.
    pub claim: String,
    /// What it says.
    pub about: String,
    /// How often it was tried: again after a miss, since one stall of a shared machine spoils a measurement.
    pub attempts: u32,
    /// What the last attempt found.
    pub findings: Vec<Finding>,
    /// Why there is nothing to judge, if a run of the last attempt left no record.
    pub failure: Option<String>,
    /// Run directories of the last attempt, relative to that of the self-test.
    pub runs: Vec<String>,
}

/// One number that a claim bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub what: String,
    /// What was measured; null if the record does not say.
    pub measured: Option<f64>,
    /// Smallest value that agrees with the claim.
    pub at_least: Option<f64>,
    /// Largest such value.
    pub at_most: Option<f64>,
    /// What it is counted in.
    pub unit: FindingUnit,
    /// Whether it was measured and is within both bounds.
    pub pass: bool,
}

/// What a finding is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FindingUnit {
    /// One number over another.
    #[serde(rename = "ratio")]
    Ratio,
    /// A part of a whole, 0..1.
    #[serde(rename = "share")]
    Share,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// So many.
    #[serde(rename = "count")]
    Count,
    /// 0..1.
    #[serde(rename = "probability")]
    Probability,
}

impl FindingUnit {
    /// The word in `selftest.csv` and `result.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingUnit::Ratio => "ratio",
            FindingUnit::Share => "share",
            FindingUnit::Nanoseconds => "ns",
            FindingUnit::Count => "count",
            FindingUnit::Probability => "probability",
        }
    }
}

impl Finding {
    /// A number that is to be within these bounds, both included. One that is not finite was not measured.
    pub fn new(
        what: &str,
        unit: FindingUnit,
        measured: Option<f64>,
        (at_least, at_most): (Option<f64>, Option<f64>),
    ) -> Finding {
        let measured = measured.filter(|it| it.is_finite());
        let is_within = |it: f64| {
            at_least.is_none_or(|least| it >= least) && at_most.is_none_or(|most| it <= most)
        };
        Finding {
            what: what.to_owned(),
            measured,
            at_least,
            at_most,
            unit,
            pass: measured.is_some_and(is_within),
        }
    }
}

impl Examined {
    /// Whether something was found, and all of it is as claimed.
    pub fn pass(&self) -> bool {
        self.failure.is_none()
            && !self.findings.is_empty()
            && self.findings.iter().all(|finding| finding.pass)
    }
}

impl SelfTestRecord {
    /// Of one that begins now.
    pub fn new(version: &str, started_at: String) -> SelfTestRecord {
        SelfTestRecord {
            schema: SELFTEST_SCHEMA,
            command: SELFTEST.to_owned(),
            version: version.to_owned(),
            started_at,
            finished: false,
            claims: Vec::new(),
        }
    }

    /// Names of the claims that do not hold.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.claims.iter().filter(|claim| !claim.pass());
        failed.map(|claim| claim.claim.as_str()).collect()
    }
}

row! {
    /// One finding of a claim. A claim without findings has one row, which does not pass.
    FindingRow in Table::SelfTest;
    /// The claim.
    claim: String,
    /// What was measured; of a claim without findings, why there are none.
    what: String,
    /// The value; empty if the record does not say.
    measured: Option<f64>,
    /// Lower bound, included.
    at_least: Option<f64>,
    /// Upper bound, included.
    at_most: Option<f64>,
    /// `ratio`, `share`, `ns`, `count` or `probability`.
    unit: String,
    /// Whether it is within its bounds.
    pass: bool,
    /// Which attempt found it, from 1.
    attempt: u32,
}

fn rows(record: &SelfTestRecord) -> impl Iterator<Item = FindingRow> {
    record.claims.iter().flat_map(|examined| {
        let row = |what: &str| FindingRow {
            claim: examined.claim.clone(),
            what: what.to_owned(),
            attempt: examined.attempts,
            ..FindingRow::default()
        };
        let failure = examined.failure.as_deref().map(row);
        let findings = examined.findings.iter().map(move |finding| FindingRow {
            measured: finding.measured,
            at_least: finding.at_least,
            at_most: finding.at_most,
            unit: finding.unit.as_str().to_owned(),
            pass: finding.pass,
            ..row(&finding.what)
        });
        failure.into_iter().chain(findings)
    })
}

/// Writes `selftest.csv` and then `result.json`: temporary file, fsync, rename.
///
/// # Errors
/// If a file cannot be written; a temporary file is removed again.
pub fn publish_selftest(directory: &Path, record: &SelfTestRecord) -> Result<(), RecordError> {
    let mut lines = writer::header(FindingRow::TABLE);
    rows(record).for_each(|row| row.write(&mut lines));
    publish(&directory.join(FindingRow::TABLE.file_name()), &lines)?;
    publish_result(directory, record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Rows, result_of};

    #[test]
    fn what_was_not_measured_or_is_beyond_a_bound_does_not_pass() {
        let pass = |measured| {
            let bounds = (Some(0.95), Some(1.05));
            Finding::new("a", FindingUnit::Ratio, measured, bounds).pass
        };
        assert_eq!([0.95, 1.0, 1.05].map(|it| pass(Some(it))), [true; 3]);
        assert_eq!(
            [0.949, 1.051, f64::NAN, f64::INFINITY].map(|it| pass(Some(it))),
            [false; 4]
        );
        assert!(!pass(None));
    }

    #[test]
    fn a_claim_of_which_nothing_was_found_does_not_hold_and_has_its_row() {
        let directory = tempfile::tempdir().unwrap();
        let mut record = SelfTestRecord::new("1", "2026".to_owned());
        let share = Finding::new(
            "b, c",
            FindingUnit::Share,
            Some(0.1 + 0.2),
            (None, Some(1.0)),
        );
        let examined = |claim: &str, findings, failure: Option<&str>| Examined {
            claim: claim.to_owned(),
            about: "x".to_owned(),
            attempts: 2,
            findings,
            failure: failure.map(str::to_owned),
            runs: Vec::new(),
        };
        record.claims = vec![
            examined("holds", vec![share.clone()], None),
            examined("fails", vec![share], Some("no record")),
            examined("empty", Vec::new(), None),
        ];
        assert_eq!(record.failed(), ["fails", "empty"]);
        publish_selftest(directory.path(), &record).unwrap();
        assert_eq!(result_of(directory.path()).unwrap(), Some(record.clone()));
        let read: Vec<FindingRow> = Rows::open(&directory.path().join("selftest.csv")).collect();
        assert_eq!(read, rows(&record).collect::<Vec<_>>());
        let of = |at: usize| (read[at].what.as_str(), read[at].measured, read[at].pass);
        assert_eq!(of(0), ("b, c", Some(0.1 + 0.2), true));
        assert_eq!(of(1), ("no record", None, false));
    }
}
