//! The harness's own ceiling: what the sources of a closed-loop run reach without an engine.
//!
//! The same sources make, stamp and record their records for half a second before the job starts:
//! no engine behind them can be measured to be faster. With intended times there is nothing to
//! measure: whether the driver keeps up is then seen from its own lag.

use std::time::Duration;

use workloads::{Alone, ShapeSpec};

use super::progress::announce;
use crate::interrupt::Interrupt;
use crate::latency::Recorder;
use crate::scenario::Scenario;
use crate::target::{NullJob, RunningJob};

/// How long the sources run in all.
const LENGTH_NS: u64 = 500_000_000;
/// Sources that end early are run again, at most so often.
const MAX_ROUNDS: usize = 100;
/// What was measured for a shorter time says more of the starting of threads.
const SHORTEST_NS: u64 = LENGTH_NS / 10;
/// Longest time between two looks at whether the user wants an end.
const LOOK: Duration = Duration::from_millis(50);

/// Records per second of the source subtasks, of as many as the job can run at once. `None` if there
/// is no ceiling, if the input is too short, if the user ends the run, or if there are no threads.
pub fn measure(scenario: &Scenario, alone: Option<Alone>, interrupt: &Interrupt) -> Option<f64> {
    let alone = alone.filter(|_| scenario.load.shape == ShapeSpec::Max)?;
    announce("measuring what the harness reaches without an engine, 0.5 s");
    let recorder = Recorder::new(false);
    let (mut records, mut spent_ns) = (0, 0);
    for _ in 0..MAX_ROUNDS {
        let (mut sources, progress) = alone();
        sources.truncate(scenario.job.slots);
        let job = NullJob::start(sources, &*recorder.probes()).ok()?;
        spent_ns += wait(&*job, LENGTH_NS - spent_ns, interrupt);
        records += progress.admitted();
        job.cancel();
        job.wait(LOOK);
        if interrupt.asked() {
            return None;
        }
        if spent_ns >= LENGTH_NS {
            break;
        }
    }
    (spent_ns >= SHORTEST_NS).then(|| records as f64 * 1e9 / spent_ns as f64)
}

/// Waits for the sources' end, or for `length_ns`, or for the user; the time that took.
fn wait(job: &dyn RunningJob, length_ns: u64, interrupt: &Interrupt) -> u64 {
    let mut spent_ns = 0;
    let mut ended = false;
    while !ended && spent_ns < length_ns && !interrupt.asked() {
        ended = job.wait(LOOK.min(Duration::from_nanos(length_ns - spent_ns)));
        spent_ns = job.now_ns();
    }
    spent_ns
}
