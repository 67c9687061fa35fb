//! A state's view of its store: typed keys become bytes, key group first.

use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use super::database::Column;
use super::page::Page;
use super::store::SharedStore;
use crate::data::{Data, Decode, Key, encode};
use crate::key_group::Groups;
use crate::state::StateError;
use crate::state::ttl::TtlRefresh;

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

    /// What was read back is not what was written: `how` it differs.
    pub(crate) fn damaged(&self, how: impl Display) -> StateError {
        StateError::new(self.store.lock().column_name(self.column), how)
    }

    /// The bytes of a key: column, key group, key, suffix.
    fn encode<'a>(&self, buffer: &'a mut Vec<u8>, key: &K, suffix: &[u8]) -> &'a [u8] {
        const HEAD: usize = 1 + GROUP_BYTES;
        buffer.clear();
        buffer.extend_from_slice(&[0; HEAD]);
        encode(key, buffer);
        let group = self.groups.of(&buffer[HEAD..]);
        // An operator has fewer states than fit in a byte, and a job fewer groups than fit in two.
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

    /// Reads an entry's value.
    pub(crate) fn get_value<V: Decode>(
        &mut self,
        key: &K,
        suffix: &[u8],
    ) -> Result<Option<V>, StateError> {
        let value = self.get(key, suffix, V::try_from_slice)?;
        value.transpose().map_err(|error| self.damaged(error))
    }

    /// Changes an entry's value by `change`, starting from `create` if it has none. The store is not
    /// locked while `change` works: it may use other states.
    pub(crate) fn update_value<V: Data, R>(
        &mut self,
        key: &K,
        suffix: &[u8],
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R, StateError> {
        let result = self.with_key(key, suffix, |store, key| {
            let known = store.lock().get(key, V::try_from_slice)?;
            let mut value = match known.transpose() {
                Ok(known) => known.unwrap_or_else(create),
                Err(error) => return Ok(Err(error)),
            };
            let result = change(&mut value);
            store.lock().put(key, |buffer| encode(&value, buffer))?;
            Ok(Ok(result))
        })?;
        result.map_err(|error| self.damaged(error))
    }

    /// As [`update_value`](Self::update_value), for a `change` that uses no other state: the entry is
    /// looked up once.
    pub(crate) fn update_value_alone<V: Data, R>(
        &mut self,
        key: &K,
        suffix: &[u8],
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<R, StateError> {
        let change = |stored: Option<&[u8]>, buffer: &mut Vec<u8>| {
            let mut value = stored.map_or_else(|| Ok(create()), V::try_from_slice)?;
            let result = change(&mut value);
            encode(&value, buffer);
            Ok(result)
        };
        let changed = self.with_key(key, suffix, |store, key| store.lock().update(key, change))?;
        changed.map_err(|error: std::io::Error| self.damaged(error))
    }

    /// Removes an entry.
    pub(crate) fn delete(&mut self, key: &K, suffix: &[u8]) -> Result<(), StateError> {
        self.with_key(key, suffix, |store, key| store.lock().delete(key))
    }

    /// Shows suffix and value of every entry of `key`, in the order of the suffixes, until told to
    /// stop. What was shown has been read.
    pub(crate) fn scan(
        &mut self,
        key: &K,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        self.scan_from(key, &[], visit)
    }

    /// As [`scan`](Self::scan), from a suffix on.
    pub(crate) fn scan_from(
        &mut self,
        key: &K,
        from: &[u8],
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        let mut prefix = Vec::new();
        self.encode(&mut prefix, key, &[]);
        self.store.lock().begin_scan(&prefix)?;
        self.visit_pages(&prefix, from, TtlRefresh::OnReadAndWrite, visit)
    }

    /// Reads what stands under `prefix` page by page. The store is not locked while a page is shown:
    /// whoever sees it may use other states.
    fn visit_pages(
        &self,
        prefix: &[u8],
        from: &[u8],
        refresh: TtlRefresh,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        let (mut page, mut key) = (Page::first(), [prefix, from].concat());
        loop {
            self.store.lock().read_page(prefix, &key, &mut page)?;
            let (mut shown, mut flow) = (0, ControlFlow::Continue(()));
            for (suffix, value) in page.entries() {
                key.truncate(prefix.len());
                key.extend_from_slice(suffix);
                shown += 1;
                flow = visit(suffix, value);
                if flow.is_break() {
                    break;
                }
            }
            if refresh == TtlRefresh::OnReadAndWrite {
                let read = page.entries().take(shown);
                self.store.lock().have_been_read(prefix, read)?;
            }
            if flow.is_break() || page.is_last() {
                return Ok(());
            }
            page.turn(&mut key);
        }
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

    /// Shows every key, the suffix behind it, and the value, in the order of key groups. Refreshes
    /// nothing.
    pub(crate) fn scan_all(
        &mut self,
        mut visit: impl FnMut(K, &[u8], &[u8]),
    ) -> Result<(), StateError> {
        let prefix = [self.column as u8];
        {
            let mut store = self.store.lock();
            store.flush()?;
            store.begin_scan(&prefix)?;
        }
        let mut damaged = None;
        self.visit_pages(&prefix, &[], TtlRefresh::OnWrite, |mut rest, value| {
            rest = rest.get(GROUP_BYTES..).unwrap_or_default();
            match K::deserialize(&mut rest) {
                Ok(key) => visit(key, rest, value),
                Err(error) => damaged = Some(error),
            }
            ControlFlow::Continue(())
        })?;
        damaged.map_or(Ok(()), |error| Err(self.damaged(error)))
    }
}
