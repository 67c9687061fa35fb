//! Runs as processes of their own, in the folder of a search or a sweep.

use std::fs::read_to_string;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};

use reports::record::{RunDir, SCENARIO_FILE, Verdict};

use super::{Basis, Came, Failure, LoadsError, Observed, Runner, Wanted};
use crate::child::{self, Ended, Order};
use crate::interrupt::Interrupt;
use crate::line::Line;

/// Runs a scenario at chosen loads, each in a process of its own.
pub struct Processes {
    basis: Basis,
    target: &'static str,
    runs: PathBuf,
    interrupt: Interrupt,
}

impl Processes {
    /// Into the folder `runs`.
    pub fn new(basis: Basis, target: &'static str, runs: PathBuf, interrupt: Interrupt) -> Self {
        Processes {
            basis,
            target,
            runs,
            interrupt,
        }
    }
}

impl Runner for Processes {
    fn run(&mut self, wanted: &Wanted) -> Result<Came, LoadsError> {
        if self.interrupt.asked() {
            return Ok(Came::Interrupted);
        }
        let (out, scenario) = (self.runs.join(&wanted.run), self.basis.scenario_of(wanted));
        let text = scenario.to_toml();
        if let Some(came) = finished(&out, &text) {
            return Ok(came);
        }
        let order = Order {
            scenario: &text,
            target: self.target,
            out: &out,
        };
        let line = Line::new(&wanted.run, scenario.end());
        let ended = child::run(&order, &self.interrupt, |now_ns| line.show(now_ns));
        line.end();
        let ended = ended.map_err(|source| LoadsError::Io {
            action: format!("cannot run {}", out.display()),
            source,
        });
        Ok(match ended? {
            Ended::Recorded(run) => came(&out, &run),
            Ended::Interrupted => Came::Interrupted,
            Ended::Without { message } => Came::Failed(Failure {
                verdict: Verdict::Failed,
                reason: message,
            }),
        })
    }

    fn say(&mut self, text: &str) {
        // Nobody reads standard error any more: no reason to end.
        drop(writeln!(stderr(), "{text}"));
    }
}

/// A run of this scenario that had come to its end before this process began. One that failed is run anew.
fn finished(out: &Path, scenario: &str) -> Option<Came> {
    let recorded = read_to_string(out.join(SCENARIO_FILE)).ok()?;
    let record = RunDir::open(out).ok()?;
    let run = record.run()?;
    let is_ended = !matches!(run.verdict, Verdict::Aborted | Verdict::Failed);
    (recorded == scenario && is_ended).then(|| came(out, run))
}

fn came(out: &Path, run: &reports::record::Run) -> Came {
    let record = RunDir::open(out).map_err(|error| Failure {
        verdict: Verdict::Failed,
        reason: error.to_string(),
    });
    match record.and_then(|record| Observed::of(&record, run)) {
        Ok(observed) => Came::Observed(Box::new(observed)),
        Err(failure) => Came::Failed(failure),
    }
}
