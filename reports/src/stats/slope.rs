//! The slope of a series: the median of the slopes between its points, and an interval for it.

use super::distributions::normal_quantile;
use super::median::median_of;
use super::trend::MannKendall;

/// Median of the slopes through every pair of points (Theil 1950, Sen 1968): up to 29 % of the
/// points may be arbitrary without moving it far. Quadratic in the number of points, so callers
/// thin a long series. `None` with fewer than three points at different x.
pub(crate) fn theil_sen_slope(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes = pairwise_slopes(points);
    (slopes.len() >= 3).then(|| median_of(&mut slopes))
}

/// A slope and where it may lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SlopeInterval {
    /// Theil and Sen's; units of y per unit of x, as the ends are.
    pub(crate) slope: f64,
    /// Lower end; minus infinity if the points are too few to say.
    pub(crate) low: f64,
    /// Upper end; infinity if the points are too few to say.
    pub(crate) high: f64,
}

/// Theil and Sen's slope with the interval of Sen (1968): as many pairwise slopes on either side of
/// the median as Kendall's S may be off, its variance corrected for the autocorrelation of what the
/// line leaves (Hamed and Rao 1998). `confidence` is two-sided: 0.95 leaves 2.5 % on either side.
/// Points are in the order of x and about equally spaced. Quadratic in their number. `None` with
/// fewer than three points at different x.
pub(crate) fn slope_interval(points: &[(f64, f64)], confidence: f64) -> Option<SlopeInterval> {
    let mut slopes = pairwise_slopes(points);
    if slopes.len() < 3 {
        return None;
    }
    let slope = median_of(&mut slopes);
    let values: Vec<f64> = points.iter().map(|(_, y)| *y).collect();
    let residuals: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
    let trend = MannKendall::of(&values, &residuals);
    let off = normal_quantile((1.0 + confidence) / 2.0) * trend.variance.sqrt();
    let count = slopes.len() as f64;
    let mut at = |rank: f64, beyond: f64| {
        if rank < 0.0 || rank > count - 1.0 {
            return beyond;
        }
        *slopes
            .select_nth_unstable_by(rank as usize, f64::total_cmp)
            .1
    };
    // Ranks from 0: outwards to the next whole one.
    let low = at(((count - off) / 2.0 - 1.0).floor(), f64::NEG_INFINITY);
    let high = at(((count + off) / 2.0).ceil(), f64::INFINITY);
    Some(SlopeInterval { slope, low, high })
}

fn pairwise_slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (at, (x, y)) in points.iter().enumerate() {
        let later = points[at + 1..].iter().filter(|(later, _)| later > x);
        slopes.extend(later.map(|(later_x, later_y)| (later_y - y) / (later_x - x)));
    }
    slopes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulated::{Series, rng};

    #[test]
    fn the_slope_of_a_line_survives_outliers() {
        let mut points: Vec<_> = (0..100)
            .map(|x| (f64::from(x), 3.0 * f64::from(x)))
            .collect();
        for x in (0..100).step_by(5) {
            points[x].1 = 1e9;
        }
        let slope = theil_sen_slope(&points).unwrap();
        assert!((slope - 3.0).abs() < 0.2, "{slope}");
    }

    #[test]
    fn an_even_number_of_slopes_takes_the_mean_of_the_middle_two() {
        // The slopes are 1, 1, 1, 7/3, 3 and 5.
        let slope = theil_sen_slope(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 7.0)]).unwrap();
        assert!((slope - (1.0 + 7.0 / 3.0) / 2.0).abs() < 1e-12, "{slope}");
        assert_eq!(theil_sen_slope(&[(0.0, 0.0), (1.0, 1.0)]), None);
    }

    /// How often the 95 % interval holds the slope of a simulated series.
    fn coverage(length: usize, autocorrelation: f64) -> f64 {
        let series = Series {
            length,
            cv: 0.03,
            autocorrelation,
            drift: 0.05,
            ..Series::default()
        };
        let truth = 0.05 / (length as f64 - 1.0);
        let mut rng = rng(7);
        let runs = 1_000;
        let held = (0..runs).filter(|_| {
            let samples = series.draw(&mut rng);
            let points: Vec<_> = (0u32..).map(f64::from).zip(samples).collect();
            let found = slope_interval(&points, 0.95).unwrap();
            found.low <= truth && truth <= found.high
        });
        held.count() as f64 / f64::from(runs)
    }

    #[test]
    fn a_95_percent_interval_holds_the_slope_also_of_autocorrelated_series() {
        for (length, autocorrelation, least) in [
            (60, 0.0, 0.94),
            (60, 0.6, 0.91),
            (120, 0.3, 0.93),
            (120, 0.6, 0.92),
            (240, 0.0, 0.94),
            (240, 0.6, 0.93),
            (240, 0.9, 0.89),
        ] {
            let held = coverage(length, autocorrelation);
            println!("{length} values, AR(1) {autocorrelation}: {held:.3}");
            assert!(held >= least, "{length} {autocorrelation}: {held}");
        }
    }

    #[test]
    fn an_interval_is_as_wide_as_the_points_are_few() {
        assert_eq!(slope_interval(&[(0.0, 1.0), (1.0, 2.0)], 0.95), None);
        let few = slope_interval(&[(0.0, 1.0), (1.0, 2.0), (2.0, 4.0)], 0.95).unwrap();
        assert_eq!((few.low, few.high), (f64::NEG_INFINITY, f64::INFINITY));
        let standing: Vec<_> = (0..50).map(|x| (f64::from(x), 3.0)).collect();
        let none = slope_interval(&standing, 0.95).unwrap();
        assert_eq!((none.low, none.slope, none.high), (0.0, 0.0, 0.0));
    }
}
