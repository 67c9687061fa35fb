//! Subjects as processes of their own, as users run them.

use std::fs;
use std::io::{Write as _, stderr};
use std::path::Path;

use super::{Came, Runs, SelfTestError, Subject};
use crate::child::{self, Ended};
use crate::interrupt::Interrupt;
use crate::loads::Line;

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
        let io = |action: &'static str, path: &Path| {
            let action = format!("cannot {action} {}", path.display());
            move |source| SelfTestError::Io { action, source }
        };
        let length = match subject.parsed() {
            Ok((_, scenario)) => scenario.end(),
            Err(error) => return Ok(Came::Failed(error.to_string())),
        };
        let file = out.with_extension("toml");
        fs::write(&file, &subject.scenario).map_err(io("write", &file))?;
        let line = Line::new(&shown(out), length);
        let ended = child::run(&file, subject.target, out, &self.interrupt, |now_ns| {
            line.show(now_ns);
        });
        line.end();
        // The run directory has it as well.
        let _ = fs::remove_file(&file);
        Ok(match ended.map_err(io("run", out))? {
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
