//! What does it cost a record to go from one task to the next, and what do batches save?
//!
//! `none` is the same job as one chain, without a channel: the difference is the hop.

use std::time::Duration;

use benches::{Numbers, run_to_end};
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use engine::{Chaining, ChannelConfig, Deployed, JobConfig, JobGraph};

const RECORDS: u64 = 1_000_000;

fn job(chaining: Chaining, batch: usize) -> Deployed {
    let graph = JobGraph::new("hop");
    graph
        .source("numbers", |context| {
            (
                Numbers::share(RECORDS, context.index, context.parallelism),
                None,
            )
        })
        .for_each("discard", |number| {
            std::hint::black_box(number);
        });
    let config = JobConfig {
        chaining,
        channels: ChannelConfig {
            batch,
            ..ChannelConfig::default()
        },
        ..JobConfig::default()
    };
    graph.deploy(config).expect("a valid job")
}

fn hop(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a hop over one channel");
    group.throughput(Throughput::Elements(RECORDS));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for (name, chaining, batch) in [
        ("none", Chaining::On, 1024),
        ("in batches of 1024", Chaining::Off, 1024),
        ("in batches of 16", Chaining::Off, 16),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || job(chaining.clone(), batch),
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
    targets = hop
}
criterion_main!(benches);
