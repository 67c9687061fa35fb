//! What `run.json` says of keyed state and of memory.

use serde::{Deserialize, Serialize};

/// Keyed state of an operator over the measured phase, all its subtasks together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateBackend {
    /// Where it is.
    pub backend: Backend,
    /// Entries at the end of the phase; RocksDB estimates them.
    pub entries: Option<u64>,
    /// Bytes at the end of the phase: estimated as encoded on the heap, live files and write buffers of
    /// RocksDB.
    pub bytes: Option<u64>,
    /// Slope of the bytes over the phase, least squares.
    pub growth_bytes_per_s: Option<f64>,
    /// Reads of state per record taken in; a scan is one.
    pub reads_per_record: Option<f64>,
    /// Writes of state per record taken in.
    pub writes_per_record: Option<f64>,
    /// Mean time of the reads that were timed, nanoseconds: on the heap one get in 64, in
    /// RocksDB those that reached the database.
    pub read_ns: Option<f64>,
    /// Mean time of the writes that were timed, likewise.
    pub write_ns: Option<f64>,
    /// Time inside the backend per record taken in, nanoseconds.
    pub state_ns_per_record: Option<f64>,
    /// Share of accesses that the write-back cache answered, 0..1; null without one.
    pub write_back_hit_share: Option<f64>,
    /// RocksDB's block cache; null on the heap.
    pub block_cache: Option<BlockCache>,
    /// How often RocksDB stopped writes altogether.
    pub write_stops: Option<u64>,
    /// Share of the time for which RocksDB held writes back, mean of the subtasks, 0..1.
    pub stall_share: Option<f64>,
    /// Bytes that flushes of write buffers wrote.
    pub flushed_bytes: Option<u64>,
    /// Bytes that compactions wrote.
    pub compacted_bytes: Option<u64>,
}

/// Where keyed state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Objects in the operator's memory.
    Heap,
    /// Encoded, in RocksDB.
    RocksDb,
}

impl Backend {
    /// The word of scenarios and `run.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Backend::Heap => "heap",
            Backend::RocksDb => "rocksdb",
        }
    }
}

/// RocksDB's block cache as one operator used it. Usage and capacity are of the whole job, which shares
/// one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockCache {
    /// Blocks found in it over blocks looked for, 0..1.
    pub hit_share: Option<f64>,
    /// Bytes in it at the end of the phase.
    pub usage: Option<u64>,
    /// Bytes that it may hold.
    pub capacity: Option<u64>,
    /// Blocks read from files per read of state.
    pub misses_per_read: Option<f64>,
    /// Bytes of these per read of state.
    pub bytes_read_per_read: Option<f64>,
}

/// Memory of the process over the measured phase, and what was meant for state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Most resident bytes at a sample.
    pub rss_max: Option<u64>,
    /// Slope of the resident bytes, bytes per second, least squares.
    pub rss_growth_per_s: Option<f64>,
    /// Bytes that the state backends of the job were given: the managed budget, or block cache and all
    /// write buffers, and the write-back caches. Null on the heap, which has no limit.
    pub configured: Option<u64>,
}
