//! The rows of a run directory's tables. All counters are cumulative since the start of their
//! attempt (of the run, for the timeline): only `conclude` and the charts make rates of them.
//! `None` means not measured or not supported.

use super::table::{Table, row};

row! {
    /// The whole job at one moment. Counters are records since the start of the run.
    TimelineRow in Table::Timeline;
    /// Job time of the sample, milliseconds.
    t_ms: u64,
    /// Records whose intended time has passed; `None` with closed-loop load.
    offered: Option<u64>,
    /// Records that the sources have emitted.
    admitted: u64,
    /// Records that have arrived at sinks.
    completed: u64,
    /// Scheduled and not yet admitted records; `None` with closed-loop load.
    backlog: Option<u64>,
    /// Median response time of the interval's arrivals, nanoseconds.
    response_p50_ns: Option<u64>,
    /// 90th percentile of the same.
    response_p90_ns: Option<u64>,
    /// 99th percentile of the same.
    response_p99_ns: Option<u64>,
    /// 99.9th percentile of the same.
    response_p999_ns: Option<u64>,
    /// Largest response time of the interval's arrivals, nanoseconds.
    response_max_ns: Option<u64>,
    /// How far the lowest watermark of the sinks lies behind the highest event time that any source
    /// has emitted, milliseconds of event time. `None` before the first watermark and after the
    /// final one.
    watermark_lag_ms: Option<i64>,
    /// CPU seconds of the whole process since its start.
    cpu: Option<f64>,
    /// CPU seconds of the harness's own threads (sampler, writer, page) since their start.
    harness_cpu: Option<f64>,
    /// Resident memory of the process, bytes.
    rss: Option<u64>,
    /// Time of one fixed calibration loop, nanoseconds; empty in intervals without one.
    calibration: Option<u64>,
    /// 99th percentile of the interval's service times, nanoseconds.
    service_p99_ns: Option<u64>,
    /// CPU seconds of all other processes since the machine began; as the three below, about once per
    /// second, and empty in between.
    others_cpu: Option<f64>,
    /// CPU seconds that a hypervisor took, over all processors.
    stolen_cpu: Option<f64>,
    /// Seconds in which some process of the machine waited for memory.
    memory_stall: Option<f64>,
    /// Seconds in which some process of the machine waited for storage.
    io_stall: Option<f64>,
}

row! {
    /// One subtask at one moment. Counters restart at zero with a new `attempt`.
    SubtaskRow in Table::Subtasks;
    /// Job time of the sample, milliseconds.
    t_ms: u64,
    /// The task's id, as in `graph.json`.
    task: String,
    /// Index of the subtask, from 0.
    subtask: u32,
    /// Grows by one at each restart of the subtask.
    attempt: u32,
    /// Records taken in.
    records_in: Option<u64>,
    /// Records handed on.
    records_out: Option<u64>,
    /// Nanoseconds without input.
    idle_ns: Option<u64>,
    /// Nanoseconds of processing on a CPU, outside the state backend.
    on_cpu_ns: Option<u64>,
    /// Nanoseconds inside the state backend.
    state_ns: Option<u64>,
    /// Nanoseconds inside a declared external call, or of async I/O at its capacity.
    blocked_ns: Option<u64>,
    /// Nanoseconds ready but not running.
    starved_ns: Option<u64>,
    /// Nanoseconds waiting for output.
    backpressured_ns: Option<u64>,
    /// Sources only: nanoseconds in which the engine kept the source from running, for whatever
    /// reason (no credit, chained operators at work, no slot).
    held_ns: Option<u64>,
    /// Share of the input capacity in use, 0..1.
    in_usage: Option<f64>,
    /// Share of the output capacity in use, 0..1.
    out_usage: Option<f64>,
    /// The subtask's watermark, milliseconds of event time. `None` before the first and after the
    /// final one, which is no time.
    watermark_ms: Option<i64>,
    /// Bytes of keyed and operator state.
    state_bytes: Option<u64>,
    /// Sources only: highest event time emitted so far, milliseconds.
    event_time_ms: Option<i64>,
    /// Records that were too late for all their windows and dropped.
    late_dropped: Option<u64>,
    /// Records that were too late for all their windows and went to the late side output.
    late_side_output: Option<u64>,
    /// Firings before the end of a window, one per key and window.
    fired_early: Option<u64>,
    /// First firings of a key's window at or after its end.
    fired_on_time: Option<u64>,
    /// Further firings after the end of a window: refinements by late records.
    fired_late: Option<u64>,
    /// Timers that have fired.
    timers_fired: Option<u64>,
    /// Pairs of key and window (of key and slice, where slices are kept) held now.
    panes_pending: Option<u64>,
    /// Timers waiting now.
    timers_pending: Option<u64>,
}

