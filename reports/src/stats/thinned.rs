//! A long series in bounded memory, by leaving points out: for cumulative counts and levels.

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
