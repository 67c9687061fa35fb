//! The state of one operator subtask: its database, what lies in memory in front of it, and what
//! both have cost.
//!
//! Used by one subtask at a time, from run to run; others read [`Meter`] and the database's own
//! statistics beside it.

mod checkpoint;
mod restore;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocksdb::{Options, ReadOptions, WriteBatch, WriteOptions};

use super::database::{Column, Database, database_options, limit_rate};
use super::files::FileIdentities;
use super::meter::{Meter, Stopwatch};
use super::overlay::{Change, FullKey, Overlay, split};
use super::page::Page;
use super::probe::RocksDbProbe;
use super::shared::SharedResources;
use crate::state::StateError;
use crate::state::clock::RunClock;
use crate::state::snapshot::WriteBackSnapshot;
use crate::state::ttl::{STAMP, TtlRefresh, expired, living, unstamped};
pub(crate) use restore::TakenOver;

/// Keys that are looked up together at most.
const GROUP: usize = 256;

/// A store that an operator's states share.
#[derive(Clone)]
pub(crate) struct SharedStore(Arc<Mutex<Store>>);

impl SharedStore {
    pub(crate) fn new(shared: Arc<SharedResources>, clock: RunClock) -> Self {
        SharedStore(Arc::new(Mutex::new(Store::new(shared, clock))))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Store> {
        // A panic in between fails the job; what is behind is read at most.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedStore")
    }
}

/// The state of one operator subtask.
pub(crate) struct Store {
    shared: Arc<SharedResources>,
    clock: RunClock,
    path: PathBuf,
    files: FileIdentities,
    columns: Vec<Column>,
    options: Options,
    write_options: WriteOptions,
    database: Option<Arc<Database>>,
    overlay: Overlay,
    buffer: Vec<u8>,
    stopwatch: Stopwatch,
    meter: Meter,
    probe: Arc<RocksDbProbe>,
}

impl Store {
    fn new(shared: Arc<SharedResources>, clock: RunClock) -> Self {
        let stopwatch = Stopwatch::start();
        let probe = RocksDbProbe::new(Arc::clone(&shared), stopwatch.calls().clone());
        let mut write_options = WriteOptions::default();
        // What is lost in a crash comes again from the last checkpoint.
        write_options.disable_wal(true);
        let path = shared.add_store();
        Store {
            files: FileIdentities::new(shared.name_of(&path)),
            path,
            columns: Vec::new(),
            options: database_options(&shared),
            write_options,
            database: None,
            overlay: Overlay::new(),
            buffer: Vec::new(),
            stopwatch,
            meter: Meter::default(),
            probe: Arc::new(probe),
            shared,
            clock,
        }
    }

    pub(crate) fn probe(&self) -> Arc<RocksDbProbe> {
        Arc::clone(&self.probe)
    }

    /// Adds a state before the database is opened; its number.
    pub(crate) fn add_column(&mut self, column: Column) -> usize {
        self.columns.push(column);
        self.columns.len() - 1
    }

    pub(crate) fn column_name(&self, column: usize) -> &str {
        &self.columns[column].name
    }

    /// Opens the database with all states that were added.
    pub(crate) fn open(&mut self) -> Result<(), StateError> {
        self.open_with(self.options.clone())
    }

    fn open_with(&mut self, options: Options) -> Result<(), StateError> {
        let database = Database::open(
            &self.path,
            &self.columns,
            &self.shared,
            &self.clock,
            options,
        )
        .map_err(|error| StateError::new(&self.path.display().to_string(), error))?;
        self.probe.set_database(Some(Arc::clone(&database)));
        self.database = Some(database);
        Ok(())
    }

