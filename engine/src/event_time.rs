//! Event time: when things happened, in milliseconds, and how far a stream is known to be complete.
//!
//! A watermark `t` says that no more elements with a timestamp of `t` or less are to be expected.
//! Those that come all the same are late. An event-time timer at `t` fires once the watermark is at
//! least `t`. All of this is Apache Flink's.
//!
//! Everything below but `assign`, which is an operator, is a plain struct that is fed with timestamps,
//! watermarks and the current processing time. How marks travel between subtasks is not known here.
//!
//! Timestamps are `i64` milliseconds of any one epoch. Arithmetic saturates at both ends of the
//! range, so timestamps nearer to an end than the spans added to them are rounded to that end.

pub(crate) mod assign;
pub(crate) mod bounded;
pub(crate) mod splits;
pub(crate) mod timers;

/// The watermark of a stream of which nothing is known yet.
pub const NO_WATERMARK_MS: i64 = i64::MIN;

/// The watermark after the last element: every event-time timer fires. It is also the end of the
/// global window.
pub const FINAL_WATERMARK_MS: i64 = i64::MAX;

/// Whether an input takes part in the minimum that makes up a watermark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatermarkStatus {
    /// It holds the watermark back.
    #[default]
    Active,
    /// It has said that nothing is to be expected for now, and is left out.
    Idle,
}

/// What a combination of inputs has to tell those behind it. In this order: active, watermark, idle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatermarkUpdate {
    /// A watermark higher than any before.
    pub watermark_ms: Option<i64>,
    /// The combined status, if it changed.
    pub status: Option<WatermarkStatus>,
}

impl WatermarkUpdate {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == WatermarkUpdate::default()
    }
}

/// Processing time in milliseconds, of job time: what depends on it begins with the job.
pub(crate) fn processing_ms(now_ns: u64) -> i64 {
    i64::try_from(now_ns / NS_PER_MS).unwrap_or(i64::MAX)
}

/// Job time in nanoseconds at which a processing time is reached.
pub(crate) fn job_time_ns(processing_ms: i64) -> u64 {
    let ms = u64::try_from(processing_ms).unwrap_or(0);
    ms.saturating_mul(NS_PER_MS)
}

const NS_PER_MS: u64 = 1_000_000;

/// A span as a signed number of milliseconds.
pub(crate) fn span_ms(span_ms: u64) -> i64 {
    i64::try_from(span_ms).unwrap_or(i64::MAX)
}

/// The first point of the grid `at_ms + n * interval_ms` (n >= 1) that lies after `now_ms`.
pub(crate) fn next_on_grid_ms(at_ms: i64, interval_ms: i64, now_ms: i64) -> i64 {
    let interval_ms = interval_ms.max(1);
    let passed = now_ms.saturating_sub(at_ms).max(0) / interval_ms;
    let steps = passed.saturating_add(1);
    at_ms.saturating_add(interval_ms.saturating_mul(steps))
}
