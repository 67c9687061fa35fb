//! Jobs of `state-growth` on the real engine: on every backend, in every layout, each record finds what the records of
//! its key before it left, and an operator that loses, doubles or swaps records is caught.

#[path = "support/running.rs"]
mod running;

use std::sync::Arc;

use running::{job, load, records, run, run_built, workload};
use workloads::jobs::{Feed, Wiring};
use workloads::slow_operator::Record;
use workloads::state_growth::{Population, ProfileEvents, build_profiles_with};
use workloads::{Bounds, Correctness, Mode, NoProbes, WorkloadSpec};

/// Layouts that differ in the number of subtasks, and in how they are chained.
const LAYOUTS: &[&str] = &[
    "parallelism = 1",
    "parallelism = 2",
    "parallelism = 3\nchaining = false\nchannels = { batch = 16, exclusive = 1, floating = 1 }",
];

/// Without a write-back cache, with one that holds next to nothing, and with one that holds everything.
const BACKENDS: &[&str] = &[
    "state = { backend = 'heap' }",
    "state = { backend = 'rocksdb' }",
    "state = { backend = 'rocksdb', write_back_cache = '4KiB' }",
    "state = { backend = 'rocksdb', write_back_cache = '16MiB', managed_memory = '16MiB' }",
];

/// Every layout on every backend.
fn places() -> impl Iterator<Item = String> {
    LAYOUTS.iter().flat_map(|layout| {
        let place = move |backend: &&str| format!("{layout}\n{backend}");
        BACKENDS.iter().map(place)
    })
}

const PROFILES: &[&str] = &[
    "preloaded = 500",
    "preloaded = 0\nnew_key_share = 0.2\nvalue_bytes = 0",
    "preloaded = 3000\nnew_key_share = 0.01\nmix = { read = 3, update = 3, write = 2, delete = 2 }\ndistribution = { kind = 'zipf' }\nvalue_bytes = 10\nvalue_bytes_max = 300",
    "preloaded = 100\nnew_key_share = 0.5\nmix = { read = 0, update = 0, write = 2, delete = 1 }\ndistribution = { kind = 'recent', keys = 40 }",
];

#[test]
fn profiles_say_what_the_oracle_says_in_every_layout_on_every_backend() {
    for (place, number) in places().zip(0..) {
        // On each backend every set of parameters, in each layout two of them.
        for parameters in [number, number + 1].map(|n| PROFILES[(n + n / 4) % 4]) {
            let spec = workload(&format!("kind = 'state-growth'\n{parameters}"));
            let ran = run(&spec, &load("splits = 7"), &job(&place), records(20_000));
            ran.assert_right(&format!("{place}, {parameters}"));
            let found = ran.correctness();
            assert_eq!((found.expected, found.mode), (20_000, Mode::Exact));
        }
    }
}

const VISITS: &[&str] = &[
    "preloaded = 300\nday = '20ms'\ndisorder = '5ms'",
    "preloaded = 0\nnew_key_share = 0.1\nday = '50ms'\ndisorder = '50ms'\ndistribution = { kind = 'recent', keys = 20 }",
];

#[test]
fn first_visits_are_the_oracles_in_every_layout_on_every_backend() {
    for (place, number) in places().zip(0..) {
        let parameters = VISITS[(number + number / 4) % 2];
        let text = format!("kind = 'state-growth'\njob = 'unique-visitor'\n{parameters}");
        let ran = run(
            &workload(&text),
            &load("splits = 5"),
            &job(&place),
            records(20_000),
        );
        ran.assert_right(&format!("{place}, {parameters}"));
        let rows = ran.correctness().expected;
        assert!((2_000..18_000).contains(&rows), "{rows} rows, {parameters}");
    }
}

/// Number in a column of the results, all buckets together.
fn total(ran: &running::Ran, column: &str) -> u64 {
    let results = ran.verifier.results();
    let at = results.header.iter().position(|&name| name == column);
    let cell = |row: &Vec<String>| row[at.expect(column)].parse::<u64>().expect("a number");
    results.rows.iter().map(cell).sum()
}

