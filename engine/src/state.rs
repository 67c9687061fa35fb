//! Keyed state: values that an operator keeps per key, behind one interface for every backend.
//!
//! Access is fallible because a backend may live on disk; the heap never fails. The natural verb is
//! [`ValueState::update`]: in place on the heap, one read and one write elsewhere.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::data::{Data, Key};

/// A backend's failure, with the state that it concerned.
#[derive(Debug, thiserror::Error)]
#[error("state '{state}': {reason}")]
pub struct StateError {
    state: String,
    reason: String,
}

/// Where keyed state is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateBackend {
    /// In hash maps in the process's memory.
    #[default]
    Heap,
}

/// Where an operator subtask opens its states.
#[derive(Debug)]
pub struct StateContext {
    backend: StateBackend,
}

impl StateContext {
    pub(crate) fn new(backend: StateBackend) -> Self {
        StateContext { backend }
    }

    /// The state `name` of this operator: one value per key.
    pub fn value<K: Key, V: Data>(&mut self, name: &str) -> ValueState<K, V> {
        let store = match self.backend {
            StateBackend::Heap => Store::Heap(HashMap::default()),
        };
        ValueState {
            name: name.to_owned(),
            store,
        }
    }
}

/// One value per key.
#[derive(Debug)]
pub struct ValueState<K, V> {
    name: String,
    store: Store<K, V>,
}

#[derive(Debug)]
enum Store<K, V> {
    Heap(HashMap<K, V, FxBuildHasher>),
}

impl<K: Key, V: Data> ValueState<K, V> {
    /// The name under which it was opened.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of `key`, if it has one.
    pub fn get(&self, key: &K) -> Result<Option<V>, StateError>
    where
        V: Clone,
    {
        match &self.store {
            Store::Heap(map) => Ok(map.get(key).cloned()),
        }
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: &K, value: V) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(map) => {
                map.insert(key.clone(), value);
                Ok(())
            }
        }
    }

    /// Forgets `key`.
    pub fn remove(&mut self, key: &K) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(map) => {
                map.remove(key);
                Ok(())
            }
        }
    }

    /// Changes the value of `key` by `change`, starting from `create` if it has none.
    #[inline]
    pub fn update<R>(
        &mut self,
        key: &K,
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R, StateError> {
        match &mut self.store {
            Store::Heap(map) => {
                // Looked up before inserting, so that a known key is never cloned.
                if let Some(value) = map.get_mut(key) {
                    return Ok(change(value));
                }
                Ok(change(map.entry(key.clone()).or_insert_with(create)))
            }
        }
    }

    /// [`update`](Self::update) for a run of rows: of each (key, item), in order, `change` makes a
    /// result from the key, its value and the item, and `out` is given all results.
    ///
    /// A run at a time is what lets a backend on disk read and write together, and the heap's loop
    /// stay so short that the processor looks several keys ahead: a fifth faster than row by row
    /// where the state is larger than its caches (bench `state`).
    #[inline]
    pub fn update_each<I, R>(
        &mut self,
        items: impl Iterator<Item = (K, I)>,
        create: impl Fn() -> V,
        change: impl Fn(&K, &mut V, I) -> R,
        out: &mut impl Extend<R>,
    ) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(map) => {
                out.extend(items.map(|(key, item)| match map.get_mut(&key) {
                    Some(value) => change(&key, value, item),
                    None => change(&key, insert(map, &key, create()), item),
                }));
                Ok(())
            }
        }
    }

    /// Number of keys with a value.
    pub fn entries(&self) -> Result<u64, StateError> {
        match &self.store {
            Store::Heap(map) => Ok(map.len() as u64),
        }
    }

    /// Shows every key and value, in no particular order.
    pub fn for_each(&self, mut visit: impl FnMut(&K, &V)) -> Result<(), StateError> {
        match &self.store {
            Store::Heap(map) => {
                map.iter().for_each(|(key, value)| visit(key, value));
                Ok(())
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn value_state_behaves_like_a_map(
            operations in prop::collection::vec((0u8..4, 0u8..16, any::<u32>()), 0..200),
        ) {
            let mut state = StateContext::new(StateBackend::Heap).value::<u8, u32>("model");
            let mut model = std::collections::BTreeMap::new();
            for (operation, key, value) in operations {
                match operation {
                    0 => {
                        state.put(&key, value).unwrap();
                        model.insert(key, value);
                    }
                    1 => {
                        state.remove(&key).unwrap();
                        model.remove(&key);
                    }
                    _ => {
                        let add = |v: &mut u32| { *v = v.wrapping_add(value); *v };
                        let ours = state.update(&key, || 7, add).unwrap();
                        prop_assert_eq!(ours, add(model.entry(key).or_insert(7)));
                    }
                }
                prop_assert_eq!(state.get(&key).unwrap(), model.get(&key).copied());
                prop_assert_eq!(state.entries().unwrap(), model.len() as u64);
            }
            let mut seen = std::collections::BTreeMap::new();
            state.for_each(|&k, &v| { seen.insert(k, v); }).unwrap();
            prop_assert_eq!(seen, model);
        }
    }
}
