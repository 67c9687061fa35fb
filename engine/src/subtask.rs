//! The subtask loop: one future that works in slices, waits for one of several events, and books
//! where its time went.
//!
//! Output comes before input: a chain that cannot send is not given more. A slice lasts about 2 ms
//! at most; then commands are looked at and other subtasks get the slot.

mod shared;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::account::{StateCost, Wait};
use crate::attempt::JobShared;
use crate::checkpoint::taking::Times;
use crate::checkpoint::underway::Whole;
use crate::clock::{Clock, nanos, thread_cpu_ns};
use crate::fault::{Faults, Passed};
use crate::head::{ClosingBook, Head, Progress};
use crate::operator::OperatorError;
use crate::panic_text::text_of;
use crate::snapshot::METERED;
use crate::stage::earliest;
use crate::wake::{Reason, Wake};
use crate::window::WindowCounters;

pub(crate) use shared::{Order, SubtaskShared};

/// Longest time a subtask works before it looks at commands and yields its slot.
const SLICE_NS: u64 = 2_000_000;
/// Longest uninterrupted piece of a declared wait.
const BLOCK_PIECE_NS: u64 = 50_000_000;

/// One slice of work: the time as it goes on, and what was done.
pub(crate) struct Slice<'a> {
    pub(crate) clock: Clock,
    /// The last reading of the clock.
    pub(crate) now_ns: u64,
    begin_ns: u64,
    held_before_ns: u64,
    pub(crate) records_in: u64,
    pub(crate) records_out: u64,
    pub(crate) generating_ns: u64,
    /// The last watermark that came by the chain's last operator to see one, in milliseconds.
    pub(crate) watermark_ms: Option<i64>,
    /// Of a source that knows it: the highest event time emitted, in milliseconds.
    pub(crate) event_time_ms: Option<i64>,
    /// Of a windowed operator, which always begins a task: what it has done and holds.
    pub(crate) windows: Option<WindowCounters>,
    /// What access to state has cost.
    pub(crate) state: StateCost,
    /// Output may go without credit: a barrier is about to pass it.
    pub(crate) overdraft: bool,
    /// A slowed subtask stops after each chunk.
    one_chunk: bool,
    worked: bool,
    shared: &'a SubtaskShared,
    job: &'a JobShared,
    async_waker: &'a Waker,
}

impl Slice<'_> {
    /// Reads the clock.
    pub(crate) fn tick(&mut self) -> u64 {
        self.now_ns = self.clock.now();
        self.now_ns
    }

    /// A chunk has been worked off: reads the clock and returns what the chunk took.
    pub(crate) fn chunk_done(&mut self, began_ns: u64) -> u64 {
        self.worked = true;
        self.tick() - began_ns
    }

    /// Whether it is time to yield.
    pub(crate) fn over(&self) -> bool {
        self.now_ns >= self.begin_ns + SLICE_NS
            || (self.one_chunk && self.worked)
            || self.shared.wake.happened(Reason::CONTROL)
    }

    pub(crate) fn async_waker(&self) -> &Waker {
        self.async_waker
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.job.cancelled()
    }

    /// A snapshot of this subtask is whole.
    pub(crate) fn hand_in(&self, whole: Whole) {
        if let Some(snapshots) = &self.job.snapshots {
            snapshots.hand_in(self.shared, whole);
        }
    }

    /// Something has happened to this subtask.
    pub(crate) fn event(&self, kind: &'static str) {
        self.job
            .event(kind, self.now_ns, self.shared, String::new());
    }

    /// Cumulative time the engine has kept the source of this subtask from generating.
    pub(crate) fn held_ns(&self) -> u64 {
        // What was before this attempt is no source's fault either.
        self.job.began_ns
            + self.held_before_ns
            + (self.now_ns - self.begin_ns).saturating_sub(self.generating_ns)
    }

    /// Waits until `deadline_ns`; false if cancelled meanwhile.
    pub(crate) fn block_until(&mut self, deadline_ns: u64) -> bool {
        let mut now_ns = self.clock.now();
        if now_ns < deadline_ns {
            self.shared.meter().account.block_begins(now_ns);
            while now_ns < deadline_ns && !self.cancelled() {
                std::thread::sleep(Duration::from_nanos(
                    (deadline_ns - now_ns).min(BLOCK_PIECE_NS),
                ));
                now_ns = self.clock.now();
            }
            self.shared.meter().account.block_ends(now_ns);
        }
        self.now_ns = now_ns;
        !self.cancelled()
    }
}

