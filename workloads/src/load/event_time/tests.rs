use std::sync::Arc;

use engine::{Batch, Row, Signal, Source, SourceStatus, SplitWatermarkOptions};
use proptest::prelude::*;

use super::super::disturbances::{Disturbances, SplitPause};
use super::super::events::Events;
use super::super::progress::Progress;
use super::super::schedule::{Bounds, Schedule};
use super::super::source::{PACE_NS, ScheduledSource};
use super::super::spec::{Arrivals, LoadSpec, ShapeSpec};
use super::*;
use crate::tag;

const MS: u64 = 1_000_000;

/// When record k of a stream of `splits` splits happened: k ms after the beginning, in the second split `behind_ms`
/// earlier.
fn happened_ms(record: u64, splits: u32, behind_ms: i64) -> i64 {
    let behind_ms = if record % u64::from(splits) == 1 {
        behind_ms
    } else {
        0
    };
    record as i64 - behind_ms
}

#[derive(Clone)]
struct Timed {
    splits: u32,
    behind_ms: i64,
}

impl Events for Timed {
    type Out = u64;

    fn event(&self, record: u64) -> u64 {
        record
    }

    fn event_time_ms(&self, &record: &u64) -> Option<i64> {
        Some(happened_ms(record, self.splits, self.behind_ms))
    }
}

fn watermarks(
    delay_ms: u64,
    idle_timeout_ms: Option<u64>,
    max_drift_ms: Option<u64>,
    emission: WatermarkEmission,
) -> SourceWatermarks {
    let splits = SplitWatermarkOptions {
        delay_ms,
        idle_timeout_ms,
        max_drift_ms,
    };
    SourceWatermarks { splits, emission }
}

/// A source that has all splits of a load.
fn timed_source(
    load: &LoadSpec,
    bounds: Bounds,
    behind_ms: i64,
    options: SourceWatermarks,
) -> (ScheduledSource<Timed>, Arc<Progress>) {
    let events = Timed {
        splits: load.splits,
        behind_ms,
    };
    let schedule = Arc::new(Schedule::new(load, None, 9, bounds).expect("not a replay"));
    let progress = Arc::new(Progress::new(schedule, 1));
    let source = ScheduledSource::new(events, Arc::clone(&progress), 0, Some(options));
    (source, progress)
}

/// Rows with the time of their poll.
type Polled = Vec<(u64, Row<u64>)>;

/// Signals with the number of rows before them.
type Signals = Vec<(usize, Signal)>;

/// Polls every 0.5 ms until the end, at most `max` records at a time.
fn played(source: &mut ScheduledSource<Timed>, max: usize) -> (Polled, Signals) {
    let (mut rows, mut signals) = (Vec::new(), Vec::new());
    let mut now = 0;
    loop {
        let mut out = Batch::default();
        let status = source.poll(now, 0, max, &mut out);
        assert!(out.len() <= max);
        signals.extend(out.signals().map(|(at, signal)| (rows.len() + at, signal)));
        rows.extend(out.to_rows().into_iter().map(|row| (now, row)));
        match status {
            SourceStatus::Ready => {}
            SourceStatus::WaitUntil(_) => now += PACE_NS,
            SourceStatus::Finished => return (rows, signals),
        }
    }
}

fn constant(rate_per_s: f64, arrivals: Arrivals, splits: u32) -> LoadSpec {
    LoadSpec {
        shape: ShapeSpec::Constant { rate_per_s },
        arrivals,
        splits,
    }
}

/// Four splits: in turns, at random times, at once.
fn loads() -> [LoadSpec; 3] {
    let closed = LoadSpec {
        shape: ShapeSpec::Max,
        arrivals: Arrivals::Uniform,
        splits: 4,
    };
    [
        constant(1_000.0, Arrivals::Uniform, 4),
        constant(1_000.0, Arrivals::Poisson, 4),
        closed,
    ]
}

fn of(records: u64) -> Bounds {
    Bounds {
        records: Some(records),
        ..Bounds::default()
    }
}

