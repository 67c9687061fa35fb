//! Whether one variant of a run is better than another: the pure part of `backwater compare`.
//!
//! Variants run in randomised, interleaved blocks: each block runs every variant once, in an order
//! drawn for it. Other orders have shown a 38 % "difference" between identical systems at 95 %
//! confidence (Abedi and Brecht, ICPE 2017). Per block and metric the logarithm of the ratio to the
//! baseline counts; Hodges and Lehmann's estimate, its BCa interval over blocks, and Wilcoxon's exact
//! signed-rank test say what it shows. Since the order within a block is random, either sign of a
//! difference is equally likely if there is none, whatever the noise: p is exact also when the machine
//! drifts.
//!
//! [`Plan`] says how many blocks, in which order, and how often they are looked at; [`Comparison`]
//! judges the blocks there are and whether more are needed; [`blocks_needed`] says so before the first.
//! Nothing here runs, reads or draws anything.

mod judge;
mod looks;
mod plan;
mod sizes;

use serde::{Deserialize, Serialize};

pub use judge::{Comparison, Estimate, Next, Verdict};
pub use plan::Plan;
pub use sizes::{blocks_for_equivalence, blocks_needed, floor};

/// What is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// As the reader knows it.
    pub name: String,
    /// Which way is better.
    pub better: Direction,
    /// What it is compared for.
    pub role: Role,
    /// Ratios within this share of 1 also occur between identical variants: see [`floor`].
    pub floor: f64,
    /// Values below it cannot be told from none, and count as it: a ratio needs two.
    pub least: f64,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Of throughput, for example.
    Higher,
    /// Of latency, for example.
    Lower,
}

/// What a metric is compared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Something is decided by it: the comparison goes on until it is, and all of these together claim
    /// a difference that is none with probability alpha (Holm).
    Gate,
    /// For the reader: of the differences that are claimed among these, a share of alpha is none
    /// (Benjamini and Hochberg).
    Report,
}

/// What one block gave: by variant (the baseline first) and metric; `None` where nothing was measured
/// or the run's verdict forbids its use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Values by variant, then by metric.
    pub values: Vec<Vec<Option<f64>>>,
}

impl Block {
    /// Logarithm of a variant's value over the baseline's, where values below `least` count as it; `None`
    /// unless there are both.
    fn log_ratio(&self, variant: usize, metric: usize, least: f64) -> Option<f64> {
        let of = |variant: usize| {
            let value = *self.values.get(variant)?.get(metric)?;
            let value = value.filter(|value| *value >= 0.0 && value.is_finite());
            Some(value?.max(least))
        };
        Some((of(variant)? / of(0)?).ln())
    }
}
