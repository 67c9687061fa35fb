//! The source that keeps to a schedule, whatever is behind it.
//!
//! It emits every record that is due, in the order of intended times over its splits, and tags it with its intended
//! time and its own lag: how late the record is through the source's own fault. Time during which the engine did not
//! let the source run since it was last caught up is the engine's, not its own; and a pause that was ordered is nobody's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::{Batch, Data, Row, Source, SourceStatus};

use super::at_once::AtOnce;
use super::clock::{SplitClock, SplitState};
use super::disturbances::SplitPause;
use super::progress::Progress;
use super::schedule::{Law, Schedule};
use crate::tag;

/// The records of a workload: record k of the whole stream is a pure function of (seed, k).
pub trait Events: Clone + Send + Sync + 'static {
    /// The record type.
    type Out: Data;

    /// Record k. Called for k below [`Events::count`] only.
    fn event(&self, record: u64) -> Self::Out;

    /// Record k with its intended time, for streams that change over time; 0 if there are no intended times.
    /// The time is itself a function of (schedule, seed, k), so this stays a pure function of the run's definition.
    #[inline]
    fn event_at(&self, record: u64, _intended_ns: u64) -> Self::Out {
        self.event(record)
    }

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
    /// Pauses of each split.
    pauses: Vec<Vec<SplitPause>>,
    order: Order,
    /// `held_ns` when nothing due was left.
    held_when_caught_up: u64,
    dropped: u64,
}

