//! A store as others see it while its subtask works: what it has counted, and what its database says
//! of itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rocksdb::properties as property;
use rocksdb::statistics::Ticker;

use super::calls::UnbookedCalls;
use super::database::Database;
use super::meter::Meter;
use super::shared::SharedResources;
use crate::state::snapshot::{RocksDbSnapshot, StateSnapshot, WriteBackSnapshot};

/// A store as others see it.
pub(crate) struct RocksDbProbe {
    shared: Arc<SharedResources>,
    pub(crate) calls: UnbookedCalls,
    seen: Mutex<Seen>,
    /// Held while a database is asked about itself, which may have to wait for its compactions: it is
    /// not closed meanwhile.
    asking: Mutex<()>,
    throttle: Mutex<Option<Throttle>>,
    throttles: AtomicU64,
}

#[derive(Default)]
struct Seen {
    told: Told,
    database: Option<Arc<Database>>,
}

/// What was last told.
#[derive(Clone, Copy, Default)]
struct Told {
    meter: Meter,
    cache: WriteBackSnapshot,
    /// What the database said last, once it was closed: entries, and the rest.
    closed: Option<(u64, RocksDbSnapshot)>,
}

/// A slower disk, until a moment of job time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Throttle {
    pub(crate) rate_per_s: u64,
    pub(crate) until_ns: u64,
}

impl RocksDbProbe {
    pub(crate) fn new(shared: Arc<SharedResources>, calls: UnbookedCalls) -> Self {
        RocksDbProbe {
            shared,
            calls,
            seen: Mutex::default(),
            asking: Mutex::default(),
            throttle: Mutex::default(),
            throttles: AtomicU64::new(0),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_database(&self, database: Option<Arc<Database>>) {
        self.seen().database = database;
    }

    /// Takes the last hold on a database but the caller's, so that dropping that one closes it.
    pub(crate) fn close(&self, database: Arc<Database>) {
        let _asking = self.asking();
        let told = self.seen().told;
        let last = self.ask(&database, &told);
        let mut seen = self.seen();
        seen.told.closed = Some(last);
        seen.database = None;
    }

    fn asking(&self) -> MutexGuard<'_, ()> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, meter: Meter, cache: WriteBackSnapshot) {
        let mut seen = self.seen();
        seen.told.meter = meter;
        seen.told.cache = cache;
    }

    /// The rate at which files of the size of a write buffer are written if each costs `sync` beside
    /// `rate_per_s`: RocksDB has no place where a cost per file could be put.
    pub(crate) fn rate_with_sync(&self, rate_per_s: u64, sync: Duration) -> u64 {
        let file = self.shared.config.write_buffer_size as f64;
        let file_s = file / rate_per_s as f64 + sync.as_secs_f64();
        ((file / file_s) as u64).max(1)
    }

    /// Orders a slower disk.
    pub(crate) fn order_throttle(&self, throttle: Throttle) {
        *self.throttle.lock().unwrap_or_else(PoisonError::into_inner) = Some(throttle);
        self.throttles.fetch_add(1, Relaxed);
    }

    /// An order that came after the first `known`.
    pub(crate) fn ordered_throttle(&self, known: &mut u64) -> Option<Throttle> {
        let orders = self.throttles.load(Relaxed);
        if orders == std::mem::replace(known, orders) {
            return None;
        }
        *self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what there is to a snapshot.
    pub(crate) fn read(&self, into: &mut StateSnapshot) {
        let _asking = self.asking();
        let (told, database) = {
            let seen = self.seen();
            (seen.told, seen.database.clone())
        };
        let meter = told.meter;
        into.reads = meter.reads;
        into.writes = meter.writes;
        into.read_samples = meter.read_samples;
        into.read_ns = meter.read_ns;
        into.write_samples = meter.write_samples;
        into.write_ns = meter.write_ns;
        into.cache = (self.shared.config.write_back_cache > 0).then_some(told.cache);
        // While it is closed, what it said last still stands.
        let known = database.map(|database| self.ask(&database, &told));
        let Some((entries, rocksdb)) = known.or(told.closed) else {
            return;
        };
        into.entries = entries;
        into.bytes = rocksdb.file_bytes + rocksdb.memtable_bytes;
        into.rocksdb = Some(rocksdb);
    }

    /// Entries of a database and everything else about it.
    fn ask(&self, database: &Database, told: &Told) -> (u64, RocksDbSnapshot) {
        let entries = database.sum(property::ESTIMATE_NUM_KEYS);
        (entries, self.rocksdb(database, told))
    }

    fn rocksdb(&self, database: &Database, told: &Told) -> RocksDbSnapshot {
        let stops_before = told.closed.map_or(0, |(_, closed)| closed.write_stops);
        let whole = |name| {
            let value = database.db.property_int_value(name);
            value.ok().flatten().unwrap_or(0)
        };
        let narrow = |value| u32::try_from(value).unwrap_or(u32::MAX);
        let shared = &self.shared;
        RocksDbSnapshot {
            block_cache_hits: told.meter.block_cache_hits,
            block_reads: told.meter.block_reads,
            block_read_bytes: told.meter.block_read_bytes,
            data_misses: database.ticker(Ticker::BlockCacheDataMiss),
            index_misses: database.ticker(Ticker::BlockCacheIndexMiss),
            filter_misses: database.ticker(Ticker::BlockCacheFilterMiss),
            flushed_bytes: database.ticker(Ticker::FlushWriteBytes),
            compaction_read_bytes: database.ticker(Ticker::CompactReadBytes),
            compacted_bytes: database.ticker(Ticker::CompactWriteBytes),
            stall_ns: database.ticker(Ticker::StallMicros) * 1_000,
            write_stops: stops_before + database.write_stops(),
            block_cache_bytes: shared.block_cache.get_usage() as u64,
            block_cache_pinned_bytes: shared.block_cache.get_pinned_usage() as u64,
            block_cache_capacity: shared.config.memory.block_cache(),
            memory_budget: shared.config.memory.budget(),
            memtable_bytes: database.sum(property::CUR_SIZE_ALL_MEM_TABLES),
            write_buffer_capacity: shared
                .config
                .write_buffers_of_a_state()
                .saturating_mul(database.states() as u64),
            file_bytes: database.sum(property::LIVE_SST_FILES_SIZE),
            pending_compaction_bytes: database.sum(property::ESTIMATE_PENDING_COMPACTION_BYTES),
            delayed_write_rate: whole(property::ACTUAL_DELAYED_WRITE_RATE),
            running_compactions: narrow(whole(property::NUM_RUNNING_COMPACTIONS)),
            running_flushes: narrow(whole(property::NUM_RUNNING_FLUSHES)),
            write_stopped: whole(property::IS_WRITE_STOPPED) > 0,
            level_files: std::array::from_fn(|level| database.files_at(level)),
        }
    }
}
