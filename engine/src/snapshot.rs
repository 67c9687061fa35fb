//! What can be seen of a running job: cumulative counters, read without stopping it.

use crate::account::TimeSplit;
use crate::state::snapshot::StateSnapshot;
use crate::window::WindowCounters;

/// Whether anything is counted and timed for observers. Only benches say no, to show what it costs:
/// see the feature `without-metrics`.
pub(crate) const METERED: bool = !cfg!(feature = "without-metrics");

/// All counters of a job at one moment. Reused between readings.
#[derive(Clone, Debug, Default)]
pub struct JobSnapshot {
    /// Job time of the reading, in nanoseconds.
    pub at_ns: u64,
    /// Which attempt of the job this is, from 0. All counters begin anew with each.
    pub attempt: u32,
    /// Every subtask, by task and index.
    pub subtasks: Vec<SubtaskSnapshot>,
    /// Every channel, by edge and receiver.
    pub channels: Vec<ChannelSnapshot>,
    /// State of every keyed operator subtask that has any which can be seen.
    pub states: Vec<StateSnapshot>,
    /// Every operator, by task and position in its chain.
    pub members: Vec<MemberSnapshot>,
}

/// One subtask.
#[derive(Clone, Debug)]
pub struct SubtaskSnapshot {
    /// Position of the task in the plan.
    pub task: usize,
    /// Index of the subtask.
    pub subtask: usize,
    /// Rows taken in; of a source, rows generated.
    pub records_in: u64,
    /// Rows given out, once however many edges they take; of a sink, rows written.
    pub records_out: u64,
    /// Event time that the task has reached, in milliseconds: the last watermark to come by its
    /// chain. `None` before the first.
    pub watermark_ms: Option<i64>,
    /// Of a source that knows it: the highest event time that it has emitted, in milliseconds.
    pub event_time_ms: Option<i64>,
    /// Of a task with windows, a join in time, or timers: what it has done and holds.
    pub windows: Option<WindowCounters>,
    /// Where its wall time went.
    pub time: TimeSplit,
    /// `time.backpressured_ns` by the task's output edges, in plan order.
    pub backpressured_by_output_ns: Vec<u64>,
    /// Of a source: time in which the engine kept it from generating.
    pub held_ns: Option<u64>,
}

/// One channel. What is enqueued and not dequeued has been sent and not been processed.
#[derive(Clone, Copy, Debug)]
pub struct ChannelSnapshot {
    /// Position of the edge in the plan.
    pub edge: usize,
    /// Sending subtask.
    pub from: usize,
    /// Receiving subtask.
    pub to: usize,
    /// Batches sent.
    pub enqueued: u64,
    /// Batches processed.
    pub dequeued: u64,
    /// Batches that may be under way: the exclusive ones and the channel's part of the floating ones.
    pub capacity: f64,
    /// Of a channel over a network: bytes sent.
    pub bytes: Option<u64>,
    /// Of a channel over a network: batches sent that have not arrived.
    pub on_link: Option<u64>,
}

/// One operator, over all its subtasks.
#[derive(Clone, Copy, Debug)]
pub struct MemberSnapshot {
    /// Position of the task in the plan.
    pub task: usize,
    /// Position in the task's chain.
    pub member: usize,
    /// Rows worked off.
    pub rows: u64,
    /// Wall time that took, in nanoseconds.
    pub busy_ns: u64,
}
