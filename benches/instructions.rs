//! How many instructions does a record take on each hot path? Bounds that may not be passed.
//!
//! Instructions are counted by callgrind. They repeat from run to run, and nearly so from machine to
//! machine, where times do not: this is what a change is held against before it is accepted. A count says
//! nothing of caches, branches and waiting; that is what the other benches time. Needs valgrind and
//! gungraun-runner: `scripts/bench instructions` has both.
//!
//! Beside each path stands what was measured; its bound is a tenth more. Whoever makes a path
//! cheaper lowers the number in the same change; whoever has to raise one says why. Parts repeat
//! exactly, until the compiler cuts a crate into other units and inlines less or more: a key was
//! drawn in 41.8 or 64.8 from the same source. Jobs do not quite repeat: slices and flushes end by
//! the clock, which runs on while valgrind is slow, and batches are then less full. Eight runs beside
//! other work differed by 3 %, those of the mere hop by 12 %; of a job the largest count is stated.

#![allow(missing_docs, reason = "the macros make undocumented items")]

use std::hint::black_box;
use std::sync::Arc;

use benches::{
    by_key, chain, deployed, hop, key_model, key_of, keyed_count, number_state, run_to_end,
    schedule, table, tags, tumbling_count, windowed,
};
use engine::{Chaining, Deployed, JobConfig, JobGraph, StateBackend, ValueState, group_of};
use gungraun::prelude::*;
use gungraun::{Callgrind, EntryPoint, EventKind};
use harness::latency::Recorder;
use workloads::draw::{Draw, Purpose};
use workloads::flights::{FlightEvents, Year};
use workloads::hot_keys::{HotKeyEvents, KeyModel};
use workloads::load::SplitClock;
use workloads::slow_operator::LineEvents;
use workloads::{
    Bounds, Events, LoadSpec, NoProbes, NullSource, Probes, Schedule, SinkProbe, TagRun,
    WorkloadSpec, null_sources,
};

/// Records that a part is measured with. A power of ten: what is printed can be read per record.
const RECORDS: u64 = 10_000;
const BATCH: u64 = 1_000;
/// Records that a job is measured with: so many that starting it is less than 5 % of it.
const JOB_RECORDS: u64 = 1_000_000;
/// Instructions of a process before it does anything: its libraries are linked, and RocksDB fills
/// tables of its own, whether it is used or not.
const START: u64 = 5_200_000;
const KEYS: u64 = 10_000;

/// Keys of the draws, whose table is not small.
const DRAWN_KEYS: u32 = 100_000;

/// What may be used beyond what was measured.
const HEADROOM: f64 = 1.1;

/// So many instructions per record were measured inside the bench function.
fn measured(per_record: f64) -> LibraryBenchmarkConfig {
    bounded(per_record, RECORDS, 0, Callgrind::default())
}

/// So many instructions per record were measured in the whole process, without its start: a job works
/// on threads of its own.
fn job_measured(per_record: f64) -> LibraryBenchmarkConfig {
    let mut whole = Callgrind::with_args(["--fair-sched=yes"]);
    whole.entry_point(EntryPoint::None);
    bounded(per_record, JOB_RECORDS, START, whole)
}

