//! A bare loop: get, add one, put.

use rocksdb::{BlockBasedOptions, Cache, DB, DBCompressionType, Options, WriteOptions};

use super::config;
use crate::embedded::Digest;
use crate::input::Input;
use crate::lap::{Lap, Run};
use crate::running_count::Count;
use engine::{RocksDbConfig, RocksDbMemory};

pub fn run(input: &Input, _parallelism: usize) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let database = DB::open(&options(&config(folder.path(), 0)), folder.path())?;
    let mut without_log = WriteOptions::default();
    without_log.disable_wal(true);
    let lap = Lap::new();
    lap.begin();
    let mut digest = 0u64;
    for &key in input.keys.iter() {
        let bytes = key.to_le_bytes();
        let stored = database.get_pinned(bytes)?;
        let before = stored
            .as_deref()
            .map_or(Ok(0), |stored| stored.try_into().map(u64::from_le_bytes))?;
        let count = before + 1;
        database.put_opt(bytes, count.to_le_bytes(), &without_log)?;
        digest = digest.wrapping_add(Count { key, count }.digest());
    }
    lap.end(digest);
    Ok(lap.run())
}

/// What the engine opens its databases with, but for its statistics, which it needs and this does not.
fn options(config: &RocksDbConfig) -> Options {
    let mut table = BlockBasedOptions::default();
    if let RocksDbMemory::Unmanaged { block_cache, .. } = config.memory {
        table.set_block_cache(&Cache::new_lru_cache(block_cache as usize));
    }
    table.set_block_size(config.block_size as usize);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&table);
    options.set_max_background_jobs(config.background_threads as i32);
    options.set_write_buffer_size(config.write_buffer_size as usize);
    options.set_max_write_buffer_number(config.write_buffer_count as i32);
    options.set_max_bytes_for_level_base(config.level_base);
    options.set_target_file_size_base(config.target_file_size);
    options.set_level_compaction_dynamic_level_bytes(config.dynamic_level_size);
    options.set_compression_type(DBCompressionType::Snappy);
    options
}
