//! How likely the probes are, given a capacity and a noise.

use super::super::ProbeResult;
use super::threshold;
use crate::sustainable::Probe;

/// Exponents beyond this make no difference, and keep the product of a search's factors within what an
/// f64 holds.
const MOST_EXPONENT: f64 = 40.0;
/// A product of factors is turned into a logarithm when it gets smaller than this.
const SMALL: f64 = 1e-200;
/// Of the interval in which an undecided probe's slope lies.
const CONFIDENCE: f64 = 0.95;
/// No slope is known better than to so many seconds of load per second, however even the samples are: an
/// interval without a width would hold no capacity at all, and the probe would count for nothing. Proposed,
/// not published.
const RESOLUTION: f64 = 0.002;
/// Scale of the Cauchy prior of ln(what an overloaded engine does / its capacity): most often within 2 %.
const OFFSET_SCALE: f64 = 0.02;
/// Its centre is looked for so far around what was completed.
const REACH: f64 = 0.15;

/// The logistic curve.
pub(super) fn curve(x: f64) -> f64 {
    1.0 / (1.0 + exponential(-x))
}

fn exponential(exponent: f64) -> f64 {
    exponent.clamp(-MOST_EXPONENT, MOST_EXPONENT).exp()
}

/// Ln likelihood of the outcomes of all probes of which [`Drained`] does not know more.
pub(super) fn outcomes(place: f64, scale: f64, probes: &[ProbeResult]) -> f64 {
    let mut product = Product::default();
    // The chance that the capacity a probe saw lies above this one.
    let above = |capacity: f64| curve((place - capacity) / scale);
    for probe in probes {
        let threshold = threshold(probe.rate_per_s);
        match probe.outcome {
            Probe::Sustainable => product.multiply(above(threshold)),
            Probe::Unsustainable if drained(probe).is_some() => {}
            Probe::Unsustainable => product.multiply(1.0 - above(threshold)),
            Probe::Undecided => {
                let (least, most) = seen(probe);
                let within = above(least) - most.map_or(0.0, above);
                product.multiply(CONFIDENCE * within + (1.0 - CONFIDENCE));
            }
        }
    }
    product.ln()
}

/// Between which capacities, ln, an undecided probe saw one: where its backlog may have grown at all, by so
/// much. `None` where it may not have grown: then it saw any capacity above.
pub(in crate::search) fn seen(probe: &ProbeResult) -> (f64, Option<f64>) {
    let at = |slope: f64| (slope < 1.0).then(|| probe.rate_per_s.ln() + (-slope).ln_1p());
    let least = probe.backlog_slope_upper.map(|slope| slope + RESOLUTION);
    let least = least.and_then(at);
    let most = probe.backlog_slope_lower.map(|slope| slope - RESOLUTION);
    let most = most.filter(|slope| *slope > 0.0);
    (least.unwrap_or(f64::NEG_INFINITY), most.and_then(at))
}

/// Of an unsustainable probe, ln of what it completed per second; not above what makes it unsustainable.
fn drained(probe: &ProbeResult) -> Option<f64> {
    let is_failed = probe.outcome == Probe::Unsustainable;
    let completed = probe.completed_per_s.filter(|_| is_failed)?.ln();
    let is_known = completed.is_finite();
    is_known.then(|| completed.min(threshold(probe.rate_per_s)))
}

/// What the unsustainable probes completed.
pub(super) struct Drained {
    /// Ln per second.
    values: Vec<f64>,
    /// How much less than the least that would have made it sustainable, of the probe that came closest. An
    /// overloaded engine does not do so much more than its capacity, or that probe would not have failed.
    gap: f64,
}

impl Drained {
    pub(super) fn of(probes: &[ProbeResult]) -> Drained {
        let failed = || {
            let probes = probes.iter();
            probes.filter_map(|it| Some((drained(it)?, threshold(it.rate_per_s))))
        };
        let gaps = failed().map(|(value, threshold)| threshold - value);
        Drained {
            values: failed().map(|(value, _)| value).collect(),
            gap: gaps.fold(f64::INFINITY, f64::min),
        }
    }

    /// Ln likelihood at each place, which lie `step` apart: logistic draws around a centre, averaged over all
    /// that the offset from the place to the centre may be. The centres lie on the places' grid.
    pub(super) fn likelihood(&self, places: &[f64], step: f64, scale: f64) -> Vec<f64> {
        let least = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self
            .values
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let Some(origin) = places.first().filter(|_| least.is_finite()) else {
            return vec![0.0; places.len()];
        };
        let first = ((least - REACH - origin) / step).floor() as i64;
        let last = ((most + REACH - origin) / step).ceil() as i64;
        let around = |at: i64| (at, self.around(origin + at as f64 * step, scale));
        let mut centres: Vec<(i64, f64)> = (first..=last).map(around).collect();
        let logarithms = centres.iter().map(|(_, logarithm)| *logarithm);
        let heaviest = logarithms.fold(f64::NEG_INFINITY, f64::max);
        for (_, weight) in &mut centres {
            *weight = (*weight - heaviest).exp();
        }
        let averaged = (0i64..).take(places.len()).map(|place| {
            let each = centres.iter().map(|(centre, weight)| {
                let offset = (centre - place) as f64 * step;
                let is_possible = offset > -self.gap - 0.5 * step;
                let prior = 1.0 / (1.0 + (offset / OFFSET_SCALE).powi(2));
                if is_possible { weight * prior } else { 0.0 }
            });
            let sum: f64 = each.sum();
            heaviest + (sum * step).max(f64::MIN_POSITIVE).ln()
        });
        averaged.collect()
    }

    /// Ln density of all that was completed, around one centre.
    fn around(&self, centre: f64, scale: f64) -> f64 {
        let mut product = Product::default();
        for value in &self.values {
            let odds = exponential((centre - value) / scale);
            product.multiply(odds / ((1.0 + odds) * (1.0 + odds) * scale));
        }
        product.ln()
    }
}

/// Of many factors; logarithms are taken rarely, because they are what takes long.
struct Product {
    value: f64,
    logarithm: f64,
}

impl Default for Product {
    fn default() -> Self {
        Product {
            value: 1.0,
            logarithm: 0.0,
        }
    }
}

impl Product {
    fn multiply(&mut self, factor: f64) {
        self.value *= factor;
        if self.value < SMALL {
            self.logarithm += self.value.ln();
            self.value = 1.0;
        }
    }

    fn ln(self) -> f64 {
        self.logarithm + self.value.ln()
    }
}
