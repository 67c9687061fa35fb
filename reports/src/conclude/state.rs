//! What keyed state held, cost and did over the measured phase, from `state.csv`.

use std::collections::BTreeMap;

use super::timeline::is_within;
use crate::deltas::{StateCounter, StateCounts, StateDelta, StateDifferences};
use crate::record::{Backend, BlockCache, Phase, RunDir, StateBackend, StateRow};
use crate::stats::{Averaged, LeastSquares};
use crate::steady::{Steadiness, judge_averaged};

/// The keyed state of every operator that has some, and what was configured for all of it.
#[derive(Default)]
pub(super) struct States {
    tasks: BTreeMap<String, TaskState>,
    configured: Configured,
    /// Bytes of all tasks, sample by sample.
    bytes: Averaged,
}

/// What an operator's state is put into relation to.
#[derive(Clone, Copy)]
pub(super) struct Beside {
    pub(super) records_in: Option<u64>,
    /// Time inside the backend, all subtasks together.
    pub(super) state_ns: Option<u64>,
    /// Wall time of the phase, all subtasks together.
    pub(super) wall_ns: Option<f64>,
}

pub(super) fn states(record: &RunDir, phase: Phase, notes: &mut Vec<String>) -> States {
    let mut differences = StateDifferences::default();
    let mut tasks: Vec<TaskState> = Vec::new();
    let mut configured = Configured::default();
    let (mut bytes, mut now_ms) = (Averaged::default(), None);
    let mut rows = record.rows::<StateRow>();
    for row in rows.by_ref() {
        let task = differences.position(&row.task);
        tasks.resize_with(tasks.len().max(task + 1), TaskState::default);
        configured.add(task, &row);
        tasks[task].has_rocksdb |= row.is_rocksdb();
        if let Some(delta) = differences.feed(&row)
            && is_within(phase, delta.from_ms, delta.to_ms)
        {
            if now_ms
                .replace(row.t_ms)
                .is_some_and(|before| before != row.t_ms)
            {
                push_sum(&tasks, &mut bytes);
            }
            tasks[task].add(&delta, &row);
        }
    }
    push_sum(&tasks, &mut bytes);
    tasks.iter_mut().for_each(TaskState::close_sample);
    if rows.skipped() > 0 {
        notes.push(format!(
            "{} rows of state.csv cannot be read",
            rows.skipped()
        ));
    }
    States {
        tasks: differences
            .into_task_names()
            .into_iter()
            .zip(tasks)
            .collect(),
        configured,
        bytes,
    }
}

/// What all tasks hold at the end of a sample.
fn push_sum(tasks: &[TaskState], bytes: &mut Averaged) {
    let held = tasks.iter().filter_map(|task| task.bytes.sum);
    if let Some(sum) = held.reduce(|sum, more| sum + more) {
        bytes.push(sum);
    }
}

impl States {
    /// Of one operator; `None` if it has no state.
    pub(super) fn of(&self, task: &str, beside: Beside) -> Option<StateBackend> {
        let state = self.tasks.get(task)?;
        Some(state.concluded(beside))
    }

    /// Whether some of it lies in files.
    pub(super) fn any_in_files(&self) -> bool {
        self.tasks.values().any(|task| task.has_rocksdb)
    }

    /// How the size of all state went; `None` without any.
    pub(super) fn course(&self) -> Option<Steadiness> {
        let any = !self.bytes.values().is_empty();
        any.then(|| judge_averaged(&self.bytes))
    }

    /// Bytes that the backends of the job were given; `None` on the heap.
    pub(super) fn configured_bytes(&self) -> Option<u64> {
        self.configured.bytes()
    }
}

/// Sums over an operator's intervals.
#[derive(Default)]
struct TaskState {
    has_rocksdb: bool,
    counts: StateCounts,
    entries: Held,
    bytes: Held,
    growth: LeastSquares,
    /// The sample that is being fed, milliseconds.
    now_ms: Option<u64>,
    cache_usage: Option<u64>,
    cache_capacity: Option<u64>,
}

impl TaskState {
    fn add(&mut self, delta: &StateDelta, row: &StateRow) {
        if self.now_ms != Some(row.t_ms) {
            self.close_sample();
            self.now_ms = Some(row.t_ms);
        }
        self.counts.add(&delta.counts);
        self.entries.put(row.subtask, row.entries);
        self.bytes.put(row.subtask, row.bytes);
        self.cache_usage = row.block_cache_bytes.or(self.cache_usage);
        self.cache_capacity = row.block_cache_capacity.or(self.cache_capacity);
    }

