//! Own lag: the generator is never late by itself, at any rate that it is asked for.

use std::time::Duration;

use reports::record::{Finding, FindingUnit};
use reports::verdict::OWN_LAG_P99_BOUND_NS;

use super::{Claim, Measured, Subject};

/// Records per second.
const RATES: [(&str, u32); 3] = [("1k", 1_000), ("10k", 10_000), ("100k", 100_000)];
/// Nanoseconds of the median: twice the time for which a source that has caught up sleeps.
const MEDIAN_NS: f64 = 1e6;

/// The claim, at each rate for so long.
pub fn claim(duration: Duration) -> Claim {
    let subject = |(name, rate_per_s): (&str, u32)| {
        let scenario = format!(
            "[workload]
kind = 'hot-keys'
keys = 1_000
cost = {{ mean = '0s' }}
[load]
shape = {{ kind = 'constant', rate_per_s = {rate_per_s} }}
[job]
parallelism = 2
[measure]
warmup = '500ms'
duration = '{}ms'
",
            duration.as_millis()
        );
        Subject::embedded(name, scenario)
    };
    Claim {
        name: "own-lag",
        about: "the generator is not late by itself: half of its records by at most 1 ms, and 99 % by at most the 10 ms \
                beyond which a run is generator-limited",
        subjects: RATES.map(subject).into(),
        judge,
    }
}

fn judge(records: &[Measured]) -> Vec<Finding> {
    let of_rate = |(at, (name, _)): (usize, (&str, u32))| {
        let run = records.get(at).and_then(Measured::summary);
        let lag = run.and_then(|summary| summary.latency_ns.own_lag.as_ref());
        let finding = |percentile: &str, measured: Option<u64>, most_ns: f64| {
            Finding::new(
                &format!("{percentile} of own lag at {name} records/s"),
                FindingUnit::Nanoseconds,
                measured.map(|ns| ns as f64),
                (None, Some(most_ns)),
            )
        };
        [
            finding("p50", lag.and_then(|it| it.p50), MEDIAN_NS),
            finding(
                "p99",
                lag.and_then(|it| it.p99),
                OWN_LAG_P99_BOUND_NS as f64,
            ),
        ]
    };
    RATES.into_iter().enumerate().flat_map(of_rate).collect()
}
