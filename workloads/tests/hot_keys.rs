//! Jobs of `hot-keys` on the real engine: right answers with and without local aggregation, loads that fall on the
//! subtasks as predicted, and what local aggregation is worth.

#[path = "support/running.rs"]
mod running;

use std::sync::Arc;
use std::time::Duration;

use engine::{JobSnapshot, Plan, SubtaskSnapshot};
use running::{Ran, job, load, records, run, run_built, workload};
use workloads::hot_keys::{HotKeyEvents, KeyModel, build_with, skew};
use workloads::jobs::{Feed, Wiring};
use workloads::slow_operator::Record;
use workloads::{
    Bounds, Correctness, Disturbances, JobSpec, LoadSpec, NoProbes, SplitPause, WorkloadSpec,
};

const LAYOUTS: &[&str] = &[
    "parallelism = 1",
    "parallelism = 3\nchaining = false\nchannels = { batch = 1, exclusive = 1, floating = 0 }",
    "parallelism = 4\nchannels = { batch = 16 }",
    "parallelism = 7\nslots = 1\nchaining = ['aggregate', 'sink']\nchannels = { batch = 7 }",
];

const DISTRIBUTIONS: &[&str] = &[
    "{ kind = 'uniform' }",
    "{ kind = 'zipf', exponent = 1.2 }",
    "{ kind = 'hot', share = 0.7, hot_keys = 3 }",
    "{ kind = 'drifting', share = 0.5, period_records = 1000 }",
    "{ kind = 'key-groups', ratio = 5 }",
];

/// Without local aggregation; batches that never fill, fill exactly, and of one.
const LOCAL: &[&str] = &[
    "",
    "local_aggregation = 1_000_000",
    "local_aggregation = 100",
    "local_aggregation = 1",
];

#[test]
fn hot_keys_gives_the_oracles_totals_in_every_layout_with_and_without_local_aggregation() {
    for (layout, distribution) in LAYOUTS.iter().cycle().zip(DISTRIBUTIONS) {
        for local in LOCAL {
            let text = format!(
                "kind = 'hot-keys'\nkeys = 300\ndistribution = {distribution}\ncost = {{ mean = '0s' }}\n{local}"
            );
            let ran = run(&workload(&text), &load(""), &job(layout), records(20_000));
            ran.assert_right(&format!("{layout}, {text}"));
            assert_eq!(ran.correctness().expected, 20_000);
        }
    }
}

/// The subtasks of the task that begins with `aggregate`.
fn aggregates<'a>(
    snapshot: &'a JobSnapshot,
    plan: &Plan,
) -> impl Iterator<Item = &'a SubtaskSnapshot> {
    let is_aggregate = |task: &engine::TaskPlan| task.members[0].id == "aggregate";
    let task = plan
        .tasks
        .iter()
        .position(is_aggregate)
        .expect("in the job");
    let subtasks = snapshot.subtasks.iter();
    subtasks.filter(move |subtask| subtask.task == task)
}

/// The share of its time in which a subtask is neither idle nor backpressured.
fn busy(subtask: &SubtaskSnapshot) -> f64 {
    let time = &subtask.time;
    1.0 - (time.idle_ns + time.backpressured_ns) as f64 / time.total_ns() as f64
}

struct Measured {
    /// Records that each subtask of `aggregate` took in.
    loads: Vec<f64>,
    /// Busy share of each of them, the least one first.
    busy: Vec<f64>,
    /// Records admitted per second of job time.
    rate_per_s: f64,
}

