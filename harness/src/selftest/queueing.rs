//! Queueing: waits in front of a single server against the Lindley recursion on the same intended times and costs.

use std::sync::Arc;

use reports::record::{Finding, FindingUnit};
use workloads::{Bounds, Progress, Schedule};

use super::{Claim, Measured, Subject};
use crate::scenario::Document;

/// What the server is said to take for each record. It sleeps, so that the machine's load hardly matters.
const COST_S: f64 = 0.010;
/// How far the mean wait may be off, beside what an empty path takes.
const TOLERANCE: f64 = 0.05;
/// What an empty path may take: a fifth of the cost. More, and the tolerance would allow anything.
const LONGEST_PATH_S: f64 = 0.002;
/// Records that never meet.
const EMPTY: (f64, u32) = (0.2, 80);

/// The claim at one utilisation, over so many records.
pub fn claim(utilisation: f64, records: u32) -> Claim {
    let (low, few) = EMPTY;
    Claim {
        name: "queueing",
        about: "records wait in front of a server of known cost as long as the Lindley recursion on their intended \
                times says, within 5 % and the time that an empty path takes",
        subjects: vec![
            Subject::embedded("empty-path", scenario("uniform", low, few)),
            Subject::embedded("waiting", scenario("poisson", utilisation, records)),
        ],
        judge,
    }
}

fn scenario(arrivals: &str, utilisation: f64, records: u32) -> String {
    let rate_per_s = utilisation / COST_S;
    format!(
        "[workload]
kind = 'slow-operator'
cost = {{ kind = 'blocking', mean = '10ms' }}
slow_parallelism = 1
[load]
shape = {{ kind = 'constant', rate_per_s = {rate_per_s:?} }}
arrivals = '{arrivals}'
splits = 1
[job]
parallelism = 1
chaining = ['slow', 'sum']
channels = {{ batch = 1, floating = 1000 }}
[measure]
warmup = '0s'
duration = '{}ms'
",
        (f64::from(records) / rate_per_s * 1e3) as u64
    )
}

fn judge(records: &[Measured]) -> Vec<Finding> {
    let empty_s = records.first().and_then(mean_delay_s);
    let waiting = records.get(1);
    let found_s = waiting.and_then(mean_delay_s);
    let truth_s = waiting.and_then(mean_wait_s);
    let allowed = empty_s.zip(truth_s);
    let allowed = TOLERANCE + allowed.map_or(0.0, |(empty, truth)| empty.max(0.0) / truth);
    vec![
        Finding::new(
            "mean time that a record takes beside its cost where none waits",
            FindingUnit::Nanoseconds,
            empty_s.map(|it| it * 1e9),
            (None, Some(LONGEST_PATH_S * 1e9)),
        ),
        Finding::new(
            "mean wait over that of the recursion",
            FindingUnit::Ratio,
            found_s.zip(truth_s).map(|(found, truth)| found / truth),
            (Some(1.0 - allowed), Some(1.0 + allowed)),
        ),
    ]
}

/// Mean time from the intended time to the sink in seconds, without the cost itself.
fn mean_delay_s(run: &Measured) -> Option<f64> {
    let response = run.summary()?.latency_ns.response.as_ref()?;
    Some(response.mean? / 1e9 - COST_S)
}

/// Lindley: a record waits as long as the one before it waited and was served, less the time between the two.
fn mean_wait_s(run: &Measured) -> Option<f64> {
    let text = run.scenario_toml()?.to_owned();
    let scenario = Document::new("scenario.toml", "queueing", text)
        .parse(&[])
        .ok()?;
    let end_ns = u64::try_from(scenario.end().as_nanos()).ok()?;
    let bounds = Bounds {
        until_ns: Some(end_ns),
        ..Bounds::default()
    };
    let schedule = Schedule::new(&scenario.load, None, scenario.seed, bounds).ok()?;
    let progress = Progress::new(Arc::new(schedule), 1);
    let due_s: Vec<f64> = progress.unsent(end_ns).map(|ns| ns as f64 / 1e9).collect();
    let (mut wait_s, mut sum_s) = (0.0, 0.0);
    for pair in due_s.windows(2) {
        wait_s = f64::max(wait_s + COST_S - (pair[1] - pair[0]), 0.0);
        sum_s += wait_s;
    }
    Some(sum_s / due_s.len() as f64)
}
