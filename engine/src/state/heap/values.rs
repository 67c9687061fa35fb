//! One value per key, for good.

use std::collections::HashMap;
use std::io;

use rustc_hash::FxBuildHasher;

use super::access::{AccessTimes, Timed};
use super::gauge::{HeapGauge, encoded_bytes};
use super::saved::{Fetched, Saved, write_keys};
use crate::data::{Data, Key, encode};

/// Values by key.
#[derive(Debug)]
pub(crate) struct Values<K, V> {
    map: HashMap<K, V, FxBuildHasher>,
    gauge: HeapGauge,
    /// Boxed: a clock within would be where the variants of a state are told apart, at five instructions
    /// per update.
    times: Box<AccessTimes>,
}

impl<K, V> Timed for Values<K, V> {
    fn times(&mut self) -> &mut AccessTimes {
        &mut self.times
    }
}

impl<K: Key, V: Data> Values<K, V> {
    pub(crate) fn new(gauge: HeapGauge) -> Self {
        Values {
            map: HashMap::default(),
            times: Box::new(AccessTimes::new(gauge.clone())),
            gauge,
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    pub(crate) fn put(&mut self, key: &K, value: V) {
        self.map.insert(key.clone(), value);
        self.tell();
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.map.remove(key);
        self.tell();
    }

    #[inline]
    pub(crate) fn update<R>(
        &mut self,
        key: &K,
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        // Values without memory of their own hardly change their size: those are told of only
        // together with new ones, and updating a known key costs nothing.
        if const { std::mem::needs_drop::<V>() } {
            self.tell_sizes();
        }
        // Looked up before inserting, so that a known key is never cloned.
        if let Some(value) = self.map.get_mut(key) {
            return change(value);
        }
        let result = change(insert(&mut self.map, key, create()));
        self.tell();
        result
    }

    #[inline]
    pub(crate) fn update_each<I, R>(
        &mut self,
        items: impl Iterator<Item = (K, I)>,
        create: impl Fn() -> V,
        change: impl Fn(&K, &mut V, I) -> R,
        out: &mut impl Extend<R>,
    ) {
        let map = &mut self.map;
        out.extend(items.map(|(key, item)| match map.get_mut(&key) {
            Some(value) => change(&key, value, item),
            None => change(&key, insert(map, &key, create()), item),
        }));
        self.tell();
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        self.map.iter().for_each(|(key, value)| visit(key, value));
    }

    /// Appends all entries.
    pub(crate) fn save(&self, bytes: &mut Vec<u8>) {
        let fetch = |(_, value): (&K, &V), fetched: &mut Fetched| fetched.value(value);
        write_keys(self.map.iter(), bytes, fetch, |(key, value), bytes| {
            encode(key, bytes);
            encode(value, bytes);
        });
    }

    /// Adds saved entries.
    pub(crate) fn load(&mut self, mut saved: Saved<'_>) -> io::Result<()> {
        self.map.reserve(saved.room::<(K, V)>());
        while let Some((key, is_wanted)) = saved.next_key()? {
            let value = saved.value()?;
            if is_wanted {
                self.map.insert(key, value);
            }
        }
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        self.gauge.holds(self.map.len());
        self.tell_sizes();
    }

    fn tell_sizes(&self) {
        let size = |(key, value)| encoded_bytes::<K>(key) + encoded_bytes::<V>(value);
        self.gauge.tell_sizes(|| self.map.iter().map(size));
    }
}

#[cold]
#[inline(never)]
fn insert<'a, K: Key, V>(
    map: &'a mut HashMap<K, V, FxBuildHasher>,
    key: &K,
    value: V,
) -> &'a mut V {
    map.entry(key.clone()).or_insert(value)
}