/// Runs a closed loop for a while, then lets everything flow out.
fn measure(text: &str, time: Duration) -> Measured {
    let job = job("parallelism = 4\nchannels = { batch = 8, exclusive = 2, floating = 2 }");
    let bounds = Bounds {
        until_ns: Some(time.as_nanos() as u64),
        ..Bounds::default()
    };
    let built = workloads::build(
        &workload(text),
        &load(""),
        &job,
        1,
        bounds,
        Arc::new(NoProbes),
    );
    let built = built.expect("valid");
    let deployed = built.graph.deploy(job.to_config()).expect("valid");
    let plan = deployed.plan().clone();
    let running = deployed.start().expect("threads");
    // While the sources still run: afterwards the hot subtask works off its queue alone.
    running.wait(time * 9 / 10);
    let mut snapshot = JobSnapshot::default();
    running.snapshot(&mut snapshot);
    assert!(running.wait(Duration::from_secs(60)), "flows out");
    let ended_ns = running.clock().now();
    let report = running.join();
    let correctness = built.verifier.verify(&built.progress.admitted_per_split());
    assert!(correctness.is_right(), "{correctness:?}");
    let mut busy: Vec<f64> = aggregates(&snapshot, &plan).map(busy).collect();
    busy.sort_by(f64::total_cmp);
    Measured {
        loads: aggregates(&report.snapshot, &plan)
            .map(|subtask| subtask.records_in as f64)
            .collect(),
        busy,
        rate_per_s: built.progress.admitted() as f64 * 1e9 / ended_ns as f64,
    }
}

#[test]
fn one_key_with_half_of_the_records_makes_the_skew_factor_and_local_aggregation_undoes_it() {
    let text = "kind = 'hot-keys'\nkeys = 10_000\ndistribution = { kind = 'hot', share = 0.5 }\ncost = { kind = 'blocking', mean = '200us' }";
    let plain = measure(text, Duration::from_millis(1_500));
    let factor = skew::skew_factor(4, 0.5);
    assert_eq!(factor, 2.5);
    let found = skew::imbalance(&plain.loads);
    assert!(
        (found / factor - 1.0).abs() < 0.05,
        "{found}: {:?}",
        plain.loads
    );

    let busy = &plain.busy;
    assert!(busy[3] >= 0.95 && busy[1] <= 0.45, "{busy:?}");

    let local = measure(
        &format!("{text}\nlocal_aggregation = 10_000"),
        Duration::from_millis(1_500),
    );
    let found = skew::imbalance(&local.loads);
    assert!(found < 1.2, "{found}: {:?}", local.loads);
    let gain = local.rate_per_s / plain.rate_per_s;
    assert!(gain >= 2.0, "local aggregation gains a factor of {gain}");
}

#[test]
fn subtasks_get_the_share_of_records_that_the_layout_predicts() {
    for distribution in DISTRIBUTIONS
        .iter()
        .filter(|kind| !kind.contains("drifting"))
    {
        let text = format!(
            "kind = 'hot-keys'\nkeys = 1000\ndistribution = {distribution}\ncost = {{ mean = '0s' }}"
        );
        let WorkloadSpec::HotKeys(spec) = workload(&text) else {
            panic!("that is its kind")
        };
        let expected = skew::subtask_shares(KeyModel::new(&spec, &[]).shares(0), 4, 128);
        let found = measure(&text, Duration::from_millis(200)).loads;
        let total: f64 = found.iter().sum();
        for (expected, found) in expected.iter().zip(&found) {
            // 5 standard deviations of a binomial.
            let allowed = 5.0 * (expected * (1.0 - expected) / total).sqrt();
            assert!(
                (found / total - expected).abs() < allowed,
                "{distribution}: {found}"
            );
        }
    }
}

fn run_disturbed(spec: &WorkloadSpec, load: &LoadSpec, disturbances: Disturbances) -> Ran {
    let bounds = Bounds {
        until_ns: Some(600_000_000),
        disturbances,
        ..Bounds::default()
    };
    run(spec, load, &job("parallelism = 2"), bounds)
}

#[test]
fn the_oracle_knows_shifts_and_pauses_and_nothing_is_lost_by_them() {
    let disturbances = Disturbances {
        skew_shifts_ns: vec![200_000_000, 400_000_000],
        pauses: vec![SplitPause {
            split: 3,
            from_ns: 100_000_000,
            for_ns: 300_000_000,
        }],
    };
    let spec = workload(
        "kind = 'hot-keys'\nkeys = 1000\ndistribution = { kind = 'hot', share = 0.5 }\ncost = { mean = '0s' }",
    );
    for shape in [
        "constant', rate_per_s = 50_000",
        "burst', peak = 100_000, period = '100ms'",
    ] {
        for arrivals in ["uniform", "poisson"] {
            let load = load(&format!(
                "arrivals = '{arrivals}'\nsplits = 8\nshape = {{ kind = '{shape} }}"
            ));
            let ran = run_disturbed(&spec, &load, disturbances.clone());
            ran.assert_right(shape);
            assert_eq!(
                Some(ran.progress.admitted()),
                ran.progress.scheduled(u64::MAX)
            );
            // A third of the records each: half of them of the key that was hot then.
            let share = |key: &str| {
                let rows = ran.verifier.results().rows;
                let row = rows.iter().find(|row| row[0] == key).expect("occurs");
                row[1].parse::<f64>().expect("a count") / ran.progress.admitted() as f64
            };
            for key in ["0", "1", "2"] {
                assert!(
                    (share(key) - 1.0 / 6.0).abs() < 0.02,
                    "{shape}, {arrivals}, {key}"
                );
            }
        }
    }
}

