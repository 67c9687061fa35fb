//! The windowed form of `hot-keys` on the real engine: the same answers in one phase and in two, and what the second
//! phase is worth.

#[path = "support/running.rs"]
mod running;

use std::sync::Arc;

use running::{job, load, records, run, run_built, workload};
use workloads::hot_keys::{HotKeyEvents, KeyModel, StampedHotKeys, build_windowed_with};
use workloads::jobs::{Feed, Wiring};
use workloads::stamped::StampedRecord;
use workloads::{Correctness, Mode, NoProbes, WorkloadSpec};

const LAYOUTS: &[&str] = &[
    "parallelism = 1",
    "parallelism = 3\nchaining = false\nchannels = { batch = 1, exclusive = 1, floating = 0 }",
    "parallelism = 4\nchannels = { batch = 16 }",
    "parallelism = 7\nslots = 1\nchaining = ['aggregate', 'sink']\nchannels = { batch = 7 }",
];

/// One phase, parts that are whole keys, and parts that are not.
const SALTS: &[&str] = &["", "salt = 1", "salt = 16"];

fn text(rest: &str) -> String {
    format!(
        "kind = 'hot-keys'\nkeys = 300\ncost = {{ mean = '0s' }}\nwindow = '10ms'\nevent_rate_per_s = 50_000\n{rest}"
    )
}

#[test]
fn windows_of_hot_keys_give_the_oracles_totals_in_one_phase_and_in_two() {
    let timed = "shape = { kind = 'constant', rate_per_s = 100_000 }\narrivals = 'poisson'";
    for layout in LAYOUTS {
        for salt in SALTS {
            for shape in ["", "splits = 2", timed] {
                let spec = workload(&text(salt));
                let ran = run(&spec, &load(shape), &job(layout), records(20_000));
                ran.assert_right(&format!("{layout}, {salt}, {shape}"));
                let correctness = ran.correctness();
                assert_eq!(
                    (correctness.mode, correctness.expected),
                    (Mode::Exact, 20_000)
                );
            }
        }
    }
}

/// Rows that each subtask of the task which begins with `operator` took in.
fn loads(rest: &str, operator: &str) -> Vec<u64> {
    let job = job("parallelism = 4");
    let spec = workload(&text(&format!(
        "distribution = {{ kind = 'hot', share = 0.8 }}\n{rest}"
    )));
    let bounds = records(100_000);
    let built = workloads::build(&spec, &load(""), &job, 1, bounds, Arc::new(NoProbes));
    let built = built.expect("valid");
    let deployed = built.graph.deploy(job.to_config()).expect("valid");
    let is_it = |task: &engine::TaskPlan| task.members[0].id == operator;
    let task = deployed
        .plan()
        .tasks
        .iter()
        .position(is_it)
        .expect("in the job");
    let running = deployed.start().expect("threads");
    assert!(
        running.wait(std::time::Duration::from_secs(60)),
        "flows out"
    );
    let report = running.join();
    let subtasks = report
        .snapshot
        .subtasks
        .iter()
        .filter(|subtask| subtask.task == task);
    subtasks.map(|subtask| subtask.records_in).collect()
}

#[test]
fn two_phases_spread_the_records_of_a_hot_key() {
    let skew = |loads: &[u64]| {
        let mean = loads.iter().sum::<u64>() as f64 / loads.len() as f64;
        loads.iter().copied().max().unwrap_or(0) as f64 / mean
    };
    // All records of the hot key in one subtask: 4 * 0.8 + 0.2.
    let plain = skew(&loads("", "aggregate"));
    assert!((plain - 3.4).abs() < 0.1, "{plain}");
    let parts = skew(&loads("salt = 64", "salted"));
    assert!(parts < 1.5, "{parts}");
    // 200 windows, 300 keys of 17 records each, and of the hot one 64 parts.
    let sums: u64 = loads("salt = 64", "aggregate").iter().sum();
    assert!(
        sums < 40_000,
        "{sums} rows of 100,000 are left for the second phase"
    );
}

fn run_with(
    salt: &str,
    between: impl FnMut(StampedRecord, &mut engine::Collector<'_, StampedRecord>)
    + Clone
    + Send
    + Sync
    + 'static,
) -> (u64, u64, u64) {
    let WorkloadSpec::HotKeys(spec) = workload(&text(salt)) else {
        panic!("that is its kind")
    };
    let (job, load) = (job("parallelism = 3"), load(""));
    let feed = Feed {
        load: &load,
        parallelism: 3,
        seed: 1,
        bounds: records(50_000),
        probes: Arc::new(NoProbes),
    };
    let events = HotKeyEvents::new(1, KeyModel::new(&spec, &[]));
    let events = StampedHotKeys::new(events, false, spec.event_rate_per_s);
    let wiring = Wiring::new(events, None, feed).expect("closed loop");
    let built = build_windowed_with(&spec, wiring, |records| {
        records.flat_map("culprit", between)
    });
    let Correctness {
        missing,
        duplicated,
        wrong,
        ..
    } = run_built(built, &job).correctness();
    (missing, duplicated, wrong)
}

#[test]
fn one_record_lost_doubled_or_swapped_is_caught_in_windows_too() {
    for salt in SALTS {
        let lost = run_with(salt, |stamped, out| {
            if stamped.record.id != 12_345 {
                out.emit(stamped);
            }
        });
        assert_eq!(lost, (1, 0, 0), "{salt}");
        let doubled = run_with(salt, |stamped, out| {
            out.emit(stamped);
            if stamped.record.id == 12_345 {
                out.emit(stamped);
            }
        });
        assert_eq!(doubled, (0, 1, 0), "{salt}");
        let swapped = run_with(salt, |mut stamped, out| {
            if stamped.record.id == 12_345 {
                stamped.record.id = 0;
            }
            out.emit(stamped);
        });
        assert_eq!(swapped, (0, 0, 1), "{salt}");
    }
}
