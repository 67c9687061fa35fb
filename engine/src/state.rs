//! Keyed state: what an operator keeps per key, behind one interface for every backend.
//!
//! Access is fallible because a backend may live on disk; the heap never fails. The natural verb is
//! [`ValueState::update`]: in place on the heap, one read and one write elsewhere.

pub(crate) mod aggregating;
pub(crate) mod backend;
pub(crate) mod clock;
pub(crate) mod detached;
mod heap;
pub(crate) mod list;
pub(crate) mod map;
pub(crate) mod ordered;
pub(crate) mod probe;
pub(crate) mod rocksdb;
pub(crate) mod saved;
pub(crate) mod snapshot;
pub(crate) mod ttl;
pub(crate) mod value;

use std::fmt::Display;
use std::sync::Arc;

use crate::data::{Data, Key};
use crate::event_time::timers::KeyedTimers;
use crate::event_time::timers::stored::StoredTimers;
use crate::key_group::Groups;
use crate::keyed::Aggregate;
use crate::keyed::timer_service::TimerService;
use aggregating::AggregatingState;
use backend::KeyedBackend;
use clock::RunClock;
use heap::gauge::HeapGauge;
use list::ListState;
use map::MapState;
use ordered::OrderedKey;
use rocksdb::config::{RocksDbConfig, TimerStore};
use rocksdb::database::{Column, Merging};
use rocksdb::shared::SharedResources;
use rocksdb::store::SharedStore;
use rocksdb::table::Table;
use saved::{Kept, OpenedState, OpenedStates};
use ttl::Ttl;
use value::ValueState;

/// Timers of an operator subtask and time domain that are in memory, where the others are not.
const TIMERS_IN_MEMORY: usize = 1_024;

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

/// States of an operator: their numbers have to fit in a byte.
const MAX_STATES: usize = 255;

