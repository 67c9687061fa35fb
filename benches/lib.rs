//! What the benches share: sources that cost next to nothing, the smallest jobs that use a part of
//! the engine, and how a job is run to its end.
//!
//! One question per bench file; a name is the question's subject, so that criterion's output reads
//! as the answer. Only what users of the crates can reach is measured: an internal of the engine
//! through the smallest job that uses it.
//!
//! | bench | question |
//! |---|---|
//! | `hop` | What does a record pay to go from one task to the next, and what do batches and credits save? |
//! | `exchange` | What does it cost to send a record to the right subtask? |
//! | `state` | What does it cost to reach a key's state on the heap, with few keys and with many? |
//! | `state_on_disk` | What does it cost to reach a key's state in RocksDB, in runs and one by one, and with a cache? |
//! | `windows` | What does a window of event time cost a record, and how much do slices save? |
//! | `generate` | How fast are records made, alone and on a schedule? |
//! | `draw` | What does it cost to draw the key of a record? |
//! | `schedule` | What does it cost to know when the next record is due? |
//! | `latency` | What does it cost to record latencies? |
//! | `oracle` | How fast is a run's answer checked? |
//! | `job` | How many records per second do whole jobs take? |
//! | `instructions` | How many instructions does a record take on each hot path? Bounds, checked by valgrind |
//! | program `keyed-count` | What do the engine's metrics cost? Counted by `scripts/bench metrics-cost` |
//! | program `state-time` | Is the state time that a job reports the time that state takes? |
//! | program `scale` | What does it cost to have 10,000 subtasks, and to look at them? |

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use engine::{
    Aggregate, Aggregated, Batch, Data, Deployed, DetachedStates, JobConfig, JobGraph, Key,
    KeyedProcess, KeyedState, OperatorContext, OperatorError, Outcome, Row, Source, SourceStatus,
    SplitWatermarkOptions, StateBackend, StateContext, Stream, Tumbling, TumblingWindows,
    ValueState, WindowAggregate, WindowCore,
};
use workloads::draw::mix;
use workloads::hot_keys::KeyModel;
use workloads::load::{SplitClock, SplitState};
use workloads::{Bounds, Built, JobSpec, LoadSpec, NoProbes, Schedule, WorkloadSpec, tag};

/// A source of consecutive numbers without tags.
pub struct Numbers(Range<u64>);

impl Numbers {
    /// The numbers of subtask `index` of `parallelism`, of `count` in all.
    pub fn share(count: u64, index: usize, parallelism: usize) -> Self {
        let at = |index: usize| count * index as u64 / parallelism as u64;
        Numbers(at(index)..at(index + 1))
    }
}

impl Source for Numbers {
    type Out = u64;

    fn poll(
        &mut self,
        _now_ns: u64,
        _held_ns: u64,
        max: usize,
        out: &mut Batch<u64>,
    ) -> SourceStatus {
        let end = self.0.end.min(self.0.start.saturating_add(max as u64));
        // Not `by_ref().take(max)`, whose length `extend` does not trust: 10 instructions more per record.
        out.extend_tagged(0, self.0.start..end);
        self.0.start = end;
        if self.0.is_empty() {
            SourceStatus::Finished
        } else {
            SourceStatus::Ready
        }
    }
}

/// Adds the source of the numbers below `count`.
pub fn numbers(graph: &JobGraph, count: u64) -> Stream<u64> {
    graph.source("numbers", move |context| {
        let share = Numbers::share(count, context.index, context.parallelism);
        (share, None)
    })
}

/// Ends a stream where nothing is done with it.
pub fn discard<T: Data>(stream: Stream<T>) {
    stream.for_each("discard", |value| {
        black_box(value);
    });
}

/// source -> map -> sink.
pub fn chain(records: u64) -> JobGraph {
    let graph = JobGraph::new("chain");
    discard(numbers(&graph, records).map("map", mix));
    graph
}

/// source -> sink: one task or, without chaining, two.
pub fn hop(records: u64) -> JobGraph {
    let graph = JobGraph::new("hop");
    discard(numbers(&graph, records));
    graph
}

/// Hands rows on: what is measured is the way to it.
pub struct HandOn;

impl KeyedProcess<u64, u64, u64> for HandOn {
    fn open(&mut self, _state: &mut StateContext) {}

    fn states(&mut self, _: &mut dyn FnMut(&mut dyn KeyedState)) {}

    fn process(
        &mut self,
        _key: &u64,
        row: Row<u64>,
        out: &mut Batch<u64>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        out.push(row);
        Ok(())
    }
}

/// A running count: what it costs beside the count is the state.
#[derive(Clone)]
pub struct Count;

impl Aggregate<u64, u64> for Count {
    type Accumulator = u64;
    type Out = u64;

    fn create(&self) -> u64 {
        0
    }

    fn add(&self, count: &mut u64, _value: u64) {
        *count += 1;
    }

    fn result(&self, _key: &u64, count: &u64) -> u64 {
        *count
    }
}

impl WindowAggregate<u64, u64> for Count {
    fn merge(&self, into: &mut u64, other: &u64) {
        *into += other;
    }
}

