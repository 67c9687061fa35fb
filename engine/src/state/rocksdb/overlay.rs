//! What lies in memory in front of a database: what a run of rows has read and written, and beyond
//! the run as much as a write-back cache may hold.
//!
//! Without a cache it is emptied after each run, its changes written together. With one, entries
//! stay, and changes are written when an entry has to make room or is asked for. Nothing here touches
//! the database: changes to be written are handed out.

use std::collections::BTreeSet;

use lru::LruCache;
use rustc_hash::FxBuildHasher;

/// Memory of an entry beside its key and value: links, pointers and the place in the table.
const ENTRY_BYTES: usize = 96;
/// A run may exceed the capacity by this much before its end.
const RUN_BYTES: usize = 8 << 20;

/// The key of an entry: the number of the column, and the key in it.
pub(crate) type FullKey = Vec<u8>;

/// The column and the key in it.
pub(crate) fn split(key: &[u8]) -> (usize, &[u8]) {
    (usize::from(key[0]), &key[1..])
}

/// What is known of a key.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Stored bytes; `None`: there is no value.
    pub(crate) value: Option<Vec<u8>>,
    /// The database says something else.
    dirty: bool,
    /// The run in which it came here: asking for it in that one spares nobody a look at the database.
    since_run: u64,
}

/// A change that the database has not seen.
pub(crate) type Change = (FullKey, Option<Vec<u8>>);

/// What lies in memory in front of a database.
#[derive(Debug)]
pub(crate) struct Overlay {
    entries: LruCache<FullKey, Entry, FxBuildHasher>,
    /// Changed keys of columns that are scanned, in order.
    scanned: BTreeSet<FullKey>,
    bytes: usize,
    capacity: usize,
    run: u64,
    hits: u64,
    misses: u64,
}

fn bytes_of(key: &[u8], value: Option<&Vec<u8>>) -> usize {
    ENTRY_BYTES + key.len() + value.map_or(0, Vec::capacity)
}

impl Overlay {
    pub(crate) fn new() -> Self {
        Overlay {
            entries: LruCache::unbounded_with_hasher(FxBuildHasher),
            scanned: BTreeSet::new(),
            bytes: 0,
            capacity: 0,
            run: 0,
            hits: 0,
            misses: 0,
        }
    }

    /// Bytes that may stay beyond a run.
    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it holds more than it may even within a run.
    pub(crate) fn is_overfull(&self) -> bool {
        self.bytes > self.capacity + RUN_BYTES
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.entries.contains(key)
    }

    /// Keys that an earlier run had left here when they were asked for, and keys that were looked up.
    pub(crate) fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits, self.misses)
    }

    /// What is known of `key`, which is asked for.
    pub(crate) fn get(&mut self, key: &[u8]) -> Option<&Entry> {
        let entry = self.entries.get(key)?;
        self.hits += u64::from(entry.since_run != self.run);
        Some(entry)
    }

    /// Puts in what the database says.
    pub(crate) fn learn(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.misses += 1;
        self.assume(key, value);
    }

    /// Puts in what may as well be there, as it is overwritten at once.
    pub(crate) fn assume(&mut self, key: &[u8], value: Option<&[u8]>) {
        let value = value.map(<[u8]>::to_vec);
        self.bytes += bytes_of(key, value.as_ref());
        let entry = Entry {
            value,
            dirty: false,
            since_run: self.run,
        };
        self.entries.push(key.to_vec(), entry);
    }

    /// Changes an entry that is known, and gives `change` back if it is not; `in_order` for columns
    /// that are scanned, `asked` if the value so far matters. `change` is given the bytes so far, and a buffer that begins empty for what
    /// replaces them; it says whether there is a value then.
    pub(crate) fn change_known<R, C>(
        &mut self,
        key: &[u8],
        in_order: bool,
        asked: bool,
        buffer: &mut Vec<u8>,
        change: C,
    ) -> Result<R, C>
    where
        C: FnOnce(Option<&[u8]>, &mut Vec<u8>) -> (bool, R),
    {
        let Some(entry) = self.entries.get_mut(key) else {
            return Err(change);
        };
        self.hits += u64::from(asked && entry.since_run != self.run);
        let before = entry.value.as_ref().map_or(0, Vec::capacity);
        buffer.clear();
        let (remains, result) = change(entry.value.as_deref(), buffer);
        match remains {
            true => {
                let value = entry.value.get_or_insert_default();
                value.clear();
                value.extend_from_slice(buffer);
            }
            false => entry.value = None,
        }
        self.bytes = self.bytes - before + entry.value.as_ref().map_or(0, Vec::capacity);
        if !std::mem::replace(&mut entry.dirty, true) && in_order {
            self.scanned.insert(key.into());
        }
        Ok(result)
    }

    /// The run is over: what is here from now on is here beforehand.
    pub(crate) fn next_run(&mut self) {
        self.run += 1;
    }

    /// Makes room: what is beyond the capacity, longest unused first. Returns the changes in it.
    pub(crate) fn shrink(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        while self.bytes > self.capacity
            && let Some((key, entry)) = self.entries.pop_lru()
        {
            self.bytes -= bytes_of(&key, entry.value.as_ref());
            if entry.dirty {
                self.scanned.remove(&key);
                changes.push((key, entry.value));
            }
        }
        changes
    }

    /// The changes of a scanned column under a prefix, which count as written from now on.
    pub(crate) fn take_changes_under(&mut self, prefix: &[u8]) -> Vec<Change> {
        let from = self.scanned.range::<[u8], _>((
            std::ops::Bound::Included(prefix),
            std::ops::Bound::Unbounded,
        ));
        let keys: Vec<FullKey> = from
            .take_while(|key| key.starts_with(prefix))
            .cloned()
            .collect();
        for key in &keys {
            self.scanned.remove(key);
        }
        let changes = keys.into_iter().map(|key| {
            let entry = self.entries.peek_mut(&key).expect("changed keys are held");
            entry.dirty = false;
            let value = entry.value.clone();
            (key, value)
        });
        changes.collect()
    }

    /// All changes, which count as written from now on.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        self.scanned.clear();
        let dirty = self.entries.iter_mut().filter(|(_, entry)| entry.dirty);
        let changes = dirty.map(|(key, entry)| {
            entry.dirty = false;
            (key.clone(), entry.value.clone())
        });
        changes.collect()
    }
}
