//! Lists: per key, elements in the order in which they were added.

use std::io;
use std::ops::ControlFlow;

use super::StateError;
use super::clock::RunClock;
use super::heap::expiring_maps::ExpiringMaps;
use super::heap::gauge::HeapGauge;
use super::heap::lists::Lists;
use super::heap::saved::Saved;
use super::ordered::OrderedKey;
use super::rocksdb::table::Table;
use super::saved::KeyedState;
use super::saved::sealed::SavedState;
use super::ttl::Ttl;
use crate::data::{Data, Decode, Key, encode};

/// A list per key. Where it has a time to live, each element has.
///
/// Elements that are kept one by one are told apart by numbers that increase from one to the next over
/// all keys of a subtask: adding one then reads nothing. A subtask that goes on with lists of others
/// begins behind the numbers of all of them.
#[derive(Debug)]
pub struct ListState<K, T> {
    name: String,
    store: Store<K, T>,
    next_number: u64,
}

#[derive(Debug)]
enum Store<K, T> {
    Heap(Lists<K, T>),
    HeapWithTtl(ExpiringMaps<K, u64, T>),
    RocksDb(Table<K>),
}

impl<K: Key, T: Data> ListState<K, T> {
    pub(super) fn on_heap(name: &str, gauge: HeapGauge) -> Self {
        ListState::new(name, Store::Heap(Lists::new(gauge)))
    }

    pub(super) fn on_heap_with_ttl(
        name: &str,
        ttl: Ttl,
        clock: RunClock,
        gauge: HeapGauge,
    ) -> Self {
        let lists = ExpiringMaps::new(ttl, clock, gauge);
        ListState::new(name, Store::HeapWithTtl(lists))
    }

    pub(super) fn in_table(name: &str, table: Table<K>) -> Self {
        ListState::new(name, Store::RocksDb(table))
    }

    fn new(name: &str, store: Store<K, T>) -> Self {
        ListState {
            name: name.to_owned(),
            store,
            next_number: 0,
        }
    }

    /// The name under which it was opened.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts `element` at the end of the list of `key`.
    pub fn add(&mut self, key: &K, element: T) -> Result<(), StateError> {
        self.add_all(key, std::iter::once(element))
    }

    /// Puts `elements` at the end of the list of `key`.
    pub fn add_all(
        &mut self,
        key: &K,
        elements: impl IntoIterator<Item = T>,
    ) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(lists) => lists.add_all(key, elements),
            Store::HeapWithTtl(lists) => {
                for element in elements {
                    lists.put(key, &self.next_number, element);
                    self.next_number += 1;
                }
            }
            Store::RocksDb(table) => {
                let mut suffix = Vec::new();
                for element in elements {
                    suffix.clear();
                    self.next_number.encode_ordered(&mut suffix);
                    table.put(key, &suffix, |buffer| encode(&element, buffer))?;
                    self.next_number += 1;
                }
            }
        }
        Ok(())
    }

    /// The elements of `key`; none if it has no list, which is the same.
    pub fn get(&mut self, key: &K) -> Result<Vec<T>, StateError>
    where
        T: Clone,
    {
        let mut elements = Vec::new();
        match &mut self.store {
            Store::Heap(lists) => elements.extend_from_slice(lists.get(key)),
            Store::HeapWithTtl(lists) => lists.for_each(key, |_, element| {
                elements.push(element.clone());
                ControlFlow::Continue(())
            }),
            Store::RocksDb(table) => {
                let mut damaged = None;
                table.scan(key, |_, stored| match T::try_from_slice(stored) {
                    Ok(element) => {
                        elements.push(element);
                        ControlFlow::Continue(())
                    }
                    Err(error) => {
                        damaged = Some(error);
                        ControlFlow::Break(())
                    }
                })?;
                if let Some(error) = damaged {
                    return Err(table.damaged(error));
                }
            }
        }
        Ok(elements)
    }

    /// Makes `elements` the list of `key`, whatever it was.
    pub fn replace(&mut self, key: &K, elements: Vec<T>) -> Result<(), StateError> {
        self.clear(key)?;
        self.add_all(key, elements)
    }

    /// Forgets the list of `key`.
    pub fn clear(&mut self, key: &K) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(lists) => lists.clear(key),
            Store::HeapWithTtl(lists) => lists.clear(key),
            Store::RocksDb(table) => table.delete_all(key)?,
        }
        Ok(())
    }
}

impl<K: Key, T: Data> KeyedState for ListState<K, T> {}

impl<K: Key, T: Data> SavedState for ListState<K, T> {
    fn name(&self) -> &str {
        &self.name
    }

    fn save(&mut self, bytes: &mut Vec<u8>) {
        encode(&self.next_number, bytes);
        match &self.store {
            Store::Heap(lists) => lists.save(bytes),
            Store::HeapWithTtl(lists) => lists.save(bytes),
            Store::RocksDb(_) => {}
        }
    }

    fn load(&mut self, mut saved: &[u8], owns: &dyn Fn(&[u8]) -> bool) -> Result<(), StateError> {
        let mut load = || -> io::Result<()> {
            let next_number = u64::deserialize(&mut saved)?;
            self.next_number = self.next_number.max(next_number);
            match &mut self.store {
                Store::Heap(lists) => lists.load(Saved::open(saved, owns)?),
                Store::HeapWithTtl(lists) => lists.load(Saved::open(saved, owns)?),
                Store::RocksDb(_) => Ok(()),
            }
        };
        load().map_err(|error| StateError::new(&self.name, error))
    }
}
