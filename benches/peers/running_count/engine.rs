//! The job on the embedded engine, through its public API.

use std::sync::Arc;

use ::engine::{Aggregate, JobGraph, StateBackend};

use super::Count;
use crate::embedded::{self, DigestSink, KeySource};
use crate::events::{Record, parse};
use crate::input::Input;
use crate::lap::{Lap, Run};

pub fn run(input: &Input, parallelism: usize) -> anyhow::Result<Run> {
    embedded::run(input, parallelism, StateBackend::Heap, build)
}

/// source -> parse -> by key -> count -> sink.
pub fn build(
    graph: &JobGraph,
    input: &Input,
    _parallelism: usize,
    probes: &Arc<dyn workloads::Probes>,
    lap: &Arc<Lap>,
) {
    let source = KeySource::factory(input, probes, lap);
    let sink = DigestSink::factory(probes, lap);
    graph
        .source("source", source)
        .map("parse", parse)
        .key_by(|record: &Record| record.key)
        .aggregate("count", RunningCount)
        .sink("sink", sink);
}

#[derive(Clone)]
struct RunningCount;

impl Aggregate<u64, Record> for RunningCount {
    type Accumulator = u64;
    type Out = Count;

    fn create(&self) -> u64 {
        0
    }

    fn add(&self, count: &mut u64, _record: Record) {
        *count += 1;
    }

    fn result(&self, &key: &u64, &count: &u64) -> Count {
        Count { key, count }
    }
}