    /// Closes the database and opens it again with another limit for what it writes in the background;
    /// RocksDB can change that in no other way. What is in write buffers is written first.
    pub(crate) fn limit_rate(&mut self, rate_per_s: Option<u64>) -> Result<(), StateError> {
        let changes = self.overlay.take_changes();
        self.write(changes)?;
        let mut options = self.options.clone();
        limit_rate(&mut options, rate_per_s);
        self.timed(|store| {
            if let Some(database) = store.database.take() {
                database.flush()?;
                database.keep();
                store.probe.close(database);
            }
            Ok(store.open_with(options)?)
        })
    }

    fn database(&self) -> &Arc<Database> {
        self.database
            .as_ref()
            .expect("opened before the first access")
    }

    fn failed(&self, column: usize, error: rocksdb::Error) -> StateError {
        StateError::new(&self.columns[column].name, error)
    }

    /// Reads the value of `key`.
    pub(crate) fn get<R>(
        &mut self,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>, StateError> {
        self.meter.reads += 1;
        if !self.overlay.contains(key) {
            self.make_known(key)?;
        }
        let (column, _) = split(key);
        let ttl = self.columns[column].ttl;
        let now_ms = self.clock.now_ms();
        let entry = self
            .overlay
            .get(key)
            .and_then(|entry| entry.value.as_deref());
        let (Some(stored), Some(ttl)) = (entry, ttl) else {
            return Ok(entry.map(read));
        };
        if expired(stored, &ttl, now_ms) {
            return Ok(None);
        }
        let (refreshed_ms, value) = unstamped(stored);
        let result = read(value);
        if ttl.refresh == TtlRefresh::OnReadAndWrite && refreshed_ms != now_ms {
            self.change(key, false, |stored, buffer| {
                buffer.extend_from_slice(stored.unwrap_or_default());
                (true, ())
            })?;
        }
        Ok(Some(result))
    }

    /// Changes the value of `key`: `change` is given the value so far, if there is one, and a buffer to
    /// which it appends the next.
    pub(crate) fn update<R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(Option<&[u8]>, &mut Vec<u8>) -> R,
    ) -> Result<R, StateError> {
        self.meter.reads += 1;
        self.meter.writes += 1;
        self.change(key, true, |value, buffer| (true, change(value, buffer)))
    }

    /// Sets the value of `key` to what `encode` appends, whatever it was.
    pub(crate) fn put(
        &mut self,
        key: &[u8],
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), StateError> {
        self.meter.writes += 1;
        self.overwrite(key, |buffer| {
            encode(buffer);
            true
        })
    }

    /// Removes `key`.
    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<(), StateError> {
        self.meter.writes += 1;
        self.overwrite(key, |_| false)
    }

    fn overwrite(
        &mut self,
        key: &[u8],
        encode: impl FnOnce(&mut Vec<u8>) -> bool,
    ) -> Result<(), StateError> {
        if !self.overlay.contains(key) {
            // What the database says does not matter any more.
            self.relieve()?;
            self.overlay.assume(key, None);
        }
        self.change(key, false, |_, buffer| (encode(buffer), ()))
    }

    /// Replaces the value of `key`, which is looked up if it is not known. `change` is given the value
    /// without its stamp, and says whether what it appends is one. `asked`: the value so far matters.
    fn change<R>(
        &mut self,
        key: &[u8],
        asked: bool,
        change: impl FnOnce(Option<&[u8]>, &mut Vec<u8>) -> (bool, R),
    ) -> Result<R, StateError> {
        let Column { ttl, scanned, .. } = self.columns[split(key).0];
        let now_ms = self.clock.now_ms();
        let change = |stored: Option<&[u8]>, buffer: &mut Vec<u8>| {
            let value = match ttl {
                None => stored,
                Some(ttl) => {
                    buffer.extend_from_slice(&now_ms.to_le_bytes());
                    let lives = |stored: &&[u8]| !expired(stored, &ttl, now_ms);
                    stored.filter(lives).map(|stored| &stored[STAMP..])
                }
            };
            change(value, buffer)
        };
        let buffer = &mut self.buffer;
        let overlay = &mut self.overlay;
        match overlay.change_known(key, scanned, asked, buffer, change) {
            Ok(result) => Ok(result),
            Err(change) => {
                self.make_known(key)?;
                let (overlay, buffer) = (&mut self.overlay, &mut self.buffer);
                let changed = overlay.change_known(key, scanned, asked, buffer, change);
                Ok(changed.ok().expect("known by now"))
            }
        }
    }

