//! A hash table from keys to values that remembers in which order keys came.
//!
//! Entries stand densely in that order, and the slots that are probed hold only their places: that
//! makes firing a linear scan in a stated order, keeps the memory that random access touches small,
//! and lets a table be emptied and used again at the price of wiping the slots.

use std::hash::{BuildHasher, Hash};

use rustc_hash::FxBuildHasher;

/// A slot is 0 if empty, otherwise an entry's place plus one below, some bits of its hash above.
const PLACE_BITS: u32 = 40;
const PLACE_MASK: u64 = (1 << PLACE_BITS) - 1;
const FIRST_SLOTS: usize = 16;

#[derive(Debug)]
pub(crate) struct KeyTable<K, V> {
    /// A power of two of them, at most half of them full, probed one after the other.
    slots: Vec<u64>,
    entries: Vec<(K, V)>,
}

impl<K: Hash + Eq + Clone, V> KeyTable<K, V> {
    pub(crate) fn new() -> Self {
        KeyTable {
            slots: vec![0; FIRST_SLOTS],
            entries: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The value of `key`, and whether it was created for that.
    #[inline]
    pub(crate) fn get_or_insert_with(
        &mut self,
        key: &K,
        create: impl FnOnce() -> V,
    ) -> (&mut V, bool) {
        let hash = FxBuildHasher.hash_one(key);
        let mark = hash & !PLACE_MASK;
        let mut at = hash as usize;
        let place = loop {
            at &= self.slots.len() - 1;
            let slot = self.slots[at];
            if slot == 0 {
                break self.insert(at, mark, key, create());
            }
            let place = (slot & PLACE_MASK) as usize - 1;
            if slot & !PLACE_MASK == mark && self.entries[place].0 == *key {
                return (&mut self.entries[place].1, false);
            }
            at += 1;
        };
        (&mut self.entries[place].1, true)
    }

    /// Entries in the order in which their keys came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Shows every entry, in order.
    pub(crate) fn visit(&mut self, mut see: impl FnMut(&K, &mut V)) {
        for (key, value) in &mut self.entries {
            see(key, value);
        }
    }

    /// Shows every entry, in order, and keeps those for which `keep` says so.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let before = self.entries.len();
        self.entries.retain_mut(|(key, value)| keep(key, value));
        if self.entries.len() < before {
            self.fill_slots();
        }
    }

    /// Forgets all entries, keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.slots.fill(0);
    }

    fn insert(&mut self, at: usize, mark: u64, key: &K, value: V) -> usize {
        self.entries.push((key.clone(), value));
        let count = self.entries.len();
        if count * 2 > self.slots.len() {
            self.slots.resize(self.slots.len() * 2, 0);
            self.fill_slots();
        } else {
            self.slots[at] = mark | count as u64;
        }
        count - 1
    }

    fn fill_slots(&mut self) {
        self.slots.fill(0);
        let mask = self.slots.len() - 1;
        for (place, (key, _)) in self.entries.iter().enumerate() {
            let hash = FxBuildHasher.hash_one(key);
            let mut at = hash as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = (hash & !PLACE_MASK) | (place as u64 + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_map_that_keeps_the_order_of_its_keys(
            operations in prop::collection::vec((0u8..20, 0u64..60), 0..400),
        ) {
            let mut table = KeyTable::<u64, u64>::new();
            let mut model: Vec<(u64, u64)> = Vec::new();
            for (operation, key) in operations {
                match operation {
                    0 => {
                        table.clear();
                        model.clear();
                    }
                    1 => {
                        table.retain(|k, _| k % 3 != key % 3);
                        model.retain(|(k, _)| k % 3 != key % 3);
                    }
                    _ => {
                        let (value, created) = table.get_or_insert_with(&key, || 0);
                        *value += 1;
                        let known = model.iter_mut().find(|(k, _)| *k == key);
                        prop_assert_eq!(created, known.is_none());
                        match known {
                            Some((_, count)) => *count += 1,
                            None => model.push((key, 1)),
                        }
                    }
                }
                let entries: Vec<_> = table.iter().map(|(k, v)| (*k, *v)).collect();
                prop_assert_eq!(&entries, &model);
                prop_assert_eq!(table.len(), model.len());
            }
        }
    }
}
