//! What does it cost a record to go from one task to the next, and what do batches and credits save?
//!
//! `none` is the same job as one chain, without a channel: the difference is the hop. A sender
//! without credit waits until a batch was processed: with credit for one batch, every batch is a
//! round trip, and sender and receiver take turns.

use std::time::Duration;

use benches::{deployed, run_to_end};
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use engine::{Chaining, ChannelConfig, Deployed, JobConfig};

const RECORDS: u64 = 1_000_000;

fn job(chaining: Chaining, channels: ChannelConfig) -> Deployed {
    let config = JobConfig {
        chaining,
        channels,
        ..JobConfig::default()
    };
    deployed(&benches::hop(RECORDS), config)
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
        let channels = ChannelConfig {
            batch,
            ..ChannelConfig::default()
        };
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || job(chaining.clone(), channels.clone()),
                run_to_end,
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn credit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a hop with credit for");
    group.throughput(Throughput::Elements(RECORDS));
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for batch in [1024, 64] {
        for (credits, floating) in [(1, 0), (2, 1), (10, 9), (100, 99)] {
            let channels = ChannelConfig {
                batch,
                exclusive: 1,
                floating,
                ..ChannelConfig::default()
            };
            let plural = if credits == 1 { "batch" } else { "batches" };
            group.bench_function(format!("{credits} {plural} of {batch}"), |bencher| {
                bencher.iter_batched(
                    || job(Chaining::Off, channels.clone()),
                    run_to_end,
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    targets = hop, credit
}
criterion_main!(benches);
