//! Whole jobs on the real engine: whatever the layout, the answer is the oracle's, and no record is lost on the way.

#[path = "support/running.rs"]
mod running;

use std::sync::Arc;

use running::{job, load, records, run, run_built, workload};
use workloads::jobs::{Feed, Wiring};
use workloads::slow_operator::{LineEvents, Record, build_with};
use workloads::{Bounds, Correctness, JobSpec, NoProbes, WorkloadSpec};

/// Layouts that differ in everything a layout can differ in.
const LAYOUTS: &[&str] = &[
    "parallelism = 1",
    "parallelism = 2",
    "parallelism = 3\nchaining = false",
    "parallelism = 2\nchaining = ['sum', 'by-carrier']",
    "parallelism = 4\nchaining = false\nchannels = { batch = 1, exclusive = 1, floating = 0 }",
    "parallelism = 3\nchannels = { batch = 16, exclusive = 1, floating = 1, flush_timeout = '0s' }",
    "parallelism = 7\nslots = 1\nchaining = false\nchannels = { batch = 7 }",
];

/// A layout, without the names of operators that the workload does not have.
fn layout(text: &str, known: &[&str]) -> JobSpec {
    let mut job = job(text);
    if let workloads::ChainingSpec::BrokenBefore(names) = &mut job.chaining {
        names.retain(|name| known.contains(&name.as_str()));
    }
    job
}

#[test]
fn slow_operator_gives_the_oracles_sums_in_every_layout() {
    for (cost, count) in [
        ("{ kind = 'cpu', mean = '0s' }", 30_000),
        (
            "{ kind = 'cpu', mean = '10us', distribution = { kind = 'bimodal' } }",
            3_000,
        ),
        (
            "{ kind = 'blocking', mean = '100us', distribution = { kind = 'exponential' } }",
            1_000,
        ),
        (
            "{ kind = 'async', mean = '20ms', distribution = { kind = 'exponential' } }",
            400,
        ),
    ] {
        for text in LAYOUTS {
            let spec = workload(&format!(
                "kind = 'slow-operator'\nkeys = 50\nfan_out = 3\nslow_parallelism = 2\ncost = {cost}\nasync = {{ capacity = 50, ordered = false }}"
            ));
            let ran = run(
                &spec,
                &load(""),
                &layout(text, spec.family().operators),
                records(count),
            );
            ran.assert_right(&format!("{cost}, {text}"));
            assert_eq!(ran.progress.admitted(), count);
            assert_eq!(ran.correctness().expected, 3 * count);
        }
    }
}

#[test]
fn flights_gives_the_oracles_delays_in_every_layout_and_drops_what_has_none() {
    let spec = workload("kind = 'flights'");
    for (text, splits) in LAYOUTS.iter().zip([1, 128, 7, 1, 3, 128, 2]) {
        let job = layout(text, spec.family().operators);
        let ran = run(
            &spec,
            &load(&format!("splits = {splits}")),
            &job,
            Bounds::default(),
        );
        ran.assert_right(text);
        assert_eq!(
            (ran.progress.admitted(), ran.progress.dropped()),
            (327_346, 9_430),
            "{text}"
        );
    }
}

#[test]
fn flights_has_the_figures_that_a_plain_computation_over_the_package_gives() {
    let spec = workload("kind = 'flights'\nrepeat = 2");
    let ran = run(&spec, &load(""), &job(""), Bounds::default());
    let results = ran.verifier.results();
    assert_eq!(results.rows.len(), 104 + 16);
    let row = |aggregate: &str, key: &str| {
        let found = results
            .rows
            .iter()
            .find(|row| row[0] == aggregate && row[1] == key);
        found.map(|row| row[2..].join(",")).unwrap_or_default()
    };
    assert_eq!(
        row("destination", "IAH"),
        "14170,60092,4.240790402258292,783"
    );
    assert_eq!(row("carrier", "UA"), "115564,411178,3.5580111453393792,455");
}

