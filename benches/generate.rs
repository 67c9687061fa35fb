//! How fast are records made, alone and on a schedule? No engine: this bounds every load.
//!
//! The time is that of a batch of 1,024 records; the throughput is per source subtask.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use workloads::flights::{FlightEvents, Year};
use workloads::slow_operator::LineEvents;
use workloads::{Bounds, Events, LoadSpec, NoProbes, WorkloadSpec, null_sources};

const BATCH: usize = 1024;

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1,024 records made of");
    group.throughput(Throughput::Elements(BATCH as u64));
    let year = Arc::new(Year::embedded().expect("the embedded data is sound"));
    let flights = FlightEvents::new(year, 1_000_000);
    let lines = LineEvents::new(1, 1_000);
    group.bench_function("slow-operator", |bencher| {
        let mut batches = (0..).step_by(BATCH);
        bencher.iter(|| batch(&lines, batches.next()));
    });
    group.bench_function("flights", |bencher| {
        let mut batches = (0..).step_by(BATCH);
        bencher.iter(|| batch(&flights, batches.next()));
    });
    group.finish();
}

fn batch<E: Events>(events: &E, first: Option<u64>) {
    let first = first.expect("an endless range");
    for record in first..first + BATCH as u64 {
        black_box(events.event(record));
    }
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

fn table(text: &str) -> toml::Table {
    text.parse().expect("valid TOML")
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = events, scheduled
}
criterion_main!(benches);
