//! One attempt of a job, from its deployment to its end or failure: orders to it, readings of it.
//!
//! What comes after a failure is up to `job`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::hand_in::{HandIn, Message};
use crate::clock::{Clock, nanos};
use crate::deploy::{NetworkLink, Ready, SubtaskState};
use crate::gate::GateProbe;
use crate::head::ClosingBook;
use crate::job::told::{EdgeBalance, JobEvent, Outcome};
use crate::link::Pipe;
use crate::plan::DeployError;
use crate::snapshot::{ChannelSnapshot, JobSnapshot, MemberSnapshot, SubtaskSnapshot};
use crate::stage::MemberCounters;
use crate::state::rocksdb::probe::Throttle;
use crate::state::snapshot::StateSnapshot;
use crate::subtask::{Order, Subtask, SubtaskShared};
use crate::timer::Timer;
use crate::top_keys::{KeyProbe, TopKeys};
use crate::wake::Reason;

/// Threads beyond one per blocking subtask.
const SPARE_THREADS: usize = 64;

/// One attempt of a job.
pub(crate) struct Attempt {
    pub(crate) number: u32,
    shared: Arc<JobShared>,
    subtasks: Vec<Arc<SubtaskShared>>,
    gates: Vec<Vec<Arc<dyn GateProbe>>>,
    /// Links over the network.
    links: Vec<NetworkLink>,
    member_counters: Vec<Vec<Arc<MemberCounters>>>,
    key_probes: Vec<Vec<Arc<dyn KeyProbe>>>,
    state_probes: Vec<SubtaskState>,
    threads: Mutex<Option<Threads>>,
}

/// What an attempt runs on.
struct Threads {
    runtime: Runtime,
    timer: JoinHandle<()>,
}

/// What an attempt needs of the job that it is one of.
pub(crate) struct Surroundings {
    pub(crate) number: u32,
    pub(crate) clock: Clock,
    pub(crate) events: SyncSender<JobEvent>,
    pub(crate) events_dropped: Arc<AtomicU64>,
    pub(crate) inbox: Sender<Message>,
    pub(crate) snapshots: Option<HandIn>,
}

/// What all subtasks of a job share.
pub(crate) struct JobShared {
    clock: Clock,
    pub(crate) timer: Arc<Timer>,
    cancelled: AtomicBool,
    bells: Vec<Arc<SubtaskShared>>,
    end: Mutex<End>,
    ended: Condvar,
    attempt: u32,
    /// Job time at which it began, in nanoseconds.
    pub(crate) began_ns: u64,
    events: SyncSender<JobEvent>,
    events_dropped: Arc<AtomicU64>,
    inbox: Sender<Message>,
    /// Where snapshots are handed in; nowhere, in a job without checkpoints.
    pub(crate) snapshots: Option<HandIn>,
}

struct End {
    running: usize,
    failure: Option<Outcome>,
    edges: Vec<EdgeBalance>,
}

impl JobShared {
    pub(crate) fn cancelled(&self) -> bool {
        self.cancelled.load(SeqCst)
    }

    pub(crate) fn event(
        &self,
        kind: &'static str,
        at_ns: u64,
        subtask: &SubtaskShared,
        text: String,
    ) {
        let event = JobEvent {
            at_ns,
            kind,
            attempt: self.attempt,
            task: Some(subtask.task),
            subtask: Some(subtask.subtask),
            text,
        };
        if self.events.try_send(event).is_err() {
            self.events_dropped.fetch_add(1, SeqCst);
        }
    }

    /// The first failure is the attempt's outcome; it cancels the rest. `subtask` is the one that failed,
    /// if it was one.
    pub(crate) fn fail(&self, subtask: Option<&SubtaskShared>, message: String) {
        self.end().failure.get_or_insert(Outcome::Failed {
            task: subtask.map(|subtask| subtask.task),
            subtask: subtask.map(|subtask| subtask.subtask),
            message,
        });
        if let Some(snapshots) = &self.snapshots {
            snapshots.give_up();
        }
        self.cancel();
    }

