//! Keyed state of the made-up run, all by hand: `sum` reads and writes an entry per record and a new
//! key comes with every fifth. In RocksDB the block cache is full half-way; reads then go to files and
//! take ten times as long, subtask 1's twice that, and compactions fall behind until writes stop.

use std::ops::Range;

use reports::record::{Backend, StateRow, Writer};

use super::{Simulation, State};

const SUM: usize = 3;
const BYTES_PER_ENTRY: u64 = 120;
const PRELOADED: u64 = 100_000;
const CACHE: u64 = 8 << 20;
const BUFFERS: u64 = 4 << 20;
const WRITE_BACK: u64 = 1 << 20;
/// The block cache is full.
const FULL_MS: u64 = 10_000;
/// Writes are stopped.
const STOP_MS: (u64, u64) = (14_000, 15_000);

/// Writes are slowed down.
const DELAY_MS: Range<u64> = 13_000..14_000;

impl Simulation {
    /// Heap state is in the process's memory.
    pub(super) fn rss(&self, t_ms: u64) -> u64 {
        match self.state {
            None => 50_000_000,
            Some(Backend::Heap) => 50_000_000 + t_ms * 900,
            Some(Backend::RocksDb) => 50_000_000 + t_ms.min(FULL_MS) * 1_000,
        }
    }

    /// Time of a subtask inside the backend.
    pub(super) fn state_ns(&self, at: usize, records: u64) -> u64 {
        let in_rocksdb = at == SUM && self.state == Some(Backend::RocksDb);
        if in_rocksdb { records * 3_000 } else { 0 }
    }

    pub(super) fn write_state(&self, writer: &mut Writer, t_ms: u64, state: &State) {
        for subtask in (0..self.parallelism[SUM]).filter(|_| self.state.is_some()) {
            let accesses = state.completed / u64::from(self.parallelism[SUM]);
            let entries = PRELOADED + accesses / 5;
            let row = StateRow {
                t_ms,
                task: "sum".to_owned(),
                subtask,
                reads: Some(accesses),
                writes: Some(accesses),
                read_samples: Some(accesses / 64),
                read_ns: Some(accesses / 64 * 150),
                write_samples: Some(accesses / 64),
                write_ns: Some(accesses / 64 * 90),
                entries: Some(entries),
                bytes: Some(entries * BYTES_PER_ENTRY),
                ..StateRow::default()
            };
            let row = match self.state {
                Some(Backend::RocksDb) => in_rocksdb(row, accesses),
                _ => row,
            };
            writer.append(&row).unwrap();
        }
    }
}

fn in_rocksdb(row: StateRow, accesses: u64) -> StateRow {
    let t_ms = row.t_ms;
    // Accesses are even in time as far as this needs.
    let missed = accesses * t_ms.saturating_sub(FULL_MS) / t_ms.max(1);
    let slower = 1 + u64::from(row.subtask);
    let (stop, go_on) = STOP_MS;
    let stopped_ms = t_ms.clamp(stop, go_on) - stop;
    let flushed = accesses * BYTES_PER_ENTRY;
    let fill = t_ms.min(FULL_MS);
    StateRow {
        read_ns: Some((accesses * 2_000 + missed * 20_000 * slower) / 64),
        write_ns: Some(accesses / 64 * 900),
        write_back_hits: Some(accesses / 2),
        write_back_misses: Some(accesses * 3 / 2),
        write_back_bytes: Some(WRITE_BACK / 2),
        write_back_capacity: Some(WRITE_BACK),
        block_cache_hits: Some(accesses * 3 - missed),
        block_reads: Some(missed * 2),
        block_read_bytes: Some(missed * 40_000),
        data_misses: Some(missed * 3 / 4),
        index_misses: Some(missed * 3 / 4),
        filter_misses: Some(missed / 2),
        flushed_bytes: Some(flushed),
        compaction_read_bytes: Some(flushed * 3),
        compacted_bytes: Some(flushed * 2),
        stall_ns: Some(stopped_ms * 900_000),
        write_stops: Some(u64::from(t_ms > stop)),
        block_cache_bytes: Some(CACHE * fill / FULL_MS),
        block_cache_pinned_bytes: Some(CACHE / 10),
        block_cache_capacity: Some(CACHE),
        memtable_bytes: Some(t_ms * 1_000 % BUFFERS),
        write_buffer_capacity: Some(BUFFERS),
        file_bytes: row.bytes,
        pending_compaction_bytes: Some(t_ms.saturating_sub(12_000).min(2_000) * 20_000),
        delayed_write_rate: Some(u64::from(DELAY_MS.contains(&t_ms)) << 20),
        running_compactions: Some((t_ms / 1_000 % 2) as u32),
        running_flushes: Some(u32::from(t_ms % 4_000 < 200)),
        write_stopped: Some((stop..go_on).contains(&t_ms)),
        level0_files: Some((t_ms / 1_000 % 4) as u32),
        level1_files: Some(4),
        level2_files: Some((t_ms / 4_000) as u32),
        level3_files: Some(0),
        level4_files: Some(0),
        level5_files: Some(0),
        level6_files: Some(0),
        ..row
    }
}
