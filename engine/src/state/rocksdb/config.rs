//! What can be set of RocksDB, under the names that users of Apache Flink know, and which
//! combinations make no sense.

use std::path::PathBuf;

/// RocksDB refuses more shards than this many bits can count.
const MAX_SHARD_BITS: u32 = 19;

/// How keyed state is kept in RocksDB. All sizes are bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct RocksDbConfig {
    /// Where the databases live, in a folder of the job's own that is removed at its end.
    pub directory: PathBuf,
    /// What block cache and write buffers may take.
    pub memory: RocksDbMemory,
    /// Size of a data block: what is read from disk, and cached, at once.
    pub block_size: u64,
    /// Size of a block of a partitioned index or filter.
    pub metadata_block_size: u64,
    /// Keep index and filter blocks in the block cache, where they compete with data, instead of in
    /// memory of their own, which grows with the files. Managed memory always does.
    pub cache_index_and_filter_blocks: bool,
    /// Cut index and filter of a file into blocks, so that only those that are needed are in memory.
    pub partitioned_index_filters: bool,
    /// Bits per key of a bloom filter, which saves reading files that do not hold a key. `None`: no
    /// filter.
    pub bloom_bits_per_key: Option<f64>,
    /// Size of one write buffer (memtable), per state and subtask.
    pub write_buffer_size: u64,
    /// Write buffers per state and subtask: one that is written to, the others waiting to be flushed.
    /// When all are full, writes stop.
    pub write_buffer_count: u32,
    /// Write buffers that are merged when they are flushed.
    pub write_buffers_to_merge: u32,
    /// Size of level 1; each further level may be ten times as large.
    pub level_base: u64,
    /// Size of a file of level 1.
    pub target_file_size: u64,
    /// Let RocksDB choose the sizes of the levels from the last one upwards.
    pub dynamic_level_size: bool,
    /// Flushes and compactions at a time, per database.
    pub background_threads: u32,
    /// Open files per database; `None`: as many as there are.
    pub max_open_files: Option<u32>,
    /// How blocks are compressed.
    pub compression: Compression,
    /// Bytes per second that flushes and compactions of one database may write. `None`: unlimited.
    pub rate_limit_per_s: Option<u64>,
    /// Memory of the write-back cache in front of all databases of the job, shared out evenly among
    /// the subtasks with state; 0: none, and every run of rows reads and writes RocksDB.
    pub write_back_cache: u64,
    /// Where timers are kept.
    pub timers: TimerStore,
}

/// What block cache and write buffers may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RocksDbMemory {
    /// One block cache for the whole job; write buffers come on top of it.
    Unmanaged {
        /// Size of the block cache.
        block_cache: u64,
        /// The block cache is cut into 2 to the power of this many parts; `None`: as many as RocksDB
        /// chooses by its size.
        shard_bits: Option<u32>,
    },
    /// One budget for block cache and write buffers of all states and subtasks of the job.
    Managed {
        /// The budget.
        budget: u64,
        /// Share of the budget that write buffers may take.
        write_buffer_ratio: f64,
        /// As for unmanaged memory.
        shard_bits: Option<u32>,
    },
}

impl RocksDbMemory {
    /// Size of the block cache.
    ///
    /// Of a budget this is `(3 - ratio) / 3`, and the write buffers are told two thirds of their
    /// share: they may overshoot what they are told by half before RocksDB acts on it, and are
    /// charged to the same cache. The formulas are Flink's (`RocksDBMemoryControllerUtils`).
    pub fn block_cache(&self) -> u64 {
        match *self {
            RocksDbMemory::Unmanaged { block_cache, .. } => block_cache,
            RocksDbMemory::Managed {
                budget,
                write_buffer_ratio,
                ..
            } => share(budget, (3.0 - write_buffer_ratio) / 3.0),
        }
    }

    /// What the write buffers of all states and subtasks are told to take together, if anything.
    pub fn write_buffers(&self) -> Option<u64> {
        match *self {
            RocksDbMemory::Unmanaged { .. } => None,
            RocksDbMemory::Managed {
                budget,
                write_buffer_ratio,
                ..
            } => Some(share(budget, 2.0 * write_buffer_ratio / 3.0)),
        }
    }

    /// The budget, if there is one.
    pub fn budget(&self) -> Option<u64> {
        match *self {
            RocksDbMemory::Unmanaged { .. } => None,
            RocksDbMemory::Managed { budget, .. } => Some(budget),
        }
    }

