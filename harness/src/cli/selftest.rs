//! `backwater selftest`: whether the instrument can be trusted on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use reports::format;
use reports::record::{RESULT_FILE, SELFTEST, SelfTestRecord, result_of};
use reports::selftest_text;

use super::{Failure, INVALID, WRONG, print};
use crate::clock;
use crate::interrupt::Interrupt;
use crate::run::{RunDirectory, rfc3339};
use crate::selftest::{ATTEMPTS, Claim, Processes, SelfTestError, claims, examine};

#[derive(clap::Args)]
pub struct SelfTestArguments {
    /// Examine this claim only; may be repeated
    #[arg(long, value_name = "CLAIM", value_parser = names())]
    only: Vec<String>,
    /// The folder, empty or absent [default: results/<time>-selftest]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print result.json alone on standard output
    #[arg(long)]
    json: bool,
}

/// What the help says below the options.
pub const ABOUT: &str = "\
Runs jobs of which is known, by theory or by construction, what the record must say, each in a process of its own, and
prints claim, measured, bound and pass. A claim that misses a bound is tried again, up to twice: one stall of a busy
machine spoils a measurement, and an instrument that is wrong is wrong every time.

Exit status: 0 every claim holds; 1 one does not, and the message names it; 2 bad usage; 3 not finished.";

/// Examines the claims; the exit status says whether they hold.
pub fn selftest(arguments: &SelfTestArguments) -> Result<u8, Failure> {
    let now = clock::unix_time();
    let directory = match &arguments.out {
        Some(directory) => RunDirectory::given(directory)?,
        None => RunDirectory::without_scenario(now, SELFTEST)?,
    };
    let directory = directory.path();
    let claims = chosen(&arguments.only);
    let interrupt = Interrupt::listen().map_err(|error| Failure {
        status: INVALID,
        message: format!("cannot listen to Ctrl-C: {error}"),
    })?;
    let least = format::duration_ns(least(&claims).as_nanos() as f64);
    print::say(&format!(
        "examining {} claims ({least} of runs, more if one is missed), recording to {}",
        claims.len(),
        directory.display()
    ));
    let begun = SelfTestRecord::new(env!("CARGO_PKG_VERSION"), rfc3339(now));
    let mut runs = Processes::new(interrupt);
    let record = examine(&claims, ATTEMPTS, directory, begun, &mut runs)?;
    match arguments.json {
        true => {
            let path = directory.join(RESULT_FILE);
            let result = fs::read_to_string(&path).map_err(|error| Failure {
                status: INVALID,
                message: format!("cannot read {}: {error}", path.display()),
            })?;
            print::answer(&result);
        }
        false => print::answer(&selftest_text(&record, print::style())),
    }
    answer(&record)
}

fn answer(record: &SelfTestRecord) -> Result<u8, Failure> {
    let failed = record.failed();
    match (failed.is_empty(), record.finished) {
        (true, true) => Ok(0),
        (true, false) => Ok(INVALID),
        (false, _) => Err(Failure {
            status: WRONG,
            message: format!("does not hold on this machine: {}", failed.join(", ")),
        }),
    }
}

/// The text of a folder's self-test again; `None` if it is none.
pub fn rendered(folder: &Path) -> Option<String> {
    // A result of another command has other keys.
    let record: SelfTestRecord = result_of(folder).ok().flatten()?;
    (record.command == SELFTEST).then(|| selftest_text(&record, print::style()))
}

fn names() -> PossibleValuesParser {
    claims()
        .iter()
        .map(|claim| claim.name)
        .collect::<Vec<_>>()
        .into()
}

fn chosen(only: &[String]) -> Vec<Claim> {
    let mut claims = claims();
    claims.retain(|claim| only.is_empty() || only.iter().any(|name| name == claim.name));
    claims
}

/// What the runs take at least.
fn least(claims: &[Claim]) -> Duration {
    let subjects = claims.iter().flat_map(|claim| &claim.subjects);
    let ends = subjects.filter_map(|subject| subject.parsed().ok());
    ends.map(|(_, scenario)| scenario.end()).sum()
}

impl From<SelfTestError> for Failure {
    fn from(error: SelfTestError) -> Self {
        Failure {
            status: INVALID,
            message: error.to_string(),
        }
    }
}