    /// Lets the overlay learn a key that it does not know.
    fn make_known(&mut self, key: &[u8]) -> Result<(), StateError> {
        self.relieve()?;
        let began = self.stopwatch.single_begins();
        let (column, in_column) = split(key);
        let database = Arc::clone(self.database());
        let found = database
            .db
            .get_pinned_cf(database.column(column), in_column);
        let found = found.map_err(|error| self.failed(column, error))?;
        let spent = self.stopwatch.ends(began);
        self.meter.has_read(1, spent);
        self.overlay.learn(key, found.as_deref());
        Ok(())
    }

    /// Whether `key` can be touched without asking the database.
    pub(crate) fn knows(&self, key: &[u8]) -> bool {
        self.overlay.contains(key)
    }

    /// Looks up what a run is about to touch, in groups; stops where memory does not allow more.
    pub(crate) fn prefetch(&mut self, mut keys: Vec<FullKey>) -> Result<(), StateError> {
        keys.sort_unstable();
        keys.dedup();
        for group in keys.chunks(GROUP) {
            if self.overlay.is_overfull() {
                return Ok(());
            }
            self.look_up(group)?;
        }
        Ok(())
    }

    /// Looks up sorted keys of one column.
    fn look_up(&mut self, keys: &[Vec<u8>]) -> Result<(), StateError> {
        let Some(first) = keys.first() else {
            return Ok(());
        };
        let began = self.stopwatch.group_begins();
        let column = split(first).0;
        let database = Arc::clone(self.database());
        let in_column = keys.iter().map(|key| split(key).1);
        let found = database
            .db
            .batched_multi_get_cf(database.column(column), in_column, true);
        for (key, found) in keys.iter().zip(found) {
            let found = found.map_err(|error| self.failed(column, error))?;
            self.overlay.learn(key, found.as_deref());
        }
        let spent = self.stopwatch.ends(began);
        self.meter.has_read(keys.len(), spent);
        Ok(())
    }

    /// Writes changes together.
    fn write(&mut self, changes: Vec<Change>) -> Result<(), StateError> {
        if changes.is_empty() {
            return Ok(());
        }
        let began = self.stopwatch.group_begins();
        let database = Arc::clone(self.database());
        let mut batch = WriteBatch::default();
        for (key, value) in &changes {
            let (column, in_column) = split(key);
            let family = database.column(column);
            match value {
                Some(value) => batch.put_cf(family, in_column, value),
                None => batch.delete_cf(family, in_column),
            }
        }
        let written = database.db.write_opt(batch, &self.write_options);
        written.map_err(|error| self.failed(split(&changes[0].0).0, error))?;
        let spent = self.stopwatch.ends(began);
        self.meter.has_written(changes.len(), spent);
        Ok(())
    }

    /// Makes room if a single run takes more memory than it may.
    fn relieve(&mut self) -> Result<(), StateError> {
        if self.overlay.is_overfull() {
            let changes = self.overlay.shrink();
            self.write(changes)?;
        }
        Ok(())
    }

    /// What stands under `prefix` (column, key group and key) is about to be gone through: the
    /// database has to know of it.
    pub(crate) fn begin_scan(&mut self, prefix: &[u8]) -> Result<(), StateError> {
        self.meter.reads += 1;
        let changes = self.overlay.take_changes_under(prefix);
        self.write(changes)
    }