proptest! {
    #[test]
    fn a_watermark_is_the_slowest_splits_highest_time_less_the_delay(
        load in prop::sample::select(loads().to_vec()),
        delay in 0u64..50, behind in 0i64..200, max in 1usize..300, per_record: bool,
    ) {
        let emission = if per_record { WatermarkEmission::PerRecord } else { WatermarkEmission::PerPoll };
        let (mut source, _) = timed_source(&load, of(500), behind, watermarks(delay, None, None, emission));
        let (rows, signals) = played(&mut source, max);
        prop_assert_eq!(rows.len(), 500);
        let mut left = [125; 4];
        let mut highest = [i64::MIN; 4];
        let (mut told, mut expected) = (signals.into_iter().peekable(), i64::MIN);
        let mut last_told = i64::MIN;
        for (n, (_, row)) in rows.iter().enumerate() {
            let split = (row.value % 4) as usize;
            let event_time_ms = happened_ms(row.value, 4, behind);
            highest[split] = highest[split].max(event_time_ms - delay as i64 - 1);
            let slowest = |left: [u32; 4]| {
                let open = (0..4).filter(|&s| left[s] > 0);
                open.map(|s| highest[s]).min().unwrap_or(i64::MAX)
            };
            let with_record = expected.max(slowest(left));
            left[split] -= 1;
            // That a split has ended may be told with its last record or later.
            expected = with_record.max(slowest(left));
            while let Some((_, signal)) = told.next_if(|(at, _)| *at == n + 1) {
                let either = [with_record, expected].map(Signal::Watermark);
                prop_assert!(either.contains(&signal), "{signal:?} instead of {either:?}");
                last_told = if signal == either[1] { expected } else { with_record };
            }
            if per_record {
                prop_assert!(last_told >= with_record);
            }
        }
        prop_assert_eq!(last_told, i64::MAX);
        prop_assert_eq!(source.event_time_ms(), Some(499));
    }

    #[test]
    fn aligned_splits_stay_together_and_every_record_still_comes_once(
        load in prop::sample::select(loads().to_vec()),
        drift in 0u64..100, behind in 0i64..300, max in 1usize..300,
    ) {
        let options = watermarks(0, None, Some(drift), WatermarkEmission::PerPoll);
        let (mut source, progress) = timed_source(&load, of(1_000), behind, options);
        let (rows, _) = played(&mut source, max);
        let mut highest: [Option<i64>; 4] = [None; 4];
        let mut left = [250; 4];
        for (_, row) in &rows {
            let split = (row.value % 4) as usize;
            // Before its record the split was not further ahead than allowed.
            let others = (0..4).filter(|&s| left[s] > 0).filter_map(|s| highest[s]);
            if let (Some(own), Some(slowest)) = (highest[split], others.min()) {
                prop_assert!(own <= slowest + drift as i64);
            }
            highest[split] = highest[split].max(happened_ms(row.value, 4, behind).into());
            left[split] -= 1;
        }
        let mut all: Vec<u64> = rows.iter().map(|(_, row)| row.value).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..1_000).collect::<Vec<_>>());
        prop_assert_eq!(progress.admitted_per_split(), vec![250; 4]);
    }
}

proptest! {
    #[test]
    fn a_source_that_goes_on_from_a_checkpoint_tells_the_watermarks_that_were_left_to_tell(
        load in prop::sample::select(loads().to_vec()),
        delay in 0u64..50, behind in 0i64..200, until in 0u64..600,
    ) {
        let options = watermarks(delay, None, None, WatermarkEmission::PerRecord);
        let (mut whole, _) = timed_source(&load, of(500), behind, options);
        let (rows, signals) = played(&mut whole, 100);
        let (mut first, _) = timed_source(&load, of(500), behind, options);
        let mut before = Batch::default();
        first.poll(until * MS, 0, 300, &mut before);
        let (mut second, _) = timed_source(&load, of(500), behind, options);
        second.go_on_from(&first);
        let (rest, told) = played(&mut second, 100);
        let values = |rows: &[(u64, Row<u64>)]| rows.iter().map(|row| row.1.value).collect::<Vec<_>>();
        prop_assert_eq!(values(&rows[before.len()..]), values(&rest));
        // First it says again where it stood.
        let left = signals.iter().filter(|(at, _)| *at > before.len());
        let left: Vec<_> = left.map(|&(at, signal)| (at - before.len(), signal)).collect();
        let new = told.len() - left.len().min(told.len());
        prop_assert!(new <= 1);
        prop_assert_eq!(&told[new..], &left[..]);
        prop_assert_eq!(second.event_time_ms(), Some(499));
    }
}

