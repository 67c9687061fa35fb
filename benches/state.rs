//! What does it cost to reach a key's state on the heap, with few keys and with many?
//!
//! One thread and nothing else: no job, no exchange. `in order` goes through the keys one after the
//! other, which memory likes; `at random` is what a stream does. Few keys fit into a cache, 5
//! million of them into none.

use std::cell::LazyCell;
use std::hint::black_box;
use std::time::Duration;

use benches::{key_of, number_state};
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use engine::{Key, StateBackend, ValueState};

const SIZES: [(u64, &str); 3] = [(1_000, "1 k"), (100_000, "100 k"), (5_000_000, "5 M")];
/// Accesses that are timed in one go.
const ACCESSES: u64 = 1_000;
/// Keys that are made beforehand, where making one costs more than an access.
const MADE: u64 = 1 << 20;

fn string_key(n: u64) -> String {
    format!("key-{n:012}")
}

fn heap_state<K: Key>() -> ValueState<K, u64> {
    number_state(&StateBackend::Heap).0
}

fn filled<K: Key>(key: fn(u64) -> K, keys: u64) -> ValueState<K, u64> {
    let mut state = heap_state();
    fill(&mut state, key, keys);
    state
}

fn fill<K: Key>(state: &mut ValueState<K, u64>, key: fn(u64) -> K, keys: u64) {
    for n in 0..keys {
        count(state, &key(n));
    }
}

fn count<K: Key>(state: &mut ValueState<K, u64>, key: &K) {
    let counted = state.update(key, || 0, |count| *count += 1);
    counted.expect("the heap never fails");
}

fn get<K: Key>(state: &mut ValueState<K, u64>, key: &K) {
    black_box(state.get(key).expect("the heap never fails"));
}

type Access<K> = (&'static str, fn(&mut ValueState<K, u64>, &K));

fn integer_keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("heap state, integer keys");
    group.throughput(Throughput::Elements(ACCESSES));
    let accesses: [Access<u64>; 2] = [("update", count), ("get", get)];
    let in_order: fn(u64, u64) -> u64 = |n, keys| n % keys;
    for (keys, size) in SIZES {
        let mut state = LazyCell::new(|| filled(|n| n, keys));
        for (name, access) in accesses {
            for (order, key) in [("in order", in_order), ("at random", key_of)] {
                group.bench_function(format!("{name}, {size} keys {order}"), |bencher| {
                    let state = LazyCell::force_mut(&mut state);
                    let mut next = 0;
                    bencher.iter(|| {
                        for n in next..next + ACCESSES {
                            access(state, &key(n, keys));
                        }
                        next += ACCESSES;
                    });
                });
            }
        }
    }
    group.finish();
}

fn string_keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("heap state, string keys");
    group.throughput(Throughput::Elements(ACCESSES));
    let accesses: [Access<String>; 2] = [("update", count), ("get", get)];
    for (keys, size) in SIZES {
        let mut prepared = LazyCell::new(|| {
            let made: Vec<String> = (0..MADE).map(|n| string_key(key_of(n, keys))).collect();
            (filled(string_key, keys), made)
        });
        for (name, access) in accesses {
            group.bench_function(format!("{name}, {size} keys at random"), |bencher| {
                let (state, made) = LazyCell::force_mut(&mut prepared);
                let mut next = made.chunks_exact(ACCESSES as usize).cycle();
                bencher.iter(|| {
                    let keys = next.next().expect("an endless iterator");
                    keys.iter().for_each(|key| access(state, key));
                });
            });
        }
    }
    group.finish();
}

/// Every key is new: the map grows on the way.
fn new_keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("heap state, from none to");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for (keys, size) in SIZES {
        group.throughput(Throughput::Elements(keys));
        group.bench_function(format!("{size} integer keys"), |bencher| {
            bencher.iter_batched_ref(
                heap_state,
                |state| fill(state, |n| n, keys),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = integer_keys, string_keys, new_keys
}
criterion_main!(benches);