    pub(crate) fn shard_bits(&self) -> Option<u32> {
        match *self {
            RocksDbMemory::Unmanaged { shard_bits, .. }
            | RocksDbMemory::Managed { shard_bits, .. } => shard_bits,
        }
    }
}

fn share(bytes: u64, ratio: f64) -> u64 {
    (bytes as f64 * ratio) as u64
}

/// Where timers of keyed operators are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimerStore {
    /// In the process's memory: fast, and limited by it.
    Heap,
    /// With the rest of the state.
    #[default]
    RocksDb,
}

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// Sets of options for a kind of disk; names and values are those of Flink's `PredefinedOptions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Flink's defaults.
    Default,
    /// For spinning disks.
    SpinningDisk,
    /// For spinning disks, with more memory.
    SpinningDiskHighMemory,
    /// For flash.
    Flash,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

impl RocksDbConfig {
    /// The options that a profile stands for, with databases below `directory`.
    pub fn of_profile(profile: Profile, directory: impl Into<PathBuf>) -> Self {
        let plain = RocksDbConfig {
            directory: directory.into(),
            memory: RocksDbMemory::Unmanaged {
                block_cache: 8 * MIB,
                shard_bits: None,
            },
            block_size: 4 * KIB,
            metadata_block_size: 4 * KIB,
            cache_index_and_filter_blocks: false,
            partitioned_index_filters: false,
            bloom_bits_per_key: None,
            write_buffer_size: 64 * MIB,
            write_buffer_count: 2,
            write_buffers_to_merge: 1,
            level_base: 256 * MIB,
            target_file_size: 64 * MIB,
            dynamic_level_size: false,
            background_threads: 2,
            max_open_files: None,
            compression: Compression::Snappy,
            rate_limit_per_s: None,
            write_back_cache: 0,
            timers: TimerStore::default(),
        };
        let flash = RocksDbConfig {
            background_threads: 4,
            ..plain.clone()
        };
        let spinning = RocksDbConfig {
            dynamic_level_size: true,
            ..flash.clone()
        };
        match profile {
            Profile::Default => plain,
            Profile::SpinningDisk => spinning,
            Profile::Flash => flash,
            Profile::SpinningDiskHighMemory => RocksDbConfig {
                memory: RocksDbMemory::Unmanaged {
                    block_cache: 256 * MIB,
                    shard_bits: None,
                },
                block_size: 128 * KIB,
                bloom_bits_per_key: Some(10.0),
                write_buffer_count: 4,
                write_buffers_to_merge: 3,
                level_base: 1024 * MIB,
                target_file_size: 256 * MIB,
                ..spinning
            },
        }
    }

    /// Whether index and filter blocks are in the block cache.
    pub(crate) fn caches_index_and_filter_blocks(&self) -> bool {
        self.cache_index_and_filter_blocks || self.memory.budget().is_some()
    }