fn bounded(
    per_record: f64,
    records: u64,
    start: u64,
    mut callgrind: Callgrind,
) -> LibraryBenchmarkConfig {
    let instructions = start + (per_record * HEADROOM * records as f64) as u64;
    callgrind
        .args(["--cache-sim=no"])
        .hard_limits([(EventKind::Ir, instructions)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

#[library_benchmark(config = measured(52.0))]
fn key_group_of_8_bytes() {
    for key in 0..RECORDS {
        black_box(group_of(black_box(&key.to_le_bytes()), 128));
    }
}

fn counts() -> ValueState<u64, u64> {
    let (mut counts, _) = number_state(&StateBackend::Heap);
    for key in 0..KEYS {
        counts.put(&key, 0).expect("the heap never fails");
    }
    counts
}

#[library_benchmark(config = measured(59.0), setup = counts)]
#[bench::of_a_known_key()]
fn heap_state_update(mut counts: ValueState<u64, u64>) {
    for n in 0..RECORDS {
        let count = counts.update(&key_of(n, KEYS), || 0, |count| *count += 1);
        count.expect("the heap never fails");
    }
}

fn lines() -> LineEvents {
    LineEvents::new(1, 1_000)
}

fn flights() -> FlightEvents {
    let year = Year::embedded().expect("the embedded data is sound");
    FlightEvents::new(Arc::new(year), 1)
}

fn hot_keys() -> HotKeyEvents {
    HotKeyEvents::new(1, key_model(DRAWN_KEYS, "{ kind = 'hot' }"))
}

fn generate<E: Events>(events: &E) {
    for record in 0..RECORDS {
        black_box(events.event(record));
    }
}

#[library_benchmark(config = measured(117.0))]
#[bench::slow_operator(lines())]
fn event_of_slow_operator(events: LineEvents) {
    generate(&events);
}

#[library_benchmark(config = measured(167.6))]
#[bench::hot_keys(hot_keys())]
fn event_of_hot_keys(events: HotKeyEvents) {
    generate(&events);
}

#[library_benchmark(config = measured(44.1))]
#[bench::flights(flights())]
fn event_of_flights(events: FlightEvents) {
    generate(&events);
}

#[library_benchmark(config = measured(64.8))]
#[bench::zipf(key_model(DRAWN_KEYS, "{ kind = 'zipf' }"))]
fn key_drawn(keys: KeyModel) {
    let draw = Draw::new(1, Purpose::Event);
    for record in 0..RECORDS {
        black_box(keys.key(0, draw.bits(record)));
    }
}

#[library_benchmark]
#[bench::uniform(args = ("shape = { kind = 'constant', rate_per_s = 1e6 }"), setup = schedule, config = measured(52.0))]
#[bench::poisson(args = ("shape = { kind = 'constant', rate_per_s = 1e6 }\narrivals = 'poisson'"), setup = schedule, config = measured(253.0))]
fn schedule_step((schedule, mut clock): (Schedule, SplitClock)) {
    for _ in 0..RECORDS {
        clock.advance(&schedule);
        black_box(clock.peek());
    }
}

const PER_NANOSECOND: &str = "shape = { kind = 'constant', rate_per_s = 1e9 }";

/// A source subtask of slow-operator, without event time, and room for the tags of a batch.
fn source(load: &str) -> (Box<dyn NullSource>, Vec<u64>) {
    let workload = WorkloadSpec::parse(table("kind = 'slow-operator'")).expect("a valid workload");
    let load = LoadSpec::parse(table(load)).expect("a valid load");
    let (bounds, probes) = (Bounds::default(), Arc::new(NoProbes));
    let made = null_sources(&workload, &load, 1, 1, bounds, probes);
    let (mut sources, _) = made.expect("the load fits the workload");
    (sources.remove(0), Vec::with_capacity(BATCH as usize))
}

#[library_benchmark]
#[bench::at_once(args = (""), setup = source, config = measured(138.7))]
#[bench::uniform(args = (PER_NANOSECOND), setup = source, config = measured(291.9))]
#[bench::poisson(args = (&format!("{PER_NANOSECOND}\narrivals = 'poisson'")), setup = source, config = measured(726.1))]
fn source_polled((mut source, mut tags): (Box<dyn NullSource>, Vec<u64>)) {
    for batch in 1..=RECORDS / BATCH {
        tags.clear();
        source.poll(batch * 100 * BATCH, 0, BATCH as usize, &mut tags);
        black_box(&tags);
    }
}

fn arrivals(apart_ns: u64) -> (Box<dyn SinkProbe>, Vec<u64>) {
    (Recorder::new(true).sink(0), tags(BATCH, apart_ns))
}

#[library_benchmark(config = measured(259.3))]
#[bench::of_distinct(args = (10_000), setup = arrivals)]
#[bench::of_equal(args = (0), setup = arrivals, config = measured(9.0))]
fn latency_recorded((mut probe, tags): (Box<dyn SinkProbe>, Vec<u64>)) {
    let mut runs = Vec::new();
    for batch in 0..RECORDS / BATCH {
        TagRun::collect(tags.iter().copied(), &mut runs);
        probe.arrived(2_000_000_000 + batch * 1_000_000, &runs);
    }
}

/// One worker thread, so that work is not spread by chance.
fn on_one_slot(graph: JobGraph, parallelism: usize, chaining: Chaining) -> Deployed {
    let config = JobConfig {
        parallelism,
        slots: 1,
        chaining,
        ..JobConfig::default()
    };
    deployed(&graph, config)
}

/// 10 windows, a watermark after every chunk.
fn windowed_count() -> JobGraph {
    windowed(JOB_RECORDS, KEYS, || tumbling_count(100_000))
}

#[library_benchmark]
#[bench::chain(
    args = (on_one_slot(chain(JOB_RECORDS), 1, Chaining::On)), config = job_measured(25.0))]
#[bench::hop(
    args = (on_one_slot(hop(JOB_RECORDS), 1, Chaining::Off)), config = job_measured(9.5))]
#[bench::exchange_by_key(
    args = (on_one_slot(by_key(JOB_RECORDS, KEYS), 2, Chaining::On)), config = job_measured(156.6))]
#[bench::keyed_count(
    args = (on_one_slot(keyed_count(JOB_RECORDS, KEYS), 1, Chaining::On)), config = job_measured(77.0))]
#[bench::windowed_count(
    args = (on_one_slot(windowed_count(), 1, Chaining::On)), config = job_measured(100.0))]
fn job(deployed: Deployed) {
    run_to_end(deployed);
}

library_benchmark_group!(
    name = parts,
    benchmarks = [
        key_group_of_8_bytes,
        heap_state_update,
        event_of_slow_operator,
        event_of_hot_keys,
        event_of_flights,
        key_drawn,
        schedule_step,
        source_polled,
        latency_recorded,
    ]
);
library_benchmark_group!(name = jobs, benchmarks = [job]);
main!(library_benchmark_groups = [parts, jobs]);
