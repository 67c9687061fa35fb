//! The source that keeps to a schedule, whatever is behind it.
//!
//! It emits every record that is due, in the order of intended times over its splits, and tags it with its intended
//! time and its own lag: how late the record is through the source's own fault. Time during which the engine did not
//! let the source run since it was last caught up is the engine's, not its own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::{Data, Row, Source, SourceStatus};

use super::clock::{SplitClock, SplitState};
use super::progress::Progress;
use super::schedule::{Law, Schedule};
use crate::tag;

/// The records of a workload: record k of the whole stream is a pure function of (seed, k).
pub trait Events: Clone + Send + Sync + 'static {
    /// The record type.
    type Out: Data;

    /// Record k. Called for k below [`Events::count`] only.
    fn event(&self, record: u64) -> Self::Out;

    /// Number of records, if the stream ends by itself.
    fn count(&self) -> Option<u64> {
        None
    }

    /// Rows of the input that are dropped right before record k is emitted.
    #[inline]
    fn dropped_before(&self, _record: u64) -> u64 {
        0
    }
}

/// After catching up, the source sleeps at least this long in nanoseconds, so that wake-ups stay below 2,000 per second.
const PACE_NS: u64 = 500_000;

/// One subtask's share of a scheduled stream.
pub struct ScheduledSource<E> {
    events: E,
    schedule: Arc<Schedule>,
    progress: Arc<Progress>,
    subtask: u32,
    clocks: Vec<SplitClock>,
    order: Order,
    /// `held_ns` when nothing due was left.
    held_when_caught_up: u64,
    dropped: u64,
}

/// Which split has the earliest record.
enum Order {
    /// The splits take turns: records of equal index lie between those of the index before and the one after.
    Turns { next: usize },
    /// Random arrivals: the earliest of the splits' next times.
    Earliest(BinaryHeap<Reverse<(u64, usize)>>),
}

impl<E: Events> ScheduledSource<E> {
    /// The share of subtask `subtask`: all splits s with s % parallelism = subtask, from their beginning.
    pub fn new(events: E, progress: Arc<Progress>, subtask: usize) -> ScheduledSource<E> {
        let schedule = Arc::clone(progress.schedule());
        let subtask = subtask as u32;
        let clocks: Vec<SplitClock> = (subtask..schedule.splits())
            .step_by(progress.parallelism() as usize)
            .map(|split| schedule.clock(split, SplitState::default()))
            .collect();
        let order = match schedule.law {
            Law::Poisson(_) => Order::Earliest(
                clocks
                    .iter()
                    .enumerate()
                    .map(|(i, clock)| Reverse((clock.next_ns(), i)))
                    .collect(),
            ),
            Law::Max | Law::Uniform(..) | Law::Replay(_) => Order::Turns { next: 0 },
        };
        ScheduledSource {
            events,
            schedule,
            progress,
            subtask,
            clocks,
            order,
            held_when_caught_up: 0,
            dropped: 0,
        }
    }

    /// Emits what is due; gives the time of the next record if nothing due is left.
    fn emit(&mut self, now: u64, debt: u64, max: usize, out: &mut Vec<Row<E::Out>>) -> Option<u64> {
        let admitted = self.progress.admitted_by(self.subtask);
        let timed = self.schedule.is_timed();
        let mut emit = |clock: &mut SplitClock, share: usize| {
            let record = self.schedule.record(clock.split(), clock.index());
            self.dropped += self.events.dropped_before(record);
            let tag = if timed {
                let intended = clock.next_ns();
                tag::encode(intended, (now - intended).saturating_sub(debt))
            } else {
                0
            };
            out.push(Row {
                tag,
                value: self.events.event(record),
            });
            clock.advance(&self.schedule);
            admitted[share].store(clock.index(), Ordering::Relaxed);
        };
        match &mut self.order {
            Order::Turns { next } => {
                for _ in 0..max {
                    let due = self.clocks.get(*next).map_or(u64::MAX, SplitClock::next_ns);
                    if due > now {
                        return Some(due);
                    }
                    emit(&mut self.clocks[*next], *next);
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
                    emit(&mut self.clocks[share], share);
                    earliest.0.0 = self.clocks[share].next_ns();
                    drop(earliest); // restores the heap
                }
            }
        }
        None
    }
}

impl<E: Events> Source for ScheduledSource<E> {
    type Out = E::Out;

    fn poll(
        &mut self,
        now: u64,
        held_ns: u64,
        max: usize,
        out: &mut Vec<Row<E::Out>>,
    ) -> SourceStatus {
        if !self.schedule.is_timed() && now >= self.schedule.until_ns() {
            return SourceStatus::Finished;
        }
        let debt = held_ns.saturating_sub(self.held_when_caught_up);
        let next = self.emit(now, debt, max, out);
        self.progress
            .dropped_by(self.subtask)
            .store(self.dropped, Ordering::Relaxed);
        match next {
            None => SourceStatus::Ready,
            Some(u64::MAX) => SourceStatus::Finished,
            Some(next) => {
                self.held_when_caught_up = held_ns;
                SourceStatus::WaitUntil(next.max(now.saturating_add(PACE_NS)))
            }
        }
    }
}

/// A source without an engine: it makes every record and throws it away. What it reaches is the harness's ceiling.
pub trait NullSource: Send {
    /// As `engine::Source::poll`, but leaves only the tags of the records.
    fn poll(&mut self, now: u64, held_ns: u64, max: usize, tags: &mut Vec<u64>) -> SourceStatus;
}

/// A scheduled source as a null source.
pub(crate) struct Discarding<E: Events> {
    source: ScheduledSource<E>,
    rows: Vec<Row<E::Out>>,
}

impl<E: Events> Discarding<E> {
    pub(crate) fn new(source: ScheduledSource<E>) -> Discarding<E> {
        Discarding {
            source,
            rows: Vec::new(),
        }
    }
}

impl<E: Events> NullSource for Discarding<E> {
    fn poll(&mut self, now: u64, held_ns: u64, max: usize, tags: &mut Vec<u64>) -> SourceStatus {
        self.rows.clear();
        let status = self.source.poll(now, held_ns, max, &mut self.rows);
        tags.extend(black_box(&self.rows).iter().map(|row| row.tag));
        status
    }
}