/// The second of four splits pauses from 100 ms on for 300 ms.
fn pausing_timed(options: SourceWatermarks) -> (ScheduledSource<Timed>, Arc<Progress>) {
    let pause = SplitPause {
        split: 1,
        from_ns: 100 * MS,
        for_ns: 300 * MS,
    };
    let bounds = Bounds {
        until_ns: Some(600 * MS),
        records: None,
        disturbances: Disturbances {
            pauses: vec![pause],
            ..Disturbances::default()
        },
    };
    timed_source(&loads()[0], bounds, 0, options)
}

/// The watermark known at a time, by the rows that had been emitted by then.
fn told_at(rows: &Polled, signals: &Signals, now: u64) -> Option<i64> {
    let emitted = rows.partition_point(|(at, _)| *at <= now);
    let known = signals.iter().filter(|(at, _)| *at <= emitted);
    known
        .filter_map(|(_, signal)| match signal {
            Signal::Watermark(ms) => Some(*ms),
            Signal::Idle => None,
        })
        .max()
}

#[test]
fn a_paused_split_stalls_event_time_until_it_is_idle() {
    let per_poll = WatermarkEmission::PerPoll;
    let (mut stalled, _) = pausing_timed(watermarks(0, None, None, per_poll));
    let (rows, signals) = played(&mut stalled, 100);
    let stalled_at = told_at(&rows, &signals, 399 * MS);
    assert!(stalled_at < Some(100), "{stalled_at:?}");
    let (mut idle, _) = pausing_timed(watermarks(0, Some(50), None, per_poll));
    let (rows, signals) = played(&mut idle, 100);
    let before = told_at(&rows, &signals, 140 * MS);
    assert!(before < Some(100), "{before:?}");
    let after = told_at(&rows, &signals, 399 * MS);
    assert!(after > Some(390), "{after:?}");
}

#[test]
fn waiting_for_a_split_that_is_behind_is_not_a_sources_own_lag() {
    let options = watermarks(0, None, Some(20), WatermarkEmission::PerPoll);
    let (mut source, progress) = pausing_timed(options);
    let (rows, _) = played(&mut source, 100);
    let late = |(now, row): &&(u64, Row<u64>)| {
        row.value % 4 != 1 && now.saturating_sub(tag::intended_ns(row.tag)) > 100 * MS
    };
    let waited = rows.iter().filter(late).count();
    assert!(waited > 120, "{waited} records of the others waited");
    let own = |(_, row): &(u64, Row<u64>)| tag::decode(row.tag).map_or(0, |(_, lag)| lag);
    let worst = rows.iter().map(own).max();
    assert!(worst <= Some(MS), "{worst:?}");
    assert_eq!(Some(progress.admitted()), progress.scheduled(u64::MAX));
}

#[test]
fn a_source_that_waits_for_an_idle_timeout_is_asked_when_it_ends() {
    let load = constant(1.0, Arrivals::Uniform, 2);
    let options = watermarks(0, Some(50), None, WatermarkEmission::PerPoll);
    let (mut source, _) = timed_source(&load, of(2), 0, options);
    let mut out = Batch::default();
    assert_eq!(
        source.poll(0, 0, 9, &mut out),
        SourceStatus::WaitUntil(50 * MS)
    );
    // Held by the engine for all that time: nobody was silent.
    assert_eq!(
        source.poll(80 * MS, 50 * MS, 9, &mut out),
        SourceStatus::WaitUntil(100 * MS)
    );
    assert_eq!(out.signals().count(), 0);
    // Split 1 has had no record: without it the first one's watermark counts. Then that is silent, too.
    source.poll(100 * MS, 50 * MS, 9, &mut out);
    assert_eq!(
        out.signals().map(|(_, signal)| signal).last(),
        Some(Signal::Idle)
    );
    // The next record wakes them; the watermark says so, even if it is an old one.
    out.clear();
    source.poll(1_000 * MS, 50 * MS, 9, &mut out);
    assert_eq!(out.signals().next(), Some((1, Signal::Watermark(i64::MAX))));
}
