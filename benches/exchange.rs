//! What does it cost a record to be sent to the right subtask, and to find its key's state there?
//!
//! `in turn` is the way alone, from two subtasks to two; `by key` adds the encoding and the hash;
//! `by key, and counted` adds a look-up among 10,000 keys on the heap.

use std::hint::black_box;
use std::time::Duration;

use benches::{deployed, discard, numbers, run_to_end};
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use engine::{JobConfig, JobGraph, group_of};

const RECORDS: u64 = 1_000_000;
const KEYS: u64 = 10_000;

fn key_group(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key group of a key of");
    for bytes in [8, 32] {
        let key = vec![0x6b; bytes];
        group.bench_function(format!("{bytes} bytes"), |bencher| {
            bencher.iter(|| group_of(black_box(&key), 128));
        });
    }
    group.finish();
}

fn in_turn() -> JobGraph {
    let graph = JobGraph::new("in-turn");
    discard(
        numbers(&graph, RECORDS)
            .rebalance()
            .map("hand-on", |number| number),
    );
    graph
}

fn by_key() -> JobGraph {
    benches::by_key(RECORDS, KEYS)
}

fn counted() -> JobGraph {
    benches::keyed_count(RECORDS, KEYS)
}

fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("an exchange between 2 and 2 subtasks");
    group.throughput(Throughput::Elements(RECORDS));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    let config = JobConfig {
        parallelism: 2,
        ..JobConfig::default()
    };
    for (name, job) in [
        ("in turn", in_turn as fn() -> JobGraph),
        ("by key", by_key),
        ("by key, and counted", counted),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || deployed(&job(), config.clone()),
                run_to_end,
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    targets = key_group, exchange
}
criterion_main!(benches);