    /// Rows of one sample follow each other: when the next begins, the sum is known.
    fn close_sample(&mut self) {
        if let Some((t_ms, bytes)) = self.now_ms.zip(self.bytes.sum) {
            self.growth.push((t_ms as f64 / 1e3, bytes));
        }
    }

    fn concluded(&self, beside: Beside) -> StateBackend {
        let counts = &self.counts;
        let per_record = |total: Option<u64>| {
            let records = beside.records_in.filter(|&records| records > 0)?;
            Some(total? as f64 / records as f64)
        };
        StateBackend {
            backend: if self.has_rocksdb {
                Backend::RocksDb
            } else {
                Backend::Heap
            },
            entries: self.entries.whole(),
            bytes: self.bytes.whole(),
            growth_bytes_per_s: self.growth.slope(),
            reads_per_record: per_record(counts[StateCounter::Reads]),
            writes_per_record: per_record(counts[StateCounter::Writes]),
            read_ns: counts.per(StateCounter::ReadNs, StateCounter::ReadSamples),
            write_ns: counts.per(StateCounter::WriteNs, StateCounter::WriteSamples),
            state_ns_per_record: per_record(beside.state_ns),
            write_back_hit_share: counts
                .share(StateCounter::WriteBackHits, StateCounter::WriteBackMisses),
            block_cache: self.has_rocksdb.then(|| self.block_cache()),
            write_stops: counts[StateCounter::WriteStops],
            stall_share: counts[StateCounter::StallNs]
                .zip(beside.wall_ns)
                .map(|(stalled_ns, wall_ns)| stalled_ns as f64 / wall_ns),
            flushed_bytes: counts[StateCounter::FlushedBytes],
            compacted_bytes: counts[StateCounter::CompactedBytes],
        }
    }

    fn block_cache(&self) -> BlockCache {
        let counts = &self.counts;
        BlockCache {
            hit_share: counts.share(StateCounter::BlockCacheHits, StateCounter::BlockReads),
            usage: self.cache_usage,
            capacity: self.cache_capacity,
            misses_per_read: counts.per(StateCounter::BlockReads, StateCounter::Reads),
            bytes_read_per_read: counts.per(StateCounter::BlockReadBytes, StateCounter::Reads),
        }
    }
}

/// A gauge of every subtask as last seen, and their sum.
#[derive(Default)]
struct Held {
    last: BTreeMap<u32, f64>,
    sum: Option<f64>,
}

impl Held {
    fn put(&mut self, subtask: u32, value: Option<u64>) {
        if let Some(value) = value {
            let before = self.last.insert(subtask, value as f64).unwrap_or(0.0);
            self.sum = Some(self.sum.unwrap_or(0.0) + value as f64 - before);
        }
    }

    fn whole(&self) -> Option<u64> {
        self.sum.map(|sum| sum.round() as u64)
    }
}

/// What the job's backends may take, from the last row of every subtask.
#[derive(Default)]
struct Configured {
    /// Write buffers and write-back cache, by operator and subtask.
    own: BTreeMap<(usize, u32), (Option<u64>, u64)>,
    block_cache: Option<u64>,
    budget: Option<u64>,
}

impl Configured {
    fn add(&mut self, task: usize, row: &StateRow) {
        if row.is_rocksdb() {
            let own = (
                row.write_buffer_capacity,
                row.write_back_capacity.unwrap_or(0),
            );
            self.own.insert((task, row.subtask), own);
            self.block_cache = row.block_cache_capacity.or(self.block_cache);
            self.budget = row.memory_budget.or(self.budget);
        }
    }

    fn bytes(&self) -> Option<u64> {
        let write_back: u64 = self
            .own
            .values()
            .fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes));
        let rocksdb = match self.budget {
            Some(budget) => budget,
            None => {
                let buffers = self.own.values().map(|(buffers, _)| *buffers);
                let buffers = buffers.reduce(|sum, more| Some(sum?.saturating_add(more?)));
                self.block_cache?.saturating_add(buffers??)
            }
        };
        Some(rocksdb.saturating_add(write_back))
    }
}