#[test]
fn what_is_old_is_gone_and_what_is_young_is_there_on_every_backend() {
    for backend in BACKENDS {
        for refresh in ["on-write", "on-read-and-write"] {
            let ttl = format!("ttl = {{ after = '60ms', refresh = '{refresh}' }}");
            let load = load("shape = { kind = 'constant', rate_per_s = 40_000 }\nsplits = 4");
            let bounds = Bounds {
                until_ns: Some(500_000_000),
                ..Bounds::default()
            };
            let job = job(&format!("parallelism = 2\n{backend}"));
            let spec = workload(&format!("kind = 'state-growth'\npreloaded = 2000\n{ttl}"));
            let ran = run(&spec, &load, &job, bounds.clone());
            ran.assert_right(&format!("{backend}, {ttl}"));
            assert_eq!(ran.correctness().mode, Mode::Invariants);
            let (answers, found) = (total(&ran, "answers"), total(&ran, "found"));
            assert!(
                found > 0 && found < answers,
                "{found} of {answers} found something"
            );
            let spec = workload(&format!(
                "kind = 'state-growth'\njob = 'unique-visitor'\nday = '200ms'\npreloaded = 500\n{ttl}"
            ));
            let ran = run(&spec, &load, &job, bounds);
            ran.assert_right(&format!("visits, {backend}, {ttl}"));
        }
    }
}

/// Runs a million records through an operator between `parse` and `profile`.
fn run_with(
    between: impl FnMut(Record, &mut engine::Collector<'_, Record>) + Clone + Send + Sync + 'static,
) -> Correctness {
    let WorkloadSpec::StateGrowth(spec) = workload("kind = 'state-growth'\nvalue_bytes = 8") else {
        panic!("that is its kind")
    };
    let (job, load) = (job(""), load(""));
    let feed = Feed {
        load: &load,
        parallelism: job.parallelism,
        seed: 1,
        bounds: records(1_000_000),
        probes: Arc::new(NoProbes),
    };
    let population = Population::new(&spec, load.splits, 0.0);
    let events = ProfileEvents::new(1, population, &spec.mix.unwrap_or_default());
    let wiring = Wiring::new(events, None, feed).expect("closed loop");
    let built = build_profiles_with(&spec, wiring, |records| {
        records.flat_map("culprit", between)
    });
    run_built(built, &job).correctness()
}

#[test]
fn an_operator_that_loses_doubles_or_swaps_one_record_in_a_million_is_caught() {
    let found = run_with(|record, out| {
        if record.id != 123_456 {
            out.emit(record);
        }
    });
    assert_eq!((found.missing, found.duplicated), (1, 0));
    let found = run_with(|record, out| {
        out.emit(record);
        if record.id == 123_456 {
            out.emit(record);
        }
    });
    assert_eq!((found.missing, found.duplicated), (0, 1));
    // Another key of the same bucket: the number of answers stays as it should be.
    let found = run_with(|mut record, out| {
        if record.id == 123_456 {
            record.key ^= 1 << 10;
        }
        out.emit(record);
    });
    assert_eq!((found.missing, found.duplicated), (0, 0));
    assert!(found.wrong > 0);
}

#[test]
fn new_keys_per_second_need_a_load_of_that_many_records() {
    let spec = workload("kind = 'state-growth'\nnew_keys_per_s = 1000");
    let refused = |shape: &str| {
        let load = load(&format!("shape = {shape}"));
        let built = workloads::build(&spec, &load, &job(""), 1, records(1), Arc::new(NoProbes));
        built.err().map(|error| error.to_string())
    };
    assert_eq!(refused("{ kind = 'constant', rate_per_s = 1000 }"), None);
    assert_eq!(
        refused("{ kind = 'constant', rate_per_s = 999 }").as_deref(),
        Some("load.shape: found 999 records per second; allowed with new_keys_per_s: from 1000")
    );
    assert_eq!(
        refused("{ kind = 'max' }").as_deref(),
        Some(
            "load.shape: allowed with new_keys_per_s: kind = \"constant\"; else say new_key_share"
        )
    );
}
