//! The job on the embedded engine, through its public API.

use std::sync::Arc;

use ::engine::{
    Aggregate, AggregatedThen, Firing, JobGraph, StateBackend, Tumbling, TumblingWindows,
    WindowAggregate,
};
use workloads::Probes;

use super::{WINDOW_MS, WindowCount};
use crate::embedded::{self, DigestSink, TimedKeySource};
use crate::events::{Record, parse};
use crate::input::Input;
use crate::lap::{Lap, Run};

pub fn run(input: &Input, parallelism: usize) -> anyhow::Result<Run> {
    embedded::run(input, parallelism, StateBackend::Heap, build)
}

fn build(
    graph: &JobGraph,
    input: &Input,
    parallelism: usize,
    probes: &Arc<dyn Probes>,
    lap: &Arc<Lap>,
) {
    let source = TimedKeySource::factory(input, parallelism, probes, lap);
    let sink = DigestSink::factory(probes, lap);
    graph
        .source("source", source)
        .map("parse", parse)
        .key_by(|record: &Record| record.key)
        .window(
            "count",
            |record: &Record| record.time_ms as i64,
            |_| windows(),
        )
        .sink("sink", sink);
}

type Say = fn(&u64, &Firing, u64) -> Option<WindowCount>;

fn windows() -> TumblingWindows<u64, Record, AggregatedThen<Count, Say>> {
    let tumbling = Tumbling::new(WINDOW_MS as i64).expect("more than 0 ms");
    let say: Say = |&key, firing, count| {
        let window = firing.window.start_ms as u64 / WINDOW_MS;
        Some(WindowCount { key, window, count })
    };
    TumblingWindows::new(tumbling, AggregatedThen::new(Count, say), 0)
}

struct Count;

impl Aggregate<u64, Record> for Count {
    type Accumulator = u64;
    type Out = u64;

    fn create(&self) -> u64 {
        0
    }

    fn add(&self, count: &mut u64, _record: Record) {
        *count += 1;
    }

    fn result(&self, _key: &u64, &count: &u64) -> u64 {
        count
    }
}

impl WindowAggregate<u64, Record> for Count {
    fn merge(&self, into: &mut u64, other: &u64) {
        *into += other;
    }
}
