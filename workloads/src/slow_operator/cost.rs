//! What each record costs.

use super::spec::{CostSpec, Distribution};
use crate::draw::{Draw, FEMTO, Purpose, exponential};

/// The cost of every record: a function of the seed and the record's number.
#[derive(Debug, Clone, Copy)]
pub struct CostModel {
    draw: Draw,
    law: Law,
}

#[derive(Debug, Clone, Copy)]
enum Law {
    Constant {
        ns: u64,
    },
    Exponential {
        mean_ns: u64,
    },
    /// Slow if 64 uniform bits lie below the threshold.
    Bimodal {
        fast_ns: u64,
        slow_ns: u64,
        threshold: u64,
    },
}

impl CostModel {
    /// The costs of a specification, multiplied by `factor`.
    pub fn new(spec: &CostSpec, factor: f64, seed: u64) -> CostModel {
        // Only multiplication and division, which IEEE 754 makes exact everywhere; casts of floats saturate.
        let mean_ns = spec.mean.as_nanos() as f64 * factor;
        let law = match spec.distribution {
            Distribution::Constant => Law::Constant { ns: mean_ns as u64 },
            Distribution::Exponential => Law::Exponential {
                mean_ns: mean_ns as u64,
            },
            Distribution::Bimodal {
                slow_share,
                slow_factor,
            } => {
                let fast_ns = mean_ns / (1.0 - slow_share + slow_share * slow_factor);
                Law::Bimodal {
                    fast_ns: fast_ns as u64,
                    slow_ns: (fast_ns * slow_factor) as u64,
                    threshold: (slow_share * 2f64.powi(64)) as u64,
                }
            }
        };
        CostModel {
            draw: Draw::new(seed, Purpose::Cost),
            law,
        }
    }

    /// What a record costs, in nanoseconds.
    #[inline]
    pub fn cost_ns(&self, record: u64) -> u64 {
        match self.law {
            Law::Constant { ns } => ns,
            Law::Exponential { mean_ns } => {
                let variate = u128::from(exponential(self.draw.bits(record)));
                (u128::from(mean_ns) * variate / u128::from(FEMTO)) as u64
            }
            Law::Bimodal {
                fast_ns,
                slow_ns,
                threshold,
            } => {
                if self.draw.bits(record) < threshold {
                    slow_ns
                } else {
                    fast_ns
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::spec::CostKind;
    use super::*;

    fn mean_ns(distribution: Distribution) -> f64 {
        let spec = CostSpec {
            kind: CostKind::Cpu,
            mean: Duration::from_micros(100),
            distribution,
        };
        let model = CostModel::new(&spec, 1.0, 5);
        (0..100_000)
            .map(|record| model.cost_ns(record) as f64)
            .sum::<f64>()
            / 100_000.0
    }

    #[test]
    fn every_distribution_has_the_stated_mean() {
        assert_eq!(mean_ns(Distribution::Constant), 100_000.0);
        let bimodal = Distribution::Bimodal {
            slow_share: 0.1,
            slow_factor: 10.0,
        };
        for distribution in [Distribution::Exponential, bimodal] {
            // 4 standard errors: the coefficients of variation are 1 and 1.42.
            assert!(
                (mean_ns(distribution) - 100_000.0).abs() < 1_800.0,
                "{distribution:?}"
            );
        }
    }

    #[test]
    fn a_slow_subtask_pays_its_factor() {
        let spec = CostSpec {
            kind: CostKind::Cpu,
            mean: Duration::from_micros(100),
            distribution: Distribution::Exponential,
        };
        let (fair, slow) = (CostModel::new(&spec, 1.0, 5), CostModel::new(&spec, 3.0, 5));
        for record in 0..100 {
            assert!(slow.cost_ns(record).abs_diff(3 * fair.cost_ns(record)) <= 3);
        }
    }
}
