//! The null target: the workload's sources and the harness's own stamps and histograms in plain
//! threads, with no engine between. What it reaches is the ceiling of what the harness can offer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use engine::{Clock, SentHook, SourceStatus};
use reports::record::{EventRow, Graph, KeyRow, Member, SubtaskRow, Task};
use workloads::{Bounds, NullSource, Probes, SinkProbe, TagRun, null_sources};

use super::{CheckpointRows, DeployError, Deployment, Ending, RunningJob, Snapshot, Target};
use crate::latency::Recorder;
use crate::resume::Resume;
use crate::sampler::milliseconds;
use crate::scenario::{Fault, Scenario};

/// Records per poll: the engine's default batch.
const BATCH: usize = 1_024;
/// Longest sleep, so that a stop is noticed.
const MAX_SLEEP: Duration = Duration::from_millis(10);
const TASK: &str = "source";

/// The harness without an engine.
pub struct Null;

impl Target for Null {
    fn kind(&self) -> &'static str {
        "null"
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn deploy(
        &self,
        scenario: &Scenario,
        recorder: &Recorder,
        resume: Option<&Resume>,
    ) -> Result<Deployment, DeployError> {
        if resume.is_some() {
            let message = "the null target has no state; allowed there: no checkpoint";
            return Err(DeployError::Restore(message.to_owned()));
        }
        if !scenario.faults.is_empty() {
            return Err(DeployError::Scenario {
                key: "fault".to_owned(),
                message: "the null target has no operators; allowed there: no faults".to_owned(),
            });
        }
        let until_ns = u64::try_from(scenario.end().as_nanos()).ok();
        let bounds = Bounds {
            until_ns,
            ..Bounds::default()
        };
        let probes = recorder.probes();
        let parallelism = scenario.job.parallelism;
        let built = null_sources(
            &scenario.workload,
            &scenario.load,
            parallelism,
            scenario.seed,
            bounds,
            Arc::clone(&probes),
        );
        let (sources, progress) = built?;
        let graph = graph(sources.len());
        Ok(Deployment {
            graph,
            progress,
            verifier: None,
            alone: None,
            restored: None,
            preparation: None,
            start: Box::new(move || NullJob::start(sources, &*probes)),
        })
    }
}

fn graph(parallelism: usize) -> Graph {
    let member = Member {
        id: TASK.to_owned(),
        name: TASK.to_owned(),
    };
    Graph {
        tasks: vec![Task {
            id: TASK.to_owned(),
            name: TASK.to_owned(),
            members: vec![member],
            parallelism: u32::try_from(parallelism).unwrap_or(u32::MAX),
        }],
        edges: Vec::new(),
    }
}

/// Sources at work without an engine.
pub struct NullJob {
    clock: Clock,
    shared: Arc<Shared>,
}

/// What the threads and the job's handle share.
struct Shared {
    stop: AtomicBool,
    /// Records sent so far, by subtask.
    sent: Vec<AtomicU64>,
    /// Threads that have not ended.
    running: Mutex<usize>,
    all_ended: Condvar,
    panicked: AtomicBool,
}

impl NullJob {
    /// Starts a thread for each source; its records are stamped and recorded by `probes`.
    pub fn start(
        sources: Vec<Box<dyn NullSource>>,
        probes: &dyn Probes,
    ) -> Result<Arc<dyn RunningJob>, DeployError> {
        let clock = Clock::start();
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            sent: sources.iter().map(|_| AtomicU64::new(0)).collect(),
            running: Mutex::new(sources.len()),
            all_ended: Condvar::new(),
            panicked: AtomicBool::new(false),
        });
        for (subtask, source) in sources.into_iter().enumerate() {
            let worker = Worker {
                subtask,
                source,
                sent: probes.source(subtask),
                sink: probes.sink(subtask),
                clock,
                shared: Arc::clone(&shared),
            };
            let named = std::thread::Builder::new().name(format!("null-{subtask}"));
            if let Err(error) = named.spawn(move || worker.run()) {
                // Those that run already must not go on unseen.
                shared.stop.store(true, Ordering::Relaxed);
                return Err(DeployError::Engine(format!(
                    "no thread for subtask {subtask}: {error}"
                )));
            }
        }
        Ok(Arc::new(NullJob { clock, shared }))
    }
}