#[test]
fn an_open_loop_sends_exactly_what_was_scheduled_and_ends_by_itself() {
    let spec = workload("kind = 'slow-operator'\ncost = { kind = 'cpu', mean = '0s' }");
    for arrivals in ["uniform", "poisson"] {
        let load = load(&format!(
            "arrivals = '{arrivals}'\nshape = {{ kind = 'constant', rate_per_s = 100_000 }}"
        ));
        let bounds = Bounds {
            until_ns: Some(300_000_000),
            ..Bounds::default()
        };
        let ran = run(&spec, &load, &job(""), bounds);
        ran.assert_right(arrivals);
        assert_eq!(
            Some(ran.progress.admitted()),
            ran.progress.scheduled(u64::MAX)
        );
        assert!(ran.progress.admitted().abs_diff(30_000) < 900, "{arrivals}");
    }
}

#[test]
fn a_replayed_year_is_the_year() {
    let spec = workload("kind = 'flights'");
    let load = load("splits = 1\nshape = { kind = 'replay', compression = 100_000_000 }");
    let ran = run(&spec, &load, &job(""), Bounds::default());
    ran.assert_right("replay");
    assert_eq!(ran.progress.scheduled(u64::MAX), Some(327_346));
}

/// Runs two million records through an operator between `parse` and `slow`.
fn run_with(
    between: impl FnMut(Record, &mut engine::Collector<'_, Record>) + Clone + Send + Sync + 'static,
) -> Correctness {
    let WorkloadSpec::SlowOperator(spec) =
        workload("kind = 'slow-operator'\ncost = { kind = 'cpu', mean = '0s' }")
    else {
        panic!("that is its kind")
    };
    let (job, load) = (job(""), load(""));
    let feed = Feed {
        load: &load,
        parallelism: job.parallelism,
        seed: 1,
        bounds: records(2_000_000),
        probes: Arc::new(NoProbes),
    };
    let wiring = Wiring::new(LineEvents::new(1, spec.keys), None, feed).expect("closed loop");
    let built = build_with(&spec, wiring, |records| {
        records.flat_map("culprit", between)
    });
    run_built(built, &job).correctness()
}

#[test]
fn an_operator_that_loses_one_record_in_a_million_is_caught() {
    let found = run_with(|record, out| {
        if record.id % 1_000_000 != 123_456 {
            out.emit(record);
        }
    });
    assert_eq!((found.missing, found.duplicated, found.wrong), (2, 0, 0));
}

#[test]
fn an_operator_that_doubles_or_swaps_one_record_in_a_million_is_caught() {
    let found = run_with(|record, out| {
        out.emit(record);
        if record.id % 1_000_000 == 123_456 {
            out.emit(record);
        }
    });
    assert_eq!((found.missing, found.duplicated, found.wrong), (0, 2, 0));
    // Another record of the same key with the same value: count and sum stay as they should be.
    let found = run_with(|mut record, out| {
        if record.id == 123_456 {
            record.id = 0;
        }
        out.emit(record);
    });
    assert_eq!((found.missing, found.duplicated, found.wrong), (0, 0, 1));
}

#[test]
fn checkpoint_pressure_gives_the_oracles_answers_whatever_its_checkpoints_overtake() {
    let spec =
        workload("kind = 'checkpoint-pressure'\nkeys = 500\ncost = { kind = 'cpu', mean = '2us' }");
    for mode in ["aligned", "unaligned"] {
        for text in LAYOUTS {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let checkpoint = format!("checkpoint = {{ interval = '10ms', mode = '{mode}' }}");
            let layout = layout(&format!("{checkpoint}\n{text}"), spec.family().operators);
            let ran = run(
                &spec,
                &load("splits = 6"),
                &layout.within(folder.path()),
                records(20_000),
            );
            ran.assert_right(&format!("{mode}, {text}"));
            assert_eq!(ran.correctness().expected, 20_000);
        }
    }
}
