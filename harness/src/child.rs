//! One run as a process of its own: nothing of the run before is left in its memory, its allocator, or its files.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use reports::record::{RUN_FILE, Run};
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};

use crate::clock::monotonic_ns;
use crate::interrupt::Interrupt;

/// Time between two looks at the process.
const LOOK: Duration = Duration::from_millis(50);
/// A run that was asked to end gets so long to do it.
const GRACE_NS: u64 = 60_000_000_000;
/// What the process said, beside its run directory: it is of interest only if there is no record.
const SAID: &str = "said.txt";
/// Holds the id of the process that started this one.
const PARENT: &str = "BACKWATER_PARENT";

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

/// A run that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The text of its scenario.
    pub scenario: &'a str,
    pub target: &'a str,
    /// Its run directory. What is there is of a run that did not finish, and is removed.
    pub out: &'a Path,
}

/// Carries it out; `look` is called now and then with the nanoseconds since it began.
pub fn run(
    order: &Order<'_>,
    interrupt: &Interrupt,
    mut look: impl FnMut(u64),
) -> io::Result<Ended> {
    let &Order { target, out, .. } = order;
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    let (scenario, said_in) = (beside(out, "toml"), beside(out, SAID));
    fs::write(&scenario, order.scenario)?;
    let mut arguments: Vec<&OsStr> = vec!["run".as_ref(), scenario.as_ref()];
    arguments.extend::<[&OsStr; 4]>([
        "--target".as_ref(),
        target.as_ref(),
        "--out".as_ref(),
        out.as_ref(),
    ]);
    let mut process = Command::new(std::env::current_exe()?)
        .args(arguments)
        .env(PARENT, std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&said_in)?)
        // Ctrl-C at a terminal reaches only this process, which asks the other one once: twice would end it at once.
        .process_group(0)
        .spawn()?;
    let status = wait(&mut process, interrupt, &mut look)?;
    let said = fs::read_to_string(&said_in).unwrap_or_default();
    let record = File::open(out.join(RUN_FILE)).map(io::BufReader::new);
    let record = record.and_then(|file| serde_json::from_reader(file).map_err(io::Error::from));
    let ended = match record {
        _ if interrupt.asked() => Ended::Interrupted,
        Ok(run) => Ended::Recorded(Box::new(run)),
        Err(_) => {
            let words = last_words(&said, status);
            return Ok(Ended::Without {
                message: format!("{words} (all of it: {})", said_in.display()),
            });
        }
    };
    // The run directory has the scenario as well, and nobody asks what was said.
    for file in [scenario, said_in] {
        let _ = fs::remove_file(file);
    }
    Ok(ended)
}

/// The path of a run directory with something more at its end.
fn beside(out: &Path, what: &str) -> PathBuf {
    let mut path = out.as_os_str().to_owned();
    path.push(".");
    path.push(what);
    path.into()
}

/// In a process that [`run`] has started: it is asked to end when the one that started it is no more, whatever ended
/// that one. False if it is too late for that.
pub fn end_with_parent() -> bool {
    let Ok(parent) = std::env::var(PARENT) else {
        return true;
    };
    // Where it cannot be had, a run ends by itself later.
    let _ = set_parent_process_death_signal(Some(Signal::INT));
    getppid().is_some_and(|now| now.as_raw_nonzero().to_string() == parent)
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
