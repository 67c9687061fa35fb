//! One database: how it is opened, and what can be read of it while it is used.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rocksdb::checkpoint::Checkpoint;
use rocksdb::statistics::{StatsLevel, Ticker};
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, ColumnFamily, ColumnFamilyDescriptor, DB,
    DBCompressionType, DBRawIteratorWithThreadMode, FlushOptions, Options, ReadOptions, properties,
};

use rocksdb::compaction_filter::Decision;

use super::config::{Compression, RocksDbConfig};
use super::shared::{SharedResources, size};
use crate::operator::OperatorError;
use crate::state::clock::RunClock;
use crate::state::ttl::{Ttl, expired};

/// RocksDB refills a rate limiter this often, in microseconds: its own default.
const REFILL_US: i64 = 100_000;
/// How much more often flushes are served than compactions: RocksDB's own default.
const FAIRNESS: i32 = 10;

/// Files of a database of a checkpoint that are open at a time.
const OLD_OPEN_FILES: i32 = 64;
/// Bytes of such a database that are read at once.
const READ_AHEAD_BYTES: usize = 1 << 20;

/// One state: a column family.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ttl: Option<Ttl>,
    /// Whether entries of a key are asked for together: then changes are kept in order, too.
    pub(crate) scanned: bool,
    pub(crate) merging: Merging,
}

/// What becomes of a state's entries when those of several databases are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merging {
    /// They stay as they are: no two databases have the same key.
    Unchanged,
    /// Their values are numbers, highest byte first, which have to stay different: those of each
    /// database follow those of the ones before.
    Renumbered,
    /// They do not come along: whoever owns them makes them anew.
    LeftOut,
}

/// An open database with its statistics.
pub(crate) struct Database {
    pub(crate) db: DB,
    options: Options,
    columns: Vec<Column>,
    /// Holds the folder, which must not go before the database is closed: what it cannot flush then
    /// makes it wait for a second.
    _shared: Arc<SharedResources>,
    /// It will be opened again.
    is_kept: AtomicBool,
}

impl Drop for Database {
    /// RocksDB would write all its write buffers when it is closed, at whatever rate it may. Nobody
    /// will read them, unless it is opened again.
    fn drop(&mut self) {
        if self.is_kept.load(Relaxed) {
            return;
        }
        for column in &self.columns {
            // If it cannot be dropped it is flushed: that takes longer, and does no harm.
            let _ = self.db.drop_cf(&column.name);
        }
    }
}

impl Database {
    /// Opens the database in `path`, which is made if there is none. Databases opened with the same
    /// `options` go on counting where the one before ended.
    pub(crate) fn open(
        path: &Path,
        columns: &[Column],
        shared: &Arc<SharedResources>,
        clock: &RunClock,
        options: Options,
    ) -> Result<Arc<Self>, rocksdb::Error> {
        let families = columns.iter().map(|column| {
            let options = column_options(shared, column, clock);
            ColumnFamilyDescriptor::new(&column.name, options)
        });
        Ok(Arc::new(Database {
            db: DB::open_cf_descriptors(&options, path, families)?,
            options,
            columns: columns.to_vec(),
            _shared: Arc::clone(shared),
            is_kept: AtomicBool::new(false),
        }))
    }

    pub(crate) fn column(&self, index: usize) -> &ColumnFamily {
        let name = &self.columns[index].name;
        self.db.cf_handle(name).expect("opened with the database")
    }

    /// How many states it holds.
    pub(crate) fn states(&self) -> usize {
        self.columns.len()
    }

    fn all(&self) -> impl Iterator<Item = &ColumnFamily> {
        (0..self.columns.len()).map(|index| self.column(index))
    }

    /// Writes what is in write buffers to files, of all states: RocksDB's own flush knows only the
    /// default column family, which holds nothing here.
    pub(crate) fn flush(&self) -> Result<(), rocksdb::Error> {
        let mut begin = FlushOptions::default();
        begin.set_wait(false);
        let flush = |options| {
            self.all()
                .try_for_each(|it| self.db.flush_cf_opt(it, options))
        };
        // All are begun before any is waited for, so that they are written side by side.
        flush(&begin)?;
        flush(&FlushOptions::default())
    }

    /// It will be opened again: what has been written to files stays.
    pub(crate) fn keep(&self) {
        self.is_kept.store(true, Relaxed);
    }

    /// Links the files as they are now into `folder`, an empty one, with what else is needed to open
    /// them. Nothing is flushed.
    pub(crate) fn link_into(&self, folder: &Path) -> Result<(), OperatorError> {
        // RocksDB wants to make the folder.
        fs::remove_dir(folder)?;
        // It flushes first if this is larger than its log, and there is none: without it, always.
        let never_flush = u64::MAX;
        Checkpoint::new(&self.db)?.create_checkpoint_with_log_size(folder, never_flush)?;
        Ok(())
    }

    pub(crate) fn ticker(&self, ticker: Ticker) -> u64 {
        self.options.get_ticker_count(ticker)
    }

    /// A property, added up over all states; 0 where it cannot be read.
    pub(crate) fn sum(&self, property: &properties::PropName) -> u64 {
        let read = |column| self.db.property_int_value_cf(column, property);
        self.all()
            .filter_map(|column| read(column).ok().flatten())
            .sum()
    }

