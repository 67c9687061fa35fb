//! One run as a process of its own: nothing of the run before is left in its memory, its allocator, or its files.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use reports::record::{RUN_FILE, Run};
use rustix::process::{Pid, Signal, kill_process};

use crate::clock::monotonic_ns;
use crate::interrupt::Interrupt;

/// Time between two looks at the process.
const LOOK: Duration = Duration::from_millis(50);
/// A run that was asked to end gets so long to do it.
const GRACE_NS: u64 = 60_000_000_000;
/// What the process said, in its run directory's place: it is of interest only if there is no record.
const SAID: &str = "said.txt";

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// It left a record.
    Recorded(Box<Run>),
    /// The user ended it: what it left is of no use to a comparison.
    Interrupted,
    /// It left none.
    Without {
        /// The end of what it said.
        message: String,
    },
}

/// Runs `scenario` on a target into the run directory `out`, which is not there yet; `look` is called now and then with
/// the nanoseconds since it began.
pub fn run(
    scenario: &Path,
    target: &str,
    out: &Path,
    interrupt: &Interrupt,
    mut look: impl FnMut(u64),
) -> io::Result<Ended> {
    let said_in = out.with_extension(SAID);
    let mut arguments: Vec<OsString> = vec!["run".into(), scenario.into()];
    arguments.extend(["--target".into(), target.into(), "--out".into(), out.into()]);
    let mut process = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&said_in)?)
        // Ctrl-C at a terminal reaches only this process, which asks the other one once: twice would end it at once.
        .process_group(0)
        .spawn()?;
    let status = wait(&mut process, interrupt, &mut look)?;
    let said = std::fs::read_to_string(&said_in).unwrap_or_default();
    if interrupt.asked() {
        let _ = std::fs::remove_file(&said_in);
        return Ok(Ended::Interrupted);
    }
    let record = File::open(out.join(RUN_FILE)).map(io::BufReader::new);
    let record = record.and_then(|file| serde_json::from_reader(file).map_err(io::Error::from));
    Ok(match record {
        Ok(run) => {
            let _ = std::fs::remove_file(&said_in);
            Ended::Recorded(Box::new(run))
        }
        Err(_) => Ended::Without {
            message: format!(
                "{} (all of it: {})",
                last_words(&said, status),
                said_in.display()
            ),
        },
    })
}

fn wait(
    process: &mut Child,
    interrupt: &Interrupt,
    look: &mut dyn FnMut(u64),
) -> io::Result<ExitStatus> {
    let began_ns = monotonic_ns();
    let mut asked_ns = None;
    loop {
        if let Some(status) = process.try_wait()? {
            return Ok(status);
        }
        let now_ns = monotonic_ns();
        look(now_ns - began_ns);
        match asked_ns {
            None if interrupt.asked() => {
                ask(process);
                asked_ns = Some(now_ns);
            }
            Some(asked_ns) if now_ns - asked_ns > GRACE_NS => process.kill()?,
            _ => {}
        }
        std::thread::sleep(LOOK);
    }
}

/// Asks for a clean end.
fn ask(process: &Child) {
    if let Some(id) = i32::try_from(process.id()).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(id, Signal::INT);
    }
}

fn last_words(said: &str, status: ExitStatus) -> String {
    let mut lines = said.lines().map(str::trim).rev();
    // A panic ends with a note on how to see more of it.
    let last = lines.find(|line| !line.is_empty() && !line.starts_with("note:"));
    let last = last.map(|line| line.trim_start_matches("error: "));
    last.map_or_else(|| format!("it ended with {status}"), str::to_owned)
}