row! {
    /// One channel; or all channels of an edge into one receiver, if the edge has more than 256 or the
    /// job more than 1,024.
    ChannelRow in Table::Channels;
    /// Job time of the sample, milliseconds.
    t_ms: u64,
    /// The edge's id, as in `graph.json`.
    edge: String,
    /// Sending subtask; `None` where channels are summed per receiver.
    from: Option<u32>,
    /// Receiving subtask.
    to: u32,
    /// Batches put into the channel.
    enqueued: u64,
    /// Batches whose processing is done.
    dequeued: u64,
    /// Batches that fit. Floating credits are shared, so this may be a fraction.
    capacity: Option<f64>,
    /// Bytes put into the channel; `None` unless it goes over a network.
    bytes: Option<u64>,
    /// Batches put into it that have not arrived at its end; `None` unless it goes over a network.
    on_link: Option<u64>,
}

row! {
    /// Something that happened; `kind` is one of [`event_kind`](super::event_kind), or newer.
    EventRow in Table::Events;
    /// Job time, milliseconds.
    t_ms: u64,
    /// What kind of thing.
    kind: String,
    /// The task concerned, if it was one.
    task: Option<String>,
    /// The subtask concerned, if it was one.
    subtask: Option<u32>,
    /// Its attempt.
    attempt: Option<u32>,
    /// For people; line breaks become spaces.
    text: String,
}

row! {
    /// One key that a Space-Saving sketch counts among the most frequent of a keyed operator
    /// (Metwally, Agrawal, El Abbadi, ICDT 2005). Rows of one task and moment belong together.
    KeyRow in Table::Keys;
    /// Job time of the sample, milliseconds.
    t_ms: u64,
    /// The task's id, as in `graph.json`.
    task: String,
    /// The key as text.
    key: String,
    /// Records of this key since the start of the run, at most.
    count: u64,
    /// By how much `count` may be too large.
    error: u64,
}

/// Values of [`EventRow::kind`] that the reports know.
pub mod event_kind {
    /// An injected fault begins; the text names it.
    pub const FAULT: &str = "fault";
    /// The fault of the same task and text ends.
    pub const FAULT_END: &str = "fault-end";
    /// The measured phase begins: warm-up is over.
    pub const MEASURE: &str = "measure";
    /// A subtask is killed on purpose; its failure follows.
    pub const KILL: &str = "kill";
    /// An attempt of the job has failed; the text says why.
    pub const FAILURE: &str = "failure";
    /// The next attempt begins, with what the last checkpoint holds; the text says from which.
    pub const RESTART: &str = "restart";
    /// The run begins with what a checkpoint of an earlier one holds; the text is that of [`restored_text`](super::super::restored_text).
    pub const RESTORED: &str = "restored";
    /// Output that later checkpoints had made visible was taken back; the text says what.
    pub const ROLLBACK: &str = "rollback";
    /// A checkpoint is complete.
    pub const CHECKPOINT: &str = "checkpoint";
    /// A checkpoint was given up; the text says why.
    pub const CHECKPOINT_FAILED: &str = "checkpoint-failed";
    /// A subtask panicked.
    pub const PANIC: &str = "panic";
    /// The engine reports an exception.
    pub const EXCEPTION: &str = "exception";
    /// The harness noticed something that a reader should know.
    pub const ALERT: &str = "alert";
    /// The harness or the machine stood still.
    pub const PAUSE: &str = "pause";
}
