//! How many records per second do whole jobs take, sources, state and sinks included?
//!
//! Closed loop, nothing measured along the way: an upper bound of what `backwater run` with load
//! `max` reports for the same job.

use std::sync::Arc;
use std::time::Duration;

use benches::run_to_end;
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use engine::Deployed;
use workloads::{Bounds, JobSpec, LoadSpec, NoProbes, WorkloadSpec, build};

const RECORDS: u64 = 1_000_000;

fn deployed(workload: &str, chaining: &str) -> Deployed {
    let table = |text: &str| text.parse::<toml::Table>().expect("valid TOML");
    let workload = WorkloadSpec::parse(table(workload)).expect("a valid workload");
    let load = LoadSpec::parse(table("shape = { kind = 'max' }")).expect("a valid load");
    let job = format!("parallelism = 2\nchaining = {chaining}");
    let job = JobSpec::parse(table(&job)).expect("a valid job");
    let bounds = Bounds {
        records: Some(RECORDS),
        ..Bounds::default()
    };
    let built = build(&workload, &load, &job, 1, bounds, Arc::new(NoProbes));
    let graph = built.expect("the load fits the workload").graph;
    graph.deploy(job.to_config()).expect("a valid job")
}

fn job(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a job of 1,000,000 records");
    group.throughput(Throughput::Elements(RECORDS));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    const FREE: &str = "kind = 'slow-operator'\ncost = { kind = 'cpu', mean = '0s' }";
    for (name, workload, chaining) in [
        ("slow-operator that is not slow", FREE, "true"),
        ("slow-operator that is not slow, no chains", FREE, "false"),
        ("flights", "kind = 'flights'\nrepeat = 4", "true"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || deployed(workload, chaining),
                run_to_end,
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = job
}
criterion_main!(benches);
