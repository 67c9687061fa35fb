//! The order of records without intended times: the splits take turns, and whatever is asked for is due.
//!
//! In a closed loop the source takes its time from the engine, so this is a loop of its own: no clock to walk, no tag
//! to make, no law to look up per record (`cargo bench -- slow-operator` shows what is left beside the event). With
//! event time there is a second loop: splits may have to wait for each other, and each record is looked at.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::{Batch, Row};

use super::event_time::{Marks, Watermarks, look_again_ns};
use super::events::Events;
use super::origin::Origin;
use super::schedule::Schedule;

/// Where one subtask's splits stand.
pub(super) struct AtOnce {
    /// Splits of the subtask, in the order of their turns, and the records taken of each.
    splits: Vec<(u32, u64)>,
    /// Whose turn it is.
    turn: usize,
    /// Whether some may have more left than others: of a source that has splits of several sources of before.
    uneven: bool,
}

impl AtOnce {
    /// Of each split, how many records have been taken.
    pub(super) fn new(splits: Vec<(u32, u64)>) -> AtOnce {
        let taken: Vec<u64> = splits.iter().map(|(_, taken)| *taken).collect();
        let turn = turn_of(&taken);
        AtOnce {
            splits,
            turn: turn.unwrap_or(0),
            uneven: turn.is_none(),
        }
    }

    /// Records taken of a split.
    pub(super) fn taken(&self, share: usize) -> u64 {
        self.splits[share].1
    }

    /// Emits `max` records; gives a time that never comes if there are no more.
    pub(super) fn emit<E: Events>(
        &mut self,
        origin: &mut Origin<E>,
        max: usize,
        out: &mut Batch<E::Out>,
    ) -> Option<u64> {
        if self.uneven {
            return self.emit_uneven(origin, max, out);
        }
        let before = out.len();
        let (events, dropped) = (&origin.events, &mut origin.dropped);
        let records = self.records(&origin.schedule).take(max);
        let values = records.map(|record| {
            *dropped += events.dropped_before(record);
            events.event_at(record, 0)
        });
        out.extend_tagged(0, values);
        let emitted = out.len() - before;
        self.publish(emitted, origin.admitted());
        (emitted < max).then_some(u64::MAX)
    }

    /// The same where a split may have ended before the others.
    fn emit_uneven<E: Events>(
        &mut self,
        origin: &mut Origin<E>,
        max: usize,
        out: &mut Batch<E::Out>,
    ) -> Option<u64> {
        for _ in 0..max {
            let Some((_, record)) = self.take(&origin.schedule, |_| true) else {
                self.publish_all(origin.admitted());
                return Some(u64::MAX);
            };
            let value = origin.event(record, 0);
            out.push(Row { tag: 0, value });
        }
        self.publish_all(origin.admitted());
        None
    }

    /// The same with event time; the time at which to look again if all splits have to wait.
    pub(super) fn emit_marked<E: Events>(
        &mut self,
        origin: &mut Origin<E>,
        now: u64,
        max: usize,
        marks: &mut Marks,
        out: &mut Batch<E::Out>,
    ) -> Option<u64> {
        let mut next = None;
        for _ in 0..max {
            let Some((share, record)) = self.take(&origin.schedule, |share| {
                marks.free_since_ns(share, now).is_some()
            }) else {
                let holds = |&(split, taken)| origin.schedule.holds(split, taken);
                let waits = self.splits.iter().any(holds);
                next = Some(if waits { look_again_ns(now) } else { u64::MAX });
                break;
            };
            let value = origin.event(record, 0);
            let event_time_ms = origin.events.event_time_ms(&value);
            out.push(Row { tag: 0, value });
            marks.emitted(share, event_time_ms, out);
            let (split, taken) = self.splits[share];
            if !origin.schedule.holds(split, taken) {
                marks.finish(share);
            }
        }
        self.publish_all(origin.admitted());
        next
    }

    /// The numbers of the next records, each taken as it is asked for.
    #[inline]
    fn records<'a>(&'a mut self, schedule: &'a Schedule) -> impl Iterator<Item = u64> {
        std::iter::from_fn(|| {
            let (split, taken) = self.splits.get_mut(self.turn)?;
            if !schedule.holds(*split, *taken) {
                return None;
            }
            let record = schedule.record(*split, *taken);
            *taken += 1;
            self.turn += 1;
            if self.turn == self.splits.len() {
                self.turn = 0;
            }
            Some(record)
        })
    }

    /// Tells `admitted` (by share number) of the last `count` records.
    fn publish(&self, count: usize, admitted: &[AtomicU64]) {
        let touched = count.min(self.splits.len());
        let all = self.splits.iter().zip(admitted);
        let first = self.turn + self.splits.len() - touched;
        for ((_, taken), admitted) in all.cycle().skip(first).take(touched) {
            admitted.store(*taken, Ordering::Relaxed);
        }
    }

    /// The same of all records.
    fn publish_all(&self, admitted: &[AtomicU64]) {
        for ((_, taken), admitted) in self.splits.iter().zip(admitted) {
            admitted.store(*taken, Ordering::Relaxed);
        }
    }

    /// The next record of the next split that has one and may go on: its share number and the record's number.
    fn take(
        &mut self,
        schedule: &Schedule,
        mut may_go_on: impl FnMut(usize) -> bool,
    ) -> Option<(usize, u64)> {
        for _ in 0..self.splits.len() {
            let share = self.turn;
            self.turn += 1;
            if self.turn == self.splits.len() {
                self.turn = 0;
            }
            let (split, taken) = &mut self.splits[share];
            let holds = schedule.holds(*split, *taken);
            if holds && may_go_on(share) {
                let record = schedule.record(*split, *taken);
                *taken += 1;
                return Some((share, record));
            }
        }
        None
    }
}

/// Whose turn it is among splits that take turns, of which so many records have been taken; `None` if they are not in
/// step.
pub(super) fn turn_of(taken: &[u64]) -> Option<usize> {
    let first = taken.first().copied().unwrap_or(0);
    let ahead = taken.iter().take_while(|&&taken| taken == first).count();
    if ahead == taken.len() {
        return Some(0);
    }
    let mut behind = taken[ahead..].iter();
    behind.all(|&taken| taken + 1 == first).then_some(ahead)
}
