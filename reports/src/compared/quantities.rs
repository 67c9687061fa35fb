//! What is compared: which number of a run, in which unit, and which way is better.

use crate::comparison::{Direction, Metric, Role, floor};
use crate::format;
use crate::record::{Run, Verdict};

/// A number that every run has one of, or none.
struct Quantity {
    name: &'static str,
    unit: Unit,
    better: Direction,
    role: Role,
    value: fn(&Run) -> Option<f64>,
}

/// What a value is counted in.
#[derive(Clone, Copy)]
enum Unit {
    PerSecond,
    Nanoseconds,
    Bytes,
    Share,
}

impl Unit {
    /// What is below it is below what a run can tell from nothing.
    fn least(self) -> f64 {
        match self {
            Unit::PerSecond | Unit::Share => 0.001,
            Unit::Nanoseconds | Unit::Bytes => 1.0,
        }
    }
}

const QUANTITIES: [Quantity; 8] = [
    Quantity {
        name: THROUGHPUT,
        unit: Unit::PerSecond,
        better: Direction::Higher,
        role: Role::Gate,
        value: |run| run.summary.throughput_per_s,
    },
    lower("response p50", Unit::Nanoseconds, |run| {
        let response = run.summary.latency_ns.response.as_ref();
        response?.p50.map(|ns| ns as f64)
    }),
    lower("response p99", Unit::Nanoseconds, |run| {
        let response = run.summary.latency_ns.response.as_ref();
        response?.p99.map(|ns| ns as f64)
    }),
    lower("response p99.9", Unit::Nanoseconds, |run| {
        let response = run.summary.latency_ns.response.as_ref();
        response?.p999.map(|ns| ns as f64)
    }),
    lower("CPU per record", Unit::Nanoseconds, |run| {
        run.summary.cpu_per_record_ns
    }),
    lower("state bytes", Unit::Bytes, state_bytes),
    lower("checkpoint duration", Unit::Nanoseconds, |run| {
        run.checkpoints.as_ref()?.duration_ms.p50.map(|ms| ms * 1e6)
    }),
    lower("backpressured share", Unit::Share, worst_backpressure),
];

/// The one that decides.
pub(super) const THROUGHPUT: &str = "throughput";
/// Metrics whose name begins so are response times.
pub(super) const RESPONSE: &str = "response";

const fn lower(name: &'static str, unit: Unit, value: fn(&Run) -> Option<f64>) -> Quantity {
    Quantity {
        name,
        unit,
        better: Direction::Lower,
        role: Role::Report,
        value,
    }
}

/// Everything that is compared. Throughput decides; the rest is reported.
pub fn metrics() -> Vec<Metric> {
    let metric = |quantity: &Quantity| Metric {
        name: quantity.name.to_owned(),
        better: quantity.better,
        role: quantity.role,
        floor: floor(&[]),
        least: quantity.unit.least(),
    };
    QUANTITIES.iter().map(metric).collect()
}

/// What a run contributes, in the order of [`metrics`]; `None` where nothing was measured, or where the
/// run's verdict forbids the use of its numbers.
pub fn values(run: &Run) -> Vec<Option<f64>> {
    let counts = is_usable(run.verdict);
    let value = |quantity: &Quantity| (quantity.value)(run).filter(|it| counts && it.is_finite());
    QUANTITIES.iter().map(value).collect()
}

/// Whether the numbers of such a run may be used. An unsteady one is noise, which the statistics see.
pub(super) fn is_usable(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Failed | Verdict::Aborted | Verdict::Wrong | Verdict::GeneratorLimited => false,
        Verdict::Overloaded
        | Verdict::Degrading
        | Verdict::Drifting
        | Verdict::Insufficient
        | Verdict::Noisy
        | Verdict::Steady
        | Verdict::Unjudged => true,
    }
}

/// The unit of a metric's values in tables for programs; empty if the metric is not known.
pub(super) fn unit(metric: &str) -> &'static str {
    match unit_of(metric) {
        Some(Unit::PerSecond) => "1/s",
        Some(Unit::Nanoseconds) => "ns",
        Some(Unit::Bytes) => "B",
        Some(Unit::Share) => "share",
        None => "",
    }
}

/// A value of a metric as people read it.
pub(super) fn formatted(metric: &str, value: f64) -> String {
    match unit_of(metric) {
        Some(Unit::PerSecond) => format::rate(value),
        Some(Unit::Nanoseconds) => format::duration_ns(value),
        Some(Unit::Bytes) => format::bytes(value),
        Some(Unit::Share) => format::share(value),
        None => value.to_string(),
    }
}

fn unit_of(metric: &str) -> Option<Unit> {
    let known = QUANTITIES.iter().find(|it| it.name == metric);
    known.map(|it| it.unit)
}

/// At the end of the measured phase, of all operators.
fn state_bytes(run: &Run) -> Option<f64> {
    let operators = run.operators.iter();
    let bytes = operators.filter_map(|operator| operator.state_backend?.bytes);
    bytes.reduce(u64::saturating_add).map(|bytes| bytes as f64)
}

/// Of the subtask that waited longest for its output, as the level of backpressure is.
fn worst_backpressure(run: &Run) -> Option<f64> {
    let subtasks = run.operators.iter().flat_map(|operator| &operator.subtasks);
    let shares = subtasks.filter_map(|subtask| subtask.activity.backpressured);
    shares.max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_alone_decides_and_every_metric_has_a_unit() {
        let metrics = metrics();
        let gates: Vec<&str> = metrics
            .iter()
            .filter(|it| it.role == Role::Gate)
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(gates, [THROUGHPUT]);
        assert!(metrics.iter().all(|it| !unit(&it.name).is_empty()));
        assert_eq!(formatted("response p99", 4.1e6), "4.10 ms");
        assert_eq!(
            (unit("dreams"), formatted("dreams", 0.5).as_str()),
            ("", "0.5")
        );
    }
}
