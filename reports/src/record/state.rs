//! The rows of `state.csv`: keyed state as its operators see it, and RocksDB as it sees itself.

use super::table::{Table, row};

row! {
    /// The keyed state of one subtask at one moment. Columns of RocksDB are empty on the heap, those of
    /// the write-back cache without one.
    StateRow in Table::State;
    /// Job time of the sample, milliseconds.
    t_ms: u64,
    /// The task's id, as in `graph.json`.
    task: String,
    /// Index of the subtask, from 0.
    subtask: u32,
    /// Grows by one at each restart of the subtask.
    attempt: u32,
    /// Reads of the operator; a scan is one.
    reads: Option<u64>,
    /// Writes and deletions of the operator.
    writes: Option<u64>,
    /// Reads that were timed: on the heap one get in 64, in RocksDB those that reached the database.
    read_samples: Option<u64>,
    /// Time of these, nanoseconds.
    read_ns: Option<u64>,
    /// Writes that were timed, likewise.
    write_samples: Option<u64>,
    /// Time of these, nanoseconds.
    write_ns: Option<u64>,
    /// Entries held now; RocksDB estimates them.
    entries: Option<u64>,
    /// Bytes held now: estimated as encoded on the heap, live files and write buffers of RocksDB.
    bytes: Option<u64>,
    /// Accesses that the write-back cache answered.
    write_back_hits: Option<u64>,
    /// Accesses that it did not.
    write_back_misses: Option<u64>,
    /// Bytes in it now.
    write_back_bytes: Option<u64>,
    /// Bytes that it may hold.
    write_back_capacity: Option<u64>,
    /// Blocks that this subtask's accesses found in the block cache.
    block_cache_hits: Option<u64>,
    /// Blocks that they read from files.
    block_reads: Option<u64>,
    /// Bytes of these.
    block_read_bytes: Option<u64>,
    /// Data blocks that nobody, compactions included, found in the block cache.
    data_misses: Option<u64>,
    /// Index blocks, likewise.
    index_misses: Option<u64>,
    /// Filter blocks, likewise.
    filter_misses: Option<u64>,
    /// Bytes that flushes of write buffers wrote.
    flushed_bytes: Option<u64>,
    /// Bytes that compactions read.
    compaction_read_bytes: Option<u64>,
    /// Bytes that compactions wrote.
    compacted_bytes: Option<u64>,
    /// Nanoseconds for which writes were held back.
    stall_ns: Option<u64>,
    /// How often writes were stopped altogether.
    write_stops: Option<u64>,
    /// Bytes in the block cache now; like its other columns, of the whole job, the same in each row.
    block_cache_bytes: Option<u64>,
    /// Bytes of these that are in use and cannot be evicted.
    block_cache_pinned_bytes: Option<u64>,
    /// Bytes that the block cache may hold.
    block_cache_capacity: Option<u64>,
    /// Managed memory of the whole job, bytes.
    memory_budget: Option<u64>,
    /// Bytes in write buffers now.
    memtable_bytes: Option<u64>,
    /// Bytes that write buffers may hold, of all column families together.
    write_buffer_capacity: Option<u64>,
    /// Bytes in live files now.
    file_bytes: Option<u64>,
    /// Bytes that compactions have yet to rewrite, by RocksDB's estimate.
    pending_compaction_bytes: Option<u64>,
    /// Bytes per second to which RocksDB holds writes now; 0 if it does not.
    delayed_write_rate: Option<u64>,
    /// Compactions running now.
    running_compactions: Option<u32>,
    /// Flushes running now.
    running_flushes: Option<u32>,
    /// Whether writes are stopped now.
    write_stopped: Option<bool>,
    /// Files in level 0 now.
    level0_files: Option<u32>,
    /// Files in level 1 now.
    level1_files: Option<u32>,
    /// Files in level 2 now.
    level2_files: Option<u32>,
    /// Files in level 3 now.
    level3_files: Option<u32>,
    /// Files in level 4 now.
    level4_files: Option<u32>,
    /// Files in level 5 now.
    level5_files: Option<u32>,
    /// Files in level 6 now.
    level6_files: Option<u32>,
}

/// Levels of RocksDB.
pub(crate) const LEVELS: usize = 7;

impl StateRow {
    /// Whether the state is in RocksDB.
    pub(crate) fn is_rocksdb(&self) -> bool {
        self.block_cache_capacity.is_some() || self.file_bytes.is_some()
    }

    /// Files per level now.
    pub(crate) fn level_files(&self) -> [Option<u32>; LEVELS] {
        [
            self.level0_files,
            self.level1_files,
            self.level2_files,
            self.level3_files,
            self.level4_files,
            self.level5_files,
            self.level6_files,
        ]
    }
}
