//! Jobs of `late-data` on the real engine: results are the oracle's where they are exactly known, keep the invariants
//! where they are not, and one record that is lost, doubled or swapped is caught in either case.

#[path = "support/running.rs"]
mod running;

use std::sync::Arc;

use proptest::prelude::*;
use running::{Ran, job, load, records, run, run_built, workload};
use workloads::jobs::{Feed, Wiring};
use workloads::late_data::{LateEvents, build_with};
use workloads::stamped::StampedRecord;
use workloads::{Correctness, Mode, NoProbes, WorkloadSpec};

/// 50 records per millisecond of event time, a third of them out of order by more than the delay.
const COMMON: &str = "kind = 'late-data'\nkeys = 7\nevent_rate_per_s = 50_000\nlateness = { kind = 'exponential', mean = '20ms' }\nvery_late = { share = 0.02, max = '300ms' }\n";

const EXACT: &str = "watermark = { delay = '20ms', every_record = true }\n";

const WINDOWS: &[&str] = &[
    "window = { kind = 'tumbling', size = '30ms' }",
    "window = { kind = 'tumbling', size = '30ms' }\npurging = true",
    "window = { kind = 'sliding', size = '50ms', slide = '20ms' }",
    "window = { kind = 'sliding', size = '50ms', slide = '20ms', form = 'copies' }",
    "window = { kind = 'sliding', size = '60ms', slide = '20ms' }\npurging = true",
    "keys = 300\nwindow = { kind = 'session', gap = '5ms' }",
    "keys = 300\nwindow = { kind = 'session', gap = '5ms' }\npurging = true",
    "window = { kind = 'global' }",
];

/// The parameters of one window, which may say another number of keys.
fn spec(rest: &str) -> WorkloadSpec {
    let common = if rest.contains("keys = ") {
        COMMON.replace("keys = 7\n", "")
    } else {
        COMMON.to_owned()
    };
    workload(&format!("{common}{rest}"))
}

/// The parameters of one window with exact watermarks, kept for late records where there can be any.
fn exact(window: &str, rest: &str) -> WorkloadSpec {
    let lateness = if window.contains("global") {
        "0s"
    } else {
        "40ms"
    };
    kept(window, lateness, rest)
}

fn kept(window: &str, lateness: &str, rest: &str) -> WorkloadSpec {
    let lateness = format!("allowed_lateness = '{lateness}'\n");
    spec(&format!("{EXACT}{lateness}{window}\n{rest}"))
}

fn assert_exact(ran: &Ran, what: &str, count: u64) {
    ran.assert_right(what);
    let correctness = ran.correctness();
    assert_eq!(
        (correctness.mode, correctness.expected),
        (Mode::Exact, count),
        "{what}"
    );
}

#[test]
fn with_one_split_and_a_watermark_per_record_results_are_the_oracles_in_every_layout() {
    let layouts = [
        "parallelism = 1",
        "parallelism = 3",
        "parallelism = 3\nchaining = false\nchannels = { batch = 1, exclusive = 1, floating = 0 }",
        "parallelism = 2\nchannels = { batch = 7, flush_timeout = '0s' }",
    ];
    let rests = [
        "",
        "contents = 'all-elements'",
        "late = 'drop'",
        "result_cost = { kind = 'cpu', mean = '1us' }",
    ];
    for window in WINDOWS {
        for (layout, rest) in layouts.iter().zip(rests) {
            if window.contains("global") && rest.starts_with("contents") {
                continue;
            }
            let ran = run(
                &exact(window, rest),
                &load("splits = 1"),
                &job(layout),
                records(20_000),
            );
            assert_exact(&ran, &format!("{window}, {rest}, {layout}"), 20_000);
        }
    }
}

#[test]
fn exact_results_stay_exact_on_a_schedule() {
    let timed =
        "splits = 1\narrivals = 'poisson'\nshape = { kind = 'constant', rate_per_s = 50_000 }";
    for window in WINDOWS {
        let ran = run(
            &exact(window, ""),
            &load(timed),
            &job("parallelism = 2"),
            records(10_000),
        );
        assert_exact(&ran, window, 10_000);
    }
}

