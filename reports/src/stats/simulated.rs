//! Made-up series with known truth, for the tests that show how often a method is right.

use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution as _, StandardNormal};

pub(crate) fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// A series of mean 1: a straight drift, a transient that decays, and noise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Series {
    pub(crate) length: usize,
    /// Standard deviation of the noise.
    pub(crate) cv: f64,
    /// Of neighbours: the noise is AR(1).
    pub(crate) autocorrelation: f64,
    /// From the first value to the last.
    pub(crate) drift: f64,
    /// Height of the transient at the start.
    pub(crate) transient: f64,
    /// In how many values it falls to 1/e.
    pub(crate) decay: f64,
}

impl Default for Series {
    fn default() -> Self {
        Series {
            length: 200,
            cv: 0.03,
            autocorrelation: 0.0,
            drift: 0.0,
            transient: 0.0,
            decay: 1.0,
        }
    }
}

impl Series {
    pub(crate) fn draw(&self, rng: &mut Xoshiro256PlusPlus) -> Vec<f64> {
        let fresh = (1.0 - self.autocorrelation * self.autocorrelation).sqrt();
        let mut noise: f64 = StandardNormal.sample(rng);
        let values = (0..self.length).map(|at| {
            let innovation: f64 = StandardNormal.sample(rng);
            noise = self.autocorrelation * noise + fresh * innovation;
            let along = at as f64 / (self.length as f64 - 1.0);
            let transient = self.transient * (-(at as f64) / self.decay).exp();
            1.0 + self.drift * (along - 0.5) + transient + self.cv * noise
        });
        values.collect()
    }
}
