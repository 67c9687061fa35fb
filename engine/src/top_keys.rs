//! Which keys weigh most: a Space-Saving sketch per keyed subtask, in bounded memory.
//!
//! Metwally, Agrawal, El Abbadi: "Efficient computation of frequent and top-k elements in data
//! streams", ICDT 2005. With m counters over n observations no count is too low, none is too high
//! by more than its stated error, and no error is above n / m. Cheap records are observed by
//! sampling, so that the sketch stays a small part of their cost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::FxBuildHasher;

use crate::data::Key;
use crate::snapshot::METERED;

/// Counters per subtask: the heaviest keys are exact to 1/256 of the observations.
const COUNTERS: usize = 256;
/// Of a chunk, at most this many rows are observed, spread evenly over it.
const OBSERVED_PER_CHUNK: usize = 8;

/// A key and how often it was observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCount {
    /// The key, as its `Debug` writes it.
    pub key: String,
    /// Observations counted for it; never too low.
    pub count: u64,
    /// By how much the count may be too high.
    pub error: u64,
}

/// The heaviest keys of an operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopKeys {
    /// Heaviest first.
    pub keys: Vec<KeyCount>,
    /// All observations: a key's share is its count over this.
    pub observed: u64,
}

/// The sketch.
#[derive(Debug)]
struct SpaceSaving<K> {
    slot_of: HashMap<K, usize, FxBuildHasher>,
    keys: Vec<K>,
    counts: Vec<u64>,
    errors: Vec<u64>,
    observed: u64,
    capacity: usize,
    /// No count is below this, and none before the cursor equals it.
    lightest: u64,
    cursor: usize,
}

impl<K: Key> SpaceSaving<K> {
    fn new(capacity: usize) -> Self {
        SpaceSaving {
            slot_of: HashMap::default(),
            keys: Vec::new(),
            counts: Vec::new(),
            errors: Vec::new(),
            observed: 0,
            capacity,
            lightest: 0,
            cursor: 0,
        }
    }

    fn observe(&mut self, key: K) {
        self.observed += 1;
        if let Some(&slot) = self.slot_of.get(&key) {
            self.counts[slot] += 1;
        } else if self.keys.len() < self.capacity {
            self.slot_of.insert(key.clone(), self.keys.len());
            self.keys.push(key);
            self.counts.push(1);
            self.errors.push(0);
        } else {
            self.replace_lightest(key);
        }
    }

    /// The newcomer takes over the lightest counter, and its count as the possible error.
    fn replace_lightest(&mut self, key: K) {
        let slot = self.lightest_slot();
        self.errors[slot] = self.counts[slot];
        self.counts[slot] += 1;
        self.slot_of.remove(&self.keys[slot]);
        self.slot_of.insert(key.clone(), slot);
        self.keys[slot] = key;
    }

    /// Counts only grow, so a counter once passed is above the lightest count until the next round:
    /// a round over all counters serves many searches.
    fn lightest_slot(&mut self) -> usize {
        loop {
            let ahead = &self.counts[self.cursor..];
            if let Some(distance) = ahead.iter().position(|&count| count == self.lightest) {
                self.cursor += distance;
                return self.cursor;
            }
            self.lightest = self.counts.iter().copied().min().unwrap_or(0);
            self.cursor = 0;
        }
    }
}

/// A keyed subtask's sketch, shared with whoever reads it.
#[derive(Clone, Debug)]
pub(crate) struct KeySketch<K>(Arc<Mutex<SpaceSaving<K>>>);

impl<K: Key> KeySketch<K> {
    pub(crate) fn new() -> Self {
        KeySketch(Arc::new(Mutex::new(SpaceSaving::new(COUNTERS))))
    }

    /// Observes some rows of a chunk; the lock is taken once.
    pub(crate) fn observe<T>(&self, values: &[T], mut key: impl FnMut(&T) -> K) {
        if !METERED {
            return;
        }
        let stride = values.len().div_ceil(OBSERVED_PER_CHUNK).max(1);
        let mut sketch = self.lock();
        for value in values.iter().step_by(stride) {
            sketch.observe(key(value));
        }
    }

