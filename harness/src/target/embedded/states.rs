//! From the engine's counters of keyed state to the rows of the record.

use engine::{RocksDbSnapshot, StateSnapshot};
use reports::record::StateRow;

/// Rewrites a row with what was seen of one subtask's state at this moment.
pub fn state_row(
    row: &mut StateRow,
    (t_ms, attempt): (u64, u32),
    task: &str,
    seen: &StateSnapshot,
) {
    row.t_ms = t_ms;
    task.clone_into(&mut row.task);
    row.subtask = super::rows::narrow(seen.subtask);
    row.attempt = attempt;
    // The heap counts no accesses, and times some.
    let counted = |count| seen.rocksdb.is_some().then_some(count);
    row.reads = counted(seen.reads);
    row.writes = counted(seen.writes);
    row.read_samples = Some(seen.read_samples);
    row.read_ns = Some(seen.read_ns);
    row.write_samples = Some(seen.write_samples);
    row.write_ns = Some(seen.write_ns);
    row.entries = Some(seen.entries);
    row.bytes = Some(seen.bytes);
    row.write_back_hits = seen.cache.map(|cache| cache.hits);
    row.write_back_misses = seen.cache.map(|cache| cache.misses);
    row.write_back_bytes = seen.cache.map(|cache| cache.bytes);
    row.write_back_capacity = seen.cache.map(|cache| cache.capacity);
    rocksdb_counters(row, seen.rocksdb.as_ref());
    rocksdb_gauges(row, seen.rocksdb.as_ref());
}

fn rocksdb_counters(row: &mut StateRow, seen: Option<&RocksDbSnapshot>) {
    let column = |of: fn(&RocksDbSnapshot) -> u64| seen.map(of);
    row.block_cache_hits = column(|it| it.block_cache_hits);
    row.block_reads = column(|it| it.block_reads);
    row.block_read_bytes = column(|it| it.block_read_bytes);
    row.data_misses = column(|it| it.data_misses);
    row.index_misses = column(|it| it.index_misses);
    row.filter_misses = column(|it| it.filter_misses);
    row.flushed_bytes = column(|it| it.flushed_bytes);
    row.compaction_read_bytes = column(|it| it.compaction_read_bytes);
    row.compacted_bytes = column(|it| it.compacted_bytes);
    row.stall_ns = column(|it| it.stall_ns);
    row.write_stops = column(|it| it.write_stops);
}

fn rocksdb_gauges(row: &mut StateRow, seen: Option<&RocksDbSnapshot>) {
    let column = |of: fn(&RocksDbSnapshot) -> u64| seen.map(of);
    row.block_cache_bytes = column(|it| it.block_cache_bytes);
    row.block_cache_pinned_bytes = column(|it| it.block_cache_pinned_bytes);
    row.block_cache_capacity = column(|it| it.block_cache_capacity);
    row.memory_budget = seen.and_then(|it| it.memory_budget);
    row.memtable_bytes = column(|it| it.memtable_bytes);
    row.write_buffer_capacity = column(|it| it.write_buffer_capacity);
    row.file_bytes = column(|it| it.file_bytes);
    row.pending_compaction_bytes = column(|it| it.pending_compaction_bytes);
    row.delayed_write_rate = column(|it| it.delayed_write_rate);
    row.running_compactions = seen.map(|it| it.running_compactions);
    row.running_flushes = seen.map(|it| it.running_flushes);
    row.write_stopped = seen.map(|it| it.write_stopped);
    let [zero, one, two, three, four, five, six] = match seen {
        Some(seen) => seen.level_files.map(Some),
        None => [None; 7],
    };
    row.level0_files = zero;
    row.level1_files = one;
    row.level2_files = two;
    row.level3_files = three;
    row.level4_files = four;
    row.level5_files = five;
    row.level6_files = six;
}
