//! Keyed state over time, all operators together: one pass over `state.csv`, for runs that have it.

mod slowest;

use super::Span;
use super::gauge::Gauge;
use super::latency::Points;
use crate::deltas::{STATE_COUNTERS, StateCounter, StateDelta, StateDifferences};
use crate::record::{LEVELS, RunDir, StateRow};
use slowest::Slowest;

/// All of it empty for a run without keyed state; a part is empty where it is not measured.
#[derive(Default)]
pub(crate) struct State {
    /// Held.
    pub(crate) bytes: Points,
    pub(crate) entries: Points,
    /// Mean time of the sampled accesses, nanoseconds.
    pub(crate) read_ns: Points,
    pub(crate) write_ns: Points,
    /// The same of the subtask whose reads take longest; empty with one subtask.
    pub(crate) slowest_read_ns: Points,
    /// Shares of accesses and of blocks that a cache answered.
    pub(crate) write_back_hits: Points,
    pub(crate) block_cache_hits: Points,
    /// Read from files per read of state.
    pub(crate) blocks_per_read: Points,
    pub(crate) bytes_per_read: Points,
    /// Not found in the block cache per read of state, by kind of block.
    pub(crate) data_misses_per_read: Points,
    pub(crate) index_misses_per_read: Points,
    pub(crate) filter_misses_per_read: Points,
    /// The block cache, bytes.
    pub(crate) cache_bytes: Points,
    pub(crate) cache_pinned: Points,
    pub(crate) cache_capacity: Points,
    /// Write buffers and what compactions have yet to do, bytes.
    pub(crate) memtable_bytes: Points,
    pub(crate) memtable_capacity: Points,
    pub(crate) pending_compaction_bytes: Points,
    /// Files in each level.
    pub(crate) level_files: [Points; LEVELS],
    /// Running now.
    pub(crate) compactions: Points,
    pub(crate) flushes: Points,
    /// Bytes written per second.
    pub(crate) flushed_per_s: Points,
    pub(crate) compacted_per_s: Points,
    /// Share of the time for which writes were held back, mean of the subtasks.
    pub(crate) stalled: Points,
    /// Bytes per second to which writes were held; nothing while they were not.
    pub(crate) delayed_to: Points,
    /// When writes were stopped altogether, milliseconds.
    pub(crate) stopped_ms: Vec<(u64, u64)>,
}

pub(crate) fn state(record: &RunDir, span: Span) -> State {
    let mut differences = StateDifferences::default();
    let mut counts = Counts::new(span);
    let mut gauges = Gauges::new(span);
    let mut slowest = Slowest::new(span);
    for row in record.rows::<StateRow>() {
        gauges.feed(span, &row);
        if let Some(delta) = differences.feed(&row) {
            counts.feed(span, &delta);
            slowest.feed(span, &delta);
        }
    }
    gauges.close(span);
    let per_read = |counter| counts.ratio(span, counter, StateCounter::Reads);
    let gauge = |what: What| gauges.columns[what as usize].points(span);
    State {
        bytes: gauge(What::Bytes),
        entries: gauge(What::Entries),
        read_ns: counts.ratio(span, StateCounter::ReadNs, StateCounter::ReadSamples),
        write_ns: counts.ratio(span, StateCounter::WriteNs, StateCounter::WriteSamples),
        slowest_read_ns: slowest.points(span),
        write_back_hits: counts.share(
            span,
            StateCounter::WriteBackHits,
            StateCounter::WriteBackMisses,
        ),
        block_cache_hits: counts.share(
            span,
            StateCounter::BlockCacheHits,
            StateCounter::BlockReads,
        ),
        blocks_per_read: per_read(StateCounter::BlockReads),
        bytes_per_read: per_read(StateCounter::BlockReadBytes),
        data_misses_per_read: per_read(StateCounter::DataMisses),
        index_misses_per_read: per_read(StateCounter::IndexMisses),
        filter_misses_per_read: per_read(StateCounter::FilterMisses),
        cache_bytes: gauge(What::CacheBytes),
        cache_pinned: gauge(What::CachePinned),
        cache_capacity: gauge(What::CacheCapacity),
        memtable_bytes: gauge(What::Memtables),
        memtable_capacity: gauge(What::MemtableCapacity),
        pending_compaction_bytes: gauge(What::PendingCompaction),
        level_files: std::array::from_fn(|level| gauges.levels[level].points(span)),
        compactions: gauge(What::Compactions),
        flushes: gauge(What::Flushes),
        flushed_per_s: counts.per_second(span, StateCounter::FlushedBytes),
        compacted_per_s: counts.per_second(span, StateCounter::CompactedBytes),
        stalled: counts.stalled(span),
        delayed_to: above_zero(gauge(What::DelayedTo)),
        stopped_ms: gauges.columns[What::Stopped as usize].spans_above_zero(span),
    }
}

