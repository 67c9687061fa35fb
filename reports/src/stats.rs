//! Statistics that conclusions rest on.

/// Median of the slopes through every pair of points (Theil 1950, Sen 1968): up to 29 % of the
/// points may be arbitrary without moving it far. Quadratic in the number of points, so callers
/// thin a long series. `None` with fewer than three points at different x.
pub(crate) fn theil_sen_slope(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (at, (x, y)) in points.iter().enumerate() {
        let later = points[at + 1..].iter().filter(|(later, _)| later > x);
        slopes.extend(later.map(|(later_x, later_y)| (later_y - y) / (later_x - x)));
    }
    if slopes.len() < 3 {
        return None;
    }
    let middle = slopes.len() / 2;
    let (below, &mut upper, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(if slopes.len() % 2 == 1 {
        upper
    } else {
        (lower + upper) / 2.0
    })
}

/// The straight line of least squares through points that need not be kept: running means and
/// co-moments (Welford 1962).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LeastSquares {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    /// Sum of squared deviations of x.
    spread_x: f64,
    /// Sum of products of deviations.
    together: f64,
}

impl LeastSquares {
    pub(crate) fn push(&mut self, (x, y): (f64, f64)) {
        self.count += 1.0;
        let from_mean_x = x - self.mean_x;
        self.mean_x += from_mean_x / self.count;
        self.mean_y += (y - self.mean_y) / self.count;
        self.spread_x += from_mean_x * (x - self.mean_x);
        self.together += from_mean_x * (y - self.mean_y);
    }

    /// `None` with fewer than three points, or all at one x.
    pub(crate) fn slope(&self) -> Option<f64> {
        (self.count >= 3.0 && self.spread_x > 0.0).then(|| self.together / self.spread_x)
    }
}

/// A time series that keeps at most `2 * LIMIT` evenly spread points of however many it is given.
#[derive(Default)]
pub(crate) struct Thinned {
    points: Vec<(f64, f64)>,
    stride_log2: u32,
    seen: u64,
}

impl Thinned {
    const LIMIT: usize = 300;

    pub(crate) fn push(&mut self, point: (f64, f64)) {
        if self.seen.is_multiple_of(1 << self.stride_log2) {
            self.points.push(point);
        }
        self.seen += 1;
        if self.points.len() >= 2 * Self::LIMIT {
            let mut index = 0usize;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride_log2 += 1;
        }
    }

    pub(crate) fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_line_of_least_squares_needs_no_points_kept() {
        let mut line = LeastSquares::default();
        for (x, y) in [(1.0, 2.0), (2.0, 4.5), (3.0, 5.0)] {
            assert_eq!(line.slope(), None);
            line.push((x, 1e9 + y));
        }
        assert!((line.slope().unwrap() - 1.5).abs() < 1e-6);
        let mut standing = LeastSquares::default();
        (0..5).for_each(|y| standing.push((7.0, f64::from(y))));
        assert_eq!(standing.slope(), None);
    }

    #[test]
    fn thinning_keeps_a_bounded_evenly_spread_series() {
        let mut thinned = Thinned::default();
        for x in 0..100_000 {
            thinned.push((f64::from(x), 2.0 * f64::from(x)));
        }
        let points = thinned.points();
        assert!(points.len() < 2 * Thinned::LIMIT && points.len() >= Thinned::LIMIT / 2);
        let step = points[1].0 - points[0].0;
        assert!(points.windows(2).all(|pair| pair[1].0 - pair[0].0 == step));
    }
}
