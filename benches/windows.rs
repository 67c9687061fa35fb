//! What does a window of event time cost a record, and how much do slices save?
//!
//! Whole jobs at parallelism 1: source, watermark per chunk, windows, sink, in two tasks. 1,000 keys,
//! a record per millisecond of event time. Of a sliding window of 480 slides each record belongs to
//! 480: one copy for each, or one slice.

use std::time::Duration;

use benches::{Count, deployed, run_to_end, tumbling_count, windowed};
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use engine::{
    Aggregated, EventTimeTrigger, JobConfig, JobGraph, Session, SlicedWindows, Sliding,
    TriggeredWindows, Tumbling,
};

const KEYS: u64 = 1_000;
const RECORDS: u64 = 1_000_000;
/// Of jobs in which each record costs much.
const FEW_RECORDS: u64 = 20_000;

fn sliding(size_ms: i64, slide_ms: i64) -> Sliding {
    Sliding::new(size_ms, slide_ms).expect("no gaps")
}

fn copies(records: u64, size_ms: i64, slide_ms: i64) -> JobGraph {
    windowed(records, KEYS, move || {
        let windows = sliding(size_ms, slide_ms);
        TriggeredWindows::new(windows, EventTimeTrigger, Aggregated(Count), 0)
    })
}

fn slices(records: u64, size_ms: i64, slide_ms: i64) -> JobGraph {
    windowed(records, KEYS, move || {
        SlicedWindows::new(sliding(size_ms, slide_ms), Aggregated(Count), 0)
    })
}

fn tumbling() -> JobGraph {
    windowed(RECORDS, KEYS, || tumbling_count(10_000))
}

fn tumbling_by_a_trigger() -> JobGraph {
    windowed(RECORDS, KEYS, || {
        let tumbling = Tumbling::new(10_000).expect("at least a millisecond");
        TriggeredWindows::new(tumbling, EventTimeTrigger, Aggregated(Count), 0)
    })
}

fn sessions() -> JobGraph {
    windowed(RECORDS, KEYS, || {
        let session = Session::new(2_000).expect("at least a millisecond");
        TriggeredWindows::new(session, EventTimeTrigger, Aggregated(Count), 0)
    })
}

type Make = fn() -> JobGraph;

fn windows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("windows");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    let jobs: [(&str, u64, Make); 7] = [
        ("tumbling", RECORDS, tumbling),
        ("tumbling, by a trigger", RECORDS, tumbling_by_a_trigger),
        ("session", RECORDS, sessions),
        ("sliding by a tenth, a copy per window", RECORDS, || {
            copies(RECORDS, 10_000, 1_000)
        }),
        ("sliding by a tenth, sliced", RECORDS, || {
            slices(RECORDS, 10_000, 1_000)
        }),
        ("sliding by a 480th, a copy per window", FEW_RECORDS, || {
            copies(FEW_RECORDS, 480_000, 1_000)
        }),
        ("sliding by a 480th, sliced", FEW_RECORDS, || {
            slices(FEW_RECORDS, 480_000, 1_000)
        }),
    ];
    for (name, records, make) in jobs {
        group.throughput(Throughput::Elements(records));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || deployed(&make(), JobConfig::default()),
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
    targets = windows
}
criterion_main!(benches);
