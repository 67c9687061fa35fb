//! Whether a series goes up or down at all.

use super::autocorrelation::rank_variance_inflation;
use super::distributions::normal_p;

/// Mann and Kendall's test of a monotonic trend (Mann 1945, Kendall 1975), with the correction of
/// Hamed and Rao (1998) for autocorrelation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MannKendall {
    /// Pairs that go up minus pairs that go down.
    pub(crate) s: f64,
    /// Variance of `s` without a trend, corrected.
    pub(crate) variance: f64,
}

impl MannKendall {
    /// Of a series and of what is left of it without its trend, which shows the autocorrelation.
    /// Quadratic in the length.
    pub(crate) fn of(series: &[f64], residuals: &[f64]) -> MannKendall {
        let n = series.len() as f64;
        let mut s = 0i64;
        for (at, value) in series.iter().enumerate() {
            for later in &series[at + 1..] {
                s += i64::from(later > value) - i64::from(later < value);
            }
        }
        let pairs = |count: f64| count * (count - 1.0) * (2.0 * count + 5.0);
        let independent = (pairs(n) - tied(series).map(pairs).sum::<f64>()) / 18.0;
        MannKendall {
            s: s as f64,
            variance: independent * rank_variance_inflation(residuals),
        }
    }

    /// Two-sided p, by the normal approximation with continuity correction: for ten values or more.
    pub(crate) fn p(&self) -> f64 {
        if self.variance <= 0.0 {
            return 1.0;
        }
        normal_p((self.s.abs() - 1.0).max(0.0) / self.variance.sqrt())
    }
}

/// Sizes of the groups of equal values.
fn tied(series: &[f64]) -> impl Iterator<Item = f64> {
    let mut sorted = series.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let groups: Vec<f64> = sorted
        .chunk_by(|one, other| one == other)
        .map(|group| group.len() as f64)
        .collect();
    groups.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistic_and_its_variance_are_those_of_the_textbook() {
        // Gilbert 1987, "Statistical Methods for Environmental Pollution Monitoring", section 16.4.
        let rising = MannKendall::of(&[10.0, 15.0, 14.0, 20.0], &[]);
        assert_eq!(rising.s, 4.0);
        assert!((rising.variance - 4.0 * 3.0 * 13.0 / 18.0).abs() < 1e-12);
        // Two groups of two equal values take 2 * 1 * 9 each.
        let tied = MannKendall::of(&[1.0, 1.0, 2.0, 2.0, 3.0], &[]);
        assert_eq!(tied.s, 8.0);
        assert!((tied.variance - (5.0 * 4.0 * 15.0 - 2.0 * 18.0) / 18.0).abs() < 1e-12);
    }

    #[test]
    fn a_standing_series_has_no_trend() {
        assert_eq!(MannKendall::of(&[2.0; 40], &[2.0; 40]).p(), 1.0);
        assert_eq!(MannKendall::of(&[], &[]).p(), 1.0);
    }
}
