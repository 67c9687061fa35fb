//! How fast is a run's answer checked? It happens after every run, so it should not take as long.
//!
//! One thread makes all records again, computes the answer in one loop, and compares it with what
//! the job's sinks tallied.

use std::cell::LazyCell;
use std::sync::Arc;
use std::time::Duration;

use benches::{deployed, run_to_end, workload};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use workloads::{Progress, Verifier};

const RECORDS: u64 = 1_000_000;

/// A job that has run, for its verifier.
fn run(tables: &str) -> (Box<dyn Verifier>, Arc<Progress>) {
    let (built, config) = workload(tables, "parallelism = 2", RECORDS);
    run_to_end(deployed(&built.graph, config));
    (built.verifier, built.progress)
}

fn oracle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1,000,000 records checked, of");
    group.throughput(Throughput::Elements(RECORDS));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for (name, tables) in [
        (
            "slow-operator",
            "kind = 'slow-operator'\ncost = { kind = 'cpu', mean = '0s' }",
        ),
        ("flights", "kind = 'flights'\nrepeat = 4"),
        ("hot-keys", "kind = 'hot-keys'\ncost = { mean = '0s' }"),
    ] {
        let job = LazyCell::new(|| run(tables));
        group.bench_function(name, |bencher| {
            let (verifier, progress) = LazyCell::force(&job);
            let admitted = progress.admitted_per_split();
            bencher.iter(|| assert!(verifier.verify(&admitted).is_right()));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    targets = oracle
}
criterion_main!(benches);
