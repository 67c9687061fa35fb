//! The source that keeps to a schedule, whatever is behind it.
//!
//! It emits every record that is due, in the order of intended times over its splits, and tags it with its intended
//! time and its own lag: how late the record is through the source's own fault. Time during which the engine did not
//! let the source run since it was last caught up is the engine's, not its own; a pause that was ordered, waiting for a
//! split that is behind in event time, and the time before a source began again from a checkpoint are nobody's.

mod saved;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use borsh::BorshDeserialize;
use engine::{Batch, OperatorError, Restored, Row, Snapshot, Source, SourceStatus};

use super::at_once::{AtOnce, turn_of};
use super::clock::{SplitClock, SplitState};
use super::disturbances::SplitPause;
use super::event_time::{Marks, SourceWatermarks, Untimed, Watermarks, look_again_ns};
use super::events::Events;
use super::origin::Origin;
use super::progress::Progress;
use super::schedule::{Law, Schedule};
use crate::tag;
use saved::Saved;

/// After catching up, the source sleeps at least this long in nanoseconds, so that wake-ups stay below 2,000 per second.
pub(super) const PACE_NS: u64 = 500_000;

/// One subtask's share of a scheduled stream.
pub struct ScheduledSource<E> {
    origin: Origin<E>,
    watermarks: Option<SourceWatermarks>,
    clocks: Vec<SplitClock>,
    /// Pauses of each split.
    pauses: Vec<Vec<SplitPause>>,
    order: Order,
    /// `None` in a job without event time.
    marks: Option<Marks>,
    /// `held_ns` when nothing due was left.
    held_when_caught_up: u64,
    /// When it began, in nanoseconds; `None` before the first poll. 0 unless it goes on from a checkpoint or begins
    /// anew: what was due before could not be sent.
    begun_ns: Option<u64>,
}

/// Which split has the earliest record.
enum Order {
    /// Without intended times.
    AtOnce(AtOnce),
    /// The splits take turns: records of equal index lie between those of the index before and the one after.
    Turns { next: usize },
    /// Random arrivals, or splits that pause or wait for each other: the earliest time at which a split may emit its
    /// next record.
    Earliest(BinaryHeap<Reverse<(u64, usize)>>),
}

impl Order {
    fn new(schedule: &Schedule, clocks: &[SplitClock], in_step: bool) -> Order {
        if !schedule.is_timed() {
            let taken = |clock: &SplitClock| (clock.split(), clock.index());
            return Order::AtOnce(AtOnce::new(clocks.iter().map(taken).collect()));
        }
        let indexes: Vec<u64> = clocks.iter().map(SplitClock::index).collect();
        let turn =
            turn_of(&indexes).filter(|_| in_step && !matches!(schedule.law, Law::Poisson(_)));
        match turn {
            Some(next) => Order::Turns { next },
            None => {
                let next = |(share, clock): (usize, &SplitClock)| Reverse((clock.next_ns(), share));
                Order::Earliest(clocks.iter().enumerate().map(next).collect())
            }
        }
    }
}

impl<E: Events> ScheduledSource<E> {
    /// The share of subtask `subtask`: all splits s with s % parallelism = subtask, from their beginning. With
    /// watermarks or without.
    pub fn new(
        events: E,
        progress: Arc<Progress>,
        subtask: usize,
        watermarks: Option<SourceWatermarks>,
    ) -> ScheduledSource<E> {
        let schedule = Arc::clone(progress.schedule());
        let subtask = subtask as u32;
        let origin = Origin {
            events,
            schedule,
            progress,
            subtask,
            dropped: 0,
        };
        let mut source = ScheduledSource {
            origin,
            watermarks,
            clocks: Vec::new(),
            pauses: Vec::new(),
            order: Order::Turns { next: 0 },
            marks: None,
            held_when_caught_up: 0,
            begun_ns: None,
        };
        source.place(|_| SplitState::default());
        source.origin.progress.wait_for(subtask);
        source
    }

