//! One value per key.

use super::StateError;
use super::clock::RunClock;
use super::heap::access::Timed;
use super::heap::expiring::ExpiringValues;
use super::heap::gauge::AccessKind::{Read, Write};
use super::heap::gauge::HeapGauge;
use super::heap::saved::Saved;
use super::heap::values::Values;
use super::rocksdb::table::Table;
use super::saved::KeyedState;
use super::saved::sealed::SavedState;
use super::ttl::Ttl;
use crate::data::{Data, Key, encode};

/// One value per key.
#[derive(Debug)]
pub struct ValueState<K, V> {
    name: String,
    store: Store<K, V>,
}

#[derive(Debug)]
enum Store<K, V> {
    Heap(Values<K, V>),
    // Boxed, so that telling the variants apart is one comparison.
    HeapWithTtl(Box<ExpiringValues<K, V>>),
    RocksDb(Box<Table<K>>),
}

impl<K: Key, V: Data> ValueState<K, V> {
    pub(super) fn on_heap(name: &str, gauge: HeapGauge) -> Self {
        ValueState {
            name: name.to_owned(),
            store: Store::Heap(Values::new(gauge)),
        }
    }

    pub(super) fn on_heap_with_ttl(
        name: &str,
        ttl: Ttl,
        clock: RunClock,
        gauge: HeapGauge,
    ) -> Self {
        ValueState {
            name: name.to_owned(),
            store: Store::HeapWithTtl(Box::new(ExpiringValues::new(ttl, clock, gauge))),
        }
    }

    pub(super) fn in_table(name: &str, table: Table<K>) -> Self {
        ValueState {
            name: name.to_owned(),
            store: Store::RocksDb(Box::new(table)),
        }
    }

    /// The name under which it was opened.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of `key`, if it has one.
    pub fn get(&mut self, key: &K) -> Result<Option<V>, StateError>
    where
        V: Clone,
    {
        match &mut self.store {
            Store::Heap(values) => Ok(values.access(Read, |it| it.get(key).cloned())),
            Store::HeapWithTtl(values) => Ok(values.access(Read, |it| it.read(key, V::clone))),
            Store::RocksDb(table) => table.get_value(key, &[]),
        }
    }

    /// What `read` makes of the value of `key`, if it has one.
    pub(super) fn read<R>(
        &mut self,
        key: &K,
        read: impl FnOnce(&V) -> R,
    ) -> Result<Option<R>, StateError> {
        match &mut self.store {
            Store::Heap(values) => Ok(values.get(key).map(read)),
            Store::HeapWithTtl(values) => Ok(values.read(key, read)),
            Store::RocksDb(table) => {
                let value: Option<V> = table.get_value(key, &[])?;
                Ok(value.as_ref().map(read))
            }
        }
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: &K, value: V) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(values) => {
                values.access(Write, |it| it.put(key, value));
                Ok(())
            }
            Store::HeapWithTtl(values) => {
                values.access(Write, |it| it.put(key, value));
                Ok(())
            }
            Store::RocksDb(table) => table.put(key, &[], |buffer| encode(&value, buffer)),
        }
    }

    /// Forgets `key`.
    pub fn remove(&mut self, key: &K) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(values) => {
                values.remove(key);
                Ok(())
            }
            Store::HeapWithTtl(values) => {
                values.remove(key);
                Ok(())
            }
            Store::RocksDb(table) => table.delete(key, &[]),
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
            Store::Heap(values) => Ok(values.update(key, create, change)),
            Store::HeapWithTtl(values) => Ok(values.update(key, create, change)),
            Store::RocksDb(table) => table.update_value(key, &[], create, change),
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
            Store::Heap(values) => {
                values.update_each(items, create, change, out);
                Ok(())
            }
            Store::HeapWithTtl(values) => {
                out.extend(items.map(|(key, item)| {
                    values.update(&key, &create, |value| change(&key, value, item))
                }));
                Ok(())
            }
            Store::RocksDb(table) => {
                let items: Vec<(K, I)> = items.collect();
                table.prefetch(items.iter().map(|(key, _)| (key.clone(), [])))?;
                for (key, item) in items {
                    // An `Fn` cannot hold another state: it would have to borrow that mutably.
                    let change = |value: &mut V| change(&key, value, item);
                    let result = table.update_value_alone(&key, &[], &create, change)?;
                    out.extend(std::iter::once(result));
                }
                Ok(())
            }
        }
    }

    /// Tells which keys are about to be touched, so that a backend on disk looks them up together.
    pub fn prefetch(&mut self, keys: impl Iterator<Item = K>) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(_) | Store::HeapWithTtl(_) => Ok(()),
            Store::RocksDb(table) => table.prefetch(keys.map(|key| (key, []))),
        }
    }

    /// Number of keys with a value. On disk every one is looked at.
    pub fn entries(&mut self) -> Result<u64, StateError> {
        match &mut self.store {
            Store::Heap(values) => Ok(values.len() as u64),
            Store::HeapWithTtl(values) => Ok(values.len() as u64),
            Store::RocksDb(table) => {
                let mut entries = 0;
                table.scan_all(|_, _, _| entries += 1)?;
                Ok(entries)
            }
        }
    }

    /// Shows every key and value, in no particular order. Refreshes none.
    pub fn for_each(&mut self, mut visit: impl FnMut(&K, &V)) -> Result<(), StateError> {
        match &mut self.store {
            Store::Heap(values) => {
                values.for_each(visit);
                Ok(())
            }
            Store::HeapWithTtl(values) => {
                values.for_each(visit);
                Ok(())
            }
            Store::RocksDb(table) => {
                let mut damaged = None;
                table.scan_all(|key, _, stored| match V::try_from_slice(stored) {
                    Ok(value) => visit(&key, &value),
                    Err(error) => damaged = Some(error),
                })?;
                damaged.map_or(Ok(()), |error| Err(StateError::new(&self.name, error)))
            }
        }
    }
}

impl<K: Key, V: Data> KeyedState for ValueState<K, V> {}

impl<K: Key, V: Data> SavedState for ValueState<K, V> {
    fn name(&self) -> &str {
        &self.name
    }

    fn save(&mut self, bytes: &mut Vec<u8>) {
        match &self.store {
            Store::Heap(values) => values.save(bytes),
            Store::HeapWithTtl(values) => values.save(bytes),
            Store::RocksDb(_) => {}
        }
    }

    fn load(&mut self, saved: &[u8], owns: &dyn Fn(&[u8]) -> bool) -> Result<(), StateError> {
        let loaded = match &mut self.store {
            Store::Heap(values) => Saved::open(saved, owns).and_then(|saved| values.load(saved)),
            Store::HeapWithTtl(values) => {
                Saved::open(saved, owns).and_then(|saved| values.load(saved))
            }
            Store::RocksDb(_) => Ok(()),
        };
        loaded.map_err(|error| StateError::new(&self.name, error))
    }
}
