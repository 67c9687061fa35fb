//! The entries of all keys, and their form in a checkpoint.

use std::collections::VecDeque;
use std::io;

use rustc_hash::FxHashMap;

use crate::data::{Data, Decode, Key, encode};
use crate::window::standing::{Held, OwnsKey, damaged, load_key};
use crate::window::triggered::Entries;
use crate::window::triggered::entry::Entry;

pub(super) type KeyedEntries<K, T, S> = FxHashMap<K, Entries<T, S>>;

pub(super) fn entries<K, T, S>(held: &KeyedEntries<K, T, S>) -> impl Iterator<Item = &Entry<T, S>> {
    held.values().flatten()
}

impl<K: Key, T: Data, S: Data> Held<K> for KeyedEntries<K, T, S> {
    fn is_empty(&self) -> bool {
        FxHashMap::is_empty(self)
    }

    fn holds(&self, key: &K) -> bool {
        self.contains_key(key)
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        encode(&(self.len() as u64), bytes);
        for (key, entries) in self {
            encode(key, bytes);
            encode(&(entries.len() as u64), bytes);
            for entry in entries {
                encode(entry, bytes);
            }
        }
    }

    fn load(from: &mut &[u8], owns: OwnsKey<'_>) -> io::Result<Self> {
        let mut held = KeyedEntries::default();
        for _ in 0..u64::deserialize(from)? {
            let (key, owned) = load_key(from, owns)?;
            let entries = load_entries(from)?;
            if owned {
                held.insert(key, entries);
            }
        }
        Ok(held)
    }
}

fn load_entries<T: Decode, S: Decode>(from: &mut &[u8]) -> io::Result<Entries<T, S>> {
    let mut entries = VecDeque::new();
    for _ in 0..u64::deserialize(from)? {
        let entry = Entry::<T, S>::deserialize(from)?;
        let in_order = |before: &Entry<T, S>| {
            before.window < entry.window && before.window.end_ms <= entry.window.end_ms
        };
        let reversed = entry.window.start_ms > entry.window.end_ms;
        if reversed || !entries.back().is_none_or(in_order) {
            return Err(damaged("windows of a key are not in order"));
        }
        entries.push_back(entry);
    }
    Ok(entries)
}
