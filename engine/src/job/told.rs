//! What a job tells of itself: what happens to it, how it ends, and where its rows went.

/// Something that happened to a subtask, or to the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEvent {
    /// Job time in nanoseconds.
    pub at_ns: u64,
    /// What: `freeze`, `thaw`, `slow`, `slow-end`, `slow-state`, `slow-state-end`, `throttle-disk`,
    /// `throttle-disk-end`, `throttle-network`, `throttle-network-end`, `kill`, `failure`; of the whole
    /// job: `rollback`, `restart`.
    pub kind: &'static str,
    /// Which attempt of the job, from 0.
    pub attempt: u32,
    /// Position of the task in the plan; `None`: the whole job.
    pub task: Option<usize>,
    /// Index of the subtask.
    pub subtask: Option<usize>,
    /// More about it.
    pub text: String,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All sources ended, or were told to, and everything has flowed out.
    Finished,
    /// It was cancelled.
    Cancelled,
    /// A subtask failed, which cancelled the rest.
    Failed {
        /// Position of the task in the plan; `None` if it was the job as a whole.
        task: Option<usize>,
        /// Index of the subtask.
        subtask: Option<usize>,
        /// Why.
        message: String,
    },
}

/// The rows of one edge at the end of a job: `emitted = received + in_flight`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeBalance {
    /// Rows that senders put on the edge.
    pub emitted: u64,
    /// Rows that receivers worked off.
    pub received: u64,
    /// Rows in open and waiting batches, in the gates, and untouched at the receivers.
    pub in_flight: u64,
}
