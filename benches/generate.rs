//! How fast are records made, alone and on a schedule? No engine: this bounds every load.
//!
//! The time is that of a batch of 1,024 records; the throughput is per source subtask.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use benches::{key_model, table};
use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};
use workloads::flights::{FlightEvents, Year};
use workloads::hot_keys::HotKeyEvents;
use workloads::slow_operator::LineEvents;
use workloads::{Bounds, Events, LoadSpec, NoProbes, WorkloadSpec, null_sources};

const BATCH: usize = 1024;

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1,024 records made of");
    group.throughput(Throughput::Elements(BATCH as u64));
    let year = Arc::new(Year::embedded().expect("the embedded data is sound"));
    let flights = FlightEvents::new(year, 1_000_000);
    let lines = LineEvents::new(1, 1_000);
    let hot_keys = HotKeyEvents::new(1, key_model(100_000, "{ kind = 'zipf' }"));
    group.bench_function("slow-operator", |bencher| made(bencher, &lines));
    group.bench_function("flights", |bencher| made(bencher, &flights));
    group.bench_function("hot-keys, zipf", |bencher| made(bencher, &hot_keys));
    group.finish();
}

fn made<E: Events>(bencher: &mut Bencher<'_>, events: &E) {
    let mut next = 0;
    bencher.iter(|| {
        for record in next..next + BATCH as u64 {
            black_box(events.event(record));
        }
        next += BATCH as u64;
    });
}

fn scheduled(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1,024 records of slow-operator on the schedule");
    group.throughput(Throughput::Elements(BATCH as u64));
    // A rate that job time never catches up with: a full batch is due at every poll.
    const RATE: &str = "shape = { kind = 'constant', rate_per_s = 1e9 }";
    for (name, load) in [
        ("max", String::new()),
        ("uniform", RATE.to_owned()),
        ("poisson", format!("{RATE}\narrivals = 'poisson'")),
    ] {
        group.bench_function(name, |bencher| {
            let workload = table("kind = 'slow-operator'");
            let workload = WorkloadSpec::parse(workload).expect("a valid workload");
            let load = LoadSpec::parse(table(&load)).expect("a valid load");
            let (mut sources, _progress) = null_sources(
                &workload,
                &load,
                1,
                1,
                Bounds::default(),
                Arc::new(NoProbes),
            )
            .expect("the load fits the workload");
            let mut tags = Vec::with_capacity(BATCH);
            let (mut now_ns, full_batch_ns) = (0, 10 * BATCH as u64);
            bencher.iter(|| {
                now_ns += full_batch_ns;
                tags.clear();
                sources[0].poll(now_ns, 0, BATCH, &mut tags);
                assert_eq!(tags.len(), BATCH);
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = events, scheduled
}
criterion_main!(benches);
