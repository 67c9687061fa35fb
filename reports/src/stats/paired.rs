//! Paired differences: their centre, and whether it is zero.

use super::distributions::normal_cdf;
use super::median::median_of;
use super::rank::midranks;

/// Up to so many differences the distribution of the signed ranks is counted out. Beyond, the normal
/// approximation is off by less than 1e-3.
const EXACT: usize = 60;

/// Hodges and Lehmann's (1963) estimate of the centre: the median of the means of every two
/// differences and of each with itself. At least one.
pub(crate) fn hodges_lehmann(differences: &[f64], scratch: &mut Vec<f64>) -> f64 {
    scratch.clear();
    for (at, one) in differences.iter().enumerate() {
        scratch.extend(differences[at..].iter().map(|other| (one + other) / 2.0));
    }
    median_of(scratch)
}

/// Wilcoxon's (1945) signed-rank test of whether the centre of differences is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SignedRank {
    /// One-sided p of a centre above zero.
    pub(crate) above: f64,
    /// One-sided p of a centre below zero.
    pub(crate) below: f64,
}

impl SignedRank {
    /// Exact: given the sizes of the differences, every choice of signs is equally likely. Equal sizes
    /// share the mean of their ranks; zeros are ranked but count for neither side (Pratt 1959, whose
    /// test a difference of zero cannot make more significant by being left out).
    pub(crate) fn of(differences: &[f64]) -> SignedRank {
        let sizes: Vec<f64> = differences.iter().map(|it| it.abs()).collect();
        // Twice the rank is whole, also of shared ones.
        let doubled = midranks(&sizes)
            .into_iter()
            .map(|rank| (2.0 * rank) as usize);
        let ranked: Vec<(f64, usize)> = differences
            .iter()
            .copied()
            .zip(doubled)
            .filter(|(difference, _)| *difference != 0.0)
            .collect();
        let total: usize = ranked.iter().map(|(_, rank)| rank).sum();
        let positive = ranked.iter().filter(|(difference, _)| *difference > 0.0);
        let positive: usize = positive.map(|(_, rank)| rank).sum();
        let tail = if ranked.len() <= EXACT {
            exact_tail
        } else {
            normal_tail
        };
        SignedRank {
            above: tail(&ranked, positive),
            below: tail(&ranked, total - positive),
        }
    }

