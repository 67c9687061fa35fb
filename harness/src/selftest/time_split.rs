//! Time split: each part of a subtask's time against what was injected, and against clocks that have nothing to do
//! with the account.

use std::time::Duration;

use reports::record::{Finding, FindingUnit};

use super::{Claim, Measured, Subject};

/// What the operator is said to compute for each record.
const COMPUTED_S: f64 = 0.001;
/// What it is said to wait for each record: so long that what a sleep is late hardly counts.
const WAITED_S: f64 = 0.010;
/// How far a part may be off.
const WITHIN: (Option<f64>, Option<f64>) = (Some(0.95), Some(1.05));
/// Upstream of an operator that is always busy.
const BACKPRESSURED: f64 = 0.9;

/// The claim, each of its three runs of this length.
pub fn claim(duration: Duration) -> Claim {
    let scenario = |workload: &str, more: &str| {
        format!(
            "[workload]
kind = 'slow-operator'
{workload}
[job]
parallelism = 1
chaining = false
{more}
[measure]
warmup = '1s'
duration = '{}ms'
",
            duration.as_millis()
        )
    };
    let computing = scenario(
        "cost = { kind = 'cpu', mean = '1ms' }\nslow_parallelism = 1",
        "channels = { batch = 16 }",
    );
    // The half of its time that is left it has nothing to do.
    let waiting = scenario(
        "cost = { kind = 'blocking', mean = '10ms' }\nslow_parallelism = 1",
        "channels = { batch = 16, flush_timeout = '1ms' }\n[load]\nshape = { kind = 'constant', rate_per_s = 50 }",
    );
    // Two subtasks that always have something to compute share one slot.
    let crowded = scenario(
        "cost = { kind = 'cpu', mean = '1ms' }\nslow_parallelism = 2",
        "slots = 1\nchannels = { batch = 16 }",
    );
    Claim {
        name: "time-split",
        about: "computing, waiting, idle, starved and backpressured time are what was injected, or what the clock of \
                the process says, within 5 %",
        subjects: vec![
            Subject::embedded("computing", computing),
            Subject::embedded("waiting", waiting),
            Subject::embedded("crowded", crowded),
        ],
        judge,
    }
}

fn judge(records: &[Measured]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(computing(records.first()));
    findings.extend(waiting(records.get(1)));
    findings.push(crowded(records.get(2)));
    findings
}

fn ratio(what: &str, found: Option<f64>, truth: Option<f64>) -> Finding {
    let over = found.zip(truth).map(|(found, truth)| found / truth);
    Finding::new(what, FindingUnit::Ratio, over, WITHIN)
}

/// What the operator was made to do in the measured phase, seconds.
fn injected_s(run: &Measured, each_s: f64) -> Option<f64> {
    Some(run.task("slow")?.records_in? as f64 * each_s)
}

fn computing(run: Option<&Measured>) -> [Finding; 3] {
    let of = |task: Option<&str>| run.and_then(|run| run.grown_s(task, |row| row.on_cpu_ns));
    let upstream = run.and_then(|run| run.task("parse")).and_then(|parse| {
        // What other processes took is not the engine's.
        Some(parse.backpressured? / (1.0 - parse.starved?))
    });
    [
        ratio(
            "computing: on cpu over what was injected",
            of(Some("slow")),
            run.and_then(|run| injected_s(run, COMPUTED_S)),
        ),
        ratio(
            "computing: on cpu of all tasks over the process's clock",
            of(None),
            run.and_then(Measured::engine_cpu_s),
        ),
        Finding::new(
            "computing: backpressured upstream, of the time not starved",
            FindingUnit::Share,
            upstream,
            (Some(BACKPRESSURED), None),
        ),
    ]
}

fn waiting(run: Option<&Measured>) -> [Finding; 2] {
    let injected = run.and_then(|run| injected_s(run, WAITED_S));
    let blocked = run.and_then(|run| run.grown_s(Some("slow"), |row| row.blocked_ns));
    let idle = run.and_then(|run| run.grown_s(Some("slow"), |row| row.idle_ns));
    let left = run.and_then(|run| {
        let machine = |row: &reports::record::SubtaskRow| Some(row.starved_ns? + row.on_cpu_ns?);
        Some(run.seconds()? - injected? - run.grown_s(Some("slow"), machine)?)
    });
    [
        ratio("waiting: blocked over what was injected", blocked, injected),
        ratio("waiting: idle over the time that this leaves", idle, left),
    ]
}

/// What the clock of the process does not show as theirs, the two subtasks were starved of.
fn crowded(run: Option<&Measured>) -> Finding {
    let starved = run.and_then(|run| run.grown_s(Some("slow"), |row| row.starved_ns));
    let left = run.and_then(|run| Some(2.0 * run.seconds()? - run.engine_cpu_s()?));
    ratio(
        "two on one slot: starved over what the process's clock leaves",
        starved,
        left,
    )
}