#[test]
fn disturbances_that_do_not_fit_are_refused() {
    let refused = |text: &str, load: &LoadSpec, disturbances: Disturbances| {
        let bounds = Bounds {
            disturbances,
            ..Bounds::default()
        };
        let spec = workload(text);
        let built = workloads::build(&spec, load, &job(""), 1, bounds, Arc::new(NoProbes));
        built
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let shift = Disturbances {
        skew_shifts_ns: vec![1],
        ..Disturbances::default()
    };
    let pause = Disturbances {
        pauses: vec![SplitPause {
            split: 128,
            from_ns: 0,
            for_ns: 1,
        }],
        ..Disturbances::default()
    };
    let timed = load("shape = { kind = 'constant', rate_per_s = 1 }");
    let hot = "kind = 'hot-keys'";
    assert!(
        refused("kind = 'flights'", &timed, shift.clone()).starts_with("fault: skew-shift needs")
    );
    let uniform = "kind = 'hot-keys'\ndistribution = { kind = 'uniform' }";
    assert!(refused(uniform, &timed, shift.clone()).starts_with("fault: skew-shift needs"));
    assert!(refused(hot, &load(""), shift).starts_with("load.shape.kind: found \"max\""));
    assert!(refused(hot, &load(""), pause.clone()).starts_with("fault: pause-split needs"));
    assert!(
        refused(hot, &timed, pause).contains("found split 128; allowed: below load.splits = 128")
    );
}

/// Runs a hundred thousand records through an operator behind `parse`.
fn run_with(
    local: &str,
    parallelism: usize,
    between: impl FnMut(Record, &mut engine::Collector<'_, Record>) + Clone + Send + Sync + 'static,
) -> Correctness {
    let text = format!("kind = 'hot-keys'\nkeys = 1000\ncost = {{ mean = '0s' }}\n{local}");
    let WorkloadSpec::HotKeys(spec) = workload(&text) else {
        panic!("that is its kind")
    };
    let (job, load): (JobSpec, LoadSpec) = (job(&format!("parallelism = {parallelism}")), load(""));
    let feed = Feed {
        load: &load,
        parallelism,
        seed: 1,
        bounds: records(100_000),
        probes: Arc::new(NoProbes),
    };
    let events = HotKeyEvents::new(1, KeyModel::new(&spec, &[]));
    let wiring = Wiring::new(events, None, feed).expect("closed loop");
    let built = build_with(&spec, wiring, |records| {
        records.flat_map("culprit", between)
    });
    run_built(built, &job).correctness()
}

#[test]
fn one_record_lost_doubled_or_swapped_is_caught_behind_local_aggregation_too() {
    let found = |correctness: Correctness| {
        let Correctness {
            missing,
            duplicated,
            wrong,
            ..
        } = correctness;
        (missing, duplicated, wrong)
    };
    for parallelism in [1, 3] {
        for local in ["", "local_aggregation = 1000"] {
            let lost = run_with(local, parallelism, |record, out| {
                if record.id != 12_345 {
                    out.emit(record);
                }
            });
            assert_eq!(found(lost), (1, 0, 0), "{local}");
            let doubled = run_with(local, parallelism, |record, out| {
                out.emit(record);
                if record.id == 12_345 {
                    out.emit(record);
                }
            });
            assert_eq!(found(doubled), (0, 1, 0), "{local}");
            let swapped = run_with(local, parallelism, |mut record, out| {
                if record.id == 12_345 {
                    record.id = 0;
                }
                out.emit(record);
            });
            assert_eq!(found(swapped), (0, 0, 1), "{local}");
        }
    }
}
