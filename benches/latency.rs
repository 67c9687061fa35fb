//! What does it cost to record latencies?
//!
//! Per batch: the time is that of 1,024 records, the throughput is per sink or source subtask. Runs
//! of equal latencies are counted in one go, and records of one batch arrive at one moment; so what
//! counts is how many intended times a batch spans.

use std::time::Duration;

use benches::tags;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use harness::latency::{Histograms, Interval, Recorder};
use workloads::{Probes, TagRun};

const BATCH: u64 = 1024;
const NOW_NS: u64 = 2_000_000_000;
/// A batch at a million records per second.
const DISTINCT: u64 = 1_000;
/// A batch that was due at one moment.
const EQUAL: u64 = 0;

fn sink(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("latencies at a sink, 1,024 records");
    group.throughput(Throughput::Elements(BATCH));
    for (name, open_loop, apart_ns) in [
        ("distinct", true, DISTINCT),
        ("equal", true, EQUAL),
        ("of a closed loop", false, EQUAL),
    ] {
        group.bench_function(name, |bencher| {
            let mut probe = Recorder::new(open_loop).sink(0);
            let tags = tags(BATCH, apart_ns);
            let mut runs = Vec::new();
            bencher.iter(|| {
                TagRun::collect(tags.iter().copied(), &mut runs);
                probe.arrived(NOW_NS, &runs);
            });
        });
    }
    group.finish();
}

fn source(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("latencies at a source, 1,024 records");
    group.throughput(Throughput::Elements(BATCH));
    // In a closed loop the engine gives all rows of a batch one tag, and the recorder has no part in it.
    for (name, apart_ns) in [("distinct", DISTINCT), ("equal", EQUAL)] {
        group.bench_function(name, |bencher| {
            let mut hook = Recorder::new(true).source(0);
            let fresh = tags(BATCH, apart_ns);
            bencher.iter_batched_ref(
                || fresh.clone(),
                |tags| hook.sent(NOW_NS, tags, true),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// The sampler's part, once per interval.
fn collect(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("latencies collected once per interval");
    group.bench_function("from 2 sinks", |bencher| {
        let recorder = Recorder::new(true);
        let mut probes = [recorder.sink(0), recorder.sink(1)];
        let mut runs = Vec::new();
        TagRun::collect(tags(BATCH, DISTINCT), &mut runs);
        let (mut interval, mut spare) = (Interval::default(), Histograms::new());
        bencher.iter_batched(
            || {
                probes
                    .iter_mut()
                    .for_each(|probe| probe.arrived(NOW_NS, &runs))
            },
            |()| recorder.collect(&mut interval, &mut spare),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = sink, source, collect
}
criterion_main!(benches);
