//! What was asked of a run, and whether it was met.

use serde::{Deserialize, Serialize};

/// The objectives of a run's scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    /// Each by itself, at least one.
    pub objectives: Vec<Objective>,
    /// Whether all of them were met; false if one was missed, null if none was missed and one is not known.
    pub met: Option<bool>,
}

/// One objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// `p99_ns` and `p999_ns` (of the response time, nanoseconds) or `min_throughput_per_s` (records per second).
    pub name: String,
    /// What was asked for.
    pub bound: f64,
    /// What was found; null where that is not known, a percentile of too few records for example.
    pub measured: Option<f64>,
    /// Whether it is within the bound.
    pub met: Option<bool>,
}