/// The key of number `n`, of `keys`: neighbours have unrelated keys.
pub fn key_of(n: u64, keys: u64) -> u64 {
    mix(n) % keys
}

/// source -> key_by -> sink: an exchange by key and nothing else.
pub fn by_key(records: u64, keys: u64) -> JobGraph {
    let graph = JobGraph::new("by-key");
    let keyed = numbers(&graph, records).key_by(move |&n| key_of(n, keys));
    discard(keyed.process("hand-on", |_| HandOn));
    graph
}

/// source -> key_by -> running count -> sink.
pub fn keyed_count(records: u64, keys: u64) -> JobGraph {
    let graph = JobGraph::new("keyed-count");
    let keyed = numbers(&graph, records).key_by(move |&n| key_of(n, keys));
    discard(keyed.aggregate("count", Count));
    graph
}

/// source -> watermarks -> key_by -> windows -> sink. Number n happens at n ms; windows say what
/// `core` makes of them.
pub fn windowed<W>(
    records: u64,
    keys: u64,
    core: impl Fn() -> W + Send + Sync + 'static,
) -> JobGraph
where
    W: WindowCore<u64, u64> + 'static,
    W::Out: Data,
{
    let graph = JobGraph::new("windowed");
    let time_ms = |&n: &u64| n as i64;
    let options = SplitWatermarkOptions::default();
    let timed = numbers(&graph, records).assign_watermarks("watermarks", time_ms, options);
    let keyed = timed.key_by(move |&n| key_of(n, keys));
    discard(keyed.window("windows", time_ms, move |_| core()));
    graph
}

/// Tumbling windows that count.
///
/// # Panics
/// If `size_ms` is 0.
pub fn tumbling_count(size_ms: i64) -> TumblingWindows<u64, u64, Aggregated<Count>> {
    let tumbling = Tumbling::new(size_ms).expect("at least a millisecond");
    TumblingWindows::new(tumbling, Aggregated(Count), 0)
}

/// Deploys a job that can run.
///
/// # Panics
/// If it cannot.
pub fn deployed(graph: &JobGraph, config: JobConfig) -> Deployed {
    graph.deploy(config).expect("a valid job")
}

/// Runs a job until its sources are at their end and everything has flowed out.
///
/// # Panics
/// If the job fails: there is nothing to measure then.
pub fn run_to_end(deployed: Deployed) {
    let report = deployed.start().expect("threads can be started").join();
    assert_eq!(report.outcome, Outcome::Finished);
}

/// A state of numbers, empty, as an operator would get it, and what frames its runs of rows.
///
/// # Panics
/// If the backend cannot be opened.
pub fn number_state<K: Key>(backend: &StateBackend) -> (ValueState<K, u64>, DetachedStates) {
    let mut state = None;
    let states = DetachedStates::open(backend, 128, |context| state = Some(context.value("value")));
    (
        state.expect("opened at once"),
        states.expect("a valid backend"),
    )
}

/// A table of a scenario.
///
/// # Panics
/// If it is not TOML.
pub fn table(text: &str) -> toml::Table {
    text.parse().expect("valid TOML")
}

/// The keys of workload `hot-keys` under a distribution.
///
/// # Panics
/// If there is no such distribution.
pub fn key_model(keys: u32, distribution: &str) -> KeyModel {
    let table = table(&format!(
        "kind = 'hot-keys'\nkeys = {keys}\ndistribution = {distribution}"
    ));
    match WorkloadSpec::parse(table).expect("a valid workload") {
        WorkloadSpec::HotKeys(spec) => KeyModel::new(&spec, &[]),
        other => panic!("not hot-keys: {other:?}"),
    }
}

/// A schedule without end, and the clock of its first split.
///
/// # Panics
/// If the load is not valid, or a replay.
pub fn schedule(load: &str) -> (Schedule, SplitClock) {
    let load = LoadSpec::parse(table(load)).expect("a valid load");
    let schedule = Schedule::new(&load, None, 1, Bounds::default()).expect("not a replay");
    let clock = schedule.clock(0, SplitState::default());
    (schedule, clock)
}

/// The tags of a batch of `count` records, each due 1 s into the job and `apart_ns` after the one
/// before it.
pub fn tags(count: u64, apart_ns: u64) -> Vec<u64> {
    let due = |n| tag::encode(1_000_000_000 + n * apart_ns, 0);
    (0..count).map(due).collect()
}

/// A workload's job on a closed loop, and what it is deployed with. Nothing is measured along the
/// way.
///
/// # Panics
/// If the tables are not valid.
pub fn workload(workload: &str, job: &str, records: u64) -> (Built, JobConfig) {
    let workload = WorkloadSpec::parse(table(workload)).expect("a valid workload");
    let load = LoadSpec::parse(table("shape = { kind = 'max' }")).expect("a valid load");
    let job = JobSpec::parse(table(job)).expect("a valid job");
    let bounds = Bounds {
        records: Some(records),
        ..Bounds::default()
    };
    let built = workloads::build(&workload, &load, &job, 1, bounds, Arc::new(NoProbes));
    let built = built.expect("the load fits the workload");
    (built, job.to_config())
}
