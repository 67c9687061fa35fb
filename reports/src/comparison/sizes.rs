//! How many blocks it takes, and from where on a difference is one that matters.

use std::f64::consts::SQRT_2;

use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution as _, StandardNormal};

use crate::stats::{SignedRank, normal_quantile, rank_sum_above};

/// Simulated comparisons per size.
const RUNS: u32 = 4_000;
/// More blocks than this nobody runs.
const MOST: u32 = 500;
/// Two-sided, of one look.
const ALPHA: f64 = 0.05;
/// A ratio this close to 1 also occurs between identical variants. Proposed, not published.
const LEAST_FLOOR: f64 = 0.02;

/// Blocks after which a difference of `effect` (0.05: 5 %) is found with probability `power` if values
/// of the same variant have the coefficient of variation `cv`, by Wilcoxon's signed-rank test at 5 %
/// with one look. Simulated with lognormal noise: the usual approximation by a normal distribution
/// gives a third less than it takes. `None` if 500 do not do.
pub fn blocks_needed(cv: f64, effect: f64, power: f64) -> Option<u32> {
    let shift = (1.0 + effect.abs()).ln() / noise_of_difference(cv);
    smallest(shift, power, |blocks| {
        let critical = SignedRank::critical_sum(blocks, ALPHA / 2.0)?;
        Some(simulated(blocks, |noise, shifted| {
            shifted.clear();
            shifted.extend(noise.iter().map(|it| it + shift));
            rank_sum_above(shifted) >= critical
        }))
    })
}

/// Blocks after which variants whose ratio is `effect` off 1 are found to be equivalent within
/// `margin` with probability `power`: two one-sided signed-rank tests at 5 % each.
pub fn blocks_for_equivalence(cv: f64, margin: f64, effect: f64, power: f64) -> Option<u32> {
    let noise = noise_of_difference(cv);
    let (bound, shift) = ((1.0 + margin).ln() / noise, (1.0 + effect).ln() / noise);
    smallest(bound - shift.abs(), power, |blocks| {
        let critical = SignedRank::critical_sum(blocks, ALPHA)?;
        Some(simulated(blocks, |noise, shifted| {
            let mut passes = |sign: f64| {
                shifted.clear();
                shifted.extend(noise.iter().map(|it| bound + sign * (it + shift)));
                rank_sum_above(shifted) >= critical
            };
            passes(1.0) && passes(-1.0)
        }))
    })
}

/// The practical floor: the larger of 2 % and the 95th percentile of how far the ratios of identical
/// variants (A/A comparisons) were off 1.
pub fn floor(identical: &[f64]) -> f64 {
    let off = identical.iter().map(|ratio| ratio.max(1.0 / ratio) - 1.0);
    let mut off: Vec<f64> = off.filter(|it| it.is_finite()).collect();
    off.sort_unstable_by(f64::total_cmp);
    let rank = (off.len() as f64 * 0.95).ceil() as usize;
    off.get(rank.saturating_sub(1))
        .map_or(LEAST_FLOOR, |percentile| percentile.max(LEAST_FLOOR))
}

/// Standard deviation of the logarithm of a ratio of two values.
fn noise_of_difference(cv: f64) -> f64 {
    (1.0 + cv * cv).ln().sqrt() * SQRT_2
}

/// The smallest number of blocks with which a share of `power` is `found`. It grows with the number, but
/// for the steps of a discrete test. `distance` is what has to be told from zero, in standard deviations.
fn smallest(distance: f64, power: f64, found: impl Fn(usize) -> Option<f64>) -> Option<u32> {
    let enough = |blocks: u32| found(blocks as usize).is_some_and(|found| found >= power);
    // Fewer than the one-sided normal approximation says never do.
    let least = (normal_quantile(1.0 - ALPHA) + normal_quantile(power)) / distance;
    let least = (least * least).floor();
    if distance.is_nan() || distance <= 0.0 || least > f64::from(MOST) {
        return None;
    }
    let mut low = (least as u32).max(3);
    let mut high = low + 1;
    while !enough(high) {
        if high >= MOST {
            return None;
        }
        low = high;
        high = (high + high / 4 + 1).min(MOST);
    }
    while high - low > 1 {
        let middle = u32::midpoint(low, high);
        if enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// Share of simulated comparisons, given as standard normal noise, that pass.
fn simulated(blocks: usize, mut passes: impl FnMut(&[f64], &mut Vec<f64>) -> bool) -> f64 {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
    let (mut noise, mut scratch) = (vec![0.0; blocks], Vec::with_capacity(blocks));
    let passed = (0..RUNS).filter(|_| {
        noise
            .iter_mut()
            .for_each(|it| *it = StandardNormal.sample(&mut rng));
        passes(&noise, &mut scratch)
    });
    passed.count() as f64 / f64::from(RUNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_percent_at_the_noise_of_a_cloud_takes_about_14_blocks() {
        let needed = [0.7, 0.8, 0.9].map(|power| blocks_needed(0.037, 0.05, power).unwrap());
        let equivalent =
            [0.05, 0.02].map(|margin| blocks_for_equivalence(0.037, margin, 0.0, 0.8).unwrap());
        println!("5 % at CV 3.7 % with power 0.7, 0.8, 0.9: {needed:?} blocks");
        println!("equivalent within 5 %, 2 % at CV 3.7 % with power 0.8: {equivalent:?} blocks");
        assert!((10..=14).contains(&needed[1]) && needed[0] < needed[1] && needed[1] < needed[2]);
        assert!((55..=65).contains(&equivalent[1]) && equivalent[0] <= 14);
    }

    #[test]
    fn what_cannot_be_found_is_not_promised() {
        assert_eq!(blocks_needed(0.1, 0.0, 0.8), None);
        assert_eq!(blocks_needed(0.1, f64::NAN, 0.8), None);
        assert_eq!(blocks_for_equivalence(0.1, 0.02, 0.05, 0.8), None);
        // Even without noise five pairs cannot reach 5 %.
        assert_eq!(blocks_needed(0.0, 0.1, 0.8), Some(6));
    }

    #[test]
    fn the_floor_is_what_identical_variants_differ_by() {
        assert_eq!(floor(&[]), 0.02);
        assert_eq!(floor(&[1.001, 0.999]), 0.02);
        let ratios: Vec<f64> = (0..=100).map(|it| 1.0 + f64::from(it) / 1_000.0).collect();
        assert!((floor(&ratios) - 0.095).abs() < 2e-3);
    }
}
