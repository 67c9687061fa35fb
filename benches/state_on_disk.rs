//! What does it cost to reach a key's state in RocksDB, in runs and one by one, and with a cache?
//!
//! One thread and no job, with Flink's default options. A run is what an operator is given at a time:
//! its keys are looked up together and what it changed is written together at its end. `one by one`
//! leaves the look-ups to each access. With a write-back cache that all keys fit in, RocksDB is not
//! asked at all: what is left is the memory in front of it.

use std::hint::black_box;
use std::time::Duration;

use benches::{key_of, number_state};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{DetachedStates, Profile, RocksDbConfig, StateBackend, ValueState};

const SIZES: [(u64, &str); 2] = [(100_000, "100 k"), (1_000_000, "1 M")];
/// Rows of a run.
const RUN: u64 = 1_024;

struct Bench {
    state: ValueState<u64, u64>,
    states: DetachedStates,
    keys: u64,
    next: u64,
}

impl Bench {
    /// A state in which every key has been counted once.
    fn filled(backend: &StateBackend, keys: u64) -> Bench {
        let (state, states) = number_state(backend);
        let mut bench = Bench {
            state,
            states,
            keys,
            next: 0,
        };
        for first in (0..keys).step_by(RUN as usize) {
            bench.count(first..keys.min(first + RUN), |n| n);
        }
        bench
    }

    fn count(&mut self, numbers: std::ops::Range<u64>, key: impl Fn(u64) -> u64) {
        let items = numbers.map(|n| (key(n), ()));
        let add = |_: &u64, count: &mut u64, ()| {
            *count += 1;
            *count
        };
        let mut out: Vec<u64> = Vec::new();
        let counted = self.state.update_each(items, || 0, add, &mut out);
        counted.expect("the disk takes it");
        black_box(out);
        self.end_run();
    }

    fn end_run(&mut self) {
        self.states.next_run(0).expect("the disk takes it");
    }

    fn next_run(&mut self) -> std::ops::Range<u64> {
        let first = self.next;
        self.next += RUN;
        first..self.next
    }

    fn count_run(&mut self) {
        let (run, keys) = (self.next_run(), self.keys);
        self.count(run, |n| key_of(n, keys));
    }

    fn get_one_by_one(&mut self) {
        for n in self.next_run() {
            let found = self.state.get(&key_of(n, self.keys));
            black_box(found.expect("the disk gives it"));
        }
        self.end_run();
    }

    fn put_run(&mut self) {
        for n in self.next_run() {
            let put = self.state.put(&key_of(n, self.keys), n);
            put.expect("the disk takes it");
        }
        self.end_run();
    }
}

fn backend(folder: &std::path::Path, write_back_cache: u64) -> StateBackend {
    StateBackend::RocksDb(RocksDbConfig {
        write_back_cache,
        ..RocksDbConfig::of_profile(Profile::Default, folder)
    })
}

fn on_disk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("state in RocksDB");
    group.throughput(Throughput::Elements(RUN));
    type Work = fn(&mut Bench);
    let works: [(&str, Work); 3] = [
        ("count in runs", Bench::count_run),
        ("get one by one", Bench::get_one_by_one),
        ("put in runs", Bench::put_run),
    ];
    for (keys, size) in SIZES {
        let folder = tempfile::tempdir().expect("a folder");
        let mut bench = Bench::filled(&backend(folder.path(), 0), keys);
        for (name, work) in works {
            group.bench_function(format!("{name}, {size} keys"), |bencher| {
                bencher.iter(|| work(&mut bench));
            });
        }
        let mut cached = Bench::filled(&backend(folder.path(), 1 << 30), keys);
        group.bench_function(
            format!("count in runs, {size} keys, all cached"),
            |bencher| {
                bencher.iter(|| cached.count_run());
            },
        );
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = on_disk
}
criterion_main!(benches);