/// Where an operator subtask opens its states.
pub struct StateContext {
    clock: RunClock,
    /// Of the states on the heap.
    gauges: Vec<HeapGauge>,
    opened: OpenedStates,
    /// The first state that cannot be opened.
    refused: Option<StateError>,
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
            gauges: Vec::new(),
            opened: OpenedStates::default(),
            refused: None,
            place,
        }
    }

    /// The state `name` of this operator: one value per key.
    pub fn value<K: Key, V: Data>(&mut self, name: &str) -> ValueState<K, V> {
        match self.table(name, Kept::Value, None) {
            Some(table) => ValueState::in_table(name, table),
            None => ValueState::on_heap(name, self.gauge()),
        }
    }

    /// As [`value`](Self::value), with a time to live.
    pub fn value_with_ttl<K: Key, V: Data>(&mut self, name: &str, ttl: Ttl) -> ValueState<K, V> {
        match self.table(name, Kept::Value, Some(ttl)) {
            Some(table) => ValueState::in_table(name, table),
            None => ValueState::on_heap_with_ttl(name, ttl, self.clock.clone(), self.gauge()),
        }
    }

    /// The state `name` of this operator: a list per key.
    pub fn list<K: Key, T: Data>(&mut self, name: &str) -> ListState<K, T> {
        match self.table(name, Kept::List, None) {
            Some(table) => ListState::in_table(name, table),
            None => ListState::on_heap(name, self.gauge()),
        }
    }

    /// As [`list`](Self::list), with a time to live.
    pub fn list_with_ttl<K: Key, T: Data>(&mut self, name: &str, ttl: Ttl) -> ListState<K, T> {
        match self.table(name, Kept::List, Some(ttl)) {
            Some(table) => ListState::in_table(name, table),
            None => ListState::on_heap_with_ttl(name, ttl, self.clock.clone(), self.gauge()),
        }
    }

    /// The state `name` of this operator: a map per key.
    pub fn map<K: Key, U: OrderedKey, V: Data>(&mut self, name: &str) -> MapState<K, U, V> {
        match self.table(name, Kept::Map, None) {
            Some(table) => MapState::in_table(name, table),
            None => MapState::on_heap(name, self.gauge()),
        }
    }

    /// As [`map`](Self::map), with a time to live.
    pub fn map_with_ttl<K: Key, U: OrderedKey, V: Data>(
        &mut self,
        name: &str,
        ttl: Ttl,
    ) -> MapState<K, U, V> {
        match self.table(name, Kept::Map, Some(ttl)) {
            Some(table) => MapState::in_table(name, table),
            None => MapState::on_heap_with_ttl(name, ttl, self.clock.clone(), self.gauge()),
        }
    }

    /// The state `name` of this operator: an aggregate per key.
    pub fn aggregating<K: Key, In, A: Aggregate<K, In>>(
        &mut self,
        name: &str,
        aggregate: A,
    ) -> AggregatingState<K, In, A> {
        AggregatingState::new(aggregate, self.value(name))
    }

    /// As [`aggregating`](Self::aggregating), with a time to live.
    pub fn aggregating_with_ttl<K: Key, In, A: Aggregate<K, In>>(
        &mut self,
        name: &str,
        aggregate: A,
        ttl: Ttl,
    ) -> AggregatingState<K, In, A> {
        AggregatingState::new(aggregate, self.value_with_ttl(name, ttl))
    }

    /// The timers of this operator, wherever the backend keeps them.
    pub(crate) fn timers<K: Key>(&mut self) -> TimerService<K> {
        match self.stored_timers(TIMERS_IN_MEMORY) {
            Some(timers) => TimerService::RocksDb(timers),
            None => {
                self.claim(OpenedState {
                    name: "timers in memory".to_owned(),
                    kept: Kept::Timers,
                    expires: false,
                    on_disk: false,
                });
                TimerService::Heap(KeyedTimers::new())
            }
        }
    }

    /// Timers in RocksDB, if that is where they are to be.
    pub(crate) fn stored_timers<K: Key>(&mut self, head: usize) -> Option<StoredTimers<K>> {
        match &self.place {
            Place::RocksDb { shared, .. } if shared.config.timers == TimerStore::RocksDb => {}
            _ => return None,
        }
        let by_key = self.timer_table("timers by key", false, Merging::Renumbered)?;
        let by_time = self.timer_table("timers by time", true, Merging::LeftOut)?;
        Some(StoredTimers::new(by_key, by_time, head))
    }

    fn gauge(&mut self) -> HeapGauge {
        let gauge = HeapGauge::new();
        self.gauges.push(gauge.clone());
        gauge
    }

    /// A name belongs to one state, wherever states are kept.
    fn claim(&mut self, state: OpenedState) {
        let reason = match &state.name {
            name if self.opened.contains(name) => "there are two of this name",
            name if name.contains('\0') => "a name must not contain NUL",
            _ if self.opened.len() == MAX_STATES => "an operator has 255 states at most",
            _ => return self.opened.add(state),
        };
        self.refused
            .get_or_insert_with(|| StateError::new(&state.name, reason));
    }

    /// A place for a state, unless states are on the heap.
    fn table<K: Key>(&mut self, name: &str, kept: Kept, ttl: Option<Ttl>) -> Option<Table<K>> {
        let column = Column {
            name: name.to_owned(),
            ttl,
            // Entries of a key are asked for together where it has several.
            scanned: kept != Kept::Value,
            merging: Merging::Unchanged,
        };
        self.place(kept, column)
    }

    /// A place for timers, unless states are on the heap; `scanned` if those of a key are asked for
    /// together.
    fn timer_table<K: Key>(
        &mut self,
        name: &str,
        scanned: bool,
        merging: Merging,
    ) -> Option<Table<K>> {
        let column = Column {
            name: name.to_owned(),
            ttl: None,
            scanned,
            merging,
        };
        self.place(Kept::Timers, column)
    }

    fn place<K: Key>(&mut self, kept: Kept, column: Column) -> Option<Table<K>> {
        self.claim(OpenedState {
            name: column.name.clone(),
            kept,
            expires: column.ttl.is_some(),
            on_disk: matches!(self.place, Place::RocksDb { .. }),
        });
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
        Some(Table::add(store.clone(), column, *groups))
    }

    /// All states are known: opens the database, if there is one.
    pub(crate) fn finish(self) -> Result<KeyedBackend, StateError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let store = match self.place {
            Place::Heap => None,
            Place::RocksDb { store, .. } => store,
        };
        if let Some(store) = &store {
            store.lock().open()?;
        }
        Ok(KeyedBackend::new(
            self.clock,
            store,
            self.gauges,
            self.opened,
        ))
    }
}

#[cfg(test)]
pub(crate) mod tests;
