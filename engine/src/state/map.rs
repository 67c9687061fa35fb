//! Maps: per key, values by a second key, in its order.

use std::ops::ControlFlow;

use super::StateError;
use super::clock::RunClock;
use super::heap::access::Timed;
use super::heap::expiring_maps::ExpiringMaps;
use super::heap::gauge::AccessKind::{Read, Write};
use super::heap::gauge::HeapGauge;
use super::heap::saved::Saved;
use super::heap::sorted_maps::{SortedMaps, load_maps};
use super::ordered::OrderedKey;
use super::rocksdb::table::Table;
use super::saved::KeyedState;
use super::saved::sealed::SavedState;
use super::ttl::Ttl;
use crate::data::{Data, Key, encode};

/// A map per key. Where it has a time to live, each of its entries has.
#[derive(Debug)]
pub struct MapState<K, U, V> {
    name: String,
    store: Store<K, U, V>,
    /// An encoded field.
    suffix: Vec<u8>,
}

#[derive(Debug)]
enum Store<K, U, V> {
    Heap(SortedMaps<K, U, V>),
    HeapWithTtl(ExpiringMaps<K, U, V>),
    RocksDb(Table<K>),
}

impl<K: Key, U: OrderedKey, V: Data> MapState<K, U, V> {
    pub(super) fn on_heap(name: &str, gauge: HeapGauge) -> Self {
        MapState::new(name, Store::Heap(SortedMaps::new(gauge)))
    }

    pub(super) fn on_heap_with_ttl(
        name: &str,
        ttl: Ttl,
        clock: RunClock,
        gauge: HeapGauge,
    ) -> Self {
        MapState::new(
            name,
            Store::HeapWithTtl(ExpiringMaps::new(ttl, clock, gauge)),
        )
    }

    pub(super) fn in_table(name: &str, table: Table<K>) -> Self {
        MapState::new(name, Store::RocksDb(table))
    }

    fn new(name: &str, store: Store<K, U, V>) -> Self {
        MapState {
            name: name.to_owned(),
            store,
            suffix: Vec::new(),
        }
    }

    /// The name under which it was opened.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of `field` in the map of `key`, if there is one.
    pub fn get(&mut self, key: &K, field: &U) -> Result<Option<V>, StateError>
    where
        V: Clone,
    {
        match &mut self.store {
            Store::Heap(maps) => Ok(maps.access(Read, |it| it.get(key, field).cloned())),
            Store::HeapWithTtl(maps) => Ok(maps.access(Read, |it| it.read(key, field, V::clone))),
            Store::RocksDb(table) => table.get_value(key, encoded(field, &mut self.suffix)),
        }
    }

    /// Whether there is one; to ask is to read.
    pub fn contains(&mut self, key: &K, field: &U) -> Result<bool, StateError> {
        match &mut self.store {
            Store::Heap(maps) => Ok(maps.get(key, field).is_some()),
            Store::HeapWithTtl(maps) => Ok(maps.read(key, field, |_| ()).is_some()),
            Store::RocksDb(table) => {
                let found = table.get(key, encoded(field, &mut self.suffix), |_| ())?;
                Ok(found.is_some())
            }
        }
    }

    /// Sets the value of `field` in the map of `key`.
    pub fn put(&mut self, key: &K, field: &U, value: V) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(maps) => {
                maps.access(Write, |it| it.put(key, field, value));
                maps.tell_sizes(|value| value);
            }
            Store::HeapWithTtl(maps) => maps.access(Write, |it| it.put(key, field, value)),
            Store::RocksDb(table) => {
                let suffix = encoded(field, &mut self.suffix);
                table.put(key, suffix, |buffer| encode(&value, buffer))?;
            }
        }
        Ok(())
    }

    /// Changes the value of `field` by `change`, starting from `create` if it has none.
    pub fn update<R>(
        &mut self,
        key: &K,
        field: &U,
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R, StateError> {
        match &mut self.store {
            Store::Heap(maps) => {
                let result = maps.update(key, field, create, change);
                maps.tell_sizes(|value| value);
                Ok(result)
            }
            Store::HeapWithTtl(maps) => Ok(maps.update(key, field, create, change)),
            Store::RocksDb(table) => {
                table.update_value(key, encoded(field, &mut self.suffix), create, change)
            }
        }
    }

    /// Forgets `field` in the map of `key`.
    pub fn remove(&mut self, key: &K, field: &U) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(maps) => {
                maps.remove(key, field);
            }
            Store::HeapWithTtl(maps) => maps.remove(key, field),
            Store::RocksDb(table) => table.delete(key, encoded(field, &mut self.suffix))?,
        }
        Ok(())
    }

    /// Shows the entries of `key` in ascending order, until told to stop. What was shown has been
    /// read.
    pub fn for_each(
        &mut self,
        key: &K,
        mut visit: impl FnMut(&U, &V) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(maps) => maps.for_each(key, |field, value| visit(field, value)),
            Store::HeapWithTtl(maps) => maps.for_each(key, visit),
            Store::RocksDb(table) => {
                let mut damaged = false;
                table.scan(key, |mut suffix, stored| {
                    let field = U::decode_ordered(&mut suffix);
                    match field.zip(V::try_from_slice(stored).ok()) {
                        Some((field, value)) => visit(&field, &value),
                        None => {
                            damaged = true;
                            ControlFlow::Break(())
                        }
                    }
                })?;
                if damaged {
                    return Err(table.damaged("an entry of a map that cannot be decoded"));
                }
            }
        }
        Ok(())
    }

    /// Forgets the map of `key`.
    pub fn clear(&mut self, key: &K) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(maps) => maps.clear(key),
            Store::HeapWithTtl(maps) => maps.clear(key),
            Store::RocksDb(table) => table.delete_all(key)?,
        }
        Ok(())
    }

    /// Tells which entries are about to be touched, so that a backend on disk looks them up together.
    pub fn prefetch(&mut self, entries: impl Iterator<Item = (K, U)>) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(_) | Store::HeapWithTtl(_) => Ok(()),
            Store::RocksDb(table) => table.prefetch(entries.map(|(key, field)| {
                let mut suffix = Vec::new();
                field.encode_ordered(&mut suffix);
                (key, suffix)
            })),
        }
    }
}

impl<K: Key, U: OrderedKey, V: Data> KeyedState for MapState<K, U, V> {}

impl<K: Key, U: OrderedKey, V: Data> SavedState for MapState<K, U, V> {
    fn name(&self) -> &str {
        &self.name
    }

    fn save(&mut self, bytes: &mut Vec<u8>) {
        match &self.store {
            Store::Heap(maps) => maps.save(bytes, encode),
            Store::HeapWithTtl(maps) => maps.save(bytes),
            Store::RocksDb(_) => {}
        }
    }

    fn load(&mut self, saved: &[u8], owns: &dyn Fn(&[u8]) -> bool) -> Result<(), StateError> {
        let loaded = match &mut self.store {
            Store::Heap(maps) => Saved::open(saved, owns).and_then(|saved| {
                load_maps(saved, Saved::value, |key, field, value| {
                    maps.put(key, &field, value);
                })
            }),
            Store::HeapWithTtl(maps) => Saved::open(saved, owns).and_then(|saved| maps.load(saved)),
            Store::RocksDb(_) => Ok(()),
        };
        loaded.map_err(|error| StateError::new(&self.name, error))
    }
}

fn encoded<'a>(field: &impl OrderedKey, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    buffer.clear();
    field.encode_ordered(buffer);
    buffer
}
