//! What all probes together say about the capacity: a posterior over its logarithm, on a grid.
//!
//! Each probe sees a capacity of its own, logistically distributed in ln r around the true one: so the
//! chance that a load is held is a logistic curve in ln r, and a probe that contradicts others makes the
//! curve flatter instead of moving a bound for good (after FD.io's PLRsearch, draft-vpolak-bmwg-plrsearch,
//! which fits a critical load and a spread by Bayesian inference). Three things are unknown:
//!
//! - the capacity, with a wide prior around the start estimate;
//! - the noise from probe to probe. Outcomes tell little of it: a search that happens to see no
//!   contradiction would believe in none. What unsustainable probes completed per second tells more,
//!   because without noise they all completed the same;
//! - how much more or less an overloaded engine does than it sustains. So that this is not taken for the
//!   capacity, it has a prior with heavy tails: what was completed counts where it fits the outcomes, and
//!   where it does not the outcomes win. The model is that of censored regression (Tobin, Econometrica
//!   1958) with such an offset.

mod likelihood;

use super::ProbeResult;
use crate::verdict::SUSTAINED_SLOPE;
pub(super) use likelihood::seen;
use likelihood::{Drained, curve, outcomes};

/// Standard deviation of a logistic distribution of scale 1: pi / sqrt(3).
const LOGISTIC_DEVIATION: f64 = 1.813_799_364_234_217_8;
/// Noise from probe to probe, standard deviation of ln capacity: from a fifth of a percent, which is as
/// good as none, to 30 %, in this many steps of one factor.
const NOISE: (f64, f64) = (0.002, 0.3);
const NOISE_STEPS: usize = 12;
/// Each step's prior weight grows with this power of its noise: more noise is a little likelier
/// beforehand, so that a few probes that agree by luck do not make an interval that is too narrow.
/// Proposed, not published: with it intervals hold the capacity at any noise, not only on average.
const NOISE_POWER: f64 = 0.7;
/// Standard deviation of the start estimate's logarithm: so wide that it hardly matters.
const START_DEVIATION: f64 = 0.7;
/// Places of the two grids over ln capacity: over everything, and over where the posterior is.
const COARSE: usize = 64;
const FINE: usize = 96;
/// What lies beyond these quantiles of the coarse grid is not on the fine one.
const TAIL: f64 = 1e-4;

/// An estimate of the capacity, records per second.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Capacity {
    /// Median of the posterior.
    pub median_per_s: f64,
    /// Lower end of the 95 % interval.
    pub lower_per_s: f64,
    /// Upper end of the 95 % interval.
    pub upper_per_s: f64,
}

impl Capacity {
    /// Of the interval, relative to the median.
    pub fn width(&self) -> f64 {
        (self.upper_per_s - self.lower_per_s) / self.median_per_s
    }
}

/// Ln of the capacity at which a load is just held: a backlog that grows by 1 % of the load counts as
/// standing.
pub(super) fn threshold(rate_per_s: f64) -> f64 {
    rate_per_s.ln() + (1.0 - SUSTAINED_SLOPE).ln()
}

/// The load that a capacity just holds.
pub(super) fn load_at(capacity_per_s: f64) -> f64 {
    capacity_per_s / (1.0 - SUSTAINED_SLOPE)
}

/// What is known after some probes.
pub(super) struct Posterior {
    /// Ln capacity, evenly spaced.
    places: Vec<f64>,
    /// Weight of each place (inner) under each noise (outer), up to a constant.
    weights: Vec<Vec<f64>>,
}

impl Posterior {
    /// After these probes, with a start estimate made before them.
    pub(super) fn of(start_per_s: f64, probes: &[ProbeResult]) -> Posterior {
        let start = start_per_s.ln();
        let thresholds = || {
            probes
                .iter()
                .map(|it| threshold(it.rate_per_s))
                .chain([start])
        };
        let from = thresholds().fold(f64::INFINITY, f64::min) - 1.0;
        let to = thresholds().fold(f64::NEG_INFINITY, f64::max) + 1.0;
        let coarse = Posterior::on_grid((from, to, COARSE), start, probes);
        let step = coarse.step();
        let from = coarse.quantile(TAIL) - step;
        let to = coarse.quantile(1.0 - TAIL) + step;
        Posterior::on_grid((from, to, FINE), start, probes)
    }

