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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::schedule::Bounds;
    use super::super::spec::{Arrivals, LoadSpec, ShapeSpec};
    use super::*;

    #[derive(Clone)]
    struct Numbers;

    impl Events for Numbers {
        type Out = u64;

        fn event(&self, record: u64) -> u64 {
            record
        }
    }

    fn sources(
        load: &LoadSpec,
        parallelism: usize,
        bounds: Bounds,
    ) -> (Vec<ScheduledSource<Numbers>>, Arc<Progress>) {
        let schedule = Arc::new(Schedule::new(load, None, 9, bounds).expect("not a replay"));
        let progress = Arc::new(Progress::new(schedule, parallelism));
        let source = |subtask| ScheduledSource::new(Numbers, Arc::clone(&progress), subtask);
        ((0..parallelism).map(source).collect(), progress)
    }

    fn constant(rate_per_s: f64, arrivals: Arrivals, splits: u32) -> LoadSpec {
        LoadSpec {
            shape: ShapeSpec::Constant { rate_per_s },
            arrivals,
            splits,
        }
    }

    const MS: u64 = 1_000_000;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_the_polls_every_record_comes_once_in_time_order_and_never_early(
            poisson: bool,
            splits in 1u32..40,
            parallelism in 1usize..5,
            pauses in prop::collection::vec((0u64..40 * MS, 1usize..3_000), 1..40),
        ) {
            let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Uniform };
            let bounds = Bounds { until_ns: Some(300 * MS), records: None };
            let (mut sources, progress) = sources(&constant(20_000.0, arrivals, splits), parallelism, bounds);
            let mut all = Vec::new();
            for source in &mut sources {
                let (mut now, mut rows) = (0, Vec::new());
                for &(pause, max) in &pauses {
                    let before = rows.len();
                    source.poll(now, 0, max, &mut rows);
                    prop_assert!(rows.len() - before <= max);
                    let due = |row: &Row<u64>| tag::intended_ns(row.tag) <= now.max(1);
                    prop_assert!(rows[before..].iter().all(due));
                    now += pause;
                }
                while source.poll(now, 0, 100, &mut rows) != SourceStatus::Finished {
                    now += 10 * MS;
                }
                prop_assert!(rows.is_sorted_by_key(|row| tag::intended_ns(row.tag)));
                all.extend(rows.into_iter().map(|row| row.value));
            }
            all.sort_unstable();
            prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "a record came twice");
            prop_assert_eq!(Some(all.len() as u64), progress.scheduled(u64::MAX));
            prop_assert_eq!(all.len() as u64, progress.admitted());
            prop_assert_eq!(progress.unsent(u64::MAX).count(), 0);
        }

        #[test]
        fn what_is_scheduled_and_not_admitted_is_unsent(poisson: bool, splits in 1u32..20, now in 1u64..100 * MS, max in 1usize..500) {
            let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Uniform };
            let (mut sources, progress) = sources(&constant(10_000.0, arrivals, splits), 1, Bounds::default());
            sources[0].poll(now, 0, max, &mut Vec::new());
            let scheduled = progress.scheduled(now).expect("timed");
            prop_assert_eq!(scheduled - progress.admitted(), progress.unsent(now).count() as u64);
            prop_assert_eq!(progress.scheduled(now / 2).expect("timed") <= scheduled, true);
        }
    }

    fn lags(rows: &[Row<u64>]) -> Vec<u64> {
        rows.iter()
            .map(|row| tag::decode(row.tag).expect("tagged").1)
            .collect()
    }

    #[test]
    fn time_that_the_engine_held_the_source_is_not_its_own_lag() {
        let (mut sources, _) = sources(
            &constant(1_000.0, Arrivals::Uniform, 1),
            1,
            Bounds::default(),
        );
        let mut rows = Vec::new();
        assert_eq!(
            sources[0].poll(0, 0, 10, &mut rows),
            SourceStatus::WaitUntil(MS)
        );
        // Held for 50 ms, asked 2 ms after that: the oldest record is 51 ms late, 1 ms of it by the source's fault.
        sources[0].poll(52 * MS, 50 * MS, 10, &mut rows);
        assert!(
            lags(&rows[1..2])[0].abs_diff(MS) < MS / 1000,
            "{:?}",
            lags(&rows)
        );
        assert!(lags(&rows[4..]).iter().all(|&lag| lag == 0));
        // Without being held all of the lateness is its own.
        let (mut sources, _) = sources_of_one();
        rows.clear();
        sources[0].poll(52 * MS, 0, 10, &mut rows);
        assert!(lags(&rows)[0].abs_diff(52 * MS) < MS / 10);
    }

    fn sources_of_one() -> (Vec<ScheduledSource<Numbers>>, Arc<Progress>) {
        sources(
            &constant(1_000.0, Arrivals::Uniform, 1),
            1,
            Bounds::default(),
        )
    }

    #[test]
    fn wake_ups_are_paced_and_a_full_batch_asks_for_more() {
        let (mut sources, _) = sources(&constant(1e6, Arrivals::Uniform, 8), 1, Bounds::default());
        let mut rows = Vec::new();
        assert_eq!(
            sources[0].poll(MS, 0, 4_096, &mut rows),
            SourceStatus::WaitUntil(MS + PACE_NS)
        );
        assert_eq!(rows.len(), 1_001);
        assert_eq!(
            sources[0].poll(2 * MS, 0, 100, &mut rows),
            SourceStatus::Ready
        );
    }

    #[test]
    fn a_closed_loop_has_no_intended_times_and_ends_in_time_or_by_count() {
        let load = LoadSpec {
            shape: ShapeSpec::Max,
            arrivals: Arrivals::Uniform,
            splits: 3,
        };
        let bounds = Bounds {
            until_ns: Some(5),
            records: Some(250),
        };
        let (mut sources, progress) = sources(&load, 1, bounds);
        let mut rows = Vec::new();
        assert_eq!(sources[0].poll(0, 0, 200, &mut rows), SourceStatus::Ready);
        assert_eq!(
            rows.iter().map(|row| row.value).collect::<Vec<_>>(),
            (0..200).collect::<Vec<_>>()
        );
        assert!(rows.iter().all(|row| row.tag == 0));
        assert_eq!(
            sources[0].poll(4, 0, 200, &mut rows),
            SourceStatus::Finished
        );
        assert_eq!((progress.admitted(), progress.scheduled(9)), (250, None));
        let mut late = self::sources(&load, 1, bounds).0;
        assert_eq!(late[0].poll(5, 0, 200, &mut rows), SourceStatus::Finished);
        assert_eq!(rows.len(), 250);
    }
}
