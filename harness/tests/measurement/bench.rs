//! Runs scenarios in this process and reads their records.

use std::panic::RefUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};

use harness::interrupt::Interrupt;
use harness::run::{RunDirectory, prepare};
use harness::scenario::Document;
use harness::target::{Embedded, Target};
use reports::record::{Activity, Run, RunDir};
use tempfile::TempDir;

static MACHINE: Mutex<()> = Mutex::new(());

/// Keeps the other tests of this binary from running meanwhile.
pub fn alone_on_the_machine() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `attempt`, which panics if what it measured is not as it must be, and once or twice more if
/// it did: one stall of a shared machine spoils a measurement in real time, but a wrong instrument
/// is wrong every time.
pub fn in_one_of_three_attempts(attempt: impl Fn() + RefUnwindSafe) {
    let _alone = alone_on_the_machine();
    for _ in 0..2 {
        if std::panic::catch_unwind(&attempt).is_ok() {
            return;
        }
        println!("not as it must be: once more");
    }
    attempt();
}

/// A finished run and its directory.
pub struct Finished {
    pub run: Run,
    folder: TempDir,
}

pub fn run(scenario: &str) -> Finished {
    run_on(&Embedded, scenario)
}

pub fn run_on(target: &dyn Target, scenario: &str) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let mut document = Document::new("test", "test", scenario.to_owned());
    let parsed = document.parse(&[]).unwrap();
    let place = RunDirectory::given(folder.path()).unwrap();
    let prepared = prepare(&document, parsed, target, place, None).unwrap();
    let run = prepared.execute(&Interrupt::default()).unwrap();
    Finished { run, folder }
}

impl Finished {
    pub fn record(&self) -> RunDir {
        RunDir::open(self.folder.path()).unwrap()
    }

    /// A task's activity, by the id of its first operator.
    pub fn task(&self, id: &str) -> &Activity {
        let task = self.run.operators.iter().find(|task| task.id == id);
        &task.unwrap_or_else(|| panic!("no task {id}")).activity
    }
}

/// Whether `found` is within `percent` of `truth`.
pub fn is_within(percent: f64, found: f64, truth: f64) -> bool {
    (found - truth).abs() <= truth.abs() * percent / 100.0
}