    fn on_grid(
        (from, to, count): (f64, f64, usize),
        start: f64,
        probes: &[ProbeResult],
    ) -> Posterior {
        let step = (to - from) / (count - 1) as f64;
        let places: Vec<f64> = (0..count).map(|at| from + step * at as f64).collect();
        let drained = Drained::of(probes);
        let logarithms = scales().map(|scale| {
            // What is narrower than the grid would fall between its places.
            let seen = scale.max(0.5 * step);
            let completed = drained.likelihood(&places, step, seen);
            let weight = |(place, completed): (&f64, f64)| {
                let prior = -0.5 * ((place - start) / START_DEVIATION).powi(2);
                prior + NOISE_POWER * scale.ln() + completed + outcomes(*place, seen, probes)
            };
            places.iter().zip(completed).map(weight).collect()
        });
        let weights = normalised(logarithms.collect());
        Posterior { places, weights }
    }

    fn step(&self) -> f64 {
        self.places[1] - self.places[0]
    }

    /// The place below which `share` of the posterior lies, whatever the noise. Each place's weight is spread
    /// over its cell of the grid.
    fn quantile(&self, share: f64) -> f64 {
        let mut below = 0.0;
        for (at, place) in self.places.iter().enumerate() {
            let weight: f64 = self.weights.iter().map(|row| row[at]).sum();
            if below + weight >= share && weight > 0.0 {
                return place + self.step() * ((share - below) / weight - 0.5);
            }
            below += weight;
        }
        self.places[self.places.len() - 1]
    }

    pub(super) fn capacity(&self) -> Capacity {
        Capacity {
            median_per_s: self.quantile(0.5).exp(),
            lower_per_s: self.quantile(0.025).exp(),
            upper_per_s: self.quantile(0.975).exp(),
        }
    }

    /// By how much the outcome of one more probe, at this load, is expected to narrow the posterior: 1 minus
    /// the expected standard deviation after it over that before.
    pub(super) fn gain(&self, rate_per_s: f64) -> f64 {
        let threshold = threshold(rate_per_s);
        let (mut all, mut failing) = (Moments::default(), Moments::default());
        let middle = self.quantile(0.5);
        for (scale, row) in scales().zip(&self.weights) {
            for (place, weight) in self.places.iter().zip(row) {
                all.add(place - middle, *weight);
                failing.add(
                    place - middle,
                    weight * (1.0 - curve((place - threshold) / scale)),
                );
            }
        }
        let passing = all.without(failing);
        let expected = [failing, passing].map(|it| it.weight / all.weight * it.deviation());
        match all.deviation() {
            before if before > 0.0 => 1.0 - expected.iter().sum::<f64>() / before,
            _ => 0.0,
        }
    }
}

/// Scales of the logistic curve, one for each noise.
fn scales() -> impl Iterator<Item = f64> {
    let factor = (NOISE.1 / NOISE.0).powf(1.0 / (NOISE_STEPS - 1) as f64);
    (0..NOISE_STEPS as i32).map(move |at| NOISE.0 * factor.powi(at) / LOGISTIC_DEVIATION)
}

/// From logarithms to weights that sum to 1.
fn normalised(mut weights: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let most = weights
        .iter()
        .flatten()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let all = |weights: &mut Vec<Vec<f64>>, change: &dyn Fn(f64) -> f64| {
        weights
            .iter_mut()
            .flatten()
            .for_each(|weight| *weight = change(*weight));
    };
    all(&mut weights, &|weight| (weight - most).exp());
    let total: f64 = weights.iter().flatten().sum();
    all(&mut weights, &|weight| weight / total);
    weights
}

/// Weighted sums of a value's powers.
#[derive(Clone, Copy, Default)]
struct Moments {
    weight: f64,
    first: f64,
    second: f64,
}

impl Moments {
    fn add(&mut self, value: f64, weight: f64) {
        self.weight += weight;
        self.first += weight * value;
        self.second += weight * value * value;
    }

    fn without(self, part: Moments) -> Moments {
        Moments {
            weight: self.weight - part.weight,
            first: self.first - part.first,
            second: self.second - part.second,
        }
    }

    fn deviation(self) -> f64 {
        if self.weight <= 0.0 {
            return 0.0;
        }
        let mean = self.first / self.weight;
        (self.second / self.weight - mean * mean).max(0.0).sqrt()
    }
}