/// One source subtask on a thread of its own.
struct Worker {
    subtask: usize,
    source: Box<dyn NullSource>,
    sent: Box<dyn SentHook>,
    sink: Box<dyn SinkProbe>,
    clock: Clock,
    shared: Arc<Shared>,
}

impl Worker {
    fn run(mut self) {
        // However the thread ends, it is counted.
        let _ended = Ended {
            shared: Arc::clone(&self.shared),
        };
        let (mut tags, mut runs) = (Vec::with_capacity(BATCH), Vec::new());
        while !self.shared.stop.load(Ordering::Relaxed) {
            tags.clear();
            // Nothing ever holds this source: what it is late is its own.
            let status = self.source.poll(self.clock.now(), 0, BATCH, &mut tags);
            if !tags.is_empty() {
                let now_ns = self.clock.now();
                match self.sent.common_tag(now_ns) {
                    Some(tag) => tags.fill(tag),
                    None => self.sent.sent(now_ns, &mut tags, true),
                }
                TagRun::collect(tags.iter().copied(), &mut runs);
                self.sink.arrived(self.clock.now(), &runs);
                self.shared.sent[self.subtask].fetch_add(tags.len() as u64, Ordering::Relaxed);
            }
            match status {
                SourceStatus::Ready => {}
                SourceStatus::WaitUntil(due_ns) => {
                    let left = Duration::from_nanos(due_ns.saturating_sub(self.clock.now()));
                    std::thread::sleep(left.min(MAX_SLEEP));
                }
                SourceStatus::Finished => return,
            }
        }
    }
}

struct Ended {
    shared: Arc<Shared>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.panicked.store(true, Ordering::Relaxed);
        }
        *self
            .shared
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner) -= 1;
        self.shared.all_ended.notify_all();
    }
}

impl RunningJob for NullJob {
    fn now_ns(&self) -> u64 {
        self.clock.now()
    }

    /// Records only: without an engine there is no time split and there are no channels.
    fn snapshot(&self, into: &mut Snapshot) {
        let t_ms = milliseconds(self.clock.now());
        into.subtasks
            .resize_with(self.shared.sent.len(), SubtaskRow::default);
        for (subtask, (row, sent)) in into.subtasks.iter_mut().zip(&self.shared.sent).enumerate() {
            let sent = sent.load(Ordering::Relaxed);
            *row = SubtaskRow {
                t_ms,
                task: TASK.to_owned(),
                subtask: u32::try_from(subtask).unwrap_or(u32::MAX),
                records_in: Some(sent),
                records_out: Some(sent),
                held_ns: Some(0),
                ..SubtaskRow::default()
            };
        }
    }

    /// Without an engine nothing is keyed.
    fn top_keys(&self, into: &mut Vec<KeyRow>) {
        into.clear();
    }

    fn take_events(&self, _into: &mut Vec<EventRow>) {}

    fn take_checkpoints(&self, _into: &mut CheckpointRows) {}

    fn disturb(&self, fault: &Fault) -> Result<(), String> {
        Err(format!("the null target cannot {}", fault.label()))
    }

    fn drain(&self) {
        self.cancel();
    }

    fn cancel(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    fn wait(&self, timeout: Duration) -> bool {
        let running = self
            .shared
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .shared
            .all_ended
            .wait_timeout_while(running, timeout, |running| *running > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }

    fn ending(&self) -> Ending {
        let panicked = self.shared.panicked.load(Ordering::Relaxed);
        Ending {
            failure: panicked.then(|| "a source thread panicked".to_owned()),
            complete: !panicked,
            notes: Vec::new(),
            member_costs_ns: BTreeMap::new(),
        }
    }
}
