//! `backwater run`: one scenario, one run directory, one verdict.

use reports::record::{RUN_FILE, Run, Verdict};

use super::{Failure, INVALID, MISSED, RunArguments, TargetName, WRONG, print};
use crate::child;
use crate::clock;
use crate::interrupt::Interrupt;
use crate::resume::Resume;
use crate::run::{RunDirectory, RunError, prepare};
use crate::scenario;
use crate::target::{Embedded, Null, Target};

/// Runs it; the exit status is the verdict's.
pub fn run(arguments: &RunArguments) -> Result<u8, Failure> {
    if !child::end_with_parent() {
        return Err(Failure {
            status: INVALID,
            message: "the process that wanted this run is no more".to_owned(),
        });
    }
    let target: &dyn Target = match arguments.target {
        TargetName::Embedded => &Embedded,
        TargetName::Null => &Null,
    };
    let mut document = scenario::find(&arguments.scenario)?;
    let scenario = document.parse(&arguments.set)?;
    let resume = arguments.restore.as_ref();
    let resume = resume.map(|path| Resume::find(path, arguments.allow_rollback));
    let resume = resume.transpose();
    let resume = resume.map_err(|error| RunError::Restore(error.to_string()))?;
    let directory = match &arguments.out {
        Some(directory) => RunDirectory::given(directory)?,
        None => RunDirectory::by_default(clock::unix_time(), &scenario.name, target.kind())?,
    };
    let prepared = prepare(&document, scenario, target, directory, resume.as_ref())?;
    let directory = prepared.directory().to_owned();
    let interrupt = Interrupt::listen().map_err(|error| Failure {
        status: INVALID,
        message: format!("cannot listen to Ctrl-C: {error}"),
    })?;
    print::say(&format!(
        "running {} on {}, recording to {}",
        prepared.scenario().name,
        target.kind(),
        directory.display()
    ));
    let run = prepared.execute(&interrupt)?;
    if arguments.json {
        print::answer(&run_json(&directory)?);
    } else {
        print::answer(&print::summary(&run));
    }
    let rendered = reports::render(&directory).map_err(|error| Failure {
        status: INVALID,
        message: error.to_string(),
    })?;
    print::say(&format!("report: {}", rendered.report.display()));
    Ok(status(&run))
}

/// The file as it was written, so that both are the same to the byte.
fn run_json(directory: &std::path::Path) -> Result<String, Failure> {
    let path = directory.join(RUN_FILE);
    std::fs::read_to_string(&path).map_err(|error| Failure {
        status: INVALID,
        message: format!("cannot read {}: {error}", path.display()),
    })
}

/// An objective is met if that was shown.
fn status(run: &Run) -> u8 {
    let is_missed = run.slo.as_ref().is_some_and(|slo| slo.met != Some(true));
    match run.verdict {
        Verdict::Steady
        | Verdict::Degrading
        | Verdict::Drifting
        | Verdict::Insufficient
        | Verdict::Noisy
        | Verdict::Overloaded
        | Verdict::Unjudged => match is_missed {
            true => MISSED,
            false => 0,
        },
        Verdict::Wrong => WRONG,
        Verdict::GeneratorLimited | Verdict::Aborted | Verdict::Failed => INVALID,
    }
}
