//! A state's view of its store: typed keys become bytes, key group first.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use super::database::Column;
use super::store::SharedStore;
use crate::data::Key;
use crate::key_group::Groups;
use crate::state::StateError;

/// Bytes of the key group before a key.
const GROUP_BYTES: usize = size_of::<u16>();

/// One state of an operator subtask, in its database. A key's entries are told apart by a suffix.
#[derive(Debug)]
pub(crate) struct Table<K> {
    store: SharedStore,
    column: usize,
    groups: Groups,
    buffer: Vec<u8>,
    marker: PhantomData<fn(&K)>,
}

impl<K: Key> Table<K> {
    /// Adds a state to a store that is not open yet.
    pub(crate) fn add(store: SharedStore, column: Column, groups: Groups) -> Self {
        let column = store.lock().add_column(column);
        Table {
            store,
            column,
            groups,
            buffer: Vec::new(),
            marker: PhantomData,
        }
    }

    /// The bytes of a key: column, key group, key, suffix.
    fn encode<'a>(&self, buffer: &'a mut Vec<u8>, key: &K, suffix: &[u8]) -> &'a [u8] {
        const HEAD: usize = 1 + GROUP_BYTES;
        buffer.clear();
        buffer.extend_from_slice(&[0; HEAD]);
        key.serialize(buffer).expect("memory takes every write");
        let group = self.groups.of(&buffer[HEAD..]);
        // A job has fewer states than fit in a byte and fewer groups than fit in two.
        buffer[0] = self.column as u8;
        buffer[1..HEAD].copy_from_slice(&(group as u16).to_be_bytes());
        buffer.extend_from_slice(suffix);
        buffer
    }

    fn with_key<R>(
        &mut self,
        key: &K,
        suffix: &[u8],
        work: impl FnOnce(&SharedStore, &[u8]) -> R,
    ) -> R {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = work(&self.store, self.encode(&mut buffer, key, suffix));
        self.buffer = buffer;
        result
    }

    /// Reads an entry.
    pub(crate) fn get<R>(
        &mut self,
        key: &K,
        suffix: &[u8],
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, StateError> {
        self.with_key(key, suffix, |store, key| store.lock().get(key, read))
    }

    /// Sets an entry to what `encode` appends.
    pub(crate) fn put(
        &mut self,
        key: &K,
        suffix: &[u8],
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), StateError> {
        self.with_key(key, suffix, |store, key| store.lock().put(key, encode))
    }

    /// Changes an entry: `change` is given the bytes so far, and appends the next to the buffer.
    pub(crate) fn update<R>(
        &mut self,
        key: &K,
        suffix: &[u8],
        change: impl FnOnce(Option<&[u8]>, &mut Vec<u8>) -> R,
    ) -> Result<R, StateError> {
        self.with_key(key, suffix, |store, key| store.lock().update(key, change))
    }

    /// Removes an entry.
    pub(crate) fn delete(&mut self, key: &K, suffix: &[u8]) -> Result<(), StateError> {
        self.with_key(key, suffix, |store, key| store.lock().delete(key))
    }

    /// Shows suffix and value of every entry of `key`, in the order of the suffixes.
    pub(crate) fn scan(
        &mut self,
        key: &K,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        self.with_key(key, &[], |store, key| store.lock().scan(key, visit))
    }

    /// Removes every entry of `key`.
    pub(crate) fn delete_all(&mut self, key: &K) -> Result<(), StateError> {
        self.with_key(key, &[], |store, key| store.lock().delete_all(key))
    }

    /// Looks up together what a run of rows is about to touch: keys and suffixes.
    pub(crate) fn prefetch<S: AsRef<[u8]>>(
        &mut self,
        keys: impl Iterator<Item = (K, S)>,
    ) -> Result<(), StateError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut store = self.store.lock();
        let mut unknown = Vec::new();
        for (key, suffix) in keys {
            let encoded = self.encode(&mut buffer, &key, suffix.as_ref());
            if !store.knows(encoded) {
                unknown.push(encoded.to_vec());
            }
        }
        let done = store.prefetch(unknown);
        drop(store);
        self.buffer = buffer;
        done
    }

    /// Shows every key, the suffix behind it, and the value, in the order of key groups.
    pub(crate) fn scan_all(
        &mut self,
        mut visit: impl FnMut(K, &[u8], &[u8]),
    ) -> Result<(), StateError> {
        let mut damaged = None;
        let mut store = self.store.lock();
        store.flush()?;
        store.scan(&[self.column as u8], |mut rest, value| {
            rest = rest.get(GROUP_BYTES..).unwrap_or_default();
            match K::deserialize(&mut rest) {
                Ok(key) => visit(key, rest, value),
                Err(error) => damaged = Some(error),
            }
            ControlFlow::Continue(())
        })?;
        match damaged {
            Some(error) => Err(StateError::new(store.column_name(self.column), error)),
            None => Ok(()),
        }
    }
}
