//! RocksDB's options between a scenario's table and the engine's configuration.

use std::env;

use engine::{Compression, Profile, RocksDbConfig, RocksDbMemory, TimerStore};
use serde::{Deserialize, Serialize};

use crate::spec::{Size, SpecError};

/// Share of managed memory for write buffers, Flink's default.
const WRITE_BUFFER_RATIO: f64 = 0.5;
/// Flink's default, where there is a bloom filter.
const BLOOM_BITS_PER_KEY: f64 = 10.0;

const PROFILES: [(&str, Profile); 4] = [
    ("default", Profile::Default),
    ("spinning-disk", Profile::SpinningDisk),
    ("spinning-disk-high-memory", Profile::SpinningDiskHighMemory),
    ("flash", Profile::Flash),
];
const COMPRESSIONS: [(&str, Compression); 4] = [
    ("none", Compression::None),
    ("snappy", Compression::Snappy),
    ("lz4", Compression::Lz4),
    ("zstd", Compression::Zstd),
];
const TIMER_STORES: [(&str, TimerStore); 2] =
    [("heap", TimerStore::Heap), ("rocksdb", TimerStore::RocksDb)];

/// RocksDB as a scenario asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct RocksDbSpec {
    /// Where the options come from that the scenario left out.
    pub profile: Profile,
    /// All options.
    pub config: RocksDbConfig,
}

/// The table. Read, it holds what was given; written, every option.
#[derive(Serialize, Deserialize)]
pub(super) struct Options {
    profile: String,
    managed_memory: Option<Size>,
    write_buffer_ratio: Option<f64>,
    block_cache: Option<Size>,
    block_cache_shard_bits: Option<u32>,
    block_size: Option<Size>,
    metadata_block_size: Option<Size>,
    cache_index_and_filter_blocks: Option<bool>,
    partitioned_index_filters: Option<bool>,
    bloom_filter: Option<bool>,
    bloom_bits_per_key: Option<f64>,
    write_buffer_size: Option<Size>,
    write_buffer_count: Option<u32>,
    write_buffers_to_merge: Option<u32>,
    level_base: Option<Size>,
    target_file_size: Option<Size>,
    dynamic_level_size: Option<bool>,
    background_threads: Option<u32>,
    /// -1: no limit.
    max_open_files: Option<i32>,
    compression: Option<String>,
    rate_limit_per_s: Option<Size>,
    write_back_cache: Option<Size>,
    timers: Option<String>,
    directory: Option<String>,
}

impl Options {
    /// The profile's options with those that were given in their place.
    ///
    /// # Errors
    /// Options that contradict each other, by their names in the table.
    pub(super) fn complete(self) -> Result<RocksDbSpec, SpecError> {
        let profile = named(&PROFILES, Some(&self.profile), Profile::Default);
        let directory = self
            .directory
            .as_ref()
            .map_or_else(env::temp_dir, Into::into);
        let default = RocksDbConfig::of_profile(profile, directory);
        let memory = self.memory(&default.memory)?;
        let config = RocksDbConfig {
            memory,
            block_size: bytes(self.block_size, default.block_size),
            metadata_block_size: bytes(self.metadata_block_size, default.metadata_block_size),
            cache_index_and_filter_blocks: self
                .cached_metadata(&memory, default.cache_index_and_filter_blocks)?,
            partitioned_index_filters: self
                .partitioned_index_filters
                .unwrap_or(default.partitioned_index_filters),
            bloom_bits_per_key: self.bloom_bits(default.bloom_bits_per_key)?,
            write_buffer_size: bytes(self.write_buffer_size, default.write_buffer_size),
            write_buffer_count: self
                .write_buffer_count
                .unwrap_or(default.write_buffer_count),
            write_buffers_to_merge: self
                .write_buffers_to_merge
                .unwrap_or(default.write_buffers_to_merge),
            level_base: bytes(self.level_base, default.level_base),
            target_file_size: bytes(self.target_file_size, default.target_file_size),
            dynamic_level_size: self
                .dynamic_level_size
                .unwrap_or(default.dynamic_level_size),
            background_threads: self
                .background_threads
                .unwrap_or(default.background_threads),
            max_open_files: self.open_files(default.max_open_files)?,
            compression: named(
                &COMPRESSIONS,
                self.compression.as_deref(),
                default.compression,
            ),
            rate_limit_per_s: self
                .rate_limit_per_s
                .map(|rate| rate.0)
                .or(default.rate_limit_per_s),
            write_back_cache: bytes(self.write_back_cache, default.write_back_cache),
            timers: named(&TIMER_STORES, self.timers.as_deref(), default.timers),
            ..default
        };
        config
            .check()
            .map_err(|error| refused(error.option, error.reason))?;
        Ok(RocksDbSpec { profile, config })
    }

