//! Which key a record has.
//!
//! Key numbers say how hot a key is: 0 is the hottest at the start, then 1, and so on. That they are spread over the
//! subtasks is the business of the engine's hash.

use std::sync::Arc;

use super::spec::{HotKeysSpec, KeyDistribution};
use crate::draw::{AliasTable, below, inverse_power};

/// The key of every record: a function of its number, its intended time and 64 uniform bits.
#[derive(Debug, Clone)]
pub struct KeyModel {
    keys: u32,
    law: Law,
    /// Intended times, sorted, from which on other keys are the hot ones.
    shifts_ns: Arc<[u64]>,
}

#[derive(Debug, Clone)]
enum Law {
    Uniform,
    Zipf(AliasTable),
    Hot {
        hot_keys: u32,
        /// A record has a hot key if 32 uniform bits lie below this.
        threshold: u64,
        period: Period,
    },
    /// These keys, all equally frequent.
    Listed(Arc<[u32]>),
}

/// How long keys stay hot.
#[derive(Debug, Clone, Copy)]
enum Period {
    Always,
    Records(u64),
    Time(u64),
}

/// Key groups of a job with up to this parallelism; a greater parallelism has more.
pub(super) const KEY_GROUPS: usize = 128;

impl KeyModel {
    /// The keys of a specification. From each of the times `shifts_ns` on, other keys are the hot ones.
    pub fn new(spec: &HotKeysSpec, shifts_ns: &[u64]) -> KeyModel {
        let mut shifts_ns = shifts_ns.to_vec();
        shifts_ns.sort_unstable();
        KeyModel {
            keys: spec.keys,
            law: Law::new(spec),
            shifts_ns: shifts_ns.into(),
        }
    }

    /// Whether keys depend on intended times, which only a load with a schedule has.
    pub fn needs_times(&self) -> bool {
        let by_time = matches!(
            self.law,
            Law::Hot {
                period: Period::Time(_),
                ..
            }
        );
        by_time || !self.shifts_ns.is_empty()
    }

    /// How often the hot keys have changed when a record is due.
    #[inline]
    pub fn phase(&self, record: u64, intended_ns: u64) -> u64 {
        let drifted = match self.law {
            Law::Hot {
                period: Period::Records(period),
                ..
            } => record / period,
            Law::Hot {
                period: Period::Time(period_ns),
                ..
            } => intended_ns / period_ns,
            Law::Uniform | Law::Zipf(_) | Law::Hot { .. } | Law::Listed(_) => 0,
        };
        drifted + self.shifts_ns.partition_point(|&at| at <= intended_ns) as u64
    }

    /// The key of a record with these uniform bits in a phase.
    #[inline]
    pub fn key(&self, phase: u64, bits: u64) -> u32 {
        match &self.law {
            Law::Uniform => below(bits, self.keys),
            Law::Zipf(table) => self.moved(table.pick(bits), phase, self.keys / 3 + 1),
            Law::Hot {
                hot_keys,
                threshold,
                ..
            } => {
                let rank = if bits & 0xffff_ffff < *threshold {
                    below(bits, *hot_keys)
                } else {
                    hot_keys + below(bits, self.keys - hot_keys)
                };
                self.moved(rank, phase, *hot_keys)
            }
            Law::Listed(keys) => keys[below(bits, keys.len() as u32) as usize],
        }
    }

    /// Each phase moves all ranks on by `step` keys: hot ones become cold, and others hot.
    #[inline]
    fn moved(&self, rank: u32, phase: u64, step: u32) -> u32 {
        let keys = u64::from(self.keys);
        ((u64::from(rank) + phase % keys * u64::from(step)) % keys) as u32
    }

    /// Every key that occurs in a phase, with its share of the records; exact but for rounding.
    pub fn shares(&self, phase: u64) -> Vec<(u32, f64)> {
        let keys = f64::from(self.keys);
        match &self.law {
            Law::Uniform => (0..self.keys).map(|key| (key, 1.0 / keys)).collect(),
            Law::Zipf(table) => (0..self.keys)
                .zip(table.shares())
                .map(|(rank, share)| (self.moved(rank, phase, self.keys / 3 + 1), share))
                .collect(),
            Law::Hot {
                hot_keys,
                threshold,
                ..
            } => {
                let share = *threshold as f64 / 2f64.powi(32);
                let hot = share / f64::from(*hot_keys);
                let cold = (1.0 - share) / f64::from(self.keys - hot_keys);
                let of_rank = |rank| if rank < *hot_keys { hot } else { cold };
                (0..self.keys)
                    .map(|rank| (self.moved(rank, phase, *hot_keys), of_rank(rank)))
                    .collect()
            }
            Law::Listed(listed) => listed.iter().map(|&key| (key, 1.0 / keys)).collect(),
        }
    }
}

impl Law {
    fn new(spec: &HotKeysSpec) -> Law {
        let hot = |share: f64, hot_keys: u32, period| Law::Hot {
            hot_keys,
            threshold: (share * 2f64.powi(32)).round() as u64,
            period,
        };
        match spec.distribution {
            KeyDistribution::Uniform => Law::Uniform,
            KeyDistribution::Zipf { exponent } => {
                let micro = (exponent * 1e6).round() as u32;
                let weights: Vec<u64> = (1..=spec.keys)
                    .map(|rank| inverse_power(rank, micro))
                    .collect();
                // Refused only if there are too many keys, which the specification has checked.
                AliasTable::new(&weights).map_or(Law::Uniform, Law::Zipf)
            }
            KeyDistribution::Hot { share, hot_keys } => hot(share, hot_keys, Period::Always),
            KeyDistribution::Drifting {
                share,
                hot_keys,
                period_records,
                period,
            } => {
                let time = period.map(|period| period.as_nanos() as u64);
                let period = match (period_records, time) {
                    (Some(records), _) => Period::Records(records.max(1)),
                    (None, Some(time)) => Period::Time(time.max(1)),
                    (None, None) => Period::Always,
                };
                hot(share, hot_keys, period)
            }
            KeyDistribution::KeyGroups {
                crowded_groups,
                ratio,
            } => Law::Listed(crowded(spec.keys, crowded_groups, ratio).into()),
        }
    }
}

