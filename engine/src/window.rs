//! Windows over keyed elements: pure cores that are fed with elements, watermarks and time.
//!
//! | core | windows | fires | kept per |
//! |---|---|---|---|
//! | [`TumblingWindows`](crate::TumblingWindows) | tumbling | at the end | key in one table per window |
//! | [`SlicedWindows`](crate::SlicedWindows) | sliding | at the end | key and slice |
//! | [`TriggeredWindows`](crate::TriggeredWindows) | any | as a trigger says | key and window |
//!
//! All take any [`WindowContents`](crate::WindowContents): an aggregate, an aggregate and a window
//! function, all elements, or the two sides of a join. Where two cores can do the same, they give
//! the same results.
//!
//! The semantics are Flink's. An element is late for a window once the watermark has reached the
//! window's last millisecond plus the allowed lateness; it is late altogether if it is late for all
//! its windows. Until then a late element counts, and fires its windows again. An element is never
//! judged by a watermark that came after it.
//!
//! **Order.** Elements before a watermark are taken in before it. A watermark fires windows in
//! order of time; at one time, keys in the order that the core states. An element that fires
//! several windows fires the earliest first (Flink: the latest).
//!
//! The order of keys holds from one start of a job to the next: a restore puts the keys of several
//! cores together, those of one behind those of the other.
//!
//! How keys, timestamps and watermarks reach a core, and where results go, only `operator` knows. How
//! cores go on from checkpoints, `standing` says.

pub(crate) mod assigner;
pub(crate) mod co_group;
pub(crate) mod contents;
pub(crate) mod operator;
pub(crate) mod sliced;
pub(crate) mod standing;
mod table;
pub(crate) mod trigger;
pub(crate) mod triggered;
pub(crate) mod triggers;
pub(crate) mod tumbling;

use crate::batch::{Batch, Rows};
use crate::data::{Decode, Encode, Row};
use crate::event_time::FINAL_WATERMARK_MS;
use crate::window::standing::{OwnsKey, WindowStateError};

/// A span of time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct TimeWindow {
    /// Its first millisecond.
    pub start_ms: i64,
    /// The first millisecond after it.
    pub end_ms: i64,
}

impl TimeWindow {
    /// All of time.
    pub const GLOBAL: TimeWindow = TimeWindow {
        start_ms: i64::MIN,
        end_ms: i64::MAX,
    };

    /// The last millisecond in it: the watermark that completes it. The global window has none
    /// before the final watermark.
    pub fn max_timestamp_ms(&self) -> i64 {
        if self.end_ms == i64::MAX {
            FINAL_WATERMARK_MS
        } else {
            self.end_ms.saturating_sub(1)
        }
    }

    /// Whether a timestamp lies in it.
    #[inline]
    pub fn contains(&self, timestamp_ms: i64) -> bool {
        self.start_ms <= timestamp_ms && timestamp_ms < self.end_ms
    }

    /// Whether the two overlap or touch. Sessions that touch are one, as in Flink.
    pub fn meets(&self, other: &TimeWindow) -> bool {
        self.start_ms <= other.end_ms && self.end_ms >= other.start_ms
    }

    /// The smallest window that contains both.
    pub fn cover(&self, other: &TimeWindow) -> TimeWindow {
        TimeWindow {
            start_ms: self.start_ms.min(other.start_ms),
            end_ms: self.end_ms.max(other.end_ms),
        }
    }

    /// When its state may be forgotten: its last millisecond plus the allowed lateness.
    pub(crate) fn cleanup_ms(&self, allowed_lateness_ms: i64) -> i64 {
        self.max_timestamp_ms().saturating_add(allowed_lateness_ms)
    }
}

/// A window that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// A size, slide, gap or interval that is not positive.
    #[error("the {what} of a window must be at least 1 ms, not {given_ms} ms")]
    NotPositive {
        /// Which one.
        what: &'static str,
        /// What was given, in milliseconds.
        given_ms: i64,
    },
    /// Windows with gaps between them. Flink allows them, and drops what falls between.
    #[error(
        "sliding windows of {size_ms} ms every {slide_ms} ms leave gaps: slide by the size at most"
    )]
    Gaps {
        /// Size in milliseconds.
        size_ms: i64,
        /// Slide in milliseconds.
        slide_ms: i64,
    },
}

pub(crate) fn positive(what: &'static str, given_ms: i64) -> Result<i64, WindowError> {
    if given_ms < 1 {
        return Err(WindowError::NotPositive { what, given_ms });
    }
    Ok(given_ms)
}

/// How a firing stands to the end of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum FiringTime {
    /// Before it: more is to be expected.
    Early,
    /// The first for this key and window since the watermark passed the end.
    OnTime,
    /// A refinement: late elements have changed what was said before.
    Late,
}

