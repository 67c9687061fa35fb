//! One run: processes that work on one job, each killed but the last.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::ops::Add;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use engine::Clock;
use libtest_mimic::Failed;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::combinations::{Combination, combinations};

/// So many processes are killed, unless the job is through before.
const KILLS: u32 = 3;
/// A process that takes longer than this hangs: it gives up itself before.
const HANGS: Duration = Duration::from_secs(150);
/// Holds the [`Order`] of a process that works on a job.
const ORDER: &str = "TORTURE_ORDER";
/// To which processes append what they find of those before them, a word each.
const FOUND: &str = "found";
/// Is there while a process has not started its job yet.
const STARTING: &str = "starting";

/// What a process has to do.
#[derive(Clone, Debug)]
pub struct Order {
    pub combination: Combination,
    pub seed: u64,
    /// Which process of the run this is.
    pub round: u32,
    pub folder: PathBuf,
}

impl Order {
    /// What this process was started for, unless it is the one that starts the others.
    pub fn of_this_process() -> Option<Order> {
        let order = env::var(ORDER).ok()?;
        let mut words = order.splitn(4, ' ');
        let mut word = || words.next().expect("four words");
        let (name, seed, round, folder) = (word(), word(), word(), word());
        let mut all = combinations().into_iter();
        Some(Order {
            combination: all.find(|it| it.name() == name).expect("a combination"),
            seed: seed.parse().expect("a number"),
            round: round.parse().expect("a number"),
            folder: folder.into(),
        })
    }

    fn start(&self) -> io::Result<Child> {
        let (name, folder) = (self.combination.name(), self.folder.display());
        let order = format!("{name} {} {} {folder}", self.seed, self.round);
        let log = fs::File::create(self.folder.join(format!("process-{}.log", self.round)))?;
        Command::new(env::current_exe()?)
            .env(ORDER, order)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
    }

    /// Draws of this process alone, or of the whole run.
    pub fn draws(&self, of_process: bool) -> StdRng {
        let round = if of_process {
            u64::from(self.round) + 1
        } else {
            0
        };
        StdRng::seed_from_u64(self.seed << 8 | round)
    }

    /// Writes down what processes before this one have left.
    pub fn found(&self, what: Found) {
        let file = fs::File::options()
            .append(true)
            .create(true)
            .open(self.folder.join(FOUND));
        io::Write::write_all(&mut file.expect("a file"), format!("{what:?}\n").as_bytes())
            .expect("a file");
    }

    pub fn starting(&self) -> PathBuf {
        self.folder.join(STARTING)
    }
}

/// What a kill has interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A checkpoint that was not complete.
    Snapshot,
    /// A checkpoint was complete, but not all its output visible.
    Commit,
    /// The process had not started its job again.
    Start,
    /// A subtask was killed, and the job restarted in the process.
    Restart,
}

/// What happened in some runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    processes_killed: usize,
    snapshots: usize,
    commits: usize,
    starts: usize,
    restarts: usize,
}

impl Moments {
    fn of(order: &Order) -> Moments {
        let found = fs::read_to_string(order.folder.join(FOUND)).unwrap_or_default();
        let count = |what: Found| {
            found
                .lines()
                .filter(|line| *line == format!("{what:?}"))
                .count()
        };
        Moments {
            processes_killed: order.round as usize,
            snapshots: count(Found::Snapshot),
            commits: count(Found::Commit),
            starts: count(Found::Start),
            restarts: count(Found::Restart),
        }
    }

    /// A line of the report.
    pub fn line(&self, name: &str, runs: u64) -> String {
        let Moments {
            processes_killed,
            snapshots,
            commits,
            starts,
            restarts,
        } = self;
        format!("{name},{runs},{processes_killed},{restarts},{snapshots},{commits},{starts}\n")
    }
}

impl Add for Moments {
    type Output = Moments;

    fn add(self, other: Moments) -> Moments {
        Moments {
            processes_killed: self.processes_killed + other.processes_killed,
            snapshots: self.snapshots + other.snapshots,
            commits: self.commits + other.commits,
            starts: self.starts + other.starts,
            restarts: self.restarts + other.restarts,
        }
    }
}

/// Sees a job through.
pub fn run(combination: &Combination, seed: u64) -> Result<Moments, Failed> {
    let folder = tempfile::Builder::new().prefix("torture-").tempdir()?;
    let mut order = Order {
        combination: combination.clone(),
        seed,
        round: 0,
        folder: folder.path().to_owned(),
    };
    match processes(&mut order) {
        Ok(()) => Ok(Moments::of(&order)),
        Err(failure) => {
            let kept = folder.keep();
            let log = kept.join(format!("process-{}.log", order.round));
            let log = fs::read_to_string(log).unwrap_or_default();
            let again = format!("TORTURE_RUNS=1 TORTURE_FIRST={seed}");
            let (name, kept) = (combination.name(), kept.display());
            Err(format!("{name}, seed {seed}, process {}: {failure}\n{log}it left {kept}; {again} does it again", order.round).into())
        }
    }
}

fn processes(order: &mut Order) -> Result<(), Failure> {
    let mut draws = order.draws(false);
    while order.round < KILLS {
        // Some before the job has even started again.
        let early = draws.random_bool(0.25);
        let moment = draws.random_range(if early { 0..20 } else { 20..150 });
        let mut process = order.start()?;
        if let Some(status) = wait(&mut process, Duration::from_millis(moment))? {
            return ended(status);
        }
        process.kill()?;
        let status = process.wait()?;
        if status.code().is_some() {
            // It was faster.
            return ended(status);
        }
        order.round += 1;
    }
    let mut process = order.start()?;
    match wait(&mut process, HANGS)? {
        Some(status) => ended(status),
        None => {
            process.kill()?;
            process.wait()?;
            Err(Failure::Hangs)
        }
    }
}

fn ended(status: ExitStatus) -> Result<(), Failure> {
    match status.success() {
        true => Ok(()),
        false => Err(Failure::Wrong(status)),
    }
}

/// Waits for the end of a process, or until it is time.
fn wait(process: &mut Child, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    let clock = Clock::start();
    loop {
        let ended = process.try_wait()?;
        let left = timeout.saturating_sub(Duration::from_nanos(clock.now()));
        if ended.is_some() || left.is_zero() {
            return Ok(ended);
        }
        thread::sleep(left.min(Duration::from_millis(5)));
    }
}

/// Why a run has failed.
#[derive(Debug)]
enum Failure {
    Hangs,
    Wrong(ExitStatus),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Io(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Hangs => write!(f, "not through after {HANGS:?}"),
            Failure::Wrong(status) => write!(f, "{status}"),
            Failure::Io(error) => write!(f, "{error}"),
        }
    }
}