    /// Fills a page with what stands under `prefix` from the key `from` on.
    pub(crate) fn read_page(
        &mut self,
        prefix: &[u8],
        from: &[u8],
        page: &mut Page,
    ) -> Result<(), StateError> {
        let (column, in_column) = split(prefix);
        let (ttl, now_ms) = (self.columns[column].ttl, self.clock.now_ms());
        let began = self.stopwatch.single_begins();
        let database = Arc::clone(self.database());
        let mut options = ReadOptions::default();
        // Whoever goes through a whole state does not come back for its first blocks.
        options.fill_cache(!in_column.is_empty());
        options.set_iterate_range(rocksdb::PrefixRange(in_column));
        let family = database.column(column);
        let mut iterator = database.db.raw_iterator_cf_opt(family, options);
        iterator.seek(split(from).1);
        while let Some((key, stored)) = iterator.item()
            && !page.is_full()
        {
            if let Some(value) = living(stored, ttl.as_ref(), now_ms) {
                page.push(&key[in_column.len()..], value);
            }
            iterator.next();
        }
        if !iterator.valid() {
            page.set_last();
        }
        let ended = iterator.status();
        ended.map_err(|error| self.failed(column, error))?;
        let spent = self.stopwatch.ends(began);
        self.meter.has_read(1, spent);
        Ok(())
    }

    /// Entries under `prefix` have been read: suffixes and values.
    pub(crate) fn have_been_read<'a>(
        &mut self,
        prefix: &[u8],
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), StateError> {
        let ttl = self.columns[split(prefix).0].ttl;
        if ttl.is_none_or(|ttl| ttl.refresh == TtlRefresh::OnWrite) {
            return Ok(());
        }
        let mut key = prefix.to_vec();
        for (suffix, value) in entries {
            key.truncate(prefix.len());
            key.extend_from_slice(suffix);
            self.overwrite(&key, |buffer| {
                buffer.extend_from_slice(value);
                true
            })?;
        }
        Ok(())
    }

    /// Removes everything under `prefix`.
    pub(crate) fn delete_all(&mut self, prefix: &[u8]) -> Result<(), StateError> {
        self.begin_scan(prefix)?;
        let (mut page, mut key) = (Page::first(), prefix.to_vec());
        loop {
            self.read_page(prefix, &key, &mut page)?;
            for (suffix, _) in page.entries() {
                key.truncate(prefix.len());
                key.extend_from_slice(suffix);
                self.delete(&key)?;
            }
            if page.is_last() {
                return Ok(());
            }
            page.turn(&mut key);
        }
    }

    /// What the configuration allows to be written in the background, in bytes per second.
    pub(crate) fn configured_rate_per_s(&self) -> Option<u64> {
        self.shared.config.rate_limit_per_s
    }

    /// The costs so far.
    pub(crate) fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    /// Once all states of all subtasks are open: how much may stay in memory.
    fn claim_memory(&mut self) {
        self.overlay.set_capacity(self.shared.write_back_share());
    }

    /// Tells those who watch what it has come to.
    pub(crate) fn tell(&self) {
        let (hits, misses) = self.overlay.hits_and_misses();
        let cache = WriteBackSnapshot {
            hits,
            misses,
            bytes: self.overlay.bytes() as u64,
            capacity: self.overlay.capacity() as u64,
        };
        self.probe.tell(self.meter, cache);
    }

    /// Writes all changes.
    pub(crate) fn flush(&mut self) -> Result<(), StateError> {
        let changes = self.overlay.take_changes();
        self.write(changes)
    }

    /// The end of a run of rows: what may not stay in memory is written.
    pub(crate) fn end_run(&mut self) -> Result<(), StateError> {
        self.claim_memory();
        self.overlay.next_run();
        let changes = self.overlay.shrink();
        self.write(changes)
    }
}

impl Drop for Store {
    /// Whoever waits for the job's end finds its databases closed.
    fn drop(&mut self) {
        if let Some(database) = self.database.take() {
            self.probe.close(database);
        }
    }
}
