//! Differences of the counters of keyed state, from `state.csv`.

use std::ops::Index;

use super::counts::{Counts, Place, Samples};
use crate::record::StateRow;

/// A cumulative counter of a subtask's keyed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateCounter {
    Reads,
    Writes,
    ReadSamples,
    ReadNs,
    WriteSamples,
    WriteNs,
    WriteBackHits,
    WriteBackMisses,
    BlockCacheHits,
    BlockReads,
    BlockReadBytes,
    DataMisses,
    IndexMisses,
    FilterMisses,
    FlushedBytes,
    CompactedBytes,
    StallNs,
    WriteStops,
}

/// How many there are.
pub(crate) const STATE_COUNTERS: usize = StateCounter::WriteStops as usize + 1;

/// One value per [`StateCounter`].
pub(crate) type StateCounts = Counts<StateCounter, STATE_COUNTERS>;

impl StateCounts {
    fn of(row: &StateRow) -> Self {
        Counts::new([
            row.reads,
            row.writes,
            row.read_samples,
            row.read_ns,
            row.write_samples,
            row.write_ns,
            row.write_back_hits,
            row.write_back_misses,
            row.block_cache_hits,
            row.block_reads,
            row.block_read_bytes,
            row.data_misses,
            row.index_misses,
            row.filter_misses,
            row.flushed_bytes,
            row.compacted_bytes,
            row.stall_ns,
            row.write_stops,
        ])
    }

    /// Every counter, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<u64>> + use<> {
        self.values.into_iter()
    }

    /// One counter over another; `None` if either is not measured or there is nothing to divide by.
    pub(crate) fn per(&self, counter: StateCounter, of: StateCounter) -> Option<f64> {
        let whole = self[of].filter(|&whole| whole > 0)?;
        Some(self[counter]? as f64 / whole as f64)
    }

    /// The first of two counters over both.
    pub(crate) fn share(&self, part: StateCounter, rest: StateCounter) -> Option<f64> {
        let (part, rest) = (self[part]? as f64, self[rest]? as f64);
        (part + rest > 0.0).then(|| part / (part + rest))
    }
}

impl Index<StateCounter> for StateCounts {
    type Output = Option<u64>;

    fn index(&self, counter: StateCounter) -> &Option<u64> {
        &self.values[counter as usize]
    }
}

/// What one subtask did with its state between two consecutive samples of one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateDelta {
    /// Position of the task's name, in the order of first appearance.
    pub(crate) task: usize,
    pub(crate) subtask: u32,
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    pub(crate) counts: StateCounts,
}

/// Turns the rows of `state.csv`, in the file's order, into [`StateDelta`]s.
#[derive(Default)]
pub(crate) struct StateDifferences {
    samples: Samples<StateCounter, STATE_COUNTERS>,
}

impl StateDifferences {
    /// The difference to the subtask's previous row; `None` for the first row of an attempt and
    /// for rows that are out of order.
    pub(crate) fn feed(&mut self, row: &StateRow) -> Option<StateDelta> {
        let place = Place {
            task: &row.task,
            subtask: row.subtask,
            attempt: row.attempt,
            t_ms: row.t_ms,
        };
        let counted = self.samples.feed(&place, StateCounts::of(row))?;
        Some(StateDelta {
            task: counted.task,
            subtask: row.subtask,
            from_ms: counted.from_ms,
            to_ms: row.t_ms,
            counts: counted.counts,
        })
    }

    /// Position of a task's name, which is known from then on.
    pub(crate) fn position(&mut self, task: &str) -> usize {
        self.samples.position(task)
    }

    /// Names of all tasks seen, by position.
    pub(crate) fn into_task_names(self) -> Vec<String> {
        self.samples.into_task_names()
    }
}