/// Without the points at zero; empty if there are no others.
fn above_zero(points: Points) -> Points {
    let kept = points.into_iter();
    let kept: Points = kept
        .map(|(t_ms, value)| (t_ms, value.filter(|&value| value > 0.0)))
        .collect();
    let is_known = kept.iter().any(|(_, value)| value.is_some());
    if is_known { kept } else { Points::new() }
}

/// Differences of every counter in columns, all subtasks together.
struct Counts {
    columns: [Vec<f64>; STATE_COUNTERS],
    is_measured: [bool; STATE_COUNTERS],
    /// Time of the subtasks that know of stalls, nanoseconds.
    stall_wall_ns: Vec<f64>,
}

impl Counts {
    fn new(span: Span) -> Self {
        Counts {
            columns: std::array::from_fn(|_| vec![0.0; span.columns()]),
            is_measured: [false; STATE_COUNTERS],
            stall_wall_ns: vec![0.0; span.columns()],
        }
    }

    fn feed(&mut self, span: Span, delta: &StateDelta) {
        let time = (delta.from_ms, delta.to_ms);
        for (at, counted) in delta.counts.iter().enumerate() {
            let time = if at == StateCounter::StallNs as usize {
                stall_time(delta)
            } else {
                time
            };
            self.is_measured[at] |= span.spread_count(time, counted, &mut self.columns[at]);
        }
        let wall_ns = (delta.to_ms - delta.from_ms).saturating_mul(1_000_000);
        let knows = delta.counts[StateCounter::StallNs].map(|_| wall_ns);
        span.spread_count(time, knows, &mut self.stall_wall_ns);
    }

    fn of(&self, counter: StateCounter) -> Option<&[f64]> {
        let at = counter as usize;
        self.is_measured[at].then_some(&self.columns[at][..])
    }

    /// One counter over another in each column; nothing where there is nothing to divide by.
    fn ratio(&self, span: Span, counter: StateCounter, of: StateCounter) -> Points {
        match (self.of(counter), self.of(of)) {
            (Some(counted), Some(whole)) => quotients(span, counted, whole),
            _ => Points::new(),
        }
    }

    /// The first counter over both in each column.
    fn share(&self, span: Span, part: StateCounter, rest: StateCounter) -> Points {
        match (self.of(part), self.of(rest)) {
            (Some(part), Some(rest)) => {
                let whole: Vec<f64> = part.iter().zip(rest).map(|(one, two)| one + two).collect();
                quotients(span, part, &whole)
            }
            _ => Points::new(),
        }
    }

    fn per_second(&self, span: Span, counter: StateCounter) -> Points {
        let columns = self.of(counter).unwrap_or_default().iter().enumerate();
        columns
            .map(|(at, counted)| (span.column_ms(at + 1), Some(counted / span.column_s())))
            .collect()
    }

    fn stalled(&self, span: Span) -> Points {
        self.of(StateCounter::StallNs)
            .map(|stalled| quotients(span, stalled, &self.stall_wall_ns))
            .unwrap_or_default()
    }
}

/// RocksDB counts a stall when it is over: what is longer than the interval began before it.
fn stall_time(delta: &StateDelta) -> (u64, u64) {
    let stalled_ms = delta.counts[StateCounter::StallNs].unwrap_or(0) / 1_000_000;
    let begin_ms = delta.to_ms.saturating_sub(stalled_ms);
    (delta.from_ms.min(begin_ms), delta.to_ms)
}

