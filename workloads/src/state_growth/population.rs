//! Which keys exist when a record is made, and which of them it has: pure functions of (split, index, bits).
//!
//! All records of a key come from one split, so that whatever happens to a key has one order on every engine and at
//! every parallelism: key number k belongs to split k % splits, as its key number k / splits. The preloaded keys have
//! the first numbers. The price: no key can have a larger share of the records than its split.

use super::spec::{Recency, StateGrowthSpec};
use crate::draw::{AliasTable, below, inverse_power, mix};

/// The keys of a stream.
#[derive(Debug, Clone)]
pub struct Population {
    splits: u64,
    preloaded: u64,
    /// Share of the records that bring a new key, in units of 2^-32.
    new_share: u64,
    law: Law,
}

#[derive(Debug, Clone)]
enum Law {
    Uniform,
    /// By rank among a split's keys, the newest first.
    Zipf(AliasTable),
    Recent {
        /// 32 uniform bits below this mean one of the newest keys.
        threshold: u64,
        /// How many those are, of each split.
        keys: u32,
    },
}

/// The key of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touch {
    pub(super) key: u32,
    /// No record had it before, and it was not preloaded.
    pub(super) is_new: bool,
}

const ONE: f64 = 4_294_967_296.0;

impl Population {
    /// The keys of a specification for a load with so many splits, of whose records this share brings a new key.
    pub fn new(spec: &StateGrowthSpec, splits: u32, new_key_share: f64) -> Population {
        let splits = u64::from(splits.max(1));
        let preloaded = u64::from(spec.preloaded);
        let law = match spec.distribution {
            Recency::Uniform {} => Law::Uniform,
            Recency::Zipf { exponent } => {
                let micro = (exponent * 1e6).round() as u32;
                let ranks = preloaded.div_ceil(splits) as u32;
                let weights: Vec<u64> =
                    (1..=ranks).map(|rank| inverse_power(rank, micro)).collect();
                // Refused only if there are too many ranks or none, which the specification has checked.
                AliasTable::new(&weights).map_or(Law::Uniform, Law::Zipf)
            }
            Recency::Recent { share, keys } => Law::Recent {
                threshold: (share * ONE).round() as u64,
                keys: (u64::from(keys) / splits).max(1) as u32,
            },
        };
        Population {
            splits,
            preloaded,
            new_share: (new_key_share.clamp(0.0, 1.0) * ONE).round() as u64,
            law,
        }
    }

    /// Number of splits.
    pub fn splits(&self) -> u64 {
        self.splits
    }

    /// Number of preloaded keys.
    pub fn preloaded(&self) -> u32 {
        self.preloaded as u32
    }

    /// How many of a split's keys are preloaded.
    pub fn preloaded_of(&self, split: u64) -> u64 {
        self.preloaded / self.splits + u64::from(split < self.preloaded % self.splits)
    }

    /// How many keys of a split exist before its record `index`.
    #[inline]
    pub fn existing(&self, split: u64, index: u64) -> u64 {
        let preloaded = self.preloaded_of(split);
        let scaled = u128::from(index) * u128::from(self.new_share);
        let new = if preloaded == 0 {
            // Its first record has to bring a key, whatever the share.
            scaled.div_ceil(1 << 32).max(u128::from(index.min(1)))
        } else {
            // Splits take turns, so that new keys come evenly.
            let offset = (u128::from(split) << 32) / u128::from(self.splits);
            (scaled + offset) >> 32
        };
        // Key numbers have 32 bits: beyond 4 billion no new ones come.
        let most = (1 << 32) / self.splits;
        new.saturating_add(u128::from(preloaded))
            .min(u128::from(most)) as u64
    }

    /// The key of a split's record `index`, whose uniform bits are these.
    #[inline]
    pub(super) fn touch(&self, split: u64, index: u64, bits: u64) -> Touch {
        let existing = self.existing(split, index);
        let is_new = self.existing(split, index + 1) > existing;
        let number = if is_new {
            existing
        } else {
            u64::from(self.pick(existing as u32, bits))
        };
        Touch {
            key: (number * self.splits + split) as u32,
            is_new,
        }
    }

    /// One of a split's existing keys.
    #[inline]
    fn pick(&self, existing: u32, bits: u64) -> u32 {
        match &self.law {
            Law::Uniform => below(bits, existing),
            Law::Zipf(ranks) => existing - 1 - ranks.pick(bits) % existing,
            Law::Recent { threshold, keys } => {
                if mix(bits) & 0xffff_ffff < *threshold {
                    existing - 1 - below(bits, (*keys).min(existing))
                } else {
                    below(bits, existing)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::super::spec::tests::spec;
    use super::*;
    use crate::draw::{Draw, Purpose};

    proptest! {
        #[test]
        fn new_keys_are_unique_and_other_records_have_keys_that_exist(
            preloaded in 0u32..300, splits in 1u32..9, share in 0f64..=1.0, law in 0usize..3,
        ) {
            let law = ["{ kind = 'uniform' }", "{ kind = 'zipf' }", "{ kind = 'recent', keys = 20 }"][law];
            let preloaded = if law.contains("zipf") { preloaded.max(1) } else { preloaded };
            let spec = spec(&format!("preloaded = {preloaded}\ndistribution = {law}"));
            let population = Population::new(&spec, splits, share);
            let draw = Draw::new(1, Purpose::Event);
            let mut known: HashSet<u32> = (0..preloaded).collect();
            let records = 2_000u64;
            let mut new = 0;
            for record in 0..records {
                let (split, index) = (record % u64::from(splits), record / u64::from(splits));
                let touch = population.touch(split, index, draw.bits(record));
                prop_assert_eq!(u64::from(touch.key) % u64::from(splits), split);
                prop_assert_eq!(known.insert(touch.key), touch.is_new, "record {}", record);
                new += u64::from(touch.is_new);
            }
            // At most one more for each split that had nothing to begin with, and one of rounding.
            prop_assert!((new as f64 - share * records as f64).abs() <= 2.0 * f64::from(splits), "{} new", new);
        }
    }

    #[test]
    fn the_newest_keys_get_their_share() {
        let draw = Draw::new(1, Purpose::Event);
        let newest = |law: &str| {
            let spec = spec(&format!("preloaded = 1000\ndistribution = {law}"));
            let population = Population::new(&spec, 1, 0.0);
            let touched = (0..100_000).map(|k| population.touch(0, k, draw.bits(k)).key);
            touched.filter(|&key| key >= 990).count()
        };
        // The sum of 1/r over ten ranks, over that of a thousand.
        assert!(newest("{ kind = 'zipf' }").abs_diff(39_130) < 800);
        assert!(newest("{ kind = 'recent', share = 0.9, keys = 10 }").abs_diff(90_100) < 500);
        assert!(newest("{ kind = 'uniform' }").abs_diff(1_000) < 150);
    }

    #[test]
    fn key_numbers_end_with_their_32_bits() {
        let population = Population::new(&spec("preloaded = 0"), 2, 1.0);
        let last = population.touch(1, (1 << 31) - 1, 0);
        assert_eq!((last.key, last.is_new), (u32::MAX, true));
        assert!(!population.touch(1, 1 << 31, 0).is_new);
        assert!(!population.touch(1, u64::MAX - 1, u64::MAX).is_new);
    }
}
