//! How jobs run on the embedded engine here: as `backwater run` runs them in closed loop, with every
//! metric on. Sources and sinks carry the probes of the harness's latency recorder, and counters,
//! histograms and frequent keys are collected as often as its sampler does.
//!
//! This is the one place that knows the engine's contracts for sources and sinks.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use engine::{
    Batch, ChannelConfig, Job, JobConfig, JobGraph, JobSnapshot, OperatorContext, OperatorError,
    Outcome, Rows, SentHook, Signal, Sink, Source, SourceStatus, StateBackend, SubtaskContext,
};
use harness::latency::{Histograms, Interval, Recorder};
use workloads::probes::{Probes, SinkProbe, TagRun};

use crate::alignment::Alignment;
use crate::events::{Event, event};
use crate::input::{CHUNK, Input};
use crate::lap::{Lap, Run};

/// Batches under way to a subtask beyond its channels' own. More than the default of 8, which sets
/// the bound for latency: two workers that wait for each other less often take a tenth more. Timely
/// has hundreds of batches under way here, the skeleton 16 at parallelism 2.
const FLOATING: usize = 32;

/// Time between two samples of everything.
const SAMPLE: Duration = Duration::from_millis(100);
/// Samples from one look at the most frequent keys to the next: one second.
const SAMPLES_PER_LOOK_AT_KEYS: usize = 10;
/// Most frequent keys that are asked for.
const TOP_KEYS: usize = 20;

/// Adds a job to a graph, for an input and a parallelism.
type Build = fn(&JobGraph, &Input, usize, &Arc<dyn Probes>, &Arc<Lap>);

/// Runs the job that `build` describes, with its state in `state_backend`; the calling thread is the
/// sampler.
pub fn run(
    input: &Input,
    parallelism: usize,
    state_backend: StateBackend,
    build: Build,
) -> anyhow::Result<Run> {
    let (recorder, lap) = (Recorder::new(false), Arc::new(Lap::new()));
    let graph = JobGraph::new("peers");
    build(&graph, input, parallelism, &recorder.probes(), &lap);
    let channels = ChannelConfig {
        floating: FLOATING,
        ..ChannelConfig::default()
    };
    let config = JobConfig {
        parallelism,
        slots: parallelism,
        state_backend,
        channels,
        ..JobConfig::default()
    };
    let mut sampler = Sampler::new(recorder);
    let job = graph.deploy(config)?.start()?;
    let mut samples = 0;
    while !job.wait(SAMPLE) {
        samples += 1;
        sampler.sample(&job, samples % SAMPLES_PER_LOOK_AT_KEYS == 0);
    }
    sampler.sample(&job, true);
    let outcome = job.join().outcome;
    ensure!(
        outcome == Outcome::Finished,
        "the job ended with {outcome:?}"
    );
    let (arrived, results) = (sampler.latency.arrived, lap.results());
    ensure!(
        arrived == results,
        "{arrived} of {results} results arrived at the probes"
    );
    Ok(lap.run())
}

/// Reads what the harness's sampler reads, into buffers that it keeps.
struct Sampler {
    recorder: Recorder,
    latency: Interval,
    spare: Histograms,
    snapshot: JobSnapshot,
}

impl Sampler {
    fn new(recorder: Recorder) -> Sampler {
        Sampler {
            recorder,
            latency: Interval::default(),
            spare: Histograms::new(),
            snapshot: JobSnapshot::default(),
        }
    }

    fn sample(&mut self, job: &Job, keys: bool) {
        self.recorder.collect(&mut self.latency, &mut self.spare);
        job.snapshot(&mut self.snapshot);
        while job.next_event().is_some() {}
        if keys {
            for task in 0..job.plan().tasks.len() {
                std::hint::black_box(job.top_keys(task, TOP_KEYS));
            }
        }
    }
}

/// Emits one subtask's share of the input as fast as it is asked.
pub struct KeySource {
    input: Input,
    rest: Range<usize>,
    lap: Arc<Lap>,
    begun: bool,
}

impl KeySource {
    /// What makes the sources of a job, with their probes.
    pub fn factory(
        input: &Input,
        probes: &Arc<dyn Probes>,
        lap: &Arc<Lap>,
    ) -> impl Fn(&SubtaskContext) -> (KeySource, Option<Box<dyn SentHook>>) + 'static {
        let (input, probes, lap) = (input.clone(), Arc::clone(probes), Arc::clone(lap));
        move |context| {
            let source = KeySource {
                input: input.clone(),
                rest: input.share(context.index, context.parallelism),
                lap: Arc::clone(&lap),
                begun: false,
            };
            (source, Some(probes.source(context.index)))
        }
    }
}

