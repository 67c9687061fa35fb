//! The straight line of least squares, where points cannot be kept.

/// The straight line of least squares through points that need not be kept: running means and
/// co-moments (Welford 1962).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LeastSquares {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    /// Sum of squared deviations of x.
    spread_x: f64,
    /// Sum of squared deviations of y.
    spread_y: f64,
    /// Sum of products of deviations.
    together: f64,
}

impl LeastSquares {
    pub(crate) fn push(&mut self, (x, y): (f64, f64)) {
        self.count += 1.0;
        let from_mean_x = x - self.mean_x;
        self.mean_x += from_mean_x / self.count;
        self.spread_x += from_mean_x * (x - self.mean_x);
        let from_mean_y = y - self.mean_y;
        self.mean_y += from_mean_y / self.count;
        self.together += from_mean_x * (y - self.mean_y);
        self.spread_y += from_mean_y * (y - self.mean_y);
    }

    /// Mean x and mean y; `None` without points.
    pub(crate) fn means(&self) -> Option<(f64, f64)> {
        (self.count > 0.0).then_some((self.mean_x, self.mean_y))
    }

    /// Sum of the squared deviations from the line, or from the mean where there is no line yet.
    pub(crate) fn residual_squares(&self) -> f64 {
        let explained = self.slope().map_or(0.0, |slope| slope * self.together);
        (self.spread_y - explained).max(0.0)
    }

    /// `None` with fewer than three points, or all at one x.
    pub(crate) fn slope(&self) -> Option<f64> {
        (self.count >= 3.0 && self.spread_x > 0.0).then(|| self.together / self.spread_x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
