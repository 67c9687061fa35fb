//! A sorted map per key.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;

use rustc_hash::FxHashMap;

use super::access::{AccessTimes, Timed};
use super::gauge::{HeapGauge, encoded_bytes};
use super::saved::{Fetched, Saved, write_keys, write_more};
use crate::data::{Decode, Encode, Key, encode};

/// Sorted maps by key; a key whose map is empty takes no memory.
#[derive(Debug)]
pub(crate) struct SortedMaps<K, U, V> {
    maps: FxHashMap<K, BTreeMap<U, V>>,
    entries: usize,
    gauge: HeapGauge,
    times: AccessTimes,
}

impl<K, U, V> Timed for SortedMaps<K, U, V> {
    fn times(&mut self) -> &mut AccessTimes {
        &mut self.times
    }
}

impl<K: Key, U: Ord + Clone, V> SortedMaps<K, U, V> {
    pub(crate) fn new(gauge: HeapGauge) -> Self {
        SortedMaps {
            maps: FxHashMap::default(),
            entries: 0,
            times: AccessTimes::new(gauge.clone()),
            gauge,
        }
    }

    fn hold(&mut self, entries: usize) {
        self.entries = entries;
        self.gauge.holds(entries);
    }

    /// Tells how large entries are, in which `value` finds what counts, if somebody has asked.
    pub(crate) fn tell_sizes<E: Encode>(&self, value: impl Fn(&V) -> &E)
    where
        U: Encode,
    {
        self.gauge.tell_sizes(|| {
            let value = &value;
            self.maps.iter().flat_map(move |(key, map)| {
                let key = encoded_bytes(key);
                map.iter().map(move |(field, kept)| {
                    key + encoded_bytes(field) + encoded_bytes(value(kept))
                })
            })
        });
    }

    pub(crate) fn get(&self, key: &K, field: &U) -> Option<&V> {
        self.maps.get(key)?.get(field)
    }

    pub(crate) fn get_mut(&mut self, key: &K, field: &U) -> Option<&mut V> {
        self.maps.get_mut(key)?.get_mut(field)
    }

    pub(crate) fn put(&mut self, key: &K, field: &U, value: V) {
        let before = self.map(key).insert(field.clone(), value);
        self.hold(self.entries + usize::from(before.is_none()));
    }

    pub(crate) fn remove(&mut self, key: &K, field: &U) -> Option<V> {
        let map = self.maps.get_mut(key)?;
        let removed = map.remove(field);
        if map.is_empty() {
            self.maps.remove(key);
        }
        self.hold(self.entries - usize::from(removed.is_some()));
        removed
    }

    /// Takes the first entry of `key` out.
    pub(crate) fn pop_first(&mut self, key: &K) -> Option<V> {
        let map = self.maps.get_mut(key)?;
        let first = map.pop_first();
        if map.is_empty() {
            self.maps.remove(key);
        }
        self.hold(self.entries - usize::from(first.is_some()));
        first.map(|(_, value)| value)
    }

    pub(crate) fn update<R>(
        &mut self,
        key: &K,
        field: &U,
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        let map = self.map(key);
        if let Some(value) = map.get_mut(field) {
            return change(value);
        }
        let result = change(map.entry(field.clone()).or_insert_with(create));
        self.hold(self.entries + 1);
        result
    }

    /// Shows the entries of `key` in ascending order, until told to stop.
    pub(crate) fn for_each(
        &mut self,
        key: &K,
        mut visit: impl FnMut(&U, &mut V) -> ControlFlow<()>,
    ) {
        let entries = self.maps.get_mut(key).into_iter().flatten();
        for (field, value) in entries {
            if visit(field, value).is_break() {
                return;
            }
        }
    }

    pub(crate) fn clear(&mut self, key: &K) {
        let map = self.maps.remove(key);
        self.hold(self.entries - map.map_or(0, |map| map.len()));
    }

    /// Appends all maps; `save` writes what is kept for a field.
    pub(crate) fn save(&self, bytes: &mut Vec<u8>, save: impl Fn(&V, &mut Vec<u8>))
    where
        U: Encode,
    {
        let fetch = |(_, map): (&K, &BTreeMap<U, V>), fetched: &mut Fetched| {
            let first = map.keys().next();
            first.into_iter().for_each(|field| fetched.value(field));
        };
        write_keys(self.maps.iter(), bytes, fetch, |(key, map), bytes| {
            encode(key, bytes);
            for (field, kept) in map {
                write_more(true, bytes);
                encode(field, bytes);
                save(kept, bytes);
            }
            write_more(false, bytes);
        });
    }

    /// The map of `key`, which its caller puts something into.
    fn map(&mut self, key: &K) -> &mut BTreeMap<U, V> {
        // Looked up before inserting, so that a known key is never cloned. Twice, because a
        // reference that is returned early cannot be told from one that is not.
        if !self.maps.contains_key(key) {
            self.maps.insert(key.clone(), BTreeMap::new());
        }
        self.maps.get_mut(key).expect("put in if it was not there")
    }
}

/// Reads saved maps: `load` reads what is kept for a field, which is given to `keep` if it is wanted.
pub(crate) fn load_maps<'a, K: Key, U: Decode, L>(
    mut saved: Saved<'a>,
    mut load: impl FnMut(&mut Saved<'a>) -> io::Result<L>,
    mut keep: impl FnMut(&K, U, L),
) -> io::Result<()> {
    while let Some((key, is_wanted)) = saved.next_key()? {
        while saved.more()? {
            let (field, kept) = (saved.value()?, load(&mut saved)?);
            if is_wanted {
                keep(&key, field, kept);
            }
        }
    }
    Ok(())
}
