//! A long series in bounded memory, by averaging neighbours: for rates and noisy gauges.

/// A series of equally spaced values that keeps between `LIMIT` and `2 * LIMIT` means of as many
/// neighbours each, however many values it is given. Nothing is left out but a last incomplete group.
#[derive(Clone, Debug)]
pub(crate) struct Averaged {
    means: Vec<f64>,
    per_mean: u32,
    sum: f64,
    pending: u32,
}

impl Default for Averaged {
    fn default() -> Self {
        Averaged {
            means: Vec::new(),
            per_mean: 1,
            sum: 0.0,
            pending: 0,
        }
    }
}

impl Averaged {
    const LIMIT: usize = 300;

    pub(crate) fn push(&mut self, value: f64) {
        self.sum += value;
        self.pending += 1;
        if self.pending < self.per_mean {
            return;
        }
        self.means.push(self.sum / f64::from(self.per_mean));
        (self.sum, self.pending) = (0.0, 0);
        if self.means.len() >= 2 * Self::LIMIT {
            self.means = self
                .means
                .chunks_exact(2)
                .map(|pair| f64::midpoint(pair[0], pair[1]))
                .collect();
            self.per_mean = self.per_mean.saturating_mul(2);
        }
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.means
    }

    /// Values behind each mean.
    pub(crate) fn per_mean(&self) -> u32 {
        self.per_mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_values_becomes_a_bounded_number_of_means_of_all_of_them() {
        let mut averaged = Averaged::default();
        for value in 0..1_000_000u32 {
            averaged.push(f64::from(value));
        }
        let means = averaged.values();
        assert!((Averaged::LIMIT..2 * Averaged::LIMIT).contains(&means.len()));
        let per_mean = f64::from(averaged.per_mean());
        for (at, mean) in (0u32..).zip(means) {
            let expected = f64::from(at) * per_mean + (per_mean - 1.0) / 2.0;
            assert!((mean - expected).abs() < 1e-6);
        }
    }
}