    fn lock(&self) -> MutexGuard<'_, SpaceSaving<K>> {
        // Counts stay whole even if a panic passed by.
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A sketch whatever its key type.
pub(crate) trait KeyProbe: Send + Sync {
    /// The `count` heaviest keys of this subtask.
    fn top(&self, count: usize) -> TopKeys;
}

impl<K: Key> KeyProbe for KeySketch<K> {
    fn top(&self, count: usize) -> TopKeys {
        let sketch = self.lock();
        let mut slots: Vec<usize> = (0..sketch.keys.len()).collect();
        slots.sort_by_key(|&slot| std::cmp::Reverse(sketch.counts[slot]));
        let keys = slots.into_iter().take(count).map(|slot| KeyCount {
            key: format!("{:?}", sketch.keys[slot]),
            count: sketch.counts[slot],
            error: sketch.errors[slot],
        });
        TopKeys {
            keys: keys.collect(),
            observed: sketch.observed,
        }
    }
}

impl TopKeys {
    /// Joins what subtasks with disjoint keys have seen, keeping the `count` heaviest.
    pub(crate) fn join(parts: impl Iterator<Item = TopKeys>, count: usize) -> TopKeys {
        let mut all = TopKeys::default();
        for part in parts {
            all.keys.extend(part.keys);
            all.observed += part.observed;
        }
        all.keys
            .sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        all.keys.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The ten most frequent of 100,000 keys with zipf exponent 1.0, after a run of some seconds.
    #[test]
    fn the_ten_heaviest_zipf_keys_are_recalled_from_sampled_chunks() {
        const KEYS: usize = 100_000;
        let mut cumulative = Vec::with_capacity(KEYS);
        let mut total = 0.0;
        for rank in 1..=KEYS {
            total += 1.0 / rank as f64;
            cumulative.push(total);
        }
        let mut recalled = 0;
        for seed in 1..=20u64 {
            let mut state = 0x9e37_79b9_7f4a_7c15 ^ (seed << 7);
            let mut draw = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let at = (state >> 11) as f64 / (1u64 << 53) as f64 * total;
                cumulative.partition_point(|&c| c <= at) as u64
            };
            let sketch = KeySketch::new();
            for _ in 0..20_000 {
                let chunk: Vec<u64> = (0..64).map(|_| draw()).collect();
                sketch.observe(&chunk, |&key| key);
            }
            let top = sketch.top(10);
            let is_heavy = |key: &&KeyCount| key.key.parse::<u64>().unwrap() < 10;
            recalled += top.keys.iter().filter(is_heavy).count();
        }
        assert!(recalled >= 190, "{recalled} of 200");
    }

    proptest! {
        /// The guarantees of the paper, against exact counts.
        #[test]
        fn counts_are_within_their_stated_error(
            keys in prop::collection::vec(0u32..60, 1..2_000), capacity in 1usize..40,
        ) {
            // Squared, so that small keys are much more frequent.
            let keys: Vec<u32> = keys.into_iter().map(|key| key * key / 60).collect();
            let mut sketch = SpaceSaving::new(capacity);
            let mut exact: HashMap<u32, u64> = HashMap::new();
            for &key in &keys {
                sketch.observe(key);
                *exact.entry(key).or_default() += 1;
            }
            prop_assert_eq!(sketch.observed, keys.len() as u64);
            prop_assert_eq!(sketch.counts.iter().sum::<u64>(), keys.len() as u64);
            for (slot, key) in sketch.keys.iter().enumerate() {
                let (count, error) = (sketch.counts[slot], sketch.errors[slot]);
                prop_assert!(count >= exact[key]);
                prop_assert!(count - error <= exact[key]);
                prop_assert!(count >= sketch.lightest);
                prop_assert!(error <= keys.len() as u64 / capacity as u64);
                prop_assert_eq!(sketch.slot_of[key], slot);
            }
            // Every key above n / m is among them.
            for (key, count) in exact {
                prop_assert!(count <= keys.len() as u64 / capacity as u64
                    || sketch.slot_of.contains_key(&key));
            }
        }
    }
}
