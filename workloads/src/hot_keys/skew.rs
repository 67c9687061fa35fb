//! How unevenly a distribution of keys loads the subtasks, known before anything runs.

/// The records of the hot subtask over the mean of all, if the hottest key has share `hottest` and everything else is
/// spread evenly: P * p1 + 1 - p1.
pub fn skew_factor(parallelism: usize, hottest: f64) -> f64 {
    parallelism as f64 * hottest + 1.0 - hottest
}

/// The share of the records that each of `parallelism` subtasks gets, by the engine's own assignment of keys.
pub fn subtask_shares(
    keys: impl IntoIterator<Item = (u32, f64)>,
    parallelism: usize,
    max_parallelism: usize,
) -> Vec<f64> {
    let mut shares = vec![0.0; parallelism];
    for (key, share) in keys {
        // A key's encoding is its four bytes, little-endian.
        let group = engine::group_of(&key.to_le_bytes(), max_parallelism);
        shares[engine::subtask_of(group, parallelism, max_parallelism)] += share;
    }
    shares
}

/// The largest of some loads over their mean; 1 if there are none.
pub fn imbalance(loads: &[f64]) -> f64 {
    let total: f64 = loads.iter().sum();
    let largest = loads.iter().copied().fold(0.0, f64::max);
    if total > 0.0 {
        largest * loads.len() as f64 / total
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{HotKeysSpec, KeyDistribution, KeyModel};
    use super::*;
    use crate::slow_operator::{CostKind, CostSpec, Distribution};

    fn shares(keys: u32, distribution: KeyDistribution, phase: u64) -> Vec<(u32, f64)> {
        let cost = CostSpec {
            kind: CostKind::Cpu,
            mean: std::time::Duration::ZERO,
            distribution: Distribution::Constant,
        };
        let spec = HotKeysSpec {
            keys,
            distribution,
            cost,
            local_aggregation: None,
            window: None,
            salt: None,
            event_rate_per_s: 1.0,
        };
        KeyModel::new(&spec, &[]).shares(phase)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn among_many_keys_a_hot_one_makes_the_skew_factor(
            share in 0.0f64..1.0, log_parallelism in 0u32..5, phase: u64,
        ) {
            let parallelism = 1 << log_parallelism;
            let hot = KeyDistribution::Hot { share, hot_keys: 1 };
            let loads = subtask_shares(shares(100_000, hot, phase), parallelism, 128);
            prop_assert!((loads.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let found = imbalance(&loads);
            let expected = skew_factor(parallelism, share);
            prop_assert!((found / expected - 1.0).abs() < 0.05, "{found} instead of {expected}");
        }

        #[test]
        fn crowded_groups_load_their_subtasks_by_the_ratio(ratio in 1.0f64..20.0, quarter in 1u32..4) {
            let distribution = KeyDistribution::KeyGroups { crowded_groups: 32 * quarter, ratio };
            let loads = subtask_shares(shares(100_000, distribution, 0), 4, 128);
            for (subtask, load) in loads.iter().enumerate() {
                let weight = if subtask < quarter as usize { ratio } else { 1.0 };
                let expected = weight / (f64::from(quarter) * ratio + 4.0 - f64::from(quarter));
                prop_assert!((load / expected - 1.0).abs() < 0.01, "{load} instead of {expected}");
            }
        }
    }

    #[test]
    fn the_hottest_shares_of_zipf_are_those_in_the_literature() {
        for (exponent, share) in [(0.8, 0.022), (0.99, 0.078), (1.2, 0.196), (1.5, 0.384)] {
            let shares = shares(100_000, KeyDistribution::Zipf { exponent }, 0);
            assert_eq!(shares[0].0, 0);
            assert!(
                (shares[0].1 - share).abs() < 0.0015,
                "{exponent}: {}",
                shares[0].1
            );
        }
    }
}