fn quotients(span: Span, counted: &[f64], whole: &[f64]) -> Points {
    let pairs = counted.iter().zip(whole).enumerate();
    pairs
        .map(|(at, (counted, whole))| {
            // Less than this of an event is rounding.
            let value = (*whole > 1e-6).then(|| counted / whole);
            (span.column_ms(at + 1), value)
        })
        .collect()
}

/// Gauges that are followed.
#[derive(Clone, Copy)]
enum What {
    Entries,
    Bytes,
    Memtables,
    MemtableCapacity,
    PendingCompaction,
    Compactions,
    Flushes,
    Stopped,
    DelayedTo,
    CacheBytes,
    CachePinned,
    CacheCapacity,
}

const GAUGES: usize = What::CacheCapacity as usize + 1;

impl What {
    /// The rest is the whole job's, and the same in each row.
    const SUMMED: usize = What::DelayedTo as usize + 1;

    /// In the order of the names.
    fn of(row: &StateRow) -> [Option<u64>; GAUGES] {
        [
            row.entries,
            row.bytes,
            row.memtable_bytes,
            // A budget, where there is one, is less than what each database may hold by itself.
            row.write_buffer_capacity
                .filter(|_| row.memory_budget.is_none()),
            row.pending_compaction_bytes,
            row.running_compactions.map(u64::from),
            row.running_flushes.map(u64::from),
            row.write_stopped.map(u64::from),
            row.delayed_write_rate,
            row.block_cache_bytes,
            row.block_cache_pinned_bytes,
            row.block_cache_capacity,
        ]
    }
}

/// Gauges in columns, subtasks added up.
struct Gauges {
    columns: Vec<Gauge>,
    levels: Vec<Gauge>,
    /// The sample that is being fed: rows of one moment follow each other.
    now: Option<Now>,
}

struct Now {
    t_ms: u64,
    gauges: [Option<f64>; GAUGES],
    levels: [Option<f64>; LEVELS],
}

impl Gauges {
    fn new(span: Span) -> Self {
        Gauges {
            columns: vec![Gauge::new(span); GAUGES],
            levels: vec![Gauge::new(span); LEVELS],
            now: None,
        }
    }

    fn feed(&mut self, span: Span, row: &StateRow) {
        if self.now.as_ref().is_none_or(|now| now.t_ms != row.t_ms) {
            self.close(span);
        }
        let now = self.now.get_or_insert(Now {
            t_ms: row.t_ms,
            gauges: [None; GAUGES],
            levels: [None; LEVELS],
        });
        for (at, (place, more)) in now.gauges.iter_mut().zip(What::of(row)).enumerate() {
            let more = more.map(|more| more as f64);
            *place = match (*place, more) {
                (Some(sum), Some(more)) if at < What::SUMMED => Some(sum + more),
                (before, more) => more.or(before),
            };
        }
        for (place, more) in now.levels.iter_mut().zip(row.level_files()) {
            let more = more.map(f64::from);
            *place = place
                .zip(more)
                .map(|(sum, more)| sum + more)
                .or(more)
                .or(*place);
        }
    }

    /// Takes the sample that was fed.
    fn close(&mut self, span: Span) {
        let Some(now) = self.now.take() else {
            return;
        };
        for (column, value) in self.columns.iter_mut().zip(now.gauges) {
            column.sample(span, now.t_ms, value);
        }
        for (level, value) in self.levels.iter_mut().zip(now.levels) {
            level.sample(span, now.t_ms, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_that_is_counted_late_is_drawn_when_it_was() {
        let span = Span {
            from_ms: 0,
            to_ms: 10_000,
            samples: 11,
        };
        let mut differences = StateDifferences::default();
        let mut counts = Counts::new(span);
        for t_ms in (0..=10_000).step_by(1_000) {
            let row = StateRow {
                t_ms,
                stall_ns: Some(if t_ms < 7_000 { 0 } else { 3_000_000_000 }),
                ..StateRow::default()
            };
            if let Some(delta) = differences.feed(&row) {
                counts.feed(span, &delta);
            }
        }
        let stalled = counts.stalled(span).into_iter();
        let shares: Vec<f64> = stalled.filter_map(|(_, share)| share).collect();
        assert_eq!(shares, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    }
}