    /// Smallest sum of the ranks above zero, of `count` sizes without ties, whose one-sided p is at
    /// most `level`; `None` if there is none.
    pub(crate) fn critical_sum(count: usize, level: f64) -> Option<usize> {
        let ranked: Vec<(f64, usize)> = (1..=count).map(|rank| (1.0, 2 * rank)).collect();
        let total = count * (count + 1) / 2;
        let tail = if count <= EXACT {
            exact_tail
        } else {
            normal_tail
        };
        let passes = |sum: usize| tail(&ranked, 2 * sum) <= level;
        if !passes(total) {
            return None;
        }
        let (mut low, mut high) = (0, total);
        while low < high {
            let middle = usize::midpoint(low, high);
            if passes(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(high)
    }

    /// Two-sided p.
    pub(crate) fn p(&self) -> f64 {
        (2.0 * self.above.min(self.below)).min(1.0)
    }
}

/// Sum of the ranks, by size and from 1, of the values above zero. Without ties, which simulated values
/// have none of.
pub(crate) fn rank_sum_above(values: &mut [f64]) -> usize {
    values.sort_unstable_by(|one, other| one.abs().total_cmp(&other.abs()));
    let ranked = (1..).zip(values.iter());
    ranked
        .filter(|(_, it)| **it > 0.0)
        .map(|(rank, _)| rank)
        .sum()
}

/// Probability of a rank sum of at least `least`: counts how often each sum occurs, rank by rank.
fn exact_tail(ranked: &[(f64, usize)], least: usize) -> f64 {
    let total: usize = ranked.iter().map(|(_, rank)| rank).sum();
    let mut share = vec![0.0; total + 1];
    share[0] = 1.0;
    let mut reached = 0;
    for (_, rank) in ranked {
        reached += rank;
        for sum in (0..=reached).rev() {
            let with = if sum >= *rank { share[sum - rank] } else { 0.0 };
            share[sum] = (share[sum] + with) / 2.0;
        }
    }
    share[least.min(total)..].iter().sum::<f64>().min(1.0)
}

fn normal_tail(ranked: &[(f64, usize)], least: usize) -> f64 {
    let total: f64 = ranked.iter().map(|(_, rank)| *rank as f64).sum();
    let squares: f64 = ranked.iter().map(|(_, rank)| (*rank as f64).powi(2)).sum();
    // A step of the doubled sum is two.
    let z = (least as f64 - 1.0 - total / 2.0) / (squares.sqrt() / 2.0);
    normal_cdf(-z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulated::rng;
    use proptest::prelude::*;

    /// Two-sided sign-flip permutation test (Fisher 1935) of the signed-rank sum, by drawing signs.
    fn permuted_p(differences: &[f64], statistic: impl Fn(&[f64]) -> f64) -> f64 {
        let observed = statistic(differences).abs();
        let mut rng = rng(17);
        let draws = 20_000;
        let mut flipped = differences.to_vec();
        let extreme = (0..draws).filter(|_| {
            for value in &mut flipped {
                if rng.random::<bool>() {
                    *value = -*value;
                }
            }
            statistic(&flipped).abs() >= observed - 1e-9
        });
        extreme.count() as f64 / f64::from(draws)
    }

    fn signed_rank_sum(differences: &[f64]) -> f64 {
        let sizes: Vec<f64> = differences.iter().map(|it| it.abs()).collect();
        let ranks = midranks(&sizes);
        let signed = ranks.iter().zip(differences);
        let signed = signed.filter(|(_, it)| **it != 0.0);
        signed.map(|(rank, it)| rank * it.signum()).sum()
    }

    #[test]
    fn p_is_that_of_published_examples() {
        // The smallest of n pairs: 2 / 2^n.
        for (count, p) in [(5, 0.0625), (6, 0.03125), (8, 0.007_812_5)] {
            let all_above: Vec<f64> = (1..=count).map(f64::from).collect();
            assert_eq!(SignedRank::of(&all_above).p(), p);
        }
        // Darwin's maize (Fisher 1935): W = 24 of 120, p = 0.0413 by R's wilcox.test.
        let darwin = [
            49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0,
            -48.0,
        ];
        let p = SignedRank::of(&darwin).p();
        assert!((p - 0.041_26).abs() < 1e-5, "{p}");
        assert_eq!(hodges_lehmann(&[1.0, 2.0, 6.0], &mut Vec::new()), 2.75);
    }

    #[test]
    fn critical_sums_are_those_of_the_tables() {
        // Wilcoxon and Wilcox 1964: the smaller sum at a two-sided 0.05 is 3 of 36 and 21 of 105.
        assert_eq!(SignedRank::critical_sum(8, 0.025), Some(36 - 3));
        assert_eq!(SignedRank::critical_sum(14, 0.025), Some(105 - 21));
        assert_eq!(SignedRank::critical_sum(5, 0.025), None);
        assert!(SignedRank::critical_sum(200, 0.025).is_some());
    }

    #[test]
    fn nothing_but_zeros_differs_in_nothing() {
        assert_eq!(SignedRank::of(&[0.0; 12]).p(), 1.0);
        assert_eq!(SignedRank::of(&[]).p(), 1.0);
    }

    #[test]
    fn the_approximation_joins_the_exact_distribution() {
        let mut rng = rng(23);
        for shift in [0.0, 0.05, 0.1, 0.15] {
            let differences: Vec<f64> = (0..EXACT)
                .map(|_| rng.random::<f64>() - 0.5 + shift)
                .collect();
            let exact = SignedRank::of(&differences);
            let ranks = midranks(&differences.iter().map(|it| it.abs()).collect::<Vec<_>>());
            let ranked: Vec<_> = differences
                .iter()
                .zip(ranks)
                .map(|(it, rank)| (*it, (2.0 * rank) as usize))
                .collect();
            let sum = ranked
                .iter()
                .filter(|(it, _)| *it > 0.0)
                .map(|(_, rank)| rank);
            let near = normal_tail(&ranked, sum.sum());
            assert!((near - exact.above).abs() < 2e-3, "{near} {}", exact.above);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_exact_p_is_that_of_flipping_signs_also_with_ties_and_zeros(
            differences in prop::collection::vec(-6i32..=9, 4..30)
        ) {
            let differences: Vec<f64> = differences.into_iter().map(f64::from).collect();
            let exact = SignedRank::of(&differences).p();
            let drawn = permuted_p(&differences, signed_rank_sum);
            prop_assert!((exact - drawn).abs() < 0.02, "{} {}", exact, drawn);
            // Fisher's own statistic, the mean, agrees about what is clear.
            let of_mean = permuted_p(&differences, |it| it.iter().sum());
            if exact < 0.001 { prop_assert!(of_mean < 0.02); }
            if of_mean < 0.0005 { prop_assert!(exact < 0.02); }
        }
    }
}