impl Source for KeySource {
    type Out = Event;

    fn poll(
        &mut self,
        _now_ns: u64,
        _held_ns: u64,
        max: usize,
        out: &mut Batch<Event>,
    ) -> SourceStatus {
        if !self.begun {
            self.begun = true;
            self.lap.begin();
        }
        let first = self.rest.start;
        self.rest.start = self.rest.end.min(first.saturating_add(max));
        let keys = self.input.keys[first..self.rest.start].iter();
        let events = keys.enumerate();
        out.extend_tagged(
            0,
            events.map(|(position, &key)| event(first + position, key)),
        );
        if self.rest.is_empty() {
            SourceStatus::Finished
        } else {
            SourceStatus::Ready
        }
    }
}

/// Until a source that is ahead of the others is asked again.
const WAIT_NS: u64 = 50_000;

/// Emits one subtask's chunks in event time, each followed by its watermark.
pub struct TimedKeySource {
    input: Input,
    index: usize,
    next_chunk: usize,
    alignment: Alignment,
    parallelism: usize,
    lap: Arc<Lap>,
    begun: bool,
}

impl TimedKeySource {
    /// What makes the sources of a job, with their probes.
    pub fn factory(
        input: &Input,
        parallelism: usize,
        probes: &Arc<dyn Probes>,
        lap: &Arc<Lap>,
    ) -> impl Fn(&SubtaskContext) -> (TimedKeySource, Option<Box<dyn SentHook>>) + 'static {
        let (input, probes, lap) = (input.clone(), Arc::clone(probes), Arc::clone(lap));
        let alignment = Alignment::new(parallelism);
        move |context| {
            let source = TimedKeySource {
                input: input.clone(),
                index: context.index,
                next_chunk: context.index,
                alignment: alignment.clone(),
                parallelism: context.parallelism,
                lap: Arc::clone(&lap),
                begun: false,
            };
            (source, Some(probes.source(context.index)))
        }
    }
}

impl Source for TimedKeySource {
    type Out = Event;

    /// A chunk is emitted whole or not at all: `max` grows to that within a few polls.
    fn poll(
        &mut self,
        now_ns: u64,
        _held_ns: u64,
        _max: usize,
        out: &mut Batch<Event>,
    ) -> SourceStatus {
        if !self.begun {
            self.begun = true;
            self.lap.begin();
        }
        let Some(keys) = self.input.keys.chunks(CHUNK).nth(self.next_chunk) else {
            self.alignment.finished(self.index);
            return SourceStatus::Finished;
        };
        if !self.alignment.may_take(self.index) {
            return SourceStatus::WaitUntil(now_ns + WAIT_NS);
        }
        self.alignment.took(self.index);
        let first = self.next_chunk * CHUNK;
        self.next_chunk += self.parallelism;
        let events = keys.iter().zip(first..);
        out.extend_tagged(0, events.map(|(&key, index)| event(index, key)));
        let last_ms = event(first + keys.len() - 1, 0).time_ns / 1_000_000;
        out.signal(Signal::Watermark(last_ms as i64 - 1));
        SourceStatus::Ready
    }
}

/// A result that can be added up with others.
pub trait Digest: Send + 'static {
    /// What it adds: a sum of these says whether all results were right.
    fn digest(&self) -> u64;
}

/// Adds up the digests of the results that reach one subtask.
pub struct DigestSink<T> {
    probe: Box<dyn SinkProbe>,
    tags: Vec<TagRun>,
    digest: u64,
    results: u64,
    lap: Arc<Lap>,
    result: PhantomData<fn(T)>,
}

impl<T: Digest> DigestSink<T> {
    /// What makes the sinks of a job, with their probes.
    pub fn factory(
        probes: &Arc<dyn Probes>,
        lap: &Arc<Lap>,
    ) -> impl Fn(&SubtaskContext) -> DigestSink<T> + 'static {
        let (probes, lap) = (Arc::clone(probes), Arc::clone(lap));
        move |context| DigestSink {
            probe: probes.sink(context.index),
            tags: Vec::new(),
            digest: 0,
            results: 0,
            lap: Arc::clone(&lap),
            result: PhantomData,
        }
    }
}

impl<T: Digest> Sink<T> for DigestSink<T> {
    fn write(
        &mut self,
        rows: Rows<'_, T>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        TagRun::of_rows(&rows, &mut self.tags);
        self.probe.arrived(context.now_ns(), &self.tags);
        self.results += rows.len() as u64;
        let digests = rows.map(|row| row.value.digest());
        self.digest = digests.fold(self.digest, u64::wrapping_add);
        Ok(())
    }

    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        self.lap.count(self.results);
        self.lap.end(self.digest);
        Ok(())
    }
}
