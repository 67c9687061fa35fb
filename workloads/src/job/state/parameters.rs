//! The parameters of RocksDB, as `backwater list` shows them. Each names Flink's option in brackets, without the
//! `state.backend.rocksdb.` that all of those begin with.
//!
//! Flink's `memory.high-prio-pool-ratio` is left out, because RocksDB's C interface cannot set it: half of a block cache
//! is kept for index and filter blocks where they are in it, RocksDB's own default; Flink's is a tenth.

use crate::spec::{Default as Absent, Kind, Parameter};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const TIB: u64 = 1 << 40;

/// `absent` begins with the value of the profile `default` and says where other profiles differ, checked by a test.
const fn option(
    name: &'static str,
    kind: Kind,
    absent: &'static str,
    help: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind,
        default: Absent::Absent(absent),
        help,
    }
}

const fn size(min: u64, max: u64) -> Kind {
    Kind::Size { min, max }
}

const fn integer(min: i64, max: i64) -> Kind {
    Kind::Integer { min, max }
}

const fn number(min: f64, max: f64) -> Kind {
    Kind::Number { min, max }
}

pub(super) const ROCKSDB: &[Parameter] = &[
    Parameter {
        name: "profile",
        kind: Kind::Choice(&[
            "default",
            "spinning-disk",
            "spinning-disk-high-memory",
            "flash",
        ]),
        default: Absent::Value("\"default\""),
        help: "a set of defaults for what follows (predefined-options)",
    },
    option(
        "managed_memory",
        size(MIB, TIB),
        "none: a block cache, and write buffers beside it",
        "one budget of the whole job for block cache and write buffers (memory.managed, memory.fixed-per-slot)",
    ),
    option(
        "write_buffer_ratio",
        number(0.0, 1.0),
        "0.5 with managed memory",
        "share of managed memory that write buffers may take (memory.write-buffer-ratio)",
    ),
    option(
        "block_cache",
        size(KIB, TIB),
        "8MiB, spinning-disk-high-memory: 256MiB, with managed memory: a part of it",
        "size of the block cache of the whole job (block.cache-size, which Flink gives to every state)",
    ),
    option(
        "block_cache_shard_bits",
        integer(0, 19),
        "RocksDB's choice: at most 6, and parts of 512 KiB or more",
        "the block cache is cut into 2 to the power of this many parts (Flink: RocksDB's choice)",
    ),
    option(
        "block_size",
        size(KIB, 64 * MIB),
        "4KiB, spinning-disk-high-memory: 128KiB",
        "what is read from a file, and cached, at once (block.blocksize)",
    ),
    option(
        "metadata_block_size",
        size(KIB, 64 * MIB),
        "4KiB",
        "size of a block of a partitioned index or filter (block.metadata-blocksize)",
    ),
    option(
        "cache_index_and_filter_blocks",
        Kind::Flag,
        "false, with managed memory: true",
        "index and filter blocks compete for the block cache, instead of lying beside it (Flink: with managed memory)",
    ),
    option(
        "partitioned_index_filters",
        Kind::Flag,
        "false",
        "load only the needed part of an index or a filter (memory.partitioned-index-filters)",
    ),
    option(
        "bloom_filter",
        Kind::Flag,
        "false, spinning-disk-high-memory: true",
        "skip files that cannot hold the key (use-bloom-filter)",
    ),
    option(
        "bloom_bits_per_key",
        number(1.0, 100.0),
        "10 with a bloom filter",
        "size of the bloom filter (bloom-filter.bits-per-key)",
    ),
    option(
        "write_buffer_size",
        size(64 * KIB, TIB),
        "64MiB",
        "what each state of a subtask collects in memory before it is flushed (writebuffer.size)",
    ),
    option(
        "write_buffer_count",
        integer(2, 1024),
        "2, spinning-disk-high-memory: 4",
        "write buffers of each state of a subtask; when all are full, writes stop (writebuffer.count)",
    ),
    option(
        "write_buffers_to_merge",
        integer(1, 1023),
        "1, spinning-disk-high-memory: 3",
        "write buffers that are flushed into one file (writebuffer.number-to-merge)",
    ),
    option(
        "level_base",
        size(64 * KIB, TIB),
        "256MiB, spinning-disk-high-memory: 1GiB",
        "size of level 1; each further level is ten times as large (compaction.level.max-size-level-base)",
    ),
    option(
        "target_file_size",
        size(64 * KIB, TIB),
        "64MiB, spinning-disk-high-memory: 256MiB",
        "size of a file of level 1 (compaction.level.target-file-size-base)",
    ),
    option(
        "dynamic_level_size",
        Kind::Flag,
        "false, spinning-disk: true, spinning-disk-high-memory: true",
        "size the levels from the last one upwards (compaction.level.use-dynamic-size)",
    ),
    option(
        "background_threads",
        integer(1, 1024),
        "2, spinning-disk: 4, spinning-disk-high-memory: 4, flash: 4",
        "flushes and compactions of a subtask at a time (thread.num)",
    ),
    option(
        "max_open_files",
        integer(-1, 1_000_000),
        "-1",
        "open files of a subtask; -1: no limit (files.open)",
    ),
    option(
        "compression",
        Kind::Choice(&["none", "snappy", "lz4", "zstd"]),
        "snappy",
        "how blocks are compressed (compression.per.level)",
    ),
    option(
        "rate_limit_per_s",
        size(KIB, TIB),
        "no limit",
        "bytes per second that flushes and compactions of a subtask may write (Flink has no such option)",
    ),
    option(
        "write_back_cache",
        size(0, TIB),
        "0B",
        "memory of the whole job for changed and read entries in front of RocksDB; 0B: none (Flink has no such option)",
    ),
    option(
        "timers",
        Kind::Choice(&["heap", "rocksdb"]),
        "rocksdb",
        "where timers are kept (timer-service.factory)",
    ),
    option(
        "directory",
        Kind::Choice(&[]),
        "the system's folder for temporary files",
        "where the job makes a folder of its own, which it removes at its end (localdir)",
    ),
];