    fn memory(&self, default: &RocksDbMemory) -> Result<RocksDbMemory, SpecError> {
        let shard_bits = self.block_cache_shard_bits;
        let Some(Size(budget)) = self.managed_memory else {
            if let Some(ratio) = self.write_buffer_ratio {
                let reason =
                    format!("found {ratio}; it is a share of managed_memory, which is not given");
                return Err(refused("write_buffer_ratio", reason));
            }
            let block_cache = bytes(self.block_cache, default.block_cache());
            return Ok(RocksDbMemory::Unmanaged {
                block_cache,
                shard_bits,
            });
        };
        if let Some(block_cache) = self.block_cache {
            let reason = format!(
                "found \"{block_cache}\" beside managed_memory, of which the block cache is a part; give one of them"
            );
            return Err(refused("block_cache", reason));
        }
        Ok(RocksDbMemory::Managed {
            budget,
            write_buffer_ratio: self.write_buffer_ratio.unwrap_or(WRITE_BUFFER_RATIO),
            shard_bits,
        })
    }

    fn cached_metadata(&self, memory: &RocksDbMemory, default: bool) -> Result<bool, SpecError> {
        match (memory, self.cache_index_and_filter_blocks) {
            (RocksDbMemory::Unmanaged { .. }, given) => Ok(given.unwrap_or(default)),
            (RocksDbMemory::Managed { .. }, None | Some(true)) => Ok(true),
            (RocksDbMemory::Managed { .. }, Some(false)) => Err(refused(
                "cache_index_and_filter_blocks",
                "found false; beside the block cache they would be outside of managed_memory",
            )),
        }
    }

    fn open_files(&self, default: Option<u32>) -> Result<Option<u32>, SpecError> {
        match self.max_open_files {
            None => Ok(default),
            Some(0) => Err(refused("max_open_files", "found 0; no limit is -1")),
            // The one negative number that is allowed.
            Some(files) => Ok(u32::try_from(files).ok()),
        }
    }

    fn bloom_bits(&self, default: Option<f64>) -> Result<Option<f64>, SpecError> {
        match (self.bloom_filter, self.bloom_bits_per_key) {
            (None, None) => Ok(default),
            (Some(false), None) => Ok(None),
            (Some(true), bits) => Ok(Some(bits.or(default).unwrap_or(BLOOM_BITS_PER_KEY))),
            (None, Some(bits)) if default.is_some() => Ok(Some(bits)),
            (None | Some(false), Some(bits)) => {
                let reason =
                    format!("found {bits} without a bloom filter; add bloom_filter = true");
                Err(refused("bloom_bits_per_key", reason))
            }
        }
    }
}

impl From<&RocksDbSpec> for Options {
    fn from(spec: &RocksDbSpec) -> Options {
        let RocksDbSpec { profile, config } = spec.clone();
        let size = |bytes| Some(Size(bytes));
        let (block_cache, managed_memory, write_buffer_ratio, shard_bits) = match config.memory {
            RocksDbMemory::Unmanaged {
                block_cache,
                shard_bits,
            } => (size(block_cache), None, None, shard_bits),
            RocksDbMemory::Managed {
                budget,
                write_buffer_ratio,
                shard_bits,
            } => (None, size(budget), Some(write_buffer_ratio), shard_bits),
        };
        Options {
            profile: name_of(&PROFILES, profile),
            managed_memory,
            write_buffer_ratio,
            block_cache,
            block_cache_shard_bits: shard_bits,
            block_size: size(config.block_size),
            metadata_block_size: size(config.metadata_block_size),
            cache_index_and_filter_blocks: Some(config.cache_index_and_filter_blocks),
            partitioned_index_filters: Some(config.partitioned_index_filters),
            bloom_filter: Some(config.bloom_bits_per_key.is_some()),
            bloom_bits_per_key: config.bloom_bits_per_key,
            write_buffer_size: size(config.write_buffer_size),
            write_buffer_count: Some(config.write_buffer_count),
            write_buffers_to_merge: Some(config.write_buffers_to_merge),
            level_base: size(config.level_base),
            target_file_size: size(config.target_file_size),
            dynamic_level_size: Some(config.dynamic_level_size),
            background_threads: Some(config.background_threads),
            max_open_files: Some(
                config
                    .max_open_files
                    .map_or(-1, |files| i32::try_from(files).unwrap_or(i32::MAX)),
            ),
            compression: Some(name_of(&COMPRESSIONS, config.compression)),
            rate_limit_per_s: config.rate_limit_per_s.map(Size),
            write_back_cache: size(config.write_back_cache),
            timers: Some(name_of(&TIMER_STORES, config.timers)),
            // Only the machine's own temporary folder can have another name than text, and is found again.
            directory: config.directory.to_str().map(str::to_owned),
        }
    }
}

fn bytes(given: Option<Size>, default: u64) -> u64 {
    given.map_or(default, |size| size.0)
}

/// The value of a word that the declaration allows.
fn named<T: Copy>(words: &[(&str, T)], word: Option<&str>, default: T) -> T {
    words
        .iter()
        .find(|(known, _)| Some(*known) == word)
        .map_or(default, |(_, value)| *value)
}

fn name_of<T: PartialEq>(words: &[(&str, T)], value: T) -> String {
    words
        .iter()
        .find(|(_, known)| *known == value)
        .map_or_else(String::new, |(word, _)| (*word).to_owned())
}

fn refused(option: &str, reason: impl Into<String>) -> SpecError {
    SpecError::new(format!("state.{option}"), reason)
}
