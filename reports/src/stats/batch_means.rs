//! A mean of values that are alike, and how well it is known.

use super::distributions::student_quantile;

/// Between ten and thirty do for any series (Schmeiser 1982, Operations Research 30).
const BATCHES: usize = 20;

/// The mean of a steady series by batch means (Law 2015, "Simulation Modeling and Analysis", 9.5.3):
/// means of long batches are nearly independent where the values in them are not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BatchMeans {
    /// Of all batches.
    pub(crate) mean: f64,
    /// Half of the width of its 95 % interval.
    pub(crate) half_width: f64,
    /// Variance of the mean.
    pub(crate) variance: f64,
    /// As many independent values would give the same interval: at most the number of values.
    pub(crate) effective: f64,
}

impl BatchMeans {
    /// `None` with fewer than two values a batch. At the start as many are left out as are too few for
    /// one more value in each.
    pub(crate) fn of(series: &[f64]) -> Option<BatchMeans> {
        let size = series.len() / BATCHES;
        if size < 2 {
            return None;
        }
        let kept = &series[series.len() - size * BATCHES..];
        let means: Vec<f64> = kept
            .chunks_exact(size)
            .map(|batch| batch.iter().sum::<f64>() / size as f64)
            .collect();
        let (mean, variance_of_means) = moments(&means);
        let (_, variance) = moments(kept);
        let variance_of_mean = variance_of_means / BATCHES as f64;
        let all = kept.len() as f64;
        let effective = if variance_of_mean > 0.0 {
            (variance / variance_of_mean).min(all)
        } else {
            all
        };
        Some(BatchMeans {
            mean,
            half_width: student_quantile(0.975, BATCHES as u32 - 1) * variance_of_mean.sqrt(),
            variance: variance_of_mean,
            effective,
        })
    }
}

/// Mean and unbiased variance of at least two values.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (count - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulated::{Series, rng};

    #[test]
    fn a_95_percent_interval_holds_the_mean_of_alike_values() {
        let mut rng = rng(5);
        for (autocorrelation, least) in [(0.0, 0.94), (0.6, 0.91)] {
            let series = Series {
                length: 400,
                autocorrelation,
                ..Series::default()
            };
            let (mut held, mut effective) = (0, 0.0);
            for _ in 0..4_000 {
                let found = BatchMeans::of(&series.draw(&mut rng)).unwrap();
                held += u32::from((found.mean - 1.0).abs() <= found.half_width);
                effective += found.effective / 4_000.0;
            }
            let held = f64::from(held) / 4_000.0;
            println!(
                "AR(1) {autocorrelation}: coverage {held:.3}, {effective:.0} of 400 effective"
            );
            assert!(held >= least, "{autocorrelation}: {held}");
            // 400 (1 - r) / (1 + r), and a little more by the bias of a ratio.
            let theory = 400.0 * (1.0 - autocorrelation) / (1.0 + autocorrelation);
            assert!((0.8..1.4).contains(&(effective / theory)), "{effective}");
        }
    }

    #[test]
    fn too_few_values_give_no_interval_and_equal_ones_a_point() {
        assert_eq!(BatchMeans::of(&[1.0; 39]), None);
        let equal = BatchMeans::of(&[2.0; 47]).unwrap();
        assert_eq!(
            (equal.mean, equal.half_width, equal.effective),
            (2.0, 0.0, 40.0)
        );
    }
}