/// CPU time of this thread, where anybody wants to know.
fn cpu_ns() -> u64 {
    if METERED { thread_cpu_ns() } else { 0 }
}

/// What a turn ended with.
enum Turn {
    Finished,
    Cancelled,
    Failed(String),
    Wait {
        wait: Wait,
        until_ns: Option<u64>,
        interest: Reason,
    },
    Yield,
}

/// A running subtask.
pub(crate) struct Subtask {
    /// Gone once the subtask has ended.
    head: Option<Box<dyn Head>>,
    blocking: bool,
    clock: Clock,
    shared: Arc<SubtaskShared>,
    job: Arc<JobShared>,
    async_waker: Waker,
    armed_until_ns: u64,
    faults: Faults,
}

/// Rings a subtask's bell for its asynchronous calls, with the time.
struct AsyncBell {
    wake: Arc<Wake>,
    clock: Clock,
}

impl std::task::Wake for AsyncBell {
    fn wake(self: Arc<Self>) {
        self.wake.notify(Reason::ASYNC, self.clock.now());
    }
}

impl Subtask {
    pub(crate) fn new(
        head: Box<dyn Head>,
        blocking: bool,
        clock: Clock,
        shared: Arc<SubtaskShared>,
        job: Arc<JobShared>,
    ) -> Self {
        let bell = AsyncBell {
            wake: Arc::clone(&shared.wake),
            clock,
        };
        Subtask {
            head: Some(head),
            blocking,
            clock,
            shared,
            job,
            async_waker: Waker::from(Arc::new(bell)),
            armed_until_ns: 0,
            faults: Faults::default(),
        }
    }

    /// Works until the slice is over or there is something to wait for.
    fn slice(&mut self, waker: &Waker) -> Turn {
        let ready_at_ns = self.shared.wake.ready_at_ns();
        let begin_ns = self.awake();
        let held_before_ns = {
            let mut meter = self.shared.meter();
            if METERED {
                meter.account.slice_begins(begin_ns, ready_at_ns);
            }
            meter.account.held_ns()
        };
        let begin_cpu_ns = cpu_ns();
        let shared = Arc::clone(&self.shared);
        let (job, async_waker) = (Arc::clone(&self.job), self.async_waker.clone());
        let mut slice = Slice {
            clock: self.clock,
            now_ns: begin_ns,
            begin_ns,
            held_before_ns,
            records_in: 0,
            records_out: 0,
            generating_ns: 0,
            watermark_ms: None,
            event_time_ms: None,
            windows: None,
            state: StateCost::default(),
            overdraft: false,
            one_chunk: false,
            worked: false,
            shared: &shared,
            job: &job,
            async_waker: &async_waker,
        };
        let turn = self.turns(&mut slice, waker);
        let cpu_ns = cpu_ns() - begin_cpu_ns;
        let next = match turn {
            Turn::Wait { wait, .. } => Some(wait),
            Turn::Yield => Some(Wait::Runnable),
            Turn::Finished | Turn::Cancelled | Turn::Failed(_) => None,
        };
        let end_ns = slice.tick();
        if !METERED {
            return turn;
        }
        let mut meter = shared.meter();
        meter.records_in += slice.records_in;
        meter.records_out += slice.records_out;
        meter.watermark_ms = slice.watermark_ms.or(meter.watermark_ms);
        meter.event_time_ms = slice.event_time_ms.or(meter.event_time_ms);
        meter.windows = slice.windows.or(meter.windows);
        meter
            .account
            .slice_ends(end_ns, cpu_ns, slice.generating_ns, slice.state, next);
        if let Some(unbooked) = &shared.unbooked {
            unbooked.booked(slice.state.wall_ns);
        }
        turn
    }

