//! What can be seen of the state of a keyed operator subtask.

/// The state of one operator subtask. Counters are cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StateSnapshot {
    /// Position of the task in the plan.
    pub task: usize,
    /// Index of the subtask.
    pub subtask: usize,
    /// Reads of the operator, wherever they were answered; on the heap, which is not asked but is the
    /// operator's own memory, reads and writes are not counted.
    pub reads: u64,
    /// Writes of the operator.
    pub writes: u64,
    /// Reads that were timed: in RocksDB those that reached the database, together, one by one, or by a
    /// scan; on the heap one get in 64.
    pub read_samples: u64,
    /// Wall time of those, in nanoseconds.
    pub read_ns: u64,
    /// Writes that were timed: in RocksDB the entries written to the database, on the heap one put in 64.
    pub write_samples: u64,
    /// Wall time of that, in nanoseconds.
    pub write_ns: u64,
    /// Entries held: counted on the heap, RocksDB's estimate in RocksDB.
    pub entries: u64,
    /// Size of the state in bytes: as a snapshot would encode it (estimated) on the heap, files and
    /// write buffers in RocksDB.
    pub bytes: u64,
    /// The write-back cache, if there is one.
    pub cache: Option<WriteBackSnapshot>,
    /// The database, if there is one.
    pub rocksdb: Option<RocksDbSnapshot>,
}

/// The write-back cache in front of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteBackSnapshot {
    /// Keys that were known already when they were asked for; cumulative.
    pub hits: u64,
    /// Keys that were not.
    pub misses: u64,
    /// Memory in use.
    pub bytes: u64,
    /// Memory that may be used beyond a run of rows.
    pub capacity: u64,
}

/// A database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RocksDbSnapshot {
    /// Blocks that this subtask's reads found in the block cache; cumulative, as all up to the stops.
    pub block_cache_hits: u64,
    /// Blocks that its reads took from files.
    pub block_reads: u64,
    /// Bytes of those, as stored.
    pub block_read_bytes: u64,
    /// Data blocks that anybody, compactions too, did not find in the block cache.
    pub data_misses: u64,
    /// Index blocks, likewise.
    pub index_misses: u64,
    /// Filter blocks, likewise.
    pub filter_misses: u64,
    /// Bytes written by flushes.
    pub flushed_bytes: u64,
    /// Bytes read by compactions.
    pub compaction_read_bytes: u64,
    /// Bytes written by compactions.
    pub compacted_bytes: u64,
    /// Time in which writes were held up, in nanoseconds.
    pub stall_ns: u64,
    /// How often RocksDB found that writes had to stop.
    pub write_stops: u64,
    /// Block cache in use, by the whole job.
    pub block_cache_bytes: u64,
    /// Of that, what cannot be evicted now.
    pub block_cache_pinned_bytes: u64,
    /// Size of the block cache.
    pub block_cache_capacity: u64,
    /// Managed memory of the whole job, if it has any.
    pub memory_budget: Option<u64>,
    /// Write buffers, full ones included.
    pub memtable_bytes: u64,
    /// What write buffers may hold, full ones included, before writes stop.
    pub write_buffer_capacity: u64,
    /// Files of the current version.
    pub file_bytes: u64,
    /// Bytes that compactions have to rewrite until all levels have their size.
    pub pending_compaction_bytes: u64,
    /// Bytes per second to which writes are slowed down now; 0: they are not.
    pub delayed_write_rate: u64,
    /// Compactions under way.
    pub running_compactions: u32,
    /// Flushes under way.
    pub running_flushes: u32,
    /// Whether writes are stopped now.
    pub write_stopped: bool,
    /// Files per level.
    pub level_files: [u32; 7],
}