    /// Files on a level.
    pub(crate) fn files_at(&self, level: usize) -> u32 {
        let property = properties::num_files_at_level(level);
        let read = |column| self.db.property_value_cf(column, &property);
        let texts = self.all().filter_map(|column| read(column).ok().flatten());
        texts.filter_map(|text| text.parse::<u32>().ok()).sum()
    }

    /// How often writes were stopped.
    pub(crate) fn write_stops(&self) -> u64 {
        let read = |column| {
            self.db
                .property_value_cf(column, c"rocksdb.cf-write-stall-stats")
        };
        let texts = self.all().filter_map(|column| read(column).ok().flatten());
        texts.filter_map(|text| total_stops(&text)).sum()
    }
}

/// A database of a checkpoint, to be read once.
pub(crate) struct OldDatabase(DB);

impl OldDatabase {
    /// Opens the database in `folder`, which it may write to all the same.
    pub(crate) fn open(folder: &Path) -> Result<Self, rocksdb::Error> {
        let mut options = Options::default();
        options.set_keep_log_file_num(1);
        options.set_stats_dump_period_sec(0);
        options.set_max_open_files(OLD_OPEN_FILES);
        let names = DB::list_cf(&options, folder)?;
        let families = names
            .iter()
            .map(|name| ColumnFamilyDescriptor::new(name, Options::default()));
        let database = DB::open_cf_descriptors_read_only(&options, folder, families, false)?;
        Ok(OldDatabase(database))
    }

    /// The entries of a state that belong to a range of key groups; `None` if there is no such state.
    pub(crate) fn entries(
        &self,
        state: &str,
        groups: &Range<usize>,
    ) -> Option<DBRawIteratorWithThreadMode<'_, DB>> {
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        options.set_readahead_size(READ_AHEAD_BYTES);
        // A job has fewer groups than fit in two bytes; the last may be the last of these.
        if let Ok(end) = u16::try_from(groups.end) {
            options.set_iterate_upper_bound(end.to_be_bytes());
        }
        let family = self.0.cf_handle(state)?;
        let mut entries = self.0.raw_iterator_cf_opt(family, options);
        entries.seek((groups.start as u16).to_be_bytes());
        Some(entries)
    }
}

/// RocksDB writes the property as lines of `name: value`.
fn total_stops(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains("total-stops"))?;
    line.rsplit([':', ' '])
        .find_map(|word| word.trim().parse().ok())
}

/// Options of a database, with statistics of its own.
pub(crate) fn database_options(shared: &SharedResources) -> Options {
    let config = &shared.config;
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_max_background_jobs(i32_of(config.background_threads));
    options.set_max_open_files(config.max_open_files.map_or(-1, i32_of));
    options.set_use_fsync(false);
    options.set_stats_dump_period_sec(0);
    options.set_keep_log_file_num(1);
    options.enable_statistics();
    options.set_statistics_level(StatsLevel::ExceptHistogramOrTimers);
    if let Some(manager) = &shared.write_buffers {
        options.set_write_buffer_manager(manager);
    }
    limit_rate(&mut options, config.rate_limit_per_s);
    options
}

/// Limits what flushes and compactions may write, in bytes per second.
pub(crate) fn limit_rate(options: &mut Options, rate_per_s: Option<u64>) {
    if let Some(rate) = rate_per_s {
        let rate = i64::try_from(rate).unwrap_or(i64::MAX);
        options.set_ratelimiter(rate, REFILL_US, FAIRNESS);
    }
}

fn column_options(shared: &SharedResources, column: &Column, clock: &RunClock) -> Options {
    let config = &shared.config;
    let mut options = Options::default();
    options.set_block_based_table_factory(&table_options(shared));
    options.set_write_buffer_size(size(config.write_buffer_size));
    options.set_max_write_buffer_number(i32_of(config.write_buffer_count));
    options.set_min_write_buffer_number_to_merge(i32_of(config.write_buffers_to_merge));
    options.set_arena_block_size(size(config.arena_block_size()));
    options.set_max_bytes_for_level_base(config.level_base);
    options.set_target_file_size_base(config.target_file_size);
    options.set_level_compaction_dynamic_level_bytes(config.dynamic_level_size);
    options.set_compression_type(match config.compression {
        Compression::None => DBCompressionType::None,
        Compression::Snappy => DBCompressionType::Snappy,
        Compression::Lz4 => DBCompressionType::Lz4,
        Compression::Zstd => DBCompressionType::Zstd,
    });
    if let Some(ttl) = column.ttl {
        let clock = clock.clone();
        options.set_compaction_filter("expired", move |_level, _key, value| {
            match expired(value, &ttl, clock.now_ms()) {
                true => Decision::Remove,
                false => Decision::Keep,
            }
        });
    }
    options
}

fn table_options(shared: &SharedResources) -> BlockBasedOptions {
    let config: &RocksDbConfig = &shared.config;
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&shared.block_cache);
    table.set_block_size(size(config.block_size));
    table.set_metadata_block_size(size(config.metadata_block_size));
    if config.caches_index_and_filter_blocks() {
        table.set_cache_index_and_filter_blocks(true);
    }
    if config.memory.budget().is_some() {
        table.set_cache_index_and_filter_blocks_with_high_priority(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    }
    if let Some(bits) = config.bloom_bits_per_key {
        table.set_bloom_filter(bits, false);
    }
    if config.partitioned_index_filters {
        table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
        table.set_partition_filters(true);
        table.set_pin_top_level_index_and_filter(true);
    }
    table
}

fn i32_of(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