    /// Looks for options that contradict each other.
    ///
    /// # Errors
    /// The first option that cannot be as it is, and why.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_write_buffers()?;
        self.check_cache()?;
        let positive = [
            ("block_size", self.block_size),
            ("metadata_block_size", self.metadata_block_size),
            ("level_base", self.level_base),
            ("target_file_size", self.target_file_size),
            ("background_threads", u64::from(self.background_threads)),
            ("rate_limit_per_s", self.rate_limit_per_s.unwrap_or(1)),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((option, _)) => Err(refuse(option, "0; must be more")),
            None => Ok(()),
        }
    }

    fn check_write_buffers(&self) -> Result<(), ConfigError> {
        if self.write_buffer_size < 64 * KIB {
            let reason = format!(
                "{} bytes; RocksDB takes 64 KiB at least",
                self.write_buffer_size
            );
            return Err(refuse("write_buffer_size", reason));
        }
        if self.write_buffer_count < 2 {
            let reason = "below 2: while the only write buffer is flushed, nothing can be written";
            return Err(refuse("write_buffer_count", reason));
        }
        if self.write_buffers_to_merge < 1 || self.write_buffers_to_merge >= self.write_buffer_count
        {
            let reason = format!(
                "{} of write_buffer_count = {}; it must be 1 at least and smaller than their count: \
                 flushing would begin only when there is no buffer left to write to",
                self.write_buffers_to_merge, self.write_buffer_count
            );
            return Err(refuse("write_buffers_to_merge", reason));
        }
        Ok(())
    }

    fn check_cache(&self) -> Result<(), ConfigError> {
        if let RocksDbMemory::Managed {
            budget,
            write_buffer_ratio,
            ..
        } = self.memory
        {
            if !(write_buffer_ratio > 0.0 && write_buffer_ratio < 1.0) {
                let reason = format!("{write_buffer_ratio}; must be between 0 and 1");
                return Err(refuse("write_buffer_ratio", reason));
            }
            // RocksDB flushes for good when an arena's first block alone exceeds what the write
            // buffers may hold (seven eighths of what they are told).
            let mutable = self.memory.write_buffers().unwrap_or(0) / 8 * 7;
            if self.arena_block_size() > mutable {
                let reason = format!(
                    "{budget} bytes leave {mutable} for write buffers; one of write_buffer_size = {} \
                     begins with a block of {}, so RocksDB would flush without end",
                    self.write_buffer_size,
                    self.arena_block_size()
                );
                return Err(refuse("managed_memory", reason));
            }
        }
        let block_cache = self.memory.block_cache();
        match self.memory.shard_bits() {
            Some(bits) if bits > MAX_SHARD_BITS || (block_cache >> bits) < self.block_size => {
                let reason = format!(
                    "2^{bits} parts of a block cache of {block_cache} bytes hold less than one block \
                     of {} each",
                    self.block_size
                );
                Err(refuse("block_cache_shard_bits", reason))
            }
            _ => Ok(()),
        }
    }

    /// What the write buffers of one state may hold in one subtask.
    pub(crate) fn write_buffers_of_a_state(&self) -> u64 {
        let count = u64::from(self.write_buffer_count);
        self.write_buffer_size.saturating_mul(count)
    }

    /// Memory that a write buffer takes at once: an eighth of it, 1 MiB at most, as RocksDB does.
    pub(crate) fn arena_block_size(&self) -> u64 {
        (self.write_buffer_size / 8).min(MIB)
    }
}

/// An option that contradicts another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{option}: {reason}")]
pub struct ConfigError {
    /// Name of the option.
    pub option: &'static str,
    /// What it was, and why that cannot be.
    pub reason: String,
}

fn refuse(option: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError {
        option,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILES: [Profile; 4] = [
        Profile::Default,
        Profile::SpinningDisk,
        Profile::SpinningDiskHighMemory,
        Profile::Flash,
    ];

    fn managed(budget: u64) -> RocksDbConfig {
        RocksDbConfig {
            memory: RocksDbMemory::Managed {
                budget,
                write_buffer_ratio: 0.5,
                shard_bits: None,
            },
            ..RocksDbConfig::of_profile(Profile::Default, "")
        }
    }

    #[test]
    fn every_profile_passes_its_own_check() {
        for profile in PROFILES {
            assert_eq!(
                RocksDbConfig::of_profile(profile, "").check(),
                Ok(()),
                "{profile:?}"
            );
        }
    }

    #[test]
    fn a_budget_is_shared_out_as_flink_does() {
        let memory = managed(300 * MIB).memory;
        assert_eq!(memory.block_cache(), 250 * MIB);
        assert_eq!(memory.write_buffers(), Some(100 * MIB));
    }

    #[test]
    fn contradictions_name_the_option_and_the_reason() {
        let refused = |change: fn(&mut RocksDbConfig)| {
            let mut config = managed(64 * MIB);
            change(&mut config);
            config.check().expect_err("contradictory").to_string()
        };
        assert_eq!(
            refused(|it| it.write_buffers_to_merge = 2),
            "write_buffers_to_merge: 2 of write_buffer_count = 2; it must be 1 at least and smaller than their \
             count: flushing would begin only when there is no buffer left to write to"
        );
        assert_eq!(
            refused(|it| it.memory = managed(2 * MIB).memory),
            "managed_memory: 2097152 bytes leave 611667 for write buffers; one of write_buffer_size = 67108864 \
             begins with a block of 1048576, so RocksDB would flush without end"
        );
        assert_eq!(
            refused(|it| it.memory = RocksDbMemory::Unmanaged {
                block_cache: MIB,
                shard_bits: Some(10)
            }),
            "block_cache_shard_bits: 2^10 parts of a block cache of 1048576 bytes hold less than one block of \
             4096 each"
        );
        assert_eq!(
            refused(|it| it.rate_limit_per_s = Some(0)),
            "rate_limit_per_s: 0; must be more"
        );
    }
}
