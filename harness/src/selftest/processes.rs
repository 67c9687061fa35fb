//! Subjects as processes of their own, as users run them.

use std::io::{Write as _, stderr};
use std::path::Path;

use super::{Came, Runs, SelfTestError, Subject};
use crate::child::{self, Ended, Order};
use crate::interrupt::Interrupt;
use crate::line::Line;

/// Runs each subject in a process of its own.
pub struct Processes {
    interrupt: Interrupt,
}

impl Processes {
    /// Ends the run under way if the user asks.
    pub fn new(interrupt: Interrupt) -> Processes {
        Processes { interrupt }
    }
}

impl Runs for Processes {
    fn run(&mut self, subject: &Subject, out: &Path) -> Result<Came, SelfTestError> {
        if self.interrupt.asked() {
            return Ok(Came::Interrupted);
        }
        let length = match subject.parsed() {
            Ok((_, scenario)) => scenario.end(),
            Err(error) => return Ok(Came::Failed(error.to_string())),
        };
        let order = Order {
            scenario: &subject.scenario,
            target: subject.target,
            out,
        };
        let line = Line::new(&shown(out), length);
        let ended = child::run(&order, &self.interrupt, |now_ns| line.show(now_ns));
        line.end();
        let ended = ended.map_err(|source| SelfTestError::Io {
            action: format!("cannot run {}", out.display()),
            source,
        });
        Ok(match ended? {
            Ended::Recorded(run) => Came::Recorded(run),
            Ended::Interrupted => Came::Interrupted,
            Ended::Without { message } => Came::Failed(message),
        })
    }

    fn say(&mut self, text: &str) {
        // Nobody reads standard error any more: no reason to end.
        drop(writeln!(stderr(), "{text}"));
    }
}

fn shown(out: &Path) -> String {
    let name = out.file_name().unwrap_or(out.as_os_str());
    name.to_string_lossy().into_owned()
}
