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
    let source = |subtask| ScheduledSource::new(Numbers, Arc::clone(&progress), subtask, None);
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

/// What sources keep, through bytes.
fn saved(sources: &[ScheduledSource<Numbers>]) -> Vec<Saved> {
    let through_bytes = |source: &ScheduledSource<Numbers>| {
        let bytes = borsh::to_vec(&source.saved()).expect("memory takes every write");
        Saved::try_from_slice(&bytes).expect("same layout")
    };
    sources.iter().map(through_bytes).collect()
}

fn values(rows: &Batch<u64>) -> Vec<u64> {
    rows.to_rows().iter().map(|row| row.value).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cut_anywhere_and_gone_on_with_by_any_number_of_sources_every_record_comes_once_in_order(
        arrivals in prop::sample::select(vec![Some(Arrivals::Uniform), Some(Arrivals::Poisson), None]),
        splits in 1u32..12, parallelism in (1usize..5, 1usize..5), records in 1u64..3_000,
        polls in prop::collection::vec((0usize..4, 0u64..20 * MS, 1usize..400), 0..30),
        rest in 1usize..500,
    ) {
        let load = match arrivals {
            Some(arrivals) => constant(20_000.0, arrivals, splits),
            None => LoadSpec { shape: ShapeSpec::Max, ..constant(1.0, Arrivals::Uniform, splits) },
        };
        let bounds = Bounds { records: Some(records), ..Bounds::default() };
        let (mut before, _) = sources(&load, parallelism.0, bounds.clone());
        let (mut now, mut all) = (0, Vec::new());
        for (source, pause, max) in polls {
            let mut rows = Batch::default();
            now += pause;
            before[source % parallelism.0].poll(now, 0, max, &mut rows);
            all.extend(values(&rows));
        }
        let (mut after, progress) = sources(&load, parallelism.1, bounds);
        for source in &mut after {
            source.go_on(saved(&before));
            let (mut now, mut rows) = (now, Batch::default());
            while source.poll(now, 0, rest, &mut rows) != SourceStatus::Finished {
                now += 10 * MS;
            }
            prop_assert!(rows.to_rows().is_sorted_by_key(|row| tag::intended_ns(row.tag)));
            all.extend(values(&rows));
        }
        all.sort_unstable();
        prop_assert_eq!(all, (0..records).collect::<Vec<_>>());
        prop_assert_eq!((progress.admitted(), progress.replayed()), (records, 0));
    }
}

#[test]
fn what_was_admitted_behind_a_checkpoint_is_replayed_and_not_late_by_the_sources_own_fault() {
    let bounds = Bounds {
        records: Some(100),
        ..Bounds::default()
    };
    let schedule = Schedule::new(&constant(1_000.0, Arrivals::Uniform, 3), None, 9, bounds);
    let progress = Arc::new(Progress::new(Arc::new(schedule.expect("not a replay")), 1));
    let source = || ScheduledSource::new(Numbers, Arc::clone(&progress), 0, None);
    let (mut first, mut rows) = (source(), Batch::default());
    first.poll(0, 0, 40, &mut rows);
    first.poll(20 * MS, 0, 1_000, &mut rows);
    let checkpoint = saved(std::slice::from_ref(&first));
    first.poll(50 * MS, 0, 1_000, &mut rows);
    assert_eq!((progress.admitted(), progress.replayed()), (51, 0));
    // It fails, and goes on from there 30 ms later.
    let mut second = source();
    second.go_on(checkpoint);
    rows.clear();
    second.poll(80 * MS, 0, 1_000, &mut rows);
    assert_eq!((progress.admitted(), progress.replayed()), (81, 30));
    assert_eq!(values(&rows), (21..=80).collect::<Vec<_>>());
    assert!(lags(&rows.to_rows()).iter().all(|&lag| lag == 0));
    // The next time there is no checkpoint.
    rows.clear();
    source().poll(90 * MS, 0, 1_000, &mut rows);
    assert_eq!((progress.admitted(), progress.replayed()), (91, 30 + 81));
    assert!(lags(&rows.to_rows()).iter().all(|&lag| lag == 0));
    // The job is to end before it is started again: nothing of all this is left, and nobody says so.
    assert_eq!(progress.admitted_per_split().iter().sum::<u64>(), 91);
    drop(source());
    assert_eq!(progress.admitted_per_split(), [0; 3]);
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
        let late =
            |(now, row): &&(u64, Row<u64>)| now.saturating_sub(tag::intended_ns(row.tag)) > 2 * MS;
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
