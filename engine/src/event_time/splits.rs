//! The watermark of a source: one generator per split, the minimum over those that are not idle.
//!
//! Idleness is decided by processing time, as in Flink. Optionally splits are held together: one
//! that is too far ahead of the slowest is to be paused. Pausing is up to the caller, who asks
//! [`SplitWatermarks::may_emit`].

use crate::batch::{Batch, Signal};
use crate::data::{Decode, Encode};
use crate::event_time::bounded::BoundedOutOfOrderness;
use crate::event_time::{
    FINAL_WATERMARK_MS, NO_WATERMARK_MS, WatermarkStatus, WatermarkUpdate, span_ms,
};

/// How a source's splits make one watermark. All times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SplitWatermarkOptions {
    /// How far elements of one split may be out of order.
    pub delay_ms: u64,
    /// A split without elements for this much processing time is idle. `None`: never, and one
    /// silent split stalls the whole source.
    pub idle_timeout_ms: Option<u64>,
    /// How far a split's watermark may be ahead of the slowest active split's. `None`: any.
    pub max_drift_ms: Option<u64>,
}

/// Watermarks per split and their minimum.
#[derive(Clone, Debug)]
pub struct SplitWatermarks {
    splits: Vec<Split>,
    options: SplitWatermarkOptions,
    emitted_ms: i64,
    status: WatermarkStatus,
}

#[derive(Clone, Copy, Debug)]
struct Split {
    generator: BoundedOutOfOrderness,
    /// Processing time of its last element, or since when it has been allowed to have one.
    active_ms: i64,
    phase: Phase,
}

/// What a checkpoint keeps of a split: how far it has come, and whether it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SplitProgress {
    /// The highest timestamp, in milliseconds.
    pub highest_ms: Option<i64>,
    phase: Phase,
}