    /// Puts each split where `state` says.
    fn place(&mut self, state: impl Fn(u32) -> SplitState) {
        let Origin {
            schedule,
            progress,
            subtask,
            ..
        } = &self.origin;
        let clocks: Vec<SplitClock> = (*subtask..schedule.splits())
            .step_by(progress.parallelism() as usize)
            .map(|split| schedule.clock(split, state(split)))
            .collect();
        let pauses: Vec<Vec<SplitPause>> = clocks
            .iter()
            .map(|clock| schedule.pauses(clock.split()).copied().collect())
            .collect();
        let watermarks = self.watermarks;
        let aligned = watermarks.is_some_and(|options| options.splits.max_drift_ms.is_some());
        let in_step = !aligned && pauses.iter().all(Vec::is_empty);
        self.order = Order::new(schedule, &clocks, in_step);
        self.marks = watermarks.map(|options| Marks::new(&clocks, options));
        (self.clocks, self.pauses) = (clocks, pauses);
    }

    /// Tells where the splits begin: with the first poll, and before it if they go on from somewhere, since a job that is
    /// to end is not polled. Whether they go on.
    fn tell(&self) -> bool {
        let Origin {
            progress, subtask, ..
        } = &self.origin;
        let before = progress.admitted_by(*subtask);
        let mut again = false;
        for (share, clock) in self.clocks.iter().enumerate() {
            again |= clock.index() > 0 || before[share].load(Ordering::Relaxed) > 0;
            progress.begin(*subtask, share, clock.index());
        }
        again
    }

    /// The first poll.
    fn begin(&mut self, now: u64, held_ns: u64) {
        let again = self.tell();
        self.begun_ns = Some(if again { now } else { 0 });
        if let Some(marks) = &mut self.marks {
            marks.begin(now, held_ns);
        }
    }

    /// Emits what is due; gives the time of the next record if nothing due is left.
    fn emit(&mut self, now: u64, debt: u64, max: usize, out: &mut Batch<E::Out>) -> Option<u64> {
        match (&mut self.order, &mut self.marks) {
            (Order::AtOnce(order), None) => order.emit(&mut self.origin, max, out),
            (Order::AtOnce(order), Some(marks)) => {
                order.emit_marked(&mut self.origin, now, max, marks, out)
            }
            (_, None) => self.emit_due(now, debt, max, &mut Untimed, out),
            (_, Some(_)) => {
                let mut marks = self.marks.take()?;
                let next = self.emit_due(now, debt, max, &mut marks, out);
                self.marks = Some(marks);
                next
            }
        }
    }

    /// The same where records have intended times.
    fn emit_due(
        &mut self,
        now: u64,
        debt: u64,
        max: usize,
        marks: &mut impl Watermarks,
        out: &mut Batch<E::Out>,
    ) -> Option<u64> {
        let Origin {
            events,
            schedule,
            dropped,
            progress,
            subtask,
        } = &mut self.origin;
        let admitted = progress.admitted_by(*subtask);
        let begun_ns = self.begun_ns.unwrap_or(0);
        let mut emit = |clock: &mut SplitClock, share: usize, free_since: u64, marks: &mut _| {
            let record = schedule.record(clock.split(), clock.index());
            *dropped += events.dropped_before(record);
            let intended = clock.next_ns();
            let resumed = resumed(&self.pauses[share], now)
                .max(free_since)
                .max(begun_ns);
            let possible = intended.max(resumed);
            let value = events.event_at(record, intended);
            let event_time_ms = events.event_time_ms(&value);
            out.push(Row {
                tag: tag::encode(intended, (now - possible).saturating_sub(debt)),
                value,
            });
            clock.advance(schedule);
            admitted[share].store(clock.index(), Ordering::Relaxed);
            Watermarks::emitted(marks, share, event_time_ms, out);
            if clock.peek().is_none() {
                Watermarks::finish(marks, share);
            }
        };
        match &mut self.order {
            Order::AtOnce(_) => {}
            Order::Turns { next } => {
                for _ in 0..max {
                    let due = self.clocks.get(*next).map_or(u64::MAX, SplitClock::next_ns);
                    if due > now {
                        return Some(due);
                    }
                    emit(&mut self.clocks[*next], *next, 0, marks);
                    *next += 1;
                    if *next == self.clocks.len() {
                        *next = 0;
                    }
                }
            }
            Order::Earliest(heap) => {
                for _ in 0..max {
                    let Some(mut earliest) = heap.peek_mut().filter(|earliest| earliest.0.0 <= now)
                    else {
                        return Some(heap.peek().map_or(u64::MAX, |earliest| earliest.0.0));
                    };
                    let share = earliest.0.1;
                    if let Some(pause) = pausing(&self.pauses[share], now) {
                        earliest.0.0 = pause.until_ns();
                        continue;
                    }
                    let Some(free_since) = marks.free_since_ns(share, now) else {
                        earliest.0.0 = look_again_ns(now);
                        continue;
                    };
                    emit(&mut self.clocks[share], share, free_since, marks);
                    earliest.0.0 = self.clocks[share].next_ns();
                    drop(earliest); // restores the heap
                }
            }
        }
        None
    }
}

