//! Intervals by drawing again from what was observed.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use super::distributions::{normal_cdf, normal_quantile};

/// How a bootstrap draws.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bootstrap {
    /// Of all random draws: the same seed gives the same interval on every machine.
    pub(crate) seed: u64,
    /// How often it draws.
    pub(crate) resamples: usize,
}

impl Bootstrap {
    /// The two-sided interval of `statistic` at `confidence` by the bias-corrected and accelerated
    /// bootstrap (Efron 1987, JASA 82). `None` with fewer than three values. Of few values it is too
    /// narrow: see the test beside it.
    pub(crate) fn bca(
        &self,
        values: &[f64],
        confidence: f64,
        mut statistic: impl FnMut(&[f64]) -> f64,
    ) -> Option<(f64, f64)> {
        if values.len() < 3 || self.resamples == 0 {
            return None;
        }
        let observed = statistic(values);
        let mut drawn = self.drawn(values, &mut statistic);
        drawn.sort_unstable_by(f64::total_cmp);
        let bias = bias(&drawn, observed);
        let acceleration = acceleration(values, &mut statistic);
        let end = |p: f64| {
            let z = bias + normal_quantile(p);
            let adjusted = normal_cdf(bias + z / (1.0 - acceleration * z));
            let rank = adjusted * (drawn.len() as f64 - 1.0);
            drawn[(rank.round() as usize).min(drawn.len() - 1)]
        };
        let tail = (1.0 - confidence) / 2.0;
        Some((end(tail), end(1.0 - tail)))
    }

    fn drawn(&self, values: &[f64], mut statistic: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut resample = vec![0.0; values.len()];
        let mut draw = || {
            for value in &mut resample {
                *value = values[rng.random_range(0..values.len())];
            }
            statistic(&resample)
        };
        (0..self.resamples).map(|_| draw()).collect()
    }
}

/// How far the median of what was drawn lies off what was observed, in standard deviations.
fn bias(sorted: &[f64], observed: f64) -> f64 {
    let below = sorted.partition_point(|value| *value < observed);
    let up_to = sorted.partition_point(|value| *value <= observed);
    let count = sorted.len() as f64;
    let share = (below + up_to) as f64 / 2.0 / count;
    // All on one side says no more than that the rest is rarer than one draw.
    normal_quantile(share.clamp(0.5 / count, 1.0 - 0.5 / count))
}

/// From the statistic without each value in turn (jackknife).
fn acceleration(values: &[f64], mut statistic: impl FnMut(&[f64]) -> f64) -> f64 {
    let mut without = |at: usize| {
        let mut rest = values.to_vec();
        rest.remove(at);
        statistic(&rest)
    };
    let left: Vec<f64> = (0..values.len()).map(&mut without).collect();
    let mean = left.iter().sum::<f64>() / left.len() as f64;
    let squares: f64 = left.iter().map(|it| (mean - it).powi(2)).sum();
    let cubes: f64 = left.iter().map(|it| (mean - it).powi(3)).sum();
    if squares <= 0.0 {
        return 0.0;
    }
    cubes / (6.0 * squares.powf(1.5))
}