    /// Forgets what woke it, and only then reads the clock: an alarm that is forgotten here was due
    /// before that time, and [`arm`](Self::arm) sets another. The other way round one that rings in
    /// between would be forgotten and still be counted on.
    fn awake(&self) -> u64 {
        self.shared.wake.clear();
        self.clock.now()
    }

    /// Takes turns until one has to wait for something that has not happened meanwhile.
    fn turns(&mut self, slice: &mut Slice<'_>, waker: &Waker) -> Turn {
        loop {
            let turn = self.turn(slice);
            let Turn::Wait {
                until_ns, interest, ..
            } = turn
            else {
                return turn;
            };
            if let Some(until_ns) = until_ns {
                self.arm(until_ns, slice.now_ns);
            }
            if self.shared.wake.wait(interest, waker) {
                return turn;
            }
            slice.now_ns = self.awake();
            if slice.now_ns >= slice.begin_ns + SLICE_NS {
                return Turn::Yield;
            }
        }
    }

    fn turn(&mut self, slice: &mut Slice<'_>) -> Turn {
        if self.job.cancelled() {
            return Turn::Cancelled;
        }
        if self.obey_orders(slice.now_ns) {
            return Turn::Failed("killed".to_owned());
        }
        while let Some(passed) = self.faults.passed(slice.now_ns) {
            let kind = match passed {
                Passed::Freeze => "thaw",
                Passed::Slowness => "slow-end",
                Passed::SlowState => "slow-state-end",
                Passed::ThrottledNetwork => "throttle-network-end",
            };
            self.job
                .event(kind, slice.now_ns, &self.shared, String::new());
        }
        if let Some(hold) = self.faults.hold(slice.now_ns) {
            return Turn::Wait {
                wait: hold.wait,
                until_ns: Some(hold.until_ns),
                interest: Reason::DEADLINE.or(Reason::CONTROL),
            };
        }
        slice.one_chunk = self.faults.is_slow();
        let (taken, accessed, began_ns) = (slice.records_in, slice.state.accesses, slice.now_ns);
        let head = self.head.as_mut().expect("polled until it has ended");
        let progress = head.advance(slice);
        let accesses = slice.state.accesses - accessed;
        self.faults
            .worked(slice.records_in - taken, accesses, began_ns);
        // A barrier that has waited for long enough is no less a reason to go on. One that may pass
        // already has been looked after.
        let deadline_ns = head.deadline_ns().filter(|&at_ns| at_ns > began_ns);
        let fault_ends_ns = self.faults.look_at_ns();
        let until = |wait, until_ns, interest: Reason| Turn::Wait {
            wait,
            until_ns: earliest(earliest(until_ns, deadline_ns), fault_ends_ns),
            interest: interest.or(Reason::DEADLINE).or(Reason::CONTROL),
        };
        match progress {
            Err(error) => Turn::Failed(error.to_string()),
            Ok(Progress::Finished) => match self.hand_in_last(slice) {
                Ok(()) => Turn::Finished,
                Err(error) => Turn::Failed(error.to_string()),
            },
            Ok(Progress::SliceOver) => Turn::Yield,
            Ok(Progress::Idle { until_ns }) => {
                until(Wait::Idle, until_ns, Reason::INPUT.or(Reason::ASYNC))
            }
            Ok(Progress::Backpressured { output }) => {
                // Where a chain forks, the other side may wait for something else.
                let interest = Reason::CREDIT.or(Reason::ASYNC);
                until(Wait::Backpressured { output }, None, interest)
            }
            Ok(Progress::AtCapacity) => {
                until(Wait::Blocked, None, Reason::ASYNC.or(Reason::CREDIT))
            }
        }
    }

