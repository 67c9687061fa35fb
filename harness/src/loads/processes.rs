//! Runs as processes of their own, in the folder of a search or a sweep.

use std::fs;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use reports::record::{RunDir, SCENARIO_FILE, Verdict};

use super::{Basis, Came, Failure, LoadsError, Observed, Runner, Wanted};
use crate::child::{self, Ended};
use crate::interrupt::Interrupt;

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

    fn start(&self, wanted: &Wanted, scenario: &Path, out: &Path) -> Result<Ended, LoadsError> {
        let line = Line::new(&wanted.run, self.basis.scenario_of(wanted).end());
        let ended = child::run(scenario, self.target, out, &self.interrupt, |now_ns| {
            line.show(now_ns);
        });
        line.end();
        ended.map_err(|source| LoadsError::Io {
            action: format!("cannot run {}", out.display()),
            source,
        })
    }
}

impl Runner for Processes {
    fn run(&mut self, wanted: &Wanted) -> Result<Came, LoadsError> {
        if self.interrupt.asked() {
            return Ok(Came::Interrupted);
        }
        let out = self.runs.join(&wanted.run);
        let scenario = self.basis.scenario_of(wanted).to_toml();
        if let Some(came) = finished(&out, &scenario) {
            return Ok(came);
        }
        let file = self.runs.join(format!("{}.toml", wanted.run));
        let io = |action: &'static str, path: &Path| {
            let action = format!("cannot {action} {}", path.display());
            move |source| LoadsError::Io { action, source }
        };
        if out.exists() {
            fs::remove_dir_all(&out).map_err(io("remove", &out))?;
        }
        fs::write(&file, &scenario).map_err(io("write", &file))?;
        let ended = self.start(wanted, &file, &out);
        // The run directory has it as well.
        let _ = fs::remove_file(&file);
        match ended? {
            Ended::Recorded(run) => Ok(came(&out, &run)),
            Ended::Interrupted => Ok(Came::Interrupted),
            Ended::Without { message } => Ok(Came::Failed(Failure {
                verdict: Verdict::Failed,
                reason: message,
            })),
        }
    }

    fn say(&mut self, text: &str) {
        // Nobody reads standard error any more: no reason to end.
        drop(writeln!(stderr(), "{text}"));
    }
}

/// A run of this scenario that had come to its end before this process began. One that failed is run anew.
fn finished(out: &Path, scenario: &str) -> Option<Came> {
    let recorded = fs::read_to_string(out.join(SCENARIO_FILE)).ok()?;
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

/// How far a run is, on a terminal; elsewhere its begin and end are enough.
pub(crate) struct Line {
    bar: Option<ProgressBar>,
}

impl Line {
    pub(crate) fn new(run: &str, length: std::time::Duration) -> Line {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:10} {wide_msg}");
            let most = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1);
            let bar = ProgressBar::new(most);
            bar.set_message(format!("run {run}"));
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Line { bar }
    }

    pub(crate) fn show(&self, now_ns: u64) {
        if let Some(bar) = &self.bar {
            let most = bar.length().unwrap_or(u64::MAX);
            bar.set_position((now_ns / 1_000_000).min(most));
        }
    }

    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
