//! Null ceiling: what the harness reaches without an engine is far above what is claimed with one.

use std::time::Duration;

use reports::record::{Finding, FindingUnit};

use super::{Claim, Measured, Subject};

/// Records per second without an engine over those with it: a third of the sources' time at most.
const FACTOR: f64 = 3.0;

/// The claim, with two threads on either side, on the job with the least work per record, each of its two runs of this length.
pub fn claim(duration: Duration) -> Claim {
    let scenario = format!(
        "[workload]
kind = 'hot-keys'
keys = 10_000
cost = {{ mean = '0s' }}
[load]
shape = {{ kind = 'max' }}
[job]
parallelism = 2
slots = 2
[measure]
warmup = '500ms'
duration = '{}ms'
",
        duration.as_millis()
    );
    Claim {
        name: "null-ceiling",
        about: "the harness makes, stamps and records at least 3 times as many records as the engine takes of it in its \
                cheapest job: it is not what is measured",
        subjects: vec![
            Subject {
                name: "without-engine".to_owned(),
                target: "null",
                scenario: scenario.clone(),
            },
            Subject::embedded("with-engine", scenario),
        ],
        judge,
    }
}

fn judge(records: &[Measured]) -> Vec<Finding> {
    let rate = |at: usize| records.get(at)?.summary()?.throughput_per_s;
    vec![Finding::new(
        "records per second without an engine over those with it",
        FindingUnit::Ratio,
        rate(0).zip(rate(1)).map(|(without, with)| without / with),
        (Some(FACTOR), None),
    )]
}
