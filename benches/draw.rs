//! What does it cost to draw the key of a record?
//!
//! A zipf key comes from a table of 8 bytes per key ([`workloads::draw::AliasTable`]), which a
//! textbook's rejection sampling (`rand_distr`) does without. The table is what lets a source offer
//! more than an engine takes, as long as it fits into a cache.

use std::cell::LazyCell;
use std::hint::black_box;
use std::time::Duration;

use benches::key_model;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Zipf};
use workloads::draw::{Draw, Purpose};

const DRAWS: u64 = 1_000;

fn key(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a key drawn");
    group.throughput(Throughput::Elements(DRAWS));
    let draw = Draw::new(1, Purpose::Event);
    for (name, keys, distribution) in [
        ("uniform, 100 k keys", 100_000, "{ kind = 'uniform' }"),
        ("one hot key, 100 k keys", 100_000, "{ kind = 'hot' }"),
        ("zipf, 1 k keys", 1_000, "{ kind = 'zipf' }"),
        ("zipf, 100 k keys", 100_000, "{ kind = 'zipf' }"),
        ("zipf, 5 M keys", 5_000_000, "{ kind = 'zipf' }"),
    ] {
        let model = LazyCell::new(|| key_model(keys, distribution));
        group.bench_function(name, |bencher| {
            let model = LazyCell::force(&model);
            let mut next = 0;
            bencher.iter(|| {
                for record in next..next + DRAWS {
                    black_box(model.key(0, draw.bits(record)));
                }
                next += DRAWS;
            });
        });
    }
    group.bench_function("zipf, 100 k keys, by rejection", |bencher| {
        let zipf = Zipf::new(100_000.0, 1.0).expect("a valid distribution");
        let mut random = SmallRng::seed_from_u64(1);
        bencher.iter(|| {
            for _ in 0..DRAWS {
                black_box(zipf.sample(&mut random));
            }
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = key
}
criterion_main!(benches);
