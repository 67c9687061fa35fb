//! Keyed state: what an operator keeps per key, behind one interface for every backend.
//!
//! Access is fallible because a backend may live on disk; the heap never fails. The natural verb is
//! [`ValueState::update`]: in place on the heap, one read and one write elsewhere.

pub(crate) mod backend;
pub(crate) mod clock;
pub(crate) mod detached;
pub(crate) mod rocksdb;
pub(crate) mod snapshot;
pub(crate) mod ttl;
pub(crate) mod value;

use std::fmt::Display;
use std::sync::Arc;

use crate::data::{Data, Key};
use crate::key_group::Groups;
use backend::KeyedBackend;
use clock::RunClock;
use rocksdb::config::RocksDbConfig;
use rocksdb::database::Column;
use rocksdb::shared::SharedResources;
use rocksdb::store::SharedStore;
use rocksdb::table::Table;
use ttl::Ttl;
use value::ValueState;

/// A backend's failure, with the state that it concerned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state '{state}': {reason}")]
pub struct StateError {
    state: String,
    reason: String,
}

impl StateError {
    pub(crate) fn new(state: &str, reason: impl Display) -> Self {
        StateError {
            state: state.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Where keyed state is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum StateBackend {
    /// In hash maps in the process's memory.
    #[default]
    Heap,
    /// In RocksDB, on disk.
    RocksDb(RocksDbConfig),
}

/// Where an operator subtask opens its states.
pub struct StateContext {
    clock: RunClock,
    place: Place,
}

enum Place {
    Heap,
    RocksDb {
        shared: Arc<SharedResources>,
        groups: Groups,
        /// Made with the first state.
        store: Option<SharedStore>,
    },
}

impl StateContext {
    /// For a subtask of a job whose databases share `shared`; without it, on the heap.
    pub(crate) fn new(shared: Option<Arc<SharedResources>>, max_parallelism: usize) -> Self {
        let place = match shared {
            None => Place::Heap,
            Some(shared) => Place::RocksDb {
                shared,
                groups: Groups::new(max_parallelism),
                store: None,
            },
        };
        StateContext {
            clock: RunClock::default(),
            place,
        }
    }

    /// The state `name` of this operator: one value per key.
    pub fn value<K: Key, V: Data>(&mut self, name: &str) -> ValueState<K, V> {
        match self.table(name, None, false) {
            Some(table) => ValueState::in_table(name, table),
            None => ValueState::on_heap(name),
        }
    }

    /// A place for a state, unless states are on the heap; `scanned` if entries of a key are asked for
    /// together.
    fn table<K: Key>(&mut self, name: &str, ttl: Option<Ttl>, scanned: bool) -> Option<Table<K>> {
        let Place::RocksDb {
            shared,
            groups,
            store,
        } = &mut self.place
        else {
            return None;
        };
        let clock = &self.clock;
        let store =
            store.get_or_insert_with(|| SharedStore::new(Arc::clone(shared), clock.clone()));
        let column = Column {
            name: name.to_owned(),
            ttl,
            scanned,
        };
        Some(Table::add(store.clone(), column, *groups))
    }

    /// All states are known: opens the database, if there is one.
    pub(crate) fn finish(self) -> Result<KeyedBackend, StateError> {
        let store = match self.place {
            Place::Heap => None,
            Place::RocksDb { store, .. } => store,
        };
        if let Some(store) = &store {
            store.lock().open()?;
        }
        Ok(KeyedBackend::new(self.clock, store))
    }
}

#[cfg(test)]
mod tests {
    use super::rocksdb::config::Profile;
    use super::*;
    use proptest::prelude::*;

    type Operation = (u8, u8, u32);

    /// A run of operations per inner list.
    fn runs() -> impl Strategy<Value = Vec<Vec<Operation>>> {
        let operation = (0u8..5, 0u8..16, any::<u32>());
        prop::collection::vec(prop::collection::vec(operation, 0..60), 0..6)
    }

    fn behaves_like_a_map(
        mut context: StateContext,
        runs: Vec<Vec<Operation>>,
    ) -> Result<(), TestCaseError> {
        let mut state = context.value::<u8, u32>("model");
        let mut backend = context.finish().unwrap();
        let mut model = std::collections::BTreeMap::new();
        for run in runs {
            for (operation, key, value) in run {
                match operation {
                    0 => {
                        state.put(&key, value).unwrap();
                        model.insert(key, value);
                    }
                    1 => {
                        state.remove(&key).unwrap();
                        model.remove(&key);
                    }
                    2 => state.prefetch([key, key ^ 1, key].into_iter()).unwrap(),
                    _ => {
                        let add = |v: &mut u32| {
                            *v = v.wrapping_add(value);
                            *v
                        };
                        let ours = state.update(&key, || 7, add).unwrap();
                        prop_assert_eq!(ours, add(model.entry(key).or_insert(7)));
                    }
                }
                prop_assert_eq!(state.get(&key).unwrap(), model.get(&key).copied());
            }
            backend.settle().unwrap();
            prop_assert_eq!(state.entries().unwrap(), model.len() as u64);
        }
        let mut seen = std::collections::BTreeMap::new();
        let see = |&key: &u8, &value: &u32| {
            seen.insert(key, value);
        };
        state.for_each(see).unwrap();
        prop_assert_eq!(seen, model);
        Ok(())
    }

    proptest! {
        #[test]
        fn value_state_behaves_like_a_map(runs in runs()) {
            behaves_like_a_map(StateContext::new(None, 128), runs)?;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn value_state_in_rocksdb_behaves_like_a_map(
            runs in runs(), write_back_cache in prop::sample::select(vec![0u64, 600, 1 << 20]),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let config = RocksDbConfig {
                write_back_cache,
                ..RocksDbConfig::of_profile(Profile::Default, folder.path())
            };
            let shared = SharedResources::new(config).unwrap();
            behaves_like_a_map(StateContext::new(Some(shared), 128), runs)?;
        }
    }
}
