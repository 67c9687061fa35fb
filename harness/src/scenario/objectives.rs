//! What is asked of a run: the `[slo]` table. Whether a run meets it is for `reports` to say.

use std::time::Duration;

use reports::Objectives;
use serde::{Deserialize, Serialize};
use workloads::spec::{Default as Absence, Kind, Parameter};

/// Objectives, each of them optional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    /// Largest 99th percentile of the response time.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Option::is_none"
    )]
    pub p99: Option<Duration>,
    /// Largest 99.9th percentile of the response time.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Option::is_none"
    )]
    pub p999: Option<Duration>,
    /// Smallest throughput.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_throughput_per_s: Option<f64>,
}

impl Slo {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Slo::default()
    }

    /// The first key that asks for a response time.
    pub(super) fn first_of_latency(&self) -> Option<&'static str> {
        let asked = [("p99", self.p99), ("p999", self.p999)];
        asked
            .into_iter()
            .find_map(|(key, bound)| bound.map(|_| key))
    }

    /// The same in the units of the record.
    pub fn objectives(&self) -> Objectives {
        let nanoseconds = |bound: Option<Duration>| bound.map(|bound| bound.as_nanos() as f64);
        Objectives {
            p99_ns: nanoseconds(self.p99),
            p999_ns: nanoseconds(self.p999),
            min_throughput_per_s: self.min_throughput_per_s,
        }
    }
}

const fn latency(name: &'static str, help: &'static str) -> Parameter {
    Parameter {
        name,
        kind: Kind::Span {
            min: Duration::from_micros(1),
            max: Duration::from_secs(3_600),
        },
        default: Absence::Absent("not asked for"),
        help,
    }
}

/// The `[slo]` table, declared once for the parser and for `list`.
pub const SLO: &[Parameter] = &[
    latency("p99", "largest 99th percentile of the response time"),
    latency("p999", "largest 99.9th percentile of the response time"),
    Parameter {
        name: "min_throughput_per_s",
        kind: Kind::Number {
            min: 0.001,
            max: 1e12,
        },
        default: Absence::Absent("not asked for"),
        help: "smallest throughput, source records per second",
    },
];
