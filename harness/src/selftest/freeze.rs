//! Freeze: records that wait for an operator that stands still must show in the tail as theory says, or somebody has
//! omitted what waited.

use reports::record::{Finding, FindingUnit, event_kind};

use super::{Claim, Measured, Subject};

/// Fewer samples say too little of the 99.99th percentile.
const SAMPLES: f64 = 100_000.0;
/// Seconds; the rounding of event times to milliseconds is then a fifth of a percent.
const SHORTEST_S: f64 = 0.5;
/// How far a percentile may be off theory.
const TOLERANCE: f64 = 0.02;
/// The quantiles that theory is asked for: all of records that met the freeze.
const TAIL: [(&str, f64); 3] = [("p99.5", 0.995), ("p99.9", 0.999), ("p99.99", 0.9999)];
/// A quantile of records that did not.
const BODY: f64 = 0.9;
/// Their response time over the time frozen.
const BODY_SHARE: f64 = 0.01;

/// 120,000 records in 20 seconds, and half a second in which none is worked on.
const SCENARIO: &str = "\
[workload]
kind = 'slow-operator'
cost = { kind = 'cpu', mean = '15us' }
slow_parallelism = 1
[load]
shape = { kind = 'constant', rate_per_s = 6_000 }
[job]
parallelism = 1
chaining = ['slow', 'sum']
channels = { batch = 16, flush_timeout = '500us' }
[measure]
warmup = '1s'
duration = '20s'
[[fault]]
kind = 'freeze'
operator = 'slow'
at = '5s'
for = '505ms'
";

/// The claim.
pub fn claim() -> Claim {
    Claim {
        name: "freeze",
        about: "nothing that waits is omitted: of an operator that stands still for F of T seconds at utilisation rho, \
                the response time at quantile q is F - (1 - q) T (1 - rho)",
        subjects: vec![Subject::embedded("freeze", SCENARIO.to_owned())],
        judge,
    }
}

/// A record due x before the end of the freeze waits x, and then for those before it, which the operator works off at
/// 1 / rho times the rate. The length of the freeze is the engine's own, rho the share of the CPU that was used.
fn judge(records: &[Measured]) -> Vec<Finding> {
    let run = records.first();
    let response = run.and_then(Measured::response);
    let at = |quantile: f64| {
        let response = response.as_ref().filter(|it| !it.is_empty())?;
        Some(response.value_at_quantile(quantile) as f64 / 1e9)
    };
    let frozen_s = run.and_then(|run| {
        Some(run.event_s(event_kind::FAULT_END)? - run.event_s(event_kind::FAULT)?)
    });
    let drained_s = run.and_then(|run| {
        let seconds = run.seconds()?;
        let free_s = seconds - frozen_s?;
        let utilisation = run.task("slow")?.on_cpu? * seconds / free_s;
        Some(seconds * (1.0 - utilisation))
    });
    let over_theory =
        |quantile: f64| Some(at(quantile)? / (frozen_s? - (1.0 - quantile) * drained_s?));
    let samples = response.as_ref().map(|it| it.len() as f64);
    let mut findings = vec![
        Finding::new(
            "samples",
            FindingUnit::Count,
            samples,
            (Some(SAMPLES), None),
        ),
        Finding::new(
            "time that the operator stood still",
            FindingUnit::Nanoseconds,
            frozen_s.map(|it| it * 1e9),
            (Some(SHORTEST_S * 1e9), None),
        ),
    ];
    let tail = TAIL.map(|(name, quantile)| {
        Finding::new(
            &format!("{name} of the response time over theory"),
            FindingUnit::Ratio,
            over_theory(quantile),
            (Some(1.0 - TOLERANCE), Some(1.0 + TOLERANCE)),
        )
    });
    findings.extend(tail);
    findings.push(Finding::new(
        "p90 of the response time over the time frozen",
        FindingUnit::Share,
        at(BODY).zip(frozen_s).map(|(body, frozen)| body / frozen),
        (None, Some(BODY_SHARE)),
    ));
    findings
}