    pub(crate) fn subtask_ended(&self, book: ClosingBook) {
        let mut end = self.end();
        for input in book.inputs {
            // What a checkpoint held was sent in another attempt.
            end.edges[input.edge].emitted += input.restored;
            end.edges[input.edge].received += input.received;
            end.edges[input.edge].in_flight += input.unread;
        }
        for output in book.outputs {
            end.edges[output.edge].emitted += output.emitted;
            end.edges[output.edge].in_flight += output.unsent;
        }
        end.running -= 1;
        if end.running == 0 {
            self.ended.notify_all();
            // Nobody waits for it there once the job is over.
            let _ = self.inbox.send(Message::LookAgain);
        }
    }

    fn wait(&self, timeout: Duration) -> bool {
        let end = self.end();
        let waited = self
            .ended
            .wait_timeout_while(end, timeout, |end| end.running > 0);
        waited.unwrap_or_else(|e| e.into_inner()).0.running == 0
    }

    fn cancel(&self) {
        self.cancelled.store(true, SeqCst);
        let now_ns = self.clock.now();
        self.bells
            .iter()
            .for_each(|subtask| subtask.wake.notify(Reason::CONTROL, now_ns));
    }

    fn end(&self) -> MutexGuard<'_, End> {
        // Counts stay whole even if a panic passed by.
        self.end.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Attempt {
    pub(crate) fn start(parts: Ready, around: Surroundings) -> Result<Attempt, DeployError> {
        let Ready {
            plan,
            slots,
            subtasks,
            gates,
            links,
            member_counters,
            key_probes,
            state_probes,
        } = parts;
        let blocking = subtasks.iter().filter(|subtask| subtask.blocking).count();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(slots)
            .max_blocking_threads(blocking + SPARE_THREADS)
            .thread_name("engine-worker")
            .enable_time()
            .build()?;
        let all: Vec<Arc<SubtaskShared>> = subtasks
            .iter()
            .map(|subtask| Arc::clone(&subtask.shared))
            .collect();
        let clock = around.clock;
        let began_ns = clock.now();
        all.iter().for_each(|subtask| subtask.begin(began_ns));
        let timer = Arc::new(Timer::default());
        let timer_thread = timer.spawn(clock)?;
        let shared = Arc::new(JobShared {
            clock,
            timer,
            cancelled: AtomicBool::new(false),
            bells: all.clone(),
            end: Mutex::new(End {
                running: subtasks.len(),
                failure: None,
                edges: vec![EdgeBalance::default(); plan.edges.len()],
            }),
            ended: Condvar::new(),
            attempt: around.number,
            began_ns,
            events: around.events,
            events_dropped: around.events_dropped,
            inbox: around.inbox,
            snapshots: around.snapshots,
        });
        // Consumers first, so that everybody is there when the sources begin.
        for subtask in subtasks.into_iter().rev() {
            let job = Arc::clone(&shared);
            runtime.spawn(Subtask::new(
                subtask.head,
                subtask.blocking,
                clock,
                subtask.shared,
                job,
            ));
        }
        Ok(Attempt {
            number: around.number,
            shared,
            subtasks: all,
            gates,
            links,
            member_counters,
            key_probes,
            state_probes,
            threads: Mutex::new(Some(Threads {
                runtime,
                timer: timer_thread,
            })),
        })
    }

    /// Orders all sources to take part in a checkpoint.
    pub(crate) fn begin_checkpoint(&self, barrier: Barrier) {
        for subtask in self.subtasks.iter().filter(|subtask| subtask.is_source) {
            subtask.order(Order::Checkpoint(barrier), self.shared.clock.now());
        }
    }

    /// Tells all subtasks that a checkpoint and all before it are over.
    pub(crate) fn give_up_checkpoint(&self, checkpoint: u64) {
        for subtask in &self.subtasks {
            subtask.order(Order::GiveUp(checkpoint), self.shared.clock.now());
        }
    }

    /// Whether each subtask is a source.
    pub(crate) fn sources(&self) -> Vec<bool> {
        let subtasks = self.subtasks.iter();
        subtasks.map(|subtask| subtask.is_source).collect()
    }

    /// Whether snapshots are taken of it.
    pub(crate) fn takes_checkpoints(&self) -> bool {
        self.shared.snapshots.is_some()
    }

    /// Nothing of it is to be written any more.
    pub(crate) fn give_up(&self) {
        if let Some(snapshots) = &self.shared.snapshots {
            snapshots.give_up();
        }
    }

    /// The whole attempt fails.
    pub(crate) fn fail(&self, message: String) {
        self.shared.fail(None, message);
    }

    /// Makes subtasks of a task fail: one, or all.
    pub(crate) fn kill(&self, task: usize, subtask: Option<usize>) {
        let is_meant = |other: &&Arc<SubtaskShared>| {
            other.task == task && subtask.is_none_or(|subtask| subtask == other.subtask)
        };
        for subtask in self.subtasks.iter().filter(is_meant) {
            subtask.order(Order::Kill, self.shared.clock.now());
        }
    }

    /// Tells every source to emit nothing more; the job ends when everything has flowed out.
    pub(crate) fn drain(&self) {
        for subtask in self.subtasks.iter().filter(|subtask| subtask.is_source) {
            subtask.order(Order::Stop, self.shared.clock.now());
        }
    }

    /// Ends every subtask at its next look at commands; what is in flight stays where it is.
    pub(crate) fn cancel(&self) {
        self.shared.cancel();
    }

    /// Makes all subtasks of a task do nothing for `duration`, from when each looks at commands;
    /// `freeze` and `thaw` events tell when that was.
    pub(crate) fn freeze(&self, task: usize, duration: Duration) {
        for subtask in self.subtasks.iter().filter(|subtask| subtask.task == task) {
            subtask.order(Order::Freeze(duration), self.shared.clock.now());
        }
    }

    /// Makes one subtask of a task take `extra` longer for every row it takes in, for `lasting`;
    /// `slow` and `slow-end` events tell when that was.
    pub(crate) fn slow_down(
        &self,
        task: usize,
        subtask: usize,
        extra: Duration,
        lasting: Duration,
    ) {
        let is_meant = |s: &&Arc<SubtaskShared>| s.task == task && s.subtask == subtask;
        for subtask in self.subtasks.iter().filter(is_meant) {
            subtask.order(Order::SlowDown { extra, lasting }, self.shared.clock.now());
        }
    }

    /// Makes every access to state take `extra` longer in one subtask of a task, for `lasting`; events
    /// `slow-state` and `slow-state-end` tell when that was.
    pub(crate) fn slow_state(
        &self,
        task: usize,
        subtask: usize,
        extra: Duration,
        lasting: Duration,
    ) {
        let is_meant = |s: &&Arc<SubtaskShared>| s.task == task && s.subtask == subtask;
        for subtask in self.subtasks.iter().filter(is_meant) {
            let order = Order::SlowState { extra, lasting };
            subtask.order(order, self.shared.clock.now());
        }
    }

    /// Limits what the databases of all subtasks may write in the background to `rate_per_s` bytes per
    /// second each, and makes every file that they finish cost `sync` more, for `lasting`. Each
    /// subtask closes its database and opens it again for that, and writes what is in write buffers
    /// before: at the end that is still done at the low rate, so the end may take longer. Events `throttle-disk` and
    /// `throttle-disk-end` tell when that was.
    pub(crate) fn throttle_disk(&self, rate_per_s: u64, sync: Duration, lasting: Duration) {
        let until_ns = self.shared.clock.now().saturating_add(nanos(lasting));
        for database in self
            .state_probes
            .iter()
            .filter_map(|state| state.probe.rocksdb())
        {
            let rate_per_s = database.rate_with_sync(rate_per_s, sync);
            database.order_throttle(Throttle {
                rate_per_s,
                until_ns,
            });
        }
    }

    /// Makes all links into a task others for `lasting`; what is on its way goes on as it was. Every
    /// subtask of the task tells of it by `throttle-network` and `throttle-network-end` events.
    pub(crate) fn throttle_network(
        &self,
        task: usize,
        bandwidth_per_s: u64,
        latency: Duration,
        lasting: Duration,
    ) {
        let now_ns = self.shared.clock.now();
        let until_ns = now_ns.saturating_add(nanos(lasting));
        let pipe = Pipe {
            bandwidth_per_s: Some(bandwidth_per_s),
            latency_ns: nanos(latency),
        };
        for link in self.links.iter().filter(|link| link.to == task) {
            link.link.lock().throttle(pipe, until_ns);
        }
        for subtask in self.subtasks.iter().filter(|it| it.task == task) {
            subtask.order(Order::NetworkThrottled { until_ns }, now_ns);
        }
    }

    /// Whether any state is in RocksDB.
    pub(crate) fn has_rocksdb(&self) -> bool {
        let mut states = self.state_probes.iter();
        states.any(|state| state.probe.rocksdb().is_some())
    }

    /// The heaviest keys of a task's keyed operator, if it has one, since the start.
    pub(crate) fn top_keys(&self, task: usize, count: usize) -> TopKeys {
        let parts = self.key_probes[task].iter().map(|probe| probe.top(count));
        TopKeys::join(parts, count)
    }

    /// Reads all counters into `snapshot`.
    pub(crate) fn snapshot(&self, snapshot: &mut JobSnapshot) {
        snapshot.at_ns = self.shared.clock.now();
        snapshot.attempt = self.number;
        snapshot.subtasks.clear();
        snapshot.subtasks.extend(
            self.subtasks
                .iter()
                .map(|s| read_subtask(s, snapshot.at_ns)),
        );
        snapshot.channels.clear();
        for (edge, gates) in self.gates.iter().enumerate() {
            for (to, gate) in gates.iter().enumerate() {
                let capacity = gate.capacity();
                gate.visit(snapshot.at_ns, &mut |counters| {
                    let channel = ChannelSnapshot {
                        edge,
                        from: counters.from,
                        to,
                        enqueued: counters.enqueued,
                        dequeued: counters.dequeued,
                        capacity,
                        bytes: counters.link.map(|link| link.bytes),
                        on_link: counters.link.map(|link| link.under_way),
                    };
                    snapshot.channels.push(channel);
                });
            }
        }
        snapshot.states.clear();
        snapshot
            .states
            .extend(self.state_probes.iter().map(|state| {
                let mut seen = StateSnapshot {
                    task: state.task,
                    subtask: state.subtask,
                    ..StateSnapshot::default()
                };
                state.probe.read(&mut seen);
                seen
            }));
        snapshot.members.clear();
        for (task, members) in self.member_counters.iter().enumerate() {
            snapshot
                .members
                .extend(members.iter().enumerate().map(|(member, counters)| {
                    let (rows, busy_ns) = counters.read();
                    MemberSnapshot {
                        task,
                        member,
                        rows,
                        busy_ns,
                    }
                }));
        }
    }

    /// Waits until the job has ended, at most `timeout`; whether it has.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        self.shared.wait(timeout)
    }