fn watermark() -> impl Strategy<Value = String> {
    let span = |name: &str, ms: std::ops::Range<u32>| {
        let name = name.to_owned();
        prop::option::of(ms.prop_map(move |ms| format!(", {name} = '{ms}ms'")))
    };
    (
        0u32..60,
        span("idle_timeout", 1..50),
        span("max_drift", 0..50),
        any::<bool>(),
    )
        .prop_map(|(delay, idle, drift, every)| {
            let (idle, drift) = (idle.unwrap_or_default(), drift.unwrap_or_default());
            format!("watermark = {{ delay = '{delay}ms', every_record = {every}{idle}{drift} }}\n")
        })
}

fn trigger() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("kind = 'event-time'".to_owned()),
        1 => Just("kind = 'processing-time'".to_owned()),
        1 => (1u32..40).prop_map(|count| format!("kind = 'count', count = {count}")),
        1 => (1u32..20).prop_map(|ms| format!("kind = 'early-interval', interval = '{ms}ms'")),
        1 => (1u32..20).prop_map(|ms| format!("kind = 'continuous-event-time', interval = '{ms}ms'")),
    ]
    .prop_map(|text| format!("trigger = {{ {text} }}\n"))
}

fn window() -> impl Strategy<Value = String> {
    prop_oneof![
        (1u32..80).prop_map(|ms| format!("kind = 'tumbling', size = '{ms}ms'")),
        (1u32..20, 0u32..40).prop_map(|(slide, more)| {
            format!(
                "kind = 'sliding', size = '{}ms', slide = '{slide}ms'",
                slide + more
            )
        }),
        (1u32..10).prop_map(|ms| format!("kind = 'session', gap = '{ms}ms'")),
        Just("kind = 'global'".to_owned()),
    ]
    .prop_map(|text| format!("window = {{ {text} }}\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn whatever_the_settings_the_invariants_hold(
        watermark in watermark(), window in window(), trigger in trigger(),
        lateness_ms in prop_oneof![Just(0u32), 1u32..60],
        (purging, drop, all) in any::<(bool, bool, bool)>(),
        (splits, parallelism, batch) in (2u32..9, 1usize..5, 1usize..64),
        timed: bool, skew_ms in 0u32..50, keys in prop::sample::select(vec![3, 200]),
    ) {
        let late = if drop { "drop" } else { "side-output" };
        let contents = if all { "all-elements" } else { "aggregate" };
        let rest = format!(
            "keys = {keys}\n{watermark}{window}{trigger}allowed_lateness = '{lateness_ms}ms'\npurging = {purging}\nlate = '{late}'\ncontents = '{contents}'\nskew = '{skew_ms}ms'"
        );
        let text = format!("{}{rest}", COMMON.replace("keys = 7\n", ""));
        // Some combinations are refused, with a message that other tests look at.
        let Ok(spec) = WorkloadSpec::parse(text.parse().expect("TOML")) else { return Ok(()) };
        let shape = if timed { "shape = { kind = 'constant', rate_per_s = 100_000 }" } else { "" };
        let load = load(&format!("splits = {splits}\n{shape}"));
        let job = job(&format!("parallelism = {parallelism}\nchannels = {{ batch = {batch} }}"));
        let ran = run(&spec, &load, &job, records(5_000));
        ran.assert_right(&format!("{rest}\n{load:?} {job:?}"));
        prop_assert_eq!(ran.correctness().mode, Mode::Invariants);
    }
}

/// Runs 200,000 records through an operator between `parse` and `window`.
fn run_with(
    window: &str,
    splits: u32,
    between: impl FnMut(StampedRecord, &mut engine::Collector<'_, StampedRecord>)
    + Clone
    + Send
    + Sync
    + 'static,
) -> Correctness {
    // Of sessions that were refined, only their number of records is bounded where they are not exactly known.
    let unrefined = splits > 1 && window.contains("session");
    let spec = if unrefined {
        kept(window, "0s", "")
    } else {
        exact(window, "")
    };
    let WorkloadSpec::LateData(spec) = spec else {
        panic!("that is its kind")
    };
    let (job, load) = (job("parallelism = 1"), load(&format!("splits = {splits}")));
    let feed = Feed {
        load: &load,
        parallelism: 1,
        seed: 1,
        bounds: records(200_000),
        probes: Arc::new(NoProbes),
    };
    let events = LateEvents::new(&spec, 1, splits, false);
    let wiring = Wiring::new(events, None, feed).expect("closed loop");
    let built = build_with(&spec, wiring, |records| {
        records.flat_map("culprit", between)
    });
    run_built(built, &job).correctness()
}

/// Exact, and by invariants.
const MODES: [u32; 2] = [1, 4];

#[test]
fn an_operator_that_loses_one_record_is_caught() {
    for window in WINDOWS {
        for splits in MODES {
            let found = run_with(window, splits, |stamped, out| {
                if stamped.record.id != 123_456 {
                    out.emit(stamped);
                }
            });
            assert!(found.missing >= 1, "{window}, {splits} splits: {found:?}");
            // A session without one of its records may be two, which the oracle does not have.
            let one = found.duplicated == 0 || window.contains("session");
            assert!(one, "{window}, {splits} splits: {found:?}");
        }
    }
}

#[test]
fn an_operator_that_doubles_one_record_is_caught() {
    for window in WINDOWS {
        for splits in MODES {
            let found = run_with(window, splits, |stamped, out| {
                out.emit(stamped);
                if stamped.record.id == 123_456 {
                    out.emit(stamped);
                }
            });
            assert!(
                found.duplicated >= 1,
                "{window}, {splits} splits: {found:?}"
            );
            assert_eq!(found.missing, 0, "{window}, {splits} splits: {found:?}");
        }
    }
}

#[test]
fn an_operator_that_swaps_one_record_for_another_is_caught() {
    for window in WINDOWS {
        for splits in MODES {
            // The same key, time and value under another number: counts and sums stay as they should be.
            let found = run_with(window, splits, |mut stamped, out| {
                if stamped.record.id == 123_456 {
                    stamped.record.id = 0;
                }
                out.emit(stamped);
            });
            assert!(found.wrong >= 1, "{window}, {splits} splits: {found:?}");
            assert_eq!(
                (found.missing, found.duplicated),
                (0, 0),
                "{window}, {splits} splits: {found:?}"
            );
        }
    }
}

#[test]
fn what_the_trade_off_says_of_the_configured_setting_is_what_the_engine_did() {
    for window in WINDOWS.iter().filter(|window| !window.contains("purging")) {
        let ran = run(
            &exact(window, ""),
            &load("splits = 1"),
            &job(""),
            records(20_000),
        );
        let Some(trade_off) = ran.verifier.trade_off(&ran.progress.admitted_per_split()) else {
            assert!(
                window.contains("session") || window.contains("global"),
                "{window}"
            );
            continue;
        };
        let simulated = trade_off.configured().expect("one of the sweep");
        let snapshots = ran.report.snapshot.subtasks.iter();
        let late: u64 = snapshots
            .filter_map(|subtask| subtask.windows)
            .map(|windows| windows.late_side_output)
            .sum();
        assert_eq!(simulated.late, late, "{window}");
        let results = ran.verifier.results();
        let fired = simulated.results - simulated.missing;
        assert_eq!(fired, results.rows.len() as u64, "{window}");
        let refined = results.rows.iter().filter(|row| row[7] != "0").count() as u64;
        assert!(
            simulated.refined + simulated.incomplete >= refined,
            "{window}"
        );
        assert!(simulated.late > 0 && refined > 0, "{window}: {simulated:?}");
    }
}
