//! How long does a subtask stand still while its state gets into a checkpoint, and how long does it take
//! to get it out again?
//!
//! One million keys with 100 bytes each, of one subtask and nothing else. On the heap the time is that of
//! writing the entries to memory; in RocksDB that of writing to files what has changed since the
//! last checkpoint (1 % of the keys here) and of linking the files.

use std::hint::black_box;
use std::time::Duration;

use benches::key_of;
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use engine::{
    Clock, DetachedCheckpoint, DetachedStates, Profile, RocksDbConfig, StateBackend, ValueState,
};
use workloads::draw::mix;

const KEYS: u64 = 1_000_000;
const GROUPS: usize = 128;

type Values = ValueState<u64, Vec<u8>>;

/// 100 bytes that cannot be compressed.
fn value(key: u64, version: u64) -> Vec<u8> {
    let words = (0..13).map(|word| mix(key ^ (version << 40) ^ (word << 56)));
    let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(100);
    bytes
}

fn opened(backend: &StateBackend) -> (DetachedStates, Values) {
    let mut values = None;
    let states = DetachedStates::open(backend, GROUPS, |context| {
        values = Some(context.value("values"));
    });
    (
        states.expect("a temporary folder can be made"),
        values.expect("opened"),
    )
}

fn filled(backend: &StateBackend) -> (DetachedStates, Values) {
    let (mut states, mut values) = opened(backend);
    for key in 0..KEYS {
        values.put(&key, value(key, 0)).expect("there is room");
        if key % 10_000 == 0 {
            states.next_run(0).expect("there is room");
        }
    }
    (states, values)
}

fn change(values: &mut Values, version: u64) {
    for n in 0..KEYS / 100 {
        let key = key_of(n + version * KEYS, KEYS);
        values
            .put(&key, value(key, version))
            .expect("there is room");
    }
}

fn checkpoint(states: &mut DetachedStates, values: &mut Values) -> DetachedCheckpoint {
    let kept = states.checkpoint(&mut |visit| visit(values));
    kept.expect("all states are shown")
}

fn restored(backend: &StateBackend, from: &DetachedCheckpoint) -> (DetachedStates, Values) {
    let (mut states, mut values) = opened(backend);
    let restored = states.restore(from, &mut |visit| visit(&mut values));
    restored.expect("the same states");
    (states, values)
}

fn one_million_keys(criterion: &mut Criterion) {
    let directory = std::env::temp_dir();
    let rocksdb = RocksDbConfig::of_profile(Profile::Default, directory);
    let backends = [
        ("heap", StateBackend::Heap),
        ("RocksDB, 1 % changed", StateBackend::RocksDb(rocksdb)),
    ];
    let mut group = criterion.benchmark_group("checkpoint of 1 M keys");
    group.throughput(Throughput::Elements(KEYS));
    group.sampling_mode(SamplingMode::Flat);
    group.sample_size(10);
    group.measurement_time(Duration::from_secs(5));
    for (name, backend) in backends {
        let (mut states, mut values) = filled(&backend);
        let first = checkpoint(&mut states, &mut values);
        let mut version = 0;
        group.bench_function(format!("keep, {name}"), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut took = Duration::ZERO;
                for _ in 0..rounds {
                    version += 1;
                    change(&mut values, version);
                    let clock = Clock::start();
                    black_box(checkpoint(&mut states, &mut values));
                    took += Duration::from_nanos(clock.now());
                }
                took
            });
        });
        group.bench_function(format!("go on, {name}"), |bencher| {
            let go_on = |()| black_box(restored(&backend, &first));
            bencher.iter_batched(|| (), go_on, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(checkpoints, one_million_keys);
criterion_main!(checkpoints);
