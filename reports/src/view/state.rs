//! What keyed state held and cost, in two tables and a sentence. Empty for a run without any.

use super::tables::{Cell, Table};
use crate::format::{bytes, bytes_per_s, or_na};
use crate::record::{Backend, Operator, Run, StateBackend};

/// How large the state of every operator is and what an access takes. The backend's time per record
/// and the write-back cache have a column only where there is something to say of them.
pub(crate) fn state_table(run: &Run) -> Table {
    let in_rocksdb = states(run).any(|(_, state)| is_rocksdb(state));
    let has_write_back = states(run).any(|(_, state)| state.write_back_hit_share.is_some());
    let mut header = vec![
        "operator", "backend", "entries", "size", "growth", "get", "put",
    ];
    header.extend(in_rocksdb.then_some("per record"));
    header.extend(has_write_back.then_some("write-back hits"));
    let rows = states(run).map(|(operator, state)| {
        let mut row = vec![
            Cell::text(&operator.name),
            Cell::text(state.backend.as_str()),
            Cell::count(state.entries),
            Cell::bytes(state.bytes.map(|bytes| bytes as f64)),
            Cell::number(state.growth_bytes_per_s, bytes_per_s),
            Cell::duration(state.read_ns),
            Cell::duration(state.write_ns),
        ];
        row.extend(in_rocksdb.then(|| Cell::duration(state.state_ns_per_record)));
        row.extend(has_write_back.then(|| Cell::share(state.write_back_hit_share)));
        row
    });
    Table {
        title: "state",
        header,
        rows: rows.collect(),
    }
}

/// Where RocksDB found what was read, what it wrote in the background, and for how long it held
/// writes back.
pub(crate) fn rocksdb_table(run: &Run) -> Table {
    let rows = states(run).filter(|(_, state)| is_rocksdb(state));
    let rows = rows.map(|(operator, state)| {
        let cache = state.block_cache.unwrap_or_default();
        let written = |bytes: Option<u64>| Cell::bytes(bytes.map(|bytes| bytes as f64));
        vec![
            Cell::text(&operator.name),
            Cell::share(cache.hit_share),
            Cell::share(fullness(state)),
            Cell::number(cache.misses_per_read, |misses| format!("{misses:.2}")),
            Cell::bytes(cache.bytes_read_per_read),
            written(state.flushed_bytes),
            written(state.compacted_bytes),
            Cell::share(state.stall_share),
            Cell::count(state.write_stops),
        ]
    });
    Table {
        title: "rocksdb",
        header: vec![
            "operator",
            "block cache hits",
            "cache full",
            "misses per get",
            "read per get",
            "flushed",
            "compacted",
            "writes held back",
            "write stops",
        ],
        rows: rows.collect(),
    }
}

fn states(run: &Run) -> impl Iterator<Item = (&Operator, &StateBackend)> {
    let operators = run.operators.iter();
    operators.filter_map(|operator| Some((operator, operator.state_backend.as_ref()?)))
}

fn is_rocksdb(state: &StateBackend) -> bool {
    state.backend == Backend::RocksDb
}

/// Share of the block cache's capacity in use.
fn fullness(state: &StateBackend) -> Option<f64> {
    let cache = state.block_cache?;
    let capacity = cache.capacity.filter(|&capacity| capacity > 0)?;
    Some(cache.usage? as f64 / capacity as f64)
}

/// Label and sentence: what the process took beside what was meant for state. `None` without state.
pub(crate) fn memory(run: &Run) -> Option<(&'static str, String)> {
    states(run).next()?;
    let memory = run.summary.memory;
    let resident = or_na(memory.rss_max, |most| bytes(most as f64));
    let growth = memory.rss_growth_per_s.map(|growth| {
        let verb = if growth < 0.0 { "shrinking" } else { "growing" };
        format!("{verb} by {}", bytes_per_s(growth.abs()))
    });
    let configured = memory.configured.map(|it| bytes(it as f64));
    let parts = [
        Some(format!("at most {resident} resident")),
        growth,
        configured.map(|given| format!("state was given {given}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Some(("memory", parts.join(", ")))
}
