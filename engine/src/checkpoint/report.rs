//! What is told of checkpoints that have ended.

use crate::checkpoint::parts::Parts;
use crate::checkpoint::taking::Times;
use crate::subtask::SubtaskShared;

/// A checkpoint that is complete, or was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointReport {
    /// Its number. Grows, also over restarts.
    pub checkpoint: u64,
    /// Which attempt of the job took it.
    pub attempt: u32,
    /// Job time at which it began, in nanoseconds.
    pub triggered_ns: u64,
    /// Job time at which it was complete or given up.
    pub ended_ns: u64,
    /// Which of the two.
    pub outcome: CheckpointOutcome,
    /// The parts of those subtasks that had stored theirs by then.
    pub subtasks: Vec<SubtaskCheckpoint>,
}

/// What became of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointOutcome {
    /// A job can go on from it.
    Complete {
        /// It holds the end of the job: everything has been worked off.
        is_final: bool,
    },
    /// Why not.
    Failed(String),
}

/// One subtask's part in a checkpoint. Durations in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubtaskCheckpoint {
    /// Position of the task in the plan.
    pub task: usize,
    /// Index of the subtask.
    pub subtask: usize,
    /// Job time at which its part was on disk.
    pub ended_ns: u64,
    /// From the beginning of the checkpoint to the first barrier here; `None` for what a subtask held
    /// at its end.
    pub start_delay_ns: Option<u64>,
    /// From the first barrier to the last.
    pub alignment_ns: Option<u64>,
    /// While the subtask stood still for its snapshot; with flush and link.
    pub sync_ns: u64,
    /// To write what a database had in memory to its files.
    pub flush_ns: Option<u64>,
    /// To link these files.
    pub link_ns: Option<u64>,
    /// To write the snapshot, beside the subtask.
    pub async_ns: u64,
    /// All that its part stands for.
    pub bytes: u64,
    /// What of it had to be written, because no checkpoint before had it.
    pub written_bytes: u64,
    /// Rows that barriers passed.
    pub in_flight_bytes: u64,
    /// Whether barriers passed rows here.
    pub unaligned: bool,
}

impl SubtaskCheckpoint {
    pub(crate) fn new(subtask: &SubtaskShared, parts: &Parts, times: Times) -> Self {
        SubtaskCheckpoint {
            task: subtask.task,
            subtask: subtask.subtask,
            start_delay_ns: times.start_delay_ns,
            alignment_ns: times.alignment_ns,
            sync_ns: times.sync_ns,
            flush_ns: parts.flush_ns,
            link_ns: parts.link_ns,
            in_flight_bytes: times.in_flight_bytes,
            unaligned: times.unaligned,
            ..SubtaskCheckpoint::default()
        }
    }
}