    /// What is held at the end stands for this subtask in every checkpoint from now on.
    fn hand_in_last(&mut self, slice: &mut Slice<'_>) -> Result<(), OperatorError> {
        let job = Arc::clone(&self.job);
        let Some(snapshots) = &job.snapshots else {
            return Ok(());
        };
        let began_ns = self.clock.now();
        let parts = self.head().last_parts()?;
        slice.state += parts.state;
        let times = Times {
            sync_ns: self.clock.now() - began_ns,
            ..Times::default()
        };
        snapshots.hand_in_last(&self.shared, parts, times);
        Ok(())
    }

    fn head(&mut self) -> &mut dyn Head {
        let head = self.head.as_mut();
        head.expect("polled until it has ended").as_mut()
    }

    /// Does what was ordered; true if it was killed.
    fn obey_orders(&mut self, now_ns: u64) -> bool {
        for order in self.shared.take_orders() {
            let kind = match order {
                Order::Kill => {
                    let (kind, text) = ("kill", String::new());
                    self.job.event(kind, now_ns, &self.shared, text);
                    return true;
                }
                Order::Stop => {
                    self.head().stop();
                    continue;
                }
                Order::Checkpoint(barrier) => {
                    self.head().begin_checkpoint(barrier, now_ns);
                    continue;
                }
                Order::GiveUp(checkpoint) => {
                    self.head().give_up(checkpoint);
                    continue;
                }
                Order::Freeze(lasting) => {
                    self.faults.freeze(now_ns + nanos(lasting));
                    "freeze"
                }
                Order::SlowDown { extra, lasting } => {
                    self.faults
                        .slow_down(nanos(extra), now_ns.saturating_add(nanos(lasting)));
                    "slow"
                }
                Order::SlowState { extra, lasting } => {
                    self.faults
                        .slow_state(nanos(extra), now_ns.saturating_add(nanos(lasting)));
                    "slow-state"
                }
                Order::NetworkThrottled { until_ns } => {
                    self.faults.throttle_network(until_ns);
                    "throttle-network"
                }
            };
            self.job.event(kind, now_ns, &self.shared, String::new());
        }
        false
    }

    /// Sets the alarm, unless an earlier one is already set.
    fn arm(&mut self, until_ns: u64, now_ns: u64) {
        if self.armed_until_ns <= now_ns || until_ns < self.armed_until_ns {
            self.armed_until_ns = until_ns;
            self.job.timer.arm(until_ns, &self.shared.wake);
        }
    }

    /// Closes the books, and everything that the chain holds: whoever waits for the job's end finds
    /// databases closed.
    fn end(&mut self) {
        let Some(head) = self.head.take() else {
            return;
        };
        let close = AssertUnwindSafe(move || {
            let book = head.close();
            drop(head);
            book
        });
        let book = catch_unwind(close).unwrap_or_else(|panic| {
            let text = format!("panic: {}", text_of(&*panic));
            self.job.fail(Some(&self.shared), text);
            ClosingBook::default()
        });
        self.job.subtask_ended(book);
    }

    fn poll_turn(&mut self, waker: &Waker) -> Turn {
        let work = AssertUnwindSafe(|| match self.blocking {
            true => tokio::task::block_in_place(|| self.slice(waker)),
            false => self.slice(waker),
        });
        catch_unwind(work)
            .unwrap_or_else(|panic| Turn::Failed(format!("panic: {}", text_of(&*panic))))
    }
}

impl Future for Subtask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        match this.poll_turn(context.waker()) {
            Turn::Wait { .. } => return Poll::Pending,
            Turn::Yield => {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Turn::Finished | Turn::Cancelled => {}
            Turn::Failed(message) => {
                let now_ns = this.clock.now();
                this.job
                    .event("failure", now_ns, &this.shared, message.clone());
                this.job.fail(Some(&this.shared), message);
            }
        }
        this.end();
        Poll::Ready(())
    }
}

impl Drop for Subtask {
    /// A subtask that the runtime drops unfinished still counts as ended, so that nobody waits for it.
    fn drop(&mut self) {
        self.end();
    }
}
