//! Watermarks of a scheduled source: what it says of event time, and which of its splits it holds back for others.
//!
//! The rules are the engine's ([`SplitWatermarks`]). Here they meet the schedule: a split that is held back is looked
//! at again soon, and what is late through that is nobody's own lag. Splits of one subtask are held together; those
//! of different subtasks do not know of each other.

use engine::{
    Batch, Signal, SplitProgress, SplitWatermarkOptions, SplitWatermarks, WatermarkStatus,
};
use serde::{Deserialize, Serialize};

use super::clock::SplitClock;
use super::source::PACE_NS;

/// How a source makes watermarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceWatermarks {
    /// Delay, idle timeout and alignment of its splits.
    pub splits: SplitWatermarkOptions,
    /// When it tells of them.
    pub emission: WatermarkEmission,
}

/// When a source tells of its watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WatermarkEmission {
    /// Behind the records of each poll: a mark for a batch. Flink's periodic watermarks, at the pace of the source.
    #[default]
    PerPoll,
    /// Behind every record that raises it. Which records are late then depends on their order alone.
    PerRecord,
}

/// What the loop over records asks about event time.
pub(super) trait Watermarks {
    /// Since when, in nanoseconds, a split may emit its next record as far as the others are concerned; `None` while
    /// it may not.
    fn free_since_ns(&mut self, share: usize, now_ns: u64) -> Option<u64>;

    /// A split has emitted a record with this event time, which is the last one in `out`.
    fn emitted<T>(&mut self, share: usize, event_time_ms: Option<i64>, out: &mut Batch<T>);

    /// A split will emit nothing more.
    fn finish(&mut self, share: usize);
}

/// The source of a job without event time: costs nothing.
pub(super) struct Untimed;

impl Watermarks for Untimed {
    #[inline]
    fn free_since_ns(&mut self, _share: usize, _now_ns: u64) -> Option<u64> {
        Some(0)
    }

    #[inline]
    fn emitted<T>(&mut self, _share: usize, _event_time_ms: Option<i64>, _out: &mut Batch<T>) {}

    #[inline]
    fn finish(&mut self, _share: usize) {}
}

/// The watermarks of one source subtask. Splits go by their share number in it.
pub(super) struct Marks {
    splits: SplitWatermarks,
    emission: WatermarkEmission,
    /// Highest event time emitted, in milliseconds.
    highest_ms: Option<i64>,
    /// By split: whether it was held back when last looked at, and when it was last let go on, in nanoseconds.
    alignment: Vec<(bool, u64)>,
    /// The time by which splits fall idle. It stands still while the engine keeps the source from running: a split
    /// that could not be asked is not silent (Flink does the same since FLIP-471).
    clock_ms: i64,
    /// `clock_ms` when all splits that had something due were last asked. In between nobody falls idle.
    asked_ms: i64,
}

impl Marks {
    /// For splits that have emitted nothing yet.
    pub(super) fn new(clocks: &[SplitClock], options: SourceWatermarks) -> Marks {
        let mut splits = SplitWatermarks::new(clocks.len(), options.splits, 0);
        let ended = clocks
            .iter()
            .enumerate()
            .filter(|(_, c)| c.peek().is_none());
        ended.for_each(|(share, _)| splits.finish(share));
        Marks {
            splits,
            emission: options.emission,
            highest_ms: None,
            alignment: vec![(false, 0); clocks.len()],
            clock_ms: 0,
            asked_ms: 0,
        }
    }

    /// Where a split stands, for a checkpoint.
    pub(super) fn progress(&self, share: usize) -> Option<SplitProgress> {
        self.splits.progress(share)
    }

    /// Puts a split that has not ended where it stood in a checkpoint.
    pub(super) fn restore(&mut self, share: usize, progress: SplitProgress) {
        self.splits.restore(share, progress);
        self.highest_ms = self.highest_ms.max(progress.highest_ms);
    }

    /// Sets the time of the first poll: nobody has been silent before.
    pub(super) fn begin(&mut self, now_ns: u64, held_ns: u64) {
        self.begin_poll(now_ns, held_ns);
        self.splits.begin(self.clock_ms);
    }

    /// Sets the time: the engine has kept the source from running for `held_ns` of the job's `now_ns`.
    pub(super) fn begin_poll(&mut self, now_ns: u64, held_ns: u64) {
        self.clock_ms = ms(now_ns.saturating_sub(held_ns));
    }

    /// Tells where event time is behind all records of a poll.
    pub(super) fn end_poll<T>(&mut self, out: &mut Batch<T>) {
        self.asked_ms = self.clock_ms;
        self.tell(out);
    }

    /// When a split may fall idle, in nanoseconds of job time, if the engine lets the source run until then.
    pub(super) fn next_idle_ns(&self, held_ns: u64) -> Option<u64> {
        let at_ms = u64::try_from(self.splits.next_idle_ms()?).unwrap_or(0);
        Some(at_ms.saturating_mul(NS_PER_MS).saturating_add(held_ns))
    }

    /// Highest event time emitted so far, in milliseconds.
    pub(super) fn highest_ms(&self) -> Option<i64> {
        self.highest_ms
    }

    fn tell<T>(&mut self, out: &mut Batch<T>) {
        let update = self.splits.poll(self.asked_ms);
        let awake = update.status == Some(WatermarkStatus::Active);
        // A watermark ends idleness, even one that says nothing new.
        let known_ms = awake.then(|| self.splits.watermark_ms());
        if let Some(at_ms) = update.watermark_ms.or(known_ms) {
            out.signal(Signal::Watermark(at_ms));
        }
        if update.status == Some(WatermarkStatus::Idle) {
            out.signal(Signal::Idle);
        }
    }
}

impl Watermarks for Marks {
    #[inline]
    fn free_since_ns(&mut self, share: usize, now_ns: u64) -> Option<u64> {
        let may_emit = self.splits.may_emit(share);
        let (held, since_ns) = &mut self.alignment[share];
        if std::mem::replace(held, !may_emit) && may_emit {
            *since_ns = now_ns;
        }
        may_emit.then_some(*since_ns)
    }

    #[inline]
    fn emitted<T>(&mut self, share: usize, event_time_ms: Option<i64>, out: &mut Batch<T>) {
        let Some(event_time_ms) = event_time_ms else {
            return;
        };
        self.highest_ms = self.highest_ms.max(Some(event_time_ms));
        self.splits.element(share, event_time_ms, self.clock_ms);
        if self.emission == WatermarkEmission::PerRecord {
            self.tell(out);
        }
    }

    fn finish(&mut self, share: usize) {
        self.splits.finish(share);
    }
}

/// When to look again at a split that is held back, in nanoseconds.
#[inline]
pub(super) fn look_again_ns(now_ns: u64) -> u64 {
    now_ns.saturating_add(PACE_NS)
}

const NS_PER_MS: u64 = 1_000_000;

fn ms(ns: u64) -> i64 {
    i64::try_from(ns / NS_PER_MS).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
