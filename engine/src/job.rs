//! A running job, over all its attempts: orders to it, readings of it, and its end.
//!
//! A thread of its own, the `supervisor`, drives the checkpoints and starts the job again after a
//! failure, if that is wanted. What it is told here reaches the attempt that runs at the moment.

mod checkpointing;
mod output;
mod supervisor;
#[cfg(test)]
mod tests;
pub(crate) mod told;

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::attempt::Attempt;
use crate::checkpoint::hand_in::{Message, SlowDisk};
use crate::checkpoint::report::CheckpointReport;
use crate::clock::{Clock, nanos};
use crate::deploy::Deployed;
use crate::plan::{DeployError, Plan};
use crate::snapshot::JobSnapshot;
use crate::top_keys::TopKeys;
use supervisor::Supervisor;
use told::{EdgeBalance, JobEvent, Outcome};

/// Events that may wait for their reader; more are dropped and counted.
const EVENT_CAPACITY: usize = 4096;
/// Reports of checkpoints that may wait for their reader; more are dropped and counted.
const REPORT_CAPACITY: usize = 256;

/// What a job leaves.
#[derive(Debug)]
pub struct JobReport {
    /// How it ended.
    pub outcome: Outcome,
    /// How often it was started.
    pub attempts: u32,
    /// Every edge of the plan, in the last attempt.
    pub edges: Vec<EdgeBalance>,
    /// The last counters, of the last attempt.
    pub snapshot: JobSnapshot,
    /// Events and reports that nobody took in time.
    pub events_dropped: u64,
}

/// A running job.
pub struct Job {
    shared: Arc<Shared>,
    events: Receiver<JobEvent>,
    reports: Receiver<CheckpointReport>,
    supervisor: Option<JoinHandle<()>>,
}

/// The end of a job, to be waited for by somebody who must not hold the job meanwhile.
#[derive(Clone)]
pub struct JobEnd {
    shared: Arc<Shared>,
}

impl JobEnd {
    /// Waits until the job has ended, at most `timeout`; whether it has.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.shared.wait(timeout)
    }
}

/// What the supervisor shares with those who hold the job.
struct Shared {
    plan: Plan,
    clock: Clock,
    /// The attempt that runs, or the last one that did.
    attempt: Mutex<Arc<Attempt>>,
    wishes: Mutex<Wishes>,
    ended: Condvar,
    inbox: Sender<Message>,
    events_dropped: Arc<AtomicU64>,
}

/// What others want of the job, and how it has ended.
#[derive(Default)]
struct Wishes {
    drain: bool,
    cancel: bool,
    /// Set at the end.
    outcome: Option<Outcome>,
}

impl Shared {
    fn attempt(&self) -> Arc<Attempt> {
        let attempt = self.attempt.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&attempt)
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, timeout: Duration) -> bool {
        let runs = |wishes: &mut Wishes| wishes.outcome.is_none();
        let waited = self.ended.wait_timeout_while(self.wishes(), timeout, runs);
        let (wishes, _) = waited.unwrap_or_else(PoisonError::into_inner);
        wishes.outcome.is_some()
    }

    fn tell(&self, message: Message) {
        // Nobody listens once the job is over.
        let _ = self.inbox.send(message);
    }

    fn cancel(&self) {
        self.wishes().cancel = true;
        self.attempt().cancel();
        self.tell(Message::LookAgain);
    }
}

impl Job {
    pub(crate) fn start(deployed: Deployed) -> Result<Job, DeployError> {
        let (events_in, events) = sync_channel(EVENT_CAPACITY);
        let (reports_in, reports) = sync_channel(REPORT_CAPACITY);
        let (inbox, messages) = channel();
        let plan = deployed.plan().clone();
        let events_dropped = Arc::new(AtomicU64::new(0));
        let (mut supervisor, attempt) = Supervisor::start(
            deployed,
            inbox.clone(),
            messages,
            (events_in, reports_in, Arc::clone(&events_dropped)),
        )?;
        let shared = Arc::new(Shared {
            plan,
            clock: supervisor.clock(),
            attempt: Mutex::new(attempt),
            wishes: Mutex::default(),
            ended: Condvar::new(),
            inbox,
            events_dropped,
        });
        let for_supervisor = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("engine-supervisor".into());
        let supervisor = thread.spawn(move || supervisor.run(&for_supervisor))?;
        Ok(Job {
            shared,
            events,
            reports,
            supervisor: Some(supervisor),
        })
    }

    /// The tasks and edges.
    pub fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    /// Job time.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Tells every source to emit nothing more; the job ends when everything has flowed out.
    pub fn drain(&self) {
        self.shared.wishes().drain = true;
        self.shared.attempt().drain();
    }

    /// Ends every subtask at its next look at commands; what is in flight stays where it is.
    pub fn cancel(&self) {
        self.shared.cancel();
    }

    /// Takes a checkpoint now, whatever interval and pause say. Without effect in a job that takes none.
    pub fn checkpoint_now(&self) {
        self.shared.tell(Message::CheckpointNow);
    }