/// The pause that a split is in.
fn pausing(pauses: &[SplitPause], now: u64) -> Option<&SplitPause> {
    let holds = |pause: &&SplitPause| pause.from_ns <= now && now < pause.until_ns();
    pauses.iter().find(holds)
}

/// When a split was last let go on, by `now`: what was due before could not be sent any earlier.
#[inline]
fn resumed(pauses: &[SplitPause], now: u64) -> u64 {
    let ends = pauses.iter().map(SplitPause::until_ns);
    ends.filter(|&end| end <= now).max().unwrap_or(0)
}

impl<E: Events> Source for ScheduledSource<E> {
    type Out = E::Out;

    fn poll(
        &mut self,
        now: u64,
        held_ns: u64,
        max: usize,
        out: &mut Batch<E::Out>,
    ) -> SourceStatus {
        if self.begun_ns.is_none() {
            self.begin(now, held_ns);
        }
        let schedule = &self.origin.schedule;
        if !schedule.is_timed() && now >= schedule.until_ns() {
            return SourceStatus::Finished;
        }
        if let Some(marks) = &mut self.marks {
            marks.begin_poll(now, held_ns);
        }
        let debt = held_ns.saturating_sub(self.held_when_caught_up);
        let next = self.emit(now, debt, max, out);
        if let Some(marks) = &mut self.marks {
            marks.end_poll(out);
        }
        let dropped = self.origin.progress.dropped_by(self.origin.subtask);
        dropped.store(self.origin.dropped, Ordering::Relaxed);
        match next {
            None => SourceStatus::Ready,
            Some(u64::MAX) => SourceStatus::Finished,
            Some(next) => {
                self.held_when_caught_up = held_ns;
                let marks = self.marks.as_ref();
                let idle = marks.and_then(|marks| marks.next_idle_ns(held_ns));
                let next = idle.map_or(next, |idle| idle.min(next));
                SourceStatus::WaitUntil(next.max(now.saturating_add(PACE_NS)))
            }
        }
    }

    fn event_time_ms(&self) -> Option<i64> {
        self.marks.as_ref().and_then(Marks::highest_ms)
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value(PART, &self.saved());
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        let mut of_all = Vec::new();
        for (subtask, bytes) in from.all(PART) {
            let Saved {
                splits,
                mut dropped,
            } = Saved::try_from_slice(bytes)?;
            if subtask % from.subtask().parallelism != from.subtask().index {
                dropped = 0;
            }
            of_all.push(Saved { splits, dropped });
        }
        self.go_on(of_all);
        self.tell();
        Ok(())
    }
}

/// The name of the splits in a checkpoint.
const PART: &str = "splits";

#[cfg(test)]
mod tests;
