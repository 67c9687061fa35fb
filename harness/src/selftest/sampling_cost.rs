//! Sampling cost: what it costs to look at a job and to write down what was seen.

use std::time::Duration;

use reports::record::{Finding, FindingUnit};

use super::{Claim, Measured, Subject};

/// The job is to have at least so many subtasks.
const SUBTASKS: f64 = 100.0;
/// CPU time of control, sampler and writer over that of the process, whose job has two slots: with more, looking would
/// only seem cheaper.
const SHARE: f64 = 0.01;

/// The claim on a job of 100 subtasks under full load, looked at every 100 ms, measured for so long.
pub fn claim(duration: Duration) -> Claim {
    let scenario = format!(
        "[workload]
kind = 'slow-operator'
cost = {{ kind = 'cpu', mean = '20us' }}
[load]
shape = {{ kind = 'max' }}
[job]
parallelism = 20
slots = 2
chaining = false
[measure]
warmup = '1s'
duration = '{}ms'
interval = '100ms'
",
        duration.as_millis()
    );
    Claim {
        name: "sampling-cost",
        about: "to look at 100 subtasks ten times a second, and to write it down, takes at most 1 % of the CPU time of \
                the process",
        subjects: vec![Subject::embedded("sampled", scenario)],
        judge,
    }
}

fn judge(records: &[Measured]) -> Vec<Finding> {
    let run = records.first().and_then(Measured::conclusion);
    let subtasks = run.map(|run| {
        let subtasks = run.operators.iter().map(|task| task.subtasks.len());
        subtasks.sum::<usize>() as f64
    });
    vec![
        Finding::new(
            "subtasks",
            FindingUnit::Count,
            subtasks,
            (Some(SUBTASKS), None),
        ),
        Finding::new(
            "CPU time of the harness's threads over the process's",
            FindingUnit::Share,
            run.and_then(|run| run.summary.harness_cpu),
            (None, Some(SHARE)),
        ),
    ]
}