impl SplitProgress {
    /// That of two splits that become one: as far as the one that is behind, and idle only if both are.
    pub(crate) fn behind_both(self, other: Self) -> Self {
        SplitProgress {
            highest_ms: self.highest_ms.min(other.highest_ms),
            phase: self.phase.min(other.phase),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
enum Phase {
    Active,
    Idle,
    Finished,
}

impl SplitWatermarks {
    /// For splits `0..splits`, of which none has an element yet, at processing time `now_ms`.
    pub fn new(splits: usize, options: SplitWatermarkOptions, now_ms: i64) -> Self {
        let split = Split {
            generator: BoundedOutOfOrderness::new(options.delay_ms),
            active_ms: now_ms,
            phase: Phase::Active,
        };
        SplitWatermarks {
            splits: vec![split; splits],
            options,
            emitted_ms: NO_WATERMARK_MS,
            status: WatermarkStatus::Active,
        }
    }

    /// Where a split stands, for a checkpoint.
    pub fn progress(&self, split: usize) -> Option<SplitProgress> {
        let split = self.splits.get(split)?;
        Some(SplitProgress {
            highest_ms: split.generator.highest_ms(),
            phase: split.phase,
        })
    }

    /// Puts a split where it stood in a checkpoint. What follows for the source is told anew. One that had
    /// [finished](Self::finish) is to be finished again, if it still has nothing more.
    pub fn restore(&mut self, split: usize, progress: SplitProgress) {
        if let Some(split) = self.splits.get_mut(split) {
            if progress.phase == Phase::Idle {
                split.phase = Phase::Idle;
            }
            if let Some(highest_ms) = progress.highest_ms {
                split.generator.element(highest_ms);
            }
        }
    }

    /// The splits could not have had elements before `now_ms`, in processing time.
    pub fn begin(&mut self, now_ms: i64) {
        for split in &mut self.splits {
            split.active_ms = split.active_ms.max(now_ms);
        }
    }

    /// Takes note of an element of `split`; an idle split is active again. Its watermark may then
    /// be behind the source's, which never goes back: its elements may be late.
    #[inline]
    pub fn element(&mut self, split: usize, timestamp_ms: i64, now_ms: i64) {
        if let Some(split) = self.splits.get_mut(split) {
            split.generator.element(timestamp_ms);
            split.active_ms = split.active_ms.max(now_ms);
            split.phase = Phase::Active;
        }
    }

    /// `split` will have no more elements and no longer counts. After the last one the watermark is
    /// the final one.
    pub fn finish(&mut self, split: usize) {
        if let Some(split) = self.splits.get_mut(split) {
            split.phase = Phase::Finished;
        }
    }

    /// What there is to tell at processing time `now_ms`. When all splits are idle the watermark
    /// stays where it is.
    pub fn poll(&mut self, now_ms: i64) -> WatermarkUpdate {
        self.note_idle(now_ms);
        let mut update = WatermarkUpdate::default();
        if self.all(|phase| phase == Phase::Finished) {
            update.watermark_ms = self.raise(FINAL_WATERMARK_MS);
            return update;
        }
        let status = match self.lowest_active_ms() {
            Some(lowest_ms) => {
                update.watermark_ms = self.raise(lowest_ms);
                WatermarkStatus::Active
            }
            None => WatermarkStatus::Idle,
        };
        if status != self.status {
            self.status = status;
            update.status = Some(status);
        }
        update
    }

    /// What [`poll`](Self::poll) has to tell, as signals behind the rows of `out`.
    pub fn signal<T>(&mut self, now_ms: i64, out: &mut Batch<T>) {
        let update = self.poll(now_ms);
        // That a source is active again is told by its watermark, risen or not.
        let awake = update.status == Some(WatermarkStatus::Active);
        if (update.watermark_ms.is_some() || awake) && self.emitted_ms != NO_WATERMARK_MS {
            out.signal(Signal::Watermark(self.emitted_ms));
        }
        if update.status == Some(WatermarkStatus::Idle) {
            out.signal(Signal::Idle);
        }
    }

    /// When [`poll`](Self::poll) may next find a split idle, in processing time.
    pub fn next_idle_ms(&self) -> Option<i64> {
        let timeout_ms = span_ms(self.options.idle_timeout_ms?);
        let active = self.splits.iter().filter(|s| s.phase == Phase::Active);
        active.map(|s| s.active_ms.saturating_add(timeout_ms)).min()
    }

    /// Whether `split` may have more elements now, or is too far ahead of the others.
    ///
    /// Splits that have not had an element yet do not hold others: how long to wait for them is
    /// what the idle timeout says. Flink decides the same by reports in intervals, and so lets a
    /// split run ahead by up to one interval more.
    pub fn may_emit(&self, split: usize) -> bool {
        let split = self.splits.get(split);
        split.is_none_or(|split| split.generator.watermark_ms() <= self.limit_ms())
    }

    /// The watermark so far.
    pub fn watermark_ms(&self) -> i64 {
        self.emitted_ms
    }

    /// The watermark of one split alone, in milliseconds.
    pub fn split_watermark_ms(&self, split: usize) -> Option<i64> {
        Some(self.splits.get(split)?.generator.watermark_ms())
    }

    fn note_idle(&mut self, now_ms: i64) {
        let Some(timeout_ms) = self.options.idle_timeout_ms.map(span_ms) else {
            return;
        };
        let limit_ms = self.limit_ms();
        for split in &mut self.splits {
            if split.phase != Phase::Active {
                continue;
            }
            // A split that is paused for being ahead is not idle: its time starts when it may go on.
            if split.generator.watermark_ms() > limit_ms {
                split.active_ms = split.active_ms.max(now_ms);
            } else if now_ms.saturating_sub(split.active_ms) >= timeout_ms {
                split.phase = Phase::Idle;
            }
        }
    }

    /// The highest watermark that a split may have and still go on.
    fn limit_ms(&self) -> i64 {
        let Some(max_drift_ms) = self.options.max_drift_ms else {
            return i64::MAX;
        };
        let active = self.splits.iter().filter(|s| s.phase == Phase::Active);
        active
            .map(|s| s.generator.watermark_ms())
            .filter(|&watermark_ms| watermark_ms != NO_WATERMARK_MS)
            .min()
            .map_or(i64::MAX, |slowest_ms| {
                slowest_ms.saturating_add(span_ms(max_drift_ms))
            })
    }

    fn lowest_active_ms(&self) -> Option<i64> {
        let active = self.splits.iter().filter(|s| s.phase == Phase::Active);
        active.map(|s| s.generator.watermark_ms()).min()
    }

    fn all(&self, is: impl Fn(Phase) -> bool) -> bool {
        self.splits.iter().all(|split| is(split.phase))
    }

    fn raise(&mut self, watermark_ms: i64) -> Option<i64> {
        (watermark_ms > self.emitted_ms).then(|| {
            self.emitted_ms = watermark_ms;
            watermark_ms
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn options(idle: Option<u64>, drift: Option<u64>) -> SplitWatermarkOptions {
        SplitWatermarkOptions {
            delay_ms: 0,
            idle_timeout_ms: idle,
            max_drift_ms: drift,
        }
    }

    #[test]
    fn a_silent_split_stalls_the_source_until_it_is_idle() {
        let mut stalled = SplitWatermarks::new(2, options(None, None), 0);
        stalled.element(0, 1_000, 0);
        assert!(stalled.poll(1_000_000).is_empty());

        let mut splits = SplitWatermarks::new(2, options(Some(50), None), 0);
        splits.element(0, 1_000, 40);
        assert!(splits.poll(49).is_empty());
        assert_eq!(splits.next_idle_ms(), Some(50));
        assert_eq!(splits.poll(50).watermark_ms, Some(999));
        // It comes back behind the watermark, which stays.
        splits.element(1, 10, 51);
        assert!(splits.poll(51).is_empty());
        assert_eq!(splits.poll(200).status, Some(WatermarkStatus::Idle));
        splits.element(1, 5_000, 201);
        let update = splits.poll(201);
        assert_eq!(update.status, Some(WatermarkStatus::Active));
        assert_eq!(update.watermark_ms, Some(4_999));
        splits.finish(1);
        splits.finish(0);
        assert_eq!(splits.poll(202).watermark_ms, Some(FINAL_WATERMARK_MS));
    }

    #[test]
    fn a_paused_split_is_not_idle() {
        let mut splits = SplitWatermarks::new(2, options(Some(50), Some(100)), 0);
        splits.element(0, 1_000, 0);
        assert!(splits.may_emit(0), "the other has not been heard of");
        splits.element(1, 100, 0);
        assert!(!splits.may_emit(0) && splits.may_emit(1));
        splits.poll(40);
        splits.element(1, 950, 60);
        assert!(splits.may_emit(0));
        assert!(splits.poll(80).status.is_none());
        assert_eq!(splits.next_idle_ms(), Some(90));
    }

    proptest! {
        #[test]
        fn the_watermark_is_the_minimum_over_active_splits_and_never_goes_back(
            steps in prop::collection::vec((0usize..3, -50i64..200, 0i64..20), 1..80),
            delay in 0u64..30,
        ) {
            let timeout = 25;
            let options = SplitWatermarkOptions {
                delay_ms: delay,
                idle_timeout_ms: Some(timeout),
                max_drift_ms: None,
            };
            let mut splits = SplitWatermarks::new(3, options, 0);
            let (mut now, mut emitted) = (0, NO_WATERMARK_MS);
            let mut seen: [(i64, Vec<i64>); 3] = Default::default();
            for (split, timestamp, pause) in steps {
                now += pause;
                // Idleness is noted at polls only, so there is one after every step.
                if pause % 2 == 0 {
                    splits.element(split, timestamp, now);
                    seen[split].0 = now;
                    seen[split].1.push(timestamp);
                }
                let update = splits.poll(now);
                let active = seen.iter().filter(|(at, _)| now - at < timeout as i64);
                let lowest = active
                    .map(|(_, all)| all.iter().max().map_or(NO_WATERMARK_MS, |m| m - delay as i64 - 1))
                    .min();
                let expected = lowest.filter(|&w| w > emitted);
                prop_assert_eq!(update.watermark_ms, expected);
                emitted = expected.unwrap_or(emitted);
                prop_assert_eq!(splits.watermark_ms(), emitted);
            }
        }
    }
}
