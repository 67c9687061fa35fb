//! The keys that belong to the harness itself, declared once for the parser and for `list`.

use std::time::Duration;

use workloads::spec::{Default, Kind, Parameter};

use super::warmup::AUTO;

/// Longest warm-up and longest measured phase.
pub const MAX_PHASE: Duration = Duration::from_secs(24 * 3600);
/// Shortest fault.
pub const SHORTEST_FAULT: Duration = Duration::from_millis(1);
/// Shortest sampling interval.
const MIN_INTERVAL: Duration = Duration::from_millis(10);
/// Longest sampling interval.
const MAX_INTERVAL: Duration = Duration::from_secs(10);

/// What stands at the top level beside `name`.
pub const SEED: &[Parameter] = &[Parameter {
    name: "seed",
    kind: Kind::Integer {
        min: 0,
        max: i64::MAX,
    },
    default: Default::Value("1"),
    help: "seed of every random draw",
}];

/// The `[measure]` table.
pub const MEASURE: &[Parameter] = &[
    Parameter {
        name: "warmup",
        kind: Kind::SpanOr {
            word: AUTO,
            min: Duration::ZERO,
            max: MAX_PHASE,
        },
        default: Default::Value("\"2s\""),
        help: "time before the measured phase; \"auto\": until throughput and response time are steady",
    },
    Parameter {
        name: "warmup_max",
        kind: Kind::Span {
            min: MIN_INTERVAL,
            max: MAX_PHASE,
        },
        default: Default::Value("\"1m\""),
        help: "longest warm-up of warmup = \"auto\": what is not steady by then is measured all the same",
    },
    Parameter {
        name: "duration",
        kind: Kind::Span {
            min: MIN_INTERVAL,
            max: MAX_PHASE,
        },
        default: Default::Value("\"10s\""),
        help: "length of the measured phase, at least one interval; an input that ends earlier ends it",
    },
    Parameter {
        name: "interval",
        kind: Kind::Span {
            min: MIN_INTERVAL,
            max: MAX_INTERVAL,
        },
        default: Default::Value("\"100ms\""),
        help: "time between two samples",
    },
];