/// Which split has the earliest record.
enum Order {
    /// Without intended times.
    AtOnce(AtOnce),
    /// The splits take turns: records of equal index lie between those of the index before and the one after.
    Turns { next: usize },
    /// Random arrivals, or a split that pauses: the earliest time at which a split may emit its next record.
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
        let pauses: Vec<Vec<SplitPause>> = clocks
            .iter()
            .map(|clock| schedule.pauses(clock.split()).copied().collect())
            .collect();
        let in_step = pauses.iter().all(Vec::is_empty) && !matches!(schedule.law, Law::Poisson(_));
        let order = if !schedule.is_timed() {
            Order::AtOnce(AtOnce::new(clocks.iter().map(SplitClock::split)))
        } else if in_step {
            Order::Turns { next: 0 }
        } else {
            Order::Earliest(
                clocks
                    .iter()
                    .enumerate()
                    .map(|(i, clock)| Reverse((clock.next_ns(), i)))
                    .collect(),
            )
        };
        ScheduledSource {
            events,
            schedule,
            progress,
            subtask,
            clocks,
            pauses,
            order,
            held_when_caught_up: 0,
            dropped: 0,
        }
    }

    /// Emits what is due; gives the time of the next record if nothing due is left.
    fn emit(&mut self, now: u64, debt: u64, max: usize, out: &mut Batch<E::Out>) -> Option<u64> {
        let admitted = self.progress.admitted_by(self.subtask);
        let mut emit = |clock: &mut SplitClock, share: usize| {
            let record = self.schedule.record(clock.split(), clock.index());
            self.dropped += self.events.dropped_before(record);
            let intended = clock.next_ns();
            let possible = intended.max(resumed(&self.pauses[share], now));
            out.push(Row {
                tag: tag::encode(intended, (now - possible).saturating_sub(debt)),
                value: self.events.event_at(record, intended),
            });
            clock.advance(&self.schedule);
            admitted[share].store(clock.index(), Ordering::Relaxed);
        };
        match &mut self.order {
            Order::AtOnce(order) => {
                let before = out.len();
                let records = order.records(&self.schedule).take(max);
                let values = records.map(|record| {
                    self.dropped += self.events.dropped_before(record);
                    self.events.event_at(record, 0)
                });
                out.extend_tagged(0, values);
                let emitted = out.len() - before;
                order.publish(emitted, admitted);
                return (emitted < max).then_some(u64::MAX);
            }
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
                    if let Some(pause) = pausing(&self.pauses[share], now) {
                        earliest.0.0 = pause.until_ns();
                        continue;
                    }
                    emit(&mut self.clocks[share], share);
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
    rows: Batch<E::Out>,
}

impl<E: Events> Discarding<E> {
    pub(crate) fn new(source: ScheduledSource<E>) -> Discarding<E> {
        Discarding {
            source,
            rows: Batch::default(),
        }
    }
}

impl<E: Events> NullSource for Discarding<E> {
    fn poll(&mut self, now: u64, held_ns: u64, max: usize, tags: &mut Vec<u64>) -> SourceStatus {
        self.rows.clear();
        let status = self.source.poll(now, held_ns, max, &mut self.rows);
        tags.extend(black_box(&self.rows).tags());
        status
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::disturbances::Disturbances;
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
            let bounds = Bounds { until_ns: Some(300 * MS), ..Bounds::default() };
            let (mut sources, progress) = sources(&constant(20_000.0, arrivals, splits), parallelism, bounds);
            let mut all = Vec::new();
            for source in &mut sources {
                let (mut now, mut rows) = (0, Batch::default());
                for &(pause, max) in &pauses {
                    let before = rows.to_rows().len();
                    source.poll(now, 0, max, &mut rows);
                    prop_assert!(rows.to_rows().len() - before <= max);
                    let due = |row: &Row<u64>| tag::intended_ns(row.tag) <= now.max(1);
                    prop_assert!(rows.to_rows()[before..].iter().all(due));
                    now += pause;
                }
                while source.poll(now, 0, 100, &mut rows) != SourceStatus::Finished {
                    now += 10 * MS;
                }
                prop_assert!(rows.to_rows().is_sorted_by_key(|row| tag::intended_ns(row.tag)));
                all.extend(rows.to_rows().iter().map(|row| row.value));
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
            sources[0].poll(now, 0, max, &mut Batch::default());
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
        let mut rows = Batch::default();
        assert_eq!(
            sources[0].poll(0, 0, 10, &mut rows),
            SourceStatus::WaitUntil(MS)
        );
        // Held for 50 ms, asked 2 ms after that: the oldest record is 51 ms late, 1 ms of it by the source's fault.
        sources[0].poll(52 * MS, 50 * MS, 10, &mut rows);
        assert!(
            lags(&rows.to_rows()[1..2])[0].abs_diff(MS) < MS / 1000,
            "{:?}",
            lags(&rows.to_rows())
        );
        assert!(lags(&rows.to_rows()[4..]).iter().all(|&lag| lag == 0));
        // Without being held all of the lateness is its own.
        let (mut sources, _) = sources_of_one();
        rows.clear();
        sources[0].poll(52 * MS, 0, 10, &mut rows);
        assert!(lags(&rows.to_rows())[0].abs_diff(52 * MS) < MS / 10);
    }

    fn sources_of_one() -> (Vec<ScheduledSource<Numbers>>, Arc<Progress>) {
        sources(
            &constant(1_000.0, Arrivals::Uniform, 1),
            1,
            Bounds::default(),
        )
    }

    fn pausing_sources(arrivals: Arrivals) -> (Vec<ScheduledSource<Numbers>>, Arc<Progress>) {
        let pause = SplitPause {
            split: 1,
            from_ns: 20 * MS,
            for_ns: 50 * MS,
        };
        let disturbances = Disturbances {
            pauses: vec![pause],
            ..Disturbances::default()
        };
        let bounds = Bounds {
            until_ns: Some(100 * MS),
            records: None,
            disturbances,
        };
        sources(&constant(4_000.0, arrivals, 4), 1, bounds)
    }

    #[test]
    fn a_paused_split_sends_nothing_then_everything_and_is_not_late_by_itself() {
        for arrivals in [Arrivals::Uniform, Arrivals::Poisson] {
            let (mut sources, progress) = pausing_sources(arrivals);
            let mut at = Vec::new();
            for now in (0..200 * MS).step_by(MS as usize) {
                let mut rows = Batch::default();
                while sources[0].poll(now, 0, 16, &mut rows) == SourceStatus::Ready {}
                at.extend(rows.to_rows().iter().map(|&row| (now, row)));
            }
            let of_split = |split| at.iter().filter(move |(_, row)| row.value % 4 == split);
            assert!(of_split(1).all(|&(now, _)| !(20 * MS..70 * MS).contains(&now)));
            let resumed = of_split(1).filter(|&&(now, _)| now == 70 * MS).count();
            assert!(
                resumed > 25,
                "{resumed} records waited for the end of the pause"
            );
            let late = |(now, row): &&(u64, Row<u64>)| {
                now.saturating_sub(tag::intended_ns(row.tag)) > 2 * MS
            };
            assert!(
                of_split(0)
                    .chain(of_split(2))
                    .chain(of_split(3))
                    .find(late)
                    .is_none()
            );
            // Polled once per millisecond, no record is later than that by the source's own fault.
            let own = |(_, row): &(u64, Row<u64>)| tag::decode(row.tag).map_or(0, |(_, lag)| lag);
            assert!(at.iter().map(own).all(|lag| lag <= MS + MS / 1000));
            assert_eq!(Some(progress.admitted()), progress.scheduled(u64::MAX));
        }
    }

    #[test]
    fn wake_ups_are_paced_and_a_full_batch_asks_for_more() {
        let (mut sources, _) = sources(&constant(1e6, Arrivals::Uniform, 8), 1, Bounds::default());
        let mut rows = Batch::default();
        assert_eq!(
            sources[0].poll(MS, 0, 4_096, &mut rows),
            SourceStatus::WaitUntil(MS + PACE_NS)
        );
        assert_eq!(rows.to_rows().len(), 1_001);
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
            ..Bounds::default()
        };
        let (mut sources, progress) = sources(&load, 1, bounds.clone());
        let mut rows = Batch::default();
        assert_eq!(sources[0].poll(0, 0, 200, &mut rows), SourceStatus::Ready);
        assert_eq!(
            rows.to_rows()
                .iter()
                .map(|row| row.value)
                .collect::<Vec<_>>(),
            (0..200).collect::<Vec<_>>()
        );
        assert!(rows.to_rows().iter().all(|row| row.tag == 0));
        assert_eq!(
            sources[0].poll(4, 0, 200, &mut rows),
            SourceStatus::Finished
        );
        assert_eq!((progress.admitted(), progress.scheduled(9)), (250, None));
        let mut late = self::sources(&load, 1, bounds).0;
        assert_eq!(late[0].poll(5, 0, 200, &mut rows), SourceStatus::Finished);
        assert_eq!(rows.to_rows().len(), 250);
    }
}
