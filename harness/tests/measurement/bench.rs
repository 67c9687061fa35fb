//! Runs scenarios in this process and reads their records.

use std::panic::RefUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};

use harness::interrupt::Interrupt;
use harness::run::{RunDirectory, prepare};
use harness::scenario::Document;
use harness::target::{Embedded, Target};
use reports::record::{Activity, Run, RunDir, SubtaskRow, TimelineRow};
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

    /// Length of the measured phase in seconds.
    pub fn seconds(&self) -> f64 {
        let measured = self.run.measured.unwrap();
        (measured.to_ms - measured.from_ms) as f64 / 1e3
    }

    /// Nanoseconds by which a subtask counter grew in the measured phase, summed over subtasks.
    pub fn grown_ns(
        &self,
        task: Option<&str>,
        counter: impl Fn(&SubtaskRow) -> Option<u64>,
    ) -> f64 {
        let measured = self.run.measured.unwrap();
        let rows = self.record().rows::<SubtaskRow>();
        rows.filter(|row| task.is_none_or(|task| row.task == task))
            .map(|row| match row.t_ms {
                at if at == measured.from_ms => -(counter(&row).unwrap_or(0) as f64),
                at if at == measured.to_ms => counter(&row).unwrap_or(0) as f64,
                _ => 0.0,
            })
            .sum()
    }

    /// CPU seconds of this process in the measured phase without the harness's own threads.
    pub fn engine_cpu_seconds(&self) -> f64 {
        let measured = self.run.measured.unwrap();
        let at = |t_ms: u64| {
            let row = self
                .record()
                .rows::<TimelineRow>()
                .find(|row| row.t_ms == t_ms)
                .unwrap();
            row.cpu.unwrap() - row.harness_cpu.unwrap()
        };
        at(measured.to_ms) - at(measured.from_ms)
    }
}

/// Whether `found` is within `percent` of `truth`.
pub fn is_within(percent: f64, found: f64, truth: f64) -> bool {
    (found - truth).abs() <= truth.abs() * percent / 100.0
}
