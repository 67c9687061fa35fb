//! A hash table from keys to values that remembers in which order keys came.
//!
//! Entries stand densely in that order, and the slots that are probed hold only their places: that
//! makes firing a linear scan in a stated order, keeps the memory that random access touches small,
//! and lets a table be emptied and used again at the price of wiping the slots.

use std::hash::{BuildHasher, Hash};

use rustc_hash::FxBuildHasher;

const FIRST_SLOTS: usize = 16;

#[derive(Debug)]
pub(crate) struct KeyTable<K, V> {
    /// A power of two of them, at most half of them full, probed one after the other. A slot is 0
    /// if it is empty, otherwise the place of an entry plus one.
    slots: Vec<u32>,
    entries: Vec<(K, V)>,
}

/// A key and the content of its first slot: where the key is, if it is known and no other key was
/// there first.
#[derive(Debug)]
pub(crate) struct Guess<K> {
    key: K,
    slot: u32,
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

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        let mut at = FxBuildHasher.hash_one(key) as usize;
        loop {
            at &= self.slots.len() - 1;
            match (self.slots[at] as usize).checked_sub(1) {
                None => return false,
                Some(place) if self.entries[place].0 == *key => return true,
                Some(_) => at += 1,
            }
        }
    }

    /// The value of `key`, and whether it was created for that.
    #[inline]
    pub(crate) fn get_or_insert_with(
        &mut self,
        key: &K,
        create: impl FnOnce() -> V,
    ) -> (&mut V, bool) {
        let mut at = FxBuildHasher.hash_one(key) as usize;
        let place = loop {
            at &= self.slots.len() - 1;
            let Some(place) = (self.slots[at] as usize).checked_sub(1) else {
                break None;
            };
            if self.entries[place].0 == *key {
                break Some(place);
            }
            at += 1;
        };
        match place {
            Some(place) => (&mut self.entries[place].1, false),
            None => (self.insert(at, key, create()), true),
        }
    }

    /// Appends a guess for each key, for [`update_guessed`](Self::update_guessed). It touches slots
    /// and decides nothing, so that the processor fetches those of several keys at a time.
    #[inline]
    pub(crate) fn guess(&self, keys: impl Iterator<Item = K>, guesses: &mut Vec<Guess<K>>) {
        let slots = &self.slots[..];
        guesses.extend(keys.map(|key| {
            let at = FxBuildHasher.hash_one(&key) as usize & (slots.len() - 1);
            let slot = slots[at];
            Guess { key, slot }
        }));
    }

    /// Shows `change` the value of each guessed key, created if the key is new, beside an item, in
    /// order. The guesses must have been made since entries were last removed.
    #[inline]
    pub(crate) fn update_guessed<I>(
        &mut self,
        guesses: &[Guess<K>],
        mut items: impl Iterator<Item = I>,
        create: impl Fn() -> V,
        mut change: impl FnMut(&mut V, I),
    ) {
        let mut guesses = guesses.iter();
        loop {
            // As long as guesses are right no entry moves, and the loop need not look where they are.
            let entries = &mut self.entries[..];
            let (key, item) = loop {
                let Some(Guess { key, slot }) = guesses.next() else {
                    return;
                };
                let Some(item) = items.next() else { return };
                let place = (*slot as usize).wrapping_sub(1);
                match entries.get_mut(place) {
                    Some((guessed, value)) if guessed == key => change(value, item),
                    _ => break (key, item),
                }
            };
            change(self.get_or_insert_with(key, &create).0, item);
        }
    }

    /// Entries in the order in which their keys came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Puts the entries of another table behind its own, in order. Keys that it has stay as they are.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (key, value) in other.entries {
            self.get_or_insert_with(&key, || value);
        }
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

    #[inline(never)]
    fn insert(&mut self, at: usize, key: &K, value: V) -> &mut V {
        let place = self.entries.len();
        self.entries.push((key.clone(), value));
        if self.entries.len() * 2 > self.slots.len() {
            self.slots.resize(self.slots.len() * 2, 0);
            self.fill_slots();
        } else {
            self.slots[at] = slot_of(place);
        }
        &mut self.entries[place].1
    }

    fn fill_slots(&mut self) {
        self.slots.fill(0);
        let mask = self.slots.len() - 1;
        for (place, (key, _)) in self.entries.iter().enumerate() {
            let mut at = FxBuildHasher.hash_one(key) as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot_of(place);
        }
    }
}

/// Half the size of a `usize`, because the slots are what random access touches first.
fn slot_of(place: usize) -> u32 {
    u32::try_from(place + 1).expect("2^32 entries of at least 24 bytes take 100 GB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Keys that are known, new, twice among those guessed together, or not where they belong.
        #[test]
        fn guessing_gives_the_same_as_looking_up(
            tiles in prop::collection::vec(prop::collection::vec(0u64..90, 0..50), 0..8),
        ) {
            let (mut table, mut model) = (KeyTable::new(), KeyTable::new());
            let mut item = 0;
            for keys in tiles {
                let mut guesses = Vec::new();
                table.guess(keys.iter().copied(), &mut guesses);
                let items = item..;
                table.update_guessed(&guesses, items, Vec::new, |seen, item| seen.push(item));
                for key in keys {
                    model.get_or_insert_with(&key, Vec::new).0.push(item);
                    item += 1;
                }
                prop_assert!(table.iter().eq(model.iter()));
            }
        }

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
                        let known = model.iter_mut().find(|(k, _)| *k == key);
                        let (value, created) = table.get_or_insert_with(&key, || 0);
                        prop_assert_eq!(created, known.is_none());
                        *value += 1;
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
