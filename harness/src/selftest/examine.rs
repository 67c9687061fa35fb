//! Runs what claims need, asks their judges, and writes down what they found.

use std::fs;
use std::path::Path;

use reports::record::{
    Examined, RUN_FILE, RecordError, Run, SelfTestRecord, Verdict, publish_selftest,
};
use thiserror::Error;

use super::{Claim, Measured, Subject};

/// Where runs are, in the directory of a self-test.
const RUNS: &str = "runs";

/// How a run ended.
#[derive(Debug)]
pub enum Came {
    /// With a record.
    Recorded(Box<Run>),
    /// The user ended it.
    Interrupted,
    /// Without a record; why.
    Failed(String),
}

/// What runs jobs, and tells who waits.
pub trait Runs {
    /// Runs a subject into the directory `out`, which is not there yet.
    ///
    /// # Errors
    /// If runs cannot be started at all.
    fn run(&mut self, subject: &Subject, out: &Path) -> Result<Came, SelfTestError>;

    /// Says something to the person who waits.
    fn say(&mut self, text: &str);
}

/// Why a self-test cannot go on.
#[derive(Debug, Error)]
pub enum SelfTestError {
    /// The operating system refused.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// The reason.
        source: std::io::Error,
    },
    /// What was found cannot be written down.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// What came of an attempt.
enum Attempt {
    Found(Examined),
    Interrupted,
}

/// Examines claims in `directory`, one after the other, each until it holds or was tried `attempts` times. The record
/// is written after each; it is not finished if the user ended it.
pub fn examine(
    claims: &[Claim],
    attempts: u32,
    directory: &Path,
    mut record: SelfTestRecord,
    runs: &mut dyn Runs,
) -> Result<SelfTestRecord, SelfTestError> {
    for claim in claims {
        let Some(examined) = examine_one(claim, attempts, directory, runs)? else {
            publish_selftest(directory, &record)?;
            return Ok(record);
        };
        let outcome = match (examined.pass(), examined.attempts) {
            (true, _) => "holds",
            (false, 1) => "does not hold",
            (false, _) => "does not hold, in every attempt",
        };
        runs.say(&format!("{}: {outcome}", claim.name));
        record.claims.push(examined);
        publish_selftest(directory, &record)?;
    }
    record.finished = true;
    publish_selftest(directory, &record)?;
    Ok(record)
}

/// `None` if the user ended it.
fn examine_one(
    claim: &Claim,
    attempts: u32,
    directory: &Path,
    runs: &mut dyn Runs,
) -> Result<Option<Examined>, SelfTestError> {
    let mut number = 1;
    loop {
        match attempt(claim, number, directory, runs)? {
            Attempt::Interrupted => return Ok(None),
            Attempt::Found(examined) if examined.pass() || number >= attempts => {
                return Ok(Some(examined));
            }
            Attempt::Found(missed) => {
                runs.say(&format!("{}: {}; once more", claim.name, misses(&missed)));
                number += 1;
            }
        }
    }
}

fn attempt(
    claim: &Claim,
    number: u32,
    directory: &Path,
    runs: &mut dyn Runs,
) -> Result<Attempt, SelfTestError> {
    let mut examined = Examined {
        claim: claim.name.to_owned(),
        about: claim.about.to_owned(),
        attempts: number,
        findings: Vec::new(),
        failure: None,
        runs: Vec::new(),
    };
    let mut records = Vec::new();
    let folder = directory.join(RUNS);
    fs::create_dir_all(&folder).map_err(|source| SelfTestError::Io {
        action: format!("cannot make {}", folder.display()),
        source,
    })?;
    for subject in &claim.subjects {
        let name = format!("{}-{number}-{}", claim.name, subject.name);
        let out = folder.join(&name);
        examined.runs.push(format!("{RUNS}/{name}"));
        let failure = match runs.run(subject, &out)? {
            Came::Interrupted => return Ok(Attempt::Interrupted),
            Came::Failed(why) => Some(why),
            Came::Recorded(run) => unusable(&run),
        };
        if let Some(why) = failure {
            examined.failure = Some(format!("run {name}: {why}"));
            return Ok(Attempt::Found(examined));
        }
        records.push(Measured::open(&out)?);
    }
    examined.findings = (claim.judge)(&records);
    Ok(Attempt::Found(examined))
}

/// Why nothing can be concluded from a run. What its verdict says of the machine or the load is for the judges.
fn unusable(run: &Run) -> Option<String> {
    let is_unusable = matches!(
        run.verdict,
        Verdict::Failed | Verdict::Wrong | Verdict::Aborted
    );
    let why = run.failure.as_deref();
    is_unusable.then(|| match why {
        Some(why) => format!("{}: {why}", run.verdict),
        None => format!("its verdict is {}, see {RUN_FILE}", run.verdict),
    })
}

fn misses(examined: &Examined) -> String {
    if let Some(failure) = &examined.failure {
        return failure.clone();
    }
    let missed = examined.findings.iter().filter(|finding| !finding.pass);
    let named: Vec<&str> = missed.map(|finding| finding.what.as_str()).collect();
    format!("missed {}", named.join(", "))
}
