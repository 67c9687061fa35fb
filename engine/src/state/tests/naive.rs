//! What states are held against: everything in one sorted map with the time of its last refresh,
//! nothing ever freed because of its age.

use std::collections::BTreeMap;

use crate::state::ttl::{Ttl, TtlRefresh};

#[derive(Clone, Debug)]
pub(super) struct NaiveMap<I, V> {
    ttl: Option<Ttl>,
    entries: BTreeMap<I, (u64, V)>,
}

fn lives(ttl: &Option<Ttl>, refreshed_ms: u64, now_ms: u64) -> bool {
    ttl.is_none_or(|ttl| u128::from(now_ms - refreshed_ms) < ttl.after.as_millis())
}

fn read_refreshes(ttl: &Option<Ttl>) -> bool {
    ttl.is_some_and(|ttl| ttl.refresh == TtlRefresh::OnReadAndWrite)
}

impl<I: Ord + Clone, V: Clone> NaiveMap<I, V> {
    pub(super) fn new(ttl: Option<Ttl>) -> Self {
        NaiveMap {
            ttl,
            entries: BTreeMap::new(),
        }
    }

    pub(super) fn get(&mut self, id: &I, now_ms: u64) -> Option<V> {
        let (refreshed_ms, value) = self.entries.get_mut(id)?;
        if !lives(&self.ttl, *refreshed_ms, now_ms) {
            return None;
        }
        if read_refreshes(&self.ttl) {
            *refreshed_ms = now_ms;
        }
        Some(value.clone())
    }

    pub(super) fn put(&mut self, id: &I, value: V, now_ms: u64) {
        self.entries.insert(id.clone(), (now_ms, value));
    }

    pub(super) fn update<R>(
        &mut self,
        id: &I,
        now_ms: u64,
        create: V,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        let mut value = self.get(id, now_ms).unwrap_or(create);
        let result = change(&mut value);
        self.put(id, value, now_ms);
        result
    }

    pub(super) fn remove(&mut self, id: &I) {
        self.entries.remove(id);
    }

    pub(super) fn remove_all(&mut self, which: impl Fn(&I) -> bool) {
        self.entries.retain(|id, _| !which(id));
    }

    /// What has been put there, whether or not it has expired; that is no read.
    pub(super) fn unread(&self, ids: &[I]) -> BTreeMap<I, V> {
        let entries = ids
            .iter()
            .map(|id| (id.clone(), self.entries[id].1.clone()));
        entries.collect()
    }

    /// What has not expired, in ascending order; looking at it is not reading it.
    pub(super) fn living(&self, now_ms: u64, which: impl Fn(&I) -> bool) -> Vec<I> {
        let living = self
            .entries
            .iter()
            .filter(|(id, (refreshed_ms, _))| which(id) && lives(&self.ttl, *refreshed_ms, now_ms));
        living.map(|(id, _)| id.clone()).collect()
    }
}

#[derive(Clone, Debug)]
pub(super) struct NaiveLists<K, T> {
    elements: NaiveMap<(K, usize), T>,
    added: usize,
}

impl<K: Ord + Clone, T: Clone> NaiveLists<K, T> {
    pub(super) fn new(ttl: Option<Ttl>) -> Self {
        NaiveLists {
            elements: NaiveMap::new(ttl),
            added: 0,
        }
    }

    pub(super) fn add(&mut self, key: &K, element: T, now_ms: u64) {
        self.elements
            .put(&(key.clone(), self.added), element, now_ms);
        self.added += 1;
    }

    pub(super) fn get(&mut self, key: &K, now_ms: u64) -> Vec<T> {
        let living = self.elements.living(now_ms, |(of, _)| of == key);
        let elements = living.iter().map(|id| self.elements.get(id, now_ms));
        elements.map(|element| element.expect("it lives")).collect()
    }

    pub(super) fn clear(&mut self, key: &K) {
        self.elements.remove_all(|(of, _)| of == key);
    }
}