    /// How it has ended, once it has.
    pub(crate) fn outcome(&self) -> Outcome {
        let otherwise = match self.shared.cancelled() {
            true => Outcome::Cancelled,
            false => Outcome::Finished,
        };
        self.shared.end().failure.clone().unwrap_or(otherwise)
    }

    /// The books of an attempt that has ended: how, the balance of every edge, and the last counters.
    pub(crate) fn close(&self) -> (Outcome, Vec<EdgeBalance>, JobSnapshot) {
        self.stop_threads();
        let mut snapshot = JobSnapshot::default();
        self.snapshot(&mut snapshot);
        let mut edges = self.shared.end().edges.clone();
        for (edge, gates) in edges.iter_mut().zip(&self.gates) {
            edge.in_flight += gates.iter().map(|gate| gate.queued_rows()).sum::<u64>();
        }
        (self.outcome(), edges, snapshot)
    }

    fn stop_threads(&self) {
        let threads = self
            .threads
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .take();
        if let Some(Threads { runtime, timer }) = threads {
            runtime.shutdown_background();
            self.shared.timer.stop();
            // The timer's loop does not panic; if it did, its deadlines are moot by now.
            let _ = timer.join();
        }
    }
}

impl Drop for Attempt {
    /// One that is dropped is cancelled.
    fn drop(&mut self) {
        self.cancel();
        self.wait(Duration::from_secs(10));
        self.stop_threads();
    }
}

fn read_subtask(subtask: &SubtaskShared, now_ns: u64) -> SubtaskSnapshot {
    let ready_at_ns = subtask.wake.ready_at_ns();
    let meter = subtask.meter();
    let (mut time, backpressured_by_output_ns) = meter.account.read(now_ns, ready_at_ns);
    time.state_ns += subtask.pending_state_ns();
    SubtaskSnapshot {
        task: subtask.task,
        subtask: subtask.subtask,
        records_in: meter.records_in,
        records_out: meter.records_out,
        watermark_ms: meter.watermark_ms,
        event_time_ms: meter.event_time_ms,
        windows: meter.windows,
        time,
        backpressured_by_output_ns,
        held_ns: subtask.is_source.then(|| meter.account.held_of(&time)),
    }
}