    /// Makes subtasks of a task fail: one of them, or all.
    pub fn kill(&self, task: usize, subtask: Option<usize>) {
        self.shared.attempt().kill(task, subtask);
    }

    /// Makes all subtasks of a task do nothing for `duration`, from when each looks at commands;
    /// `freeze` and `thaw` events tell when that was.
    pub fn freeze(&self, task: usize, duration: Duration) {
        self.shared.attempt().freeze(task, duration);
    }

    /// Makes one subtask of a task take `extra` longer for every row it takes in, for `lasting`;
    /// `slow` and `slow-end` events tell when that was.
    pub fn slow_down(&self, task: usize, subtask: usize, extra: Duration, lasting: Duration) {
        let attempt = self.shared.attempt();
        attempt.slow_down(task, subtask, extra, lasting);
    }

    /// Makes every access to state take `extra` longer in one subtask of a task, for `lasting`; events
    /// `slow-state` and `slow-state-end` tell when that was.
    pub fn slow_state(&self, task: usize, subtask: usize, extra: Duration, lasting: Duration) {
        let attempt = self.shared.attempt();
        attempt.slow_state(task, subtask, extra, lasting);
    }

    /// Limits what the databases of all subtasks may write in the background to `rate_per_s` bytes per
    /// second each, and checkpoints to as much; makes every file that databases finish, and every sync of
    /// a checkpoint, cost `sync` more, for `lasting`. Each
    /// subtask closes its database and opens it again for that, and writes what is in write buffers
    /// before: at the end that is still done at the low rate, so the end may take longer. Events
    /// `throttle-disk` and `throttle-disk-end` tell when that was.
    pub fn throttle_disk(&self, rate_per_s: u64, sync: Duration, lasting: Duration) {
        let attempt = self.shared.attempt();
        attempt.throttle_disk(rate_per_s, sync, lasting);
        let until_ns = self.clock().now().saturating_add(nanos(lasting));
        self.shared.tell(Message::SlowDisk(SlowDisk {
            rate_per_s,
            sync_ns: nanos(sync),
            until_ns,
        }));
    }

    /// Whether the job takes checkpoints.
    pub fn takes_checkpoints(&self) -> bool {
        self.shared.attempt().takes_checkpoints()
    }

    /// Makes all links of exchanges over a network into a task others for `lasting`. What has been sent
    /// before goes on as it was. `throttle-network` and `throttle-network-end` events tell when that
    /// was, one for each subtask of the task. Without effect on other exchanges.
    pub fn throttle_network(
        &self,
        task: usize,
        bandwidth_per_s: u64,
        latency: Duration,
        lasting: Duration,
    ) {
        let attempt = self.shared.attempt();
        attempt.throttle_network(task, bandwidth_per_s, latency, lasting);
    }

    /// Whether any state is in RocksDB.
    pub fn has_rocksdb(&self) -> bool {
        self.shared.attempt().has_rocksdb()
    }

    /// The heaviest keys of a task's keyed operator, if it has one, since the start.
    pub fn top_keys(&self, task: usize, count: usize) -> TopKeys {
        self.shared.attempt().top_keys(task, count)
    }

    /// The next event that has not been taken yet.
    pub fn next_event(&self) -> Option<JobEvent> {
        self.events.try_recv().ok()
    }

    /// The next checkpoint that has ended and that nobody has asked for yet.
    pub fn next_checkpoint(&self) -> Option<CheckpointReport> {
        self.reports.try_recv().ok()
    }

    /// Reads all counters into `snapshot`.
    pub fn snapshot(&self, snapshot: &mut JobSnapshot) {
        self.shared.attempt().snapshot(snapshot);
    }

    /// Waits until the job has ended, at most `timeout`; whether it has.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.shared.wait(timeout)
    }

    /// The same for somebody who does not hold the job.
    pub fn end(&self) -> JobEnd {
        JobEnd {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Waits for the end and closes the books.
    pub fn join(mut self) -> JobReport {
        while !self.wait(Duration::from_secs(3600)) {}
        self.stop();
        let attempt = self.shared.attempt();
        let (of_attempt, edges, snapshot) = attempt.close();
        let outcome = self.shared.wishes().outcome.take();
        JobReport {
            outcome: outcome.unwrap_or(of_attempt),
            attempts: attempt.number + 1,
            edges,
            snapshot,
            events_dropped: self.shared.events_dropped.load(SeqCst),
        }
    }

    fn stop(&mut self) {
        if let Some(supervisor) = self.supervisor.take() {
            // It says how the job ended even if it panics: nobody waits for nothing.
            let _ = supervisor.join();
        }
    }
}

impl Drop for Job {
    /// A job that is dropped is cancelled.
    fn drop(&mut self) {
        if self.supervisor.is_some() {
            self.cancel();
            if self.wait(Duration::from_secs(10)) {
                self.stop();
            }
        }
    }
}
