//! Chained operators inside one subtask: each stage holds the rows it has not worked off yet and
//! hands what it makes to the next.
//!
//! A stage first lets everything behind it finish, so at most one chunk is under way per stage and
//! a blocked output stops the chain where it is. Chunks are sized so that a slice of expensive
//! records stays near its bound without reading the clock per record.

mod pending;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::batch::codec::Codec;
use crate::batch::{Batch, Part, Signal};
use crate::checkpoint::taking::{RestoredTask, Taking};
use crate::event_time::NO_WATERMARK_MS;
use crate::operator::{Operator, OperatorContext, OperatorError, Sink};
use crate::prepare::PrepareContext;
use crate::snapshot::METERED;
use crate::subtask::Slice;

pub(crate) use pending::Pending;

/// How far a stage got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Everything handed to it has been worked off.
    Done,
    /// The slice is over, work is left.
    SliceOver,
    /// Waits for credit on this output edge of the task.
    Backpressured { output: usize },
    /// Waits for asynchronous calls, which are at their capacity.
    AtCapacity,
}

/// One link of a chain, taking rows of type `T`.
pub(crate) trait Stage<T>: Send {
    /// Where the link before puts its rows; empty whenever [`run`](Self::run) said `Done`.
    fn input(&mut self) -> &mut Batch<T>;
    /// Fills the state of the operator, before any rows.
    fn prepare(&mut self, _context: &PrepareContext) -> Result<(), OperatorError> {
        Ok(())
    }
    /// Rows in the input.
    fn pending(&self) -> usize;
    /// When the rows now in the input reached this stage.
    fn arrived(&mut self, at_ns: u64);
    /// Works off the input and whatever lies behind.
    fn run(&mut self, slice: &mut Slice<'_>) -> Result<Step, OperatorError>;
    /// No more input will come.
    fn end(&mut self);
    /// After [`end`](Self::end): whether everything has left the task.
    fn ended(&self) -> bool;
    /// When to be run again at the latest: rows wait for their batch to fill, or a timer is set.
    fn wake_at_ns(&self) -> Option<u64>;
    /// Adds up what each output edge was given and what of it has not left the task.
    fn close(&self, books: &mut Vec<OutputBook>);
    /// Before a snapshot: works off what lies behind this link, and its own input if `with_input`, until
    /// nothing is under way between links.
    fn settle(&mut self, with_input: bool, slice: &mut Slice<'_>) -> Result<Step, OperatorError>;
    /// Rows leave the task with the next run, whether or not their batches are full.
    fn flush(&mut self);
    /// Appends what is left of the input: where a snapshot does not wait for it.
    fn save_input(&mut self, codec: &Codec<T>, bytes: &mut Vec<u8>);
    /// The last watermark that the operator was told of: those in the input are not.
    fn told_ms(&self) -> i64 {
        NO_WATERMARK_MS
    }
    /// Once settled: puts what the operators hold into a checkpoint, and sends its barrier on.
    fn snapshot(&mut self, taking: &mut Taking<'_>) -> Result<(), OperatorError>;
    /// Whether a barrier that was sent on still lies behind rows without credit.
    fn holds_barrier(&self) -> bool;
    /// Lets such barriers pass those rows, which become part of the snapshot.
    fn pass_barrier(&mut self, taking: &mut Taking<'_>);
    /// Before any rows: lets the operators take over what belongs to them.
    fn restore(&mut self, from: &RestoredTask<'_>) -> Result<(), OperatorError>;
}

/// The closing account of one output edge of a subtask, in rows.
pub(crate) struct OutputBook {
    pub(crate) edge: usize,
    pub(crate) emitted: u64,
    pub(crate) unsent: u64,
}

/// An operator of a task: who it is, and what it has worked off, in rows and the wall time they took.
#[derive(Debug)]
pub(crate) struct MemberCounters {
    uid: String,
    rows: AtomicU64,
    busy_ns: AtomicU64,
}

impl MemberCounters {
    pub(crate) fn new(uid: &str) -> Self {
        MemberCounters {
            uid: uid.to_owned(),
            rows: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
        }
    }

    /// The operator's uid.
    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn add(&self, rows: usize, busy_ns: u64) {
        if !METERED {
            return;
        }
        // One writer: plain loads and stores would do.
        self.rows.fetch_add(rows as u64, Relaxed);
        self.busy_ns.fetch_add(busy_ns, Relaxed);
    }

    /// Rows and nanoseconds so far.
    pub(crate) fn read(&self) -> (u64, u64) {
        (self.rows.load(Relaxed), self.busy_ns.load(Relaxed))
    }
}

/// Sizes chunks so that one takes about a millisecond at most.
#[derive(Debug)]
pub(crate) struct Pace {
    rows: usize,
}

impl Pace {
    const TARGET_NS: u64 = 500_000;
    const FIRST: usize = 16;

    pub(crate) fn new() -> Self {
        Pace { rows: Self::FIRST }
    }

    /// Rows of `pending` to take at once.
    pub(crate) fn take(&self, pending: usize) -> usize {
        self.rows.min(pending)
    }

    /// A chunk of `rows` took `elapsed_ns`: the next may grow fourfold, and shrinks at once.
    pub(crate) fn learn(&mut self, rows: usize, elapsed_ns: u64) {
        if rows == 0 {
            return;
        }
        let affordable = (rows as u64 * Self::TARGET_NS / elapsed_ns.max(1)).max(1);
        self.rows = usize::try_from(affordable)
            .unwrap_or(usize::MAX)
            .min(self.rows.saturating_mul(4));
    }
}

/// The earlier of two moments that may not be set.
pub(crate) fn earliest(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// An operator and the stage behind it.
pub(crate) struct OperatorStage<In, Out> {
    pending: Pending<In>,
    arrived_ns: u64,
    operator: Box<dyn Operator<In, Out>>,
    next: Box<dyn Stage<Out>>,
    pace: Pace,
    /// A timer has had its turn; rows are next, and the end of the input: timers that take longer than
    /// they are apart would leave no time for them.
    timer_had_turn: bool,
    ending: Ending,
    counters: Arc<MemberCounters>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Open,
    Requested,
    Finished,
}

impl<In: Send, Out: Send> OperatorStage<In, Out> {
    pub(crate) fn new(
        operator: Box<dyn Operator<In, Out>>,
        next: Box<dyn Stage<Out>>,
        counters: Arc<MemberCounters>,
    ) -> Self {
        OperatorStage {
            pending: Pending::new(),
            arrived_ns: 0,
            operator,
            next,
            pace: Pace::new(),
            timer_had_turn: false,
            ending: Ending::Open,
            counters,
        }
    }

    fn process_chunk(&mut self, slice: &mut Slice<'_>) -> Result<(), OperatorError> {
        let rows = self.pace.take(self.pending.at_hand());
        let begin_ns = slice.now_ns;
        let mut context = OperatorContext {
            slice,
            arrived_ns: self.arrived_ns,
        };
        let (operator, out) = (&mut self.operator, self.next.input());
        self.pending.work_off(rows, |part| match part {
            Part::Rows(rows) => operator.process(rows, out, &mut context),
            Part::Signal(Signal::Watermark(at_ms)) => {
                context.slice.watermark_ms = Some(at_ms);
                operator.watermark(at_ms, out, &mut context)
            }
            Part::Signal(Signal::Idle) => {
                out.signal(Signal::Idle);
                Ok(())
            }
        })?;
        self.chunk_done(rows, begin_ns, slice);
        Ok(())
    }

    fn chunk_done(&mut self, rows: usize, begin_ns: u64, slice: &mut Slice<'_>) {
        let elapsed_ns = slice.chunk_done(begin_ns);
        self.next.arrived(slice.now_ns);
        self.pace.learn(rows, elapsed_ns);
        self.counters.add(rows, elapsed_ns);
    }

    /// Calls the operator's timer if it is due and its turn has come; whether that was so.
    fn fire_timer(&mut self, slice: &mut Slice<'_>) -> Result<bool, OperatorError> {
        if std::mem::take(&mut self.timer_had_turn) {
            return Ok(false);
        }
        let now_ns = slice.now_ns;
        if self.operator.next_timer_ns().is_none_or(|at| at > now_ns) {
            return Ok(false);
        }
        let mut context = OperatorContext {
            slice,
            arrived_ns: self.arrived_ns,
        };
        self.operator
            .timer(now_ns, self.next.input(), &mut context)?;
        self.chunk_done(0, now_ns, slice);
        self.timer_had_turn = true;
        Ok(true)
    }
}

impl<In: Send, Out: Send> Stage<In> for OperatorStage<In, Out> {
    fn input(&mut self) -> &mut Batch<In> {
        self.pending.input()
    }

    fn prepare(&mut self, context: &PrepareContext) -> Result<(), OperatorError> {
        self.operator.prepare(context)
    }

    fn pending(&self) -> usize {
        self.pending.rows()
    }

    fn arrived(&mut self, at_ns: u64) {
        self.arrived_ns = at_ns;
    }

    fn run(&mut self, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        loop {
            match self.next.run(slice)? {
                Step::Done => {}
                step => return Ok(step),
            }
            if self.fire_timer(slice)? {
                if slice.over() {
                    return Ok(Step::SliceOver);
                }
                continue;
            }
            if self.pending.is_empty() {
                if self.ending != Ending::Requested {
                    self.pending.reclaim(self.next.input());
                    return Ok(Step::Done);
                }
                let mut context = OperatorContext {
                    slice,
                    arrived_ns: self.arrived_ns,
                };
                self.operator.finish(self.next.input(), &mut context)?;
                self.next.arrived(slice.now_ns);
                self.next.end();
                self.ending = Ending::Finished;
            } else if slice.over() {
                return Ok(Step::SliceOver);
            } else {
                self.process_chunk(slice)?;
            }
        }
    }

    fn end(&mut self) {
        self.ending = Ending::Requested;
    }

    fn ended(&self) -> bool {
        self.ending == Ending::Finished && self.next.ended()
    }

    fn wake_at_ns(&self) -> Option<u64> {
        earliest(self.operator.next_timer_ns(), self.next.wake_at_ns())
    }

    fn close(&self, books: &mut Vec<OutputBook>) {
        self.next.close(books);
    }

    fn settle(&mut self, with_input: bool, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        if with_input {
            match self.run(slice)? {
                Step::Done => {}
                step => return Ok(step),
            }
        }
        self.next.settle(true, slice)
    }

    fn flush(&mut self) {
        self.next.flush();
    }

    fn save_input(&mut self, codec: &Codec<In>, bytes: &mut Vec<u8>) {
        self.pending.save(codec, bytes);
    }

    fn told_ms(&self) -> i64 {
        self.pending.told_ms()
    }

    fn snapshot(&mut self, taking: &mut Taking<'_>) -> Result<(), OperatorError> {
        self.operator
            .snapshot(&mut taking.of(self.counters.uid()))?;
        self.next.snapshot(taking)
    }

    fn holds_barrier(&self) -> bool {
        self.next.holds_barrier()
    }

    fn pass_barrier(&mut self, taking: &mut Taking<'_>) {
        self.next.pass_barrier(taking);
    }

    fn restore(&mut self, from: &RestoredTask<'_>) -> Result<(), OperatorError> {
        if let Some(own) = from.of(self.counters.uid()) {
            self.operator.restore(&own)?;
        }
        self.next.restore(from)
    }
}

/// The end of a chain that leaves the job.
pub(crate) struct SinkStage<T> {
    pending: Pending<T>,
    arrived_ns: u64,
    sink: Box<dyn Sink<T>>,
    pace: Pace,
    ending: Ending,
    counters: Arc<MemberCounters>,
}

impl<T: Send> SinkStage<T> {
    pub(crate) fn new(sink: Box<dyn Sink<T>>, counters: Arc<MemberCounters>) -> Self {
        SinkStage {
            pending: Pending::new(),
            arrived_ns: 0,
            sink,
            pace: Pace::new(),
            ending: Ending::Open,
            counters,
        }
    }
}

impl<T: Send> Stage<T> for SinkStage<T> {
    fn input(&mut self) -> &mut Batch<T> {
        self.pending.input()
    }

    fn pending(&self) -> usize {
        self.pending.rows()
    }

    fn arrived(&mut self, at_ns: u64) {
        self.arrived_ns = at_ns;
    }

    fn run(&mut self, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        while !self.pending.is_empty() {
            if slice.over() {
                return Ok(Step::SliceOver);
            }
            let rows = self.pace.take(self.pending.at_hand());
            let begin_ns = slice.now_ns;
            let mut context = OperatorContext {
                slice,
                arrived_ns: self.arrived_ns,
            };
            let sink = &mut self.sink;
            self.pending.work_off(rows, |part| match part {
                Part::Rows(rows) => sink.write(rows, &mut context),
                Part::Signal(Signal::Watermark(at_ms)) => {
                    context.slice.watermark_ms = Some(at_ms);
                    sink.watermark(at_ms, &mut context)
                }
                Part::Signal(Signal::Idle) => Ok(()),
            })?;
            slice.records_out += rows as u64;
            let elapsed_ns = slice.chunk_done(begin_ns);
            self.pace.learn(rows, elapsed_ns);
            self.counters.add(rows, elapsed_ns);
        }
        if self.ending == Ending::Requested {
            let mut context = OperatorContext {
                slice,
                arrived_ns: self.arrived_ns,
            };
            self.sink.close(&mut context)?;
            self.ending = Ending::Finished;
        }
        Ok(Step::Done)
    }

    fn end(&mut self) {
        self.ending = Ending::Requested;
    }

    fn ended(&self) -> bool {
        self.ending == Ending::Finished
    }

    fn wake_at_ns(&self) -> Option<u64> {
        None
    }

    fn close(&self, _books: &mut Vec<OutputBook>) {}

    fn settle(&mut self, with_input: bool, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        match with_input {
            true => self.run(slice),
            false => Ok(Step::Done),
        }
    }

    fn flush(&mut self) {}

    fn save_input(&mut self, codec: &Codec<T>, bytes: &mut Vec<u8>) {
        self.pending.save(codec, bytes);
    }

    fn told_ms(&self) -> i64 {
        self.pending.told_ms()
    }

    fn snapshot(&mut self, taking: &mut Taking<'_>) -> Result<(), OperatorError> {
        self.sink.snapshot(&mut taking.of(self.counters.uid()))
    }

    fn holds_barrier(&self) -> bool {
        false
    }

    fn pass_barrier(&mut self, _taking: &mut Taking<'_>) {}

    fn restore(&mut self, from: &RestoredTask<'_>) -> Result<(), OperatorError> {
        match from.of(self.counters.uid()) {
            Some(own) => self.sink.restore(&own),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn chunks_grow_while_records_are_cheap_and_shrink_at_once() {
        let mut pace = Pace::new();
        for _ in 0..4 {
            pace.learn(pace.take(1024), 100);
        }
        assert_eq!(pace.take(1024), 1024);
        pace.learn(1024, 1_024_000_000);
        assert_eq!(pace.take(1024), 1);
        pace.learn(1, 2_000_000_000);
        assert_eq!(pace.take(1024), 1);
    }
}