/// The first `keys` numbers such that each of the first `crowded_groups` key groups has `ratio` times as many as each
/// of the others, up to rounding.
fn crowded(keys: u32, crowded_groups: u32, ratio: f64) -> Vec<u32> {
    let weight = |group: usize| {
        if group < crowded_groups as usize {
            ratio
        } else {
            1.0
        }
    };
    let total: f64 = (0..KEY_GROUPS).map(weight).sum();
    // Quotas by rounding the running sum, so that they add up to the number of keys.
    let (mut sum, mut given) = (0.0, 0);
    let mut quotas: Vec<u32> = (0..KEY_GROUPS)
        .map(|group| {
            sum += weight(group);
            let up_to = (f64::from(keys) * sum / total).round() as u32;
            up_to - std::mem::replace(&mut given, up_to)
        })
        .collect();
    let mut chosen = Vec::with_capacity(keys as usize);
    for key in 0..u32::MAX {
        if chosen.len() == keys as usize {
            break;
        }
        let quota = &mut quotas[engine::group_of(&key.to_le_bytes(), KEY_GROUPS)];
        if *quota > 0 {
            *quota -= 1;
            chosen.push(key);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::WorkloadSpec;
    use crate::draw::{Draw, Purpose};

    pub(super) fn model(text: &str, shifts_ns: &[u64]) -> KeyModel {
        let text = format!("kind = 'hot-keys'\n{text}");
        match WorkloadSpec::parse(text.parse().expect("TOML")) {
            Ok(WorkloadSpec::HotKeys(spec)) => KeyModel::new(&spec, shifts_ns),
            other => panic!("{text}: {other:?}"),
        }
    }

    const ALL: &[&str] = &[
        "keys = 10\ndistribution = { kind = 'uniform' }",
        "keys = 50\ndistribution = { kind = 'zipf', exponent = 1.2 }",
        "keys = 20\ndistribution = { kind = 'hot', share = 0.5 }",
        "keys = 20\ndistribution = { kind = 'hot', share = 0.6, hot_keys = 3 }",
        "keys = 20\ndistribution = { kind = 'drifting', share = 0.3, period_records = 100 }",
        "keys = 300\ndistribution = { kind = 'key-groups', ratio = 4 }",
    ];

    #[test]
    fn keys_are_drawn_as_often_as_their_stated_share() {
        let draw = Draw::new(8, Purpose::Event);
        for text in ALL {
            let model = model(text, &[]);
            for phase in [0, 7] {
                let mut counts: HashMap<u32, f64> = HashMap::new();
                let n = 200_000;
                (0..n).for_each(|i| {
                    *counts.entry(model.key(phase, draw.bits(i))).or_default() += 1.0
                });
                let shares = model.shares(phase);
                assert!((shares.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
                for (key, share) in shares {
                    let expected = share * n as f64;
                    let count = counts.remove(&key).unwrap_or(0.0);
                    // 5 standard deviations over a thousand comparisons.
                    assert!(
                        (count - expected).abs() < 5.0 * expected.sqrt() + 1.0,
                        "{text}: {key}"
                    );
                }
                assert!(counts.is_empty(), "{text}: keys without a share {counts:?}");
            }
        }
    }

    #[test]
    fn the_hot_key_moves_with_the_period_and_with_every_shift() {
        let hot = "keys = 100\ndistribution = { kind = 'hot', share = 1 }";
        let shifted = model(hot, &[500, 200]);
        let at = |ns| shifted.key(shifted.phase(0, ns), 0);
        assert_eq!([at(199), at(200), at(499), at(500)], [0, 1, 1, 2]);
        let drift = "keys = 100\ndistribution = { kind = 'drifting', share = 1, hot_keys = 2, ";
        let by_records = model(&format!("{drift}period_records = 10 }}"), &[]);
        let of = |record| by_records.key(by_records.phase(record, 0), 0);
        assert_eq!([of(9), of(10), of(19), of(20), of(500)], [0, 2, 2, 4, 0]);
        let by_time = model(&format!("{drift}period = '1ms' }}"), &[]);
        assert_eq!(by_time.phase(5, 2_999_999), 2);
        assert!(by_time.needs_times() && shifted.needs_times() && !by_records.needs_times());
    }

    #[test]
    fn crowded_groups_have_their_ratio_of_keys() {
        let mut per_group = [0u32; KEY_GROUPS];
        for key in crowded(28_800, 32, 4.0) {
            per_group[engine::group_of(&borsh::to_vec(&key).expect("memory"), KEY_GROUPS)] += 1;
        }
        // 28,800 / (32 * 4 + 96) = 128.6 keys in each of the other groups.
        assert!(
            per_group[..32].iter().all(|&keys| keys.abs_diff(514) <= 1),
            "{per_group:?}"
        );
        assert!(
            per_group[32..].iter().all(|&keys| keys.abs_diff(128) <= 1),
            "{per_group:?}"
        );
    }
}
