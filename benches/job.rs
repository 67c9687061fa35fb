//! How many records per second do whole jobs take, sources, state and sinks included?
//!
//! Closed loop, nothing measured along the way: an upper bound of what `backwater run` with load
//! `max` reports for the same job. No operator is made to work longer than it has to.

use std::time::Duration;

use benches::{deployed, run_to_end, workload};
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

const RECORDS: u64 = 1_000_000;

const CHAINED: &str = "parallelism = 2";
const NOT_CHAINED: &str = "parallelism = 2\nchaining = false";

fn job(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a job of 1,000,000 records");
    group.throughput(Throughput::Elements(RECORDS));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    const SLOW: &str = "kind = 'slow-operator'\ncost = { kind = 'cpu', mean = '0s' }";
    const FLIGHTS: &str = "kind = 'flights'\nrepeat = 4";
    const HOT: &str = "kind = 'hot-keys'\ncost = { mean = '0s' }";
    const ZIPF: &str =
        "kind = 'hot-keys'\ncost = { mean = '0s' }\ndistribution = { kind = 'zipf' }";
    const HOT_LOCAL: &str = "kind = 'hot-keys'\ncost = { mean = '0s' }\nlocal_aggregation = 10_000";
    for (name, tables, job) in [
        ("slow-operator that is not slow", SLOW, CHAINED),
        (
            "slow-operator that is not slow, no chains",
            SLOW,
            NOT_CHAINED,
        ),
        ("flights", FLIGHTS, CHAINED),
        ("hot-keys, zipf", ZIPF, CHAINED),
        ("hot-keys, one has half the records", HOT, CHAINED),
        (
            "hot-keys, one has half the records, local aggregation",
            HOT_LOCAL,
            CHAINED,
        ),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    let (built, config) = workload(tables, job, RECORDS);
                    deployed(&built.graph, config)
                },
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
    targets = job
}
criterion_main!(benches);