/// A window that fires for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The window.
    pub window: TimeWindow,
    /// Before, at or after its end.
    pub time: FiringTime,
    /// The watermark at this moment.
    pub watermark_ms: i64,
}

/// Where a core puts what it makes.
#[derive(Debug)]
pub struct WindowOutput<'a, Out, In> {
    /// Results, each with the highest tag of the elements in it.
    pub results: &'a mut Batch<Out>,
    /// Elements that are too late for all their windows. `None`: they are dropped.
    pub late: Option<&'a mut Batch<In>>,
}

/// What a core has done, cumulative, and what it holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowCounters {
    /// Elements that at least one window took. Together with the two kinds of late elements: all.
    pub accepted: u64,
    /// Late elements that were dropped.
    pub late_dropped: u64,
    /// Late elements that went to the side output.
    pub late_side_output: u64,
    /// Firings before the end of the window, one per key and window.
    pub fired_early: u64,
    /// First firings at or after the end.
    pub fired_on_time: u64,
    /// Further firings after the end: refinements.
    pub fired_late: u64,
    /// Sessions that were merged into others.
    pub merged: u64,
    /// Pairs of key and window (of key and slice, where slices are kept) held now.
    pub pending: u64,
    /// Timers waiting now. A core without triggers keeps none per key.
    pub timers_pending: u64,
    /// Timers fired so far.
    pub timers_fired: u64,
}

impl WindowCounters {
    /// Firings of all kinds.
    pub fn fired(&self) -> u64 {
        self.fired_early + self.fired_on_time + self.fired_late
    }

    pub(crate) fn count_firing(&mut self, time: FiringTime) {
        match time {
            FiringTime::Early => self.fired_early += 1,
            FiringTime::OnTime => self.fired_on_time += 1,
            FiringTime::Late => self.fired_late += 1,
        }
    }

    /// Sends a late row where late rows go.
    pub(crate) fn reject<Out, In>(&mut self, row: Row<In>, out: &mut WindowOutput<'_, Out, In>) {
        match &mut out.late {
            Some(late) => {
                self.late_side_output += 1;
                late.push(row);
            }
            None => self.late_dropped += 1,
        }
    }
}

/// A windowed operator without its surroundings.
///
/// Times are in milliseconds; `now_ms` is processing time and must not go back. Watermarks that do
/// not rise are ignored.
pub trait WindowCore<K, In>: Send {
    /// What it makes.
    type Out;

    /// Takes one element of `key` with its event time.
    fn element(
        &mut self,
        key: &K,
        timestamp_ms: i64,
        row: Row<In>,
        now_ms: i64,
        out: &mut WindowOutput<'_, Self::Out, In>,
    );

    /// Takes elements, with the same effect as one after the other; `key` and `timestamp_ms` say of
    /// each its key and event time, and must say the same whenever they are asked.
    ///
    /// Preferable where there are many: a core may do for a run of elements what it would otherwise
    /// do for each.
    fn elements(
        &mut self,
        rows: Rows<'_, In>,
        mut key: impl FnMut(&In) -> K,
        mut timestamp_ms: impl FnMut(&In) -> i64,
        now_ms: i64,
        out: &mut WindowOutput<'_, Self::Out, In>,
    ) where
        Self: Sized,
    {
        rows.for_each(|row| {
            let (key, timestamp_ms) = (key(&row.value), timestamp_ms(&row.value));
            self.element(&key, timestamp_ms, row, now_ms, out);
        });
    }

    /// Takes a watermark, fires what it completes, forgets what it makes final.
    fn watermark(
        &mut self,
        watermark_ms: i64,
        now_ms: i64,
        out: &mut WindowOutput<'_, Self::Out, In>,
    );

    /// Lets processing time pass. Without effect where nothing depends on it.
    fn processing_time(&mut self, _now_ms: i64, _out: &mut WindowOutput<'_, Self::Out, In>) {}

    /// When [`processing_time`](Self::processing_time) is next due.
    fn next_processing_time_ms(&self) -> Option<i64> {
        None
    }

    /// What it has done and holds.
    fn counters(&self) -> WindowCounters;

    /// Appends what it holds, for a checkpoint.
    fn snapshot(&self, bytes: &mut Vec<u8>);

    /// Goes on, as the first thing that it does, for all cores that appended `parts` to a checkpoint, as
    /// far as they held keys of which `owns` says that they are now its own.
    ///
    /// It then stands at the lowest of their watermarks. Elements of a key that is its own are to come
    /// only when the watermark has come to where the core stood that held the key.
    fn restore(&mut self, parts: &[&[u8]], owns: OwnsKey<'_>) -> Result<(), WindowStateError>;
}

/// What is kept of the elements of one key in one window or slice, with the highest of their tags.
#[derive(Debug, Encode, Decode)]
pub(crate) struct Pane<S> {
    pub(crate) tag: u64,
    pub(crate) state: S,
}
