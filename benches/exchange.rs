//! What does it cost a record to be sent to the right subtask, and to find its key's state there?
//!
//! `in turn` is the way alone, from two subtasks to two; `by key` adds the encoding and the hash;
//! `by key, and counted` adds a look-up among 10,000 keys on the heap.

use std::hint::black_box;
use std::time::Duration;

use benches::{Numbers, run_to_end};
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use engine::{
    Aggregate, Batch, Deployed, JobConfig, JobGraph, KeyedProcess, OperatorContext, OperatorError,
    Row, StateContext, Stream, group_of,
};

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

/// Hands rows on: what is measured is the way to it.
struct HandOn;

impl KeyedProcess<u64, u64, u64> for HandOn {
    fn open(&mut self, _state: &mut StateContext) {}

    fn process(
        &mut self,
        _key: &u64,
        row: Row<u64>,
        out: &mut Batch<u64>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        out.push(row);
        Ok(())
    }
}

#[derive(Clone)]
struct Count;

impl Aggregate<u64, u64> for Count {
    type Accumulator = u64;
    type Out = u64;

    fn create(&self) -> u64 {
        0
    }

    fn add(&self, count: &mut u64, _value: u64) {
        *count += 1;
    }

    fn result(&self, _key: &u64, count: &u64) -> u64 {
        *count
    }
}

fn job(spread: fn(Stream<u64>) -> Stream<u64>) -> Deployed {
    let graph = JobGraph::new("exchange");
    let numbers = graph.source("numbers", |context| {
        let share = Numbers::share(RECORDS, context.index, context.parallelism);
        (share, None)
    });
    spread(numbers).for_each("discard", |number| {
        black_box(number);
    });
    let config = JobConfig {
        parallelism: 2,
        ..JobConfig::default()
    };
    graph.deploy(config).expect("a valid job")
}

fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("an exchange between 2 and 2 subtasks");
    group.throughput(Throughput::Elements(RECORDS));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    let in_turn: fn(Stream<u64>) -> Stream<u64> =
        |numbers| numbers.rebalance().map("hand-on", |number| number);
    let by_key: fn(Stream<u64>) -> Stream<u64> =
        |numbers| numbers.key_by(|n| n % KEYS).process("hand-on", |_| HandOn);
    let counted: fn(Stream<u64>) -> Stream<u64> =
        |numbers| numbers.key_by(|n| n % KEYS).aggregate("count", Count);
    for (name, spread) in [
        ("in turn", in_turn),
        ("by key", by_key),
        ("by key, and counted", counted),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| job(spread), run_to_end, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = key_group, exchange
}
criterion_main!(benches);
