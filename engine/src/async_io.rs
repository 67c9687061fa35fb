//! Asynchronous calls to external systems: many records under way at once, bounded by a capacity.
//!
//! The calls are futures polled inside the subtask's own turn; their wake-ups ring the subtask's
//! bell. At capacity the subtask is `blocked`, below it with nothing to do it is idle.

mod calls;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;

use crate::batch::codec::Codec;
use crate::batch::{Batch, Part};
use crate::checkpoint::taking::{RestoredTask, Taking};
use crate::data::Row;
use crate::operator::OperatorError;
use crate::stage::{MemberCounters, OutputBook, Pending, Stage, Step};
use crate::subtask::Slice;

use calls::{Calls, Done};

/// How an asynchronous operator works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsyncOptions {
    /// Calls under way at once, per subtask; at least 1.
    pub capacity: usize,
    /// Whether results leave in the order of their records, or as they come.
    pub ordered: bool,
}

/// Starts a call for one record.
pub(crate) type StartCall<In, Out> = Box<dyn FnMut(In) -> BoxedOutput<Out> + Send>;
/// A call under way.
pub(crate) type BoxedOutput<Out> = Pin<Box<dyn Future<Output = Out> + Send>>;

/// The chain link that keeps calls under way.
pub(crate) struct AsyncStage<In, Out> {
    pending: Pending<In>,
    start: StartCall<In, Out>,
    calls: Calls<Out>,
    capacity: usize,
    next: Box<dyn Stage<Out>>,
    ending: bool,
    forwarded_end: bool,
    counters: Arc<MemberCounters>,
}

impl<In: Send + 'static, Out: Send + 'static> AsyncStage<In, Out> {
    pub(crate) fn new(
        start: StartCall<In, Out>,
        options: AsyncOptions,
        next: Box<dyn Stage<Out>>,
        counters: Arc<MemberCounters>,
    ) -> Self {
        AsyncStage {
            pending: Pending::new(),
            start,
            calls: Calls::new(options.ordered),
            capacity: options.capacity,
            next,
            ending: false,
            forwarded_end: false,
            counters,
        }
    }

    /// Hands finished calls on; true if there were any.
    fn collect(&mut self, slice: &mut Slice<'_>) -> bool {
        let waker = slice.async_waker().clone();
        let mut context = Context::from_waker(&waker);
        let output = self.next.input();
        // At most one round of the capacity, so that calls which finish at once cannot hold the slice.
        for _ in 0..self.capacity {
            match self.calls.next(&mut context) {
                Some(Done::Row(row)) => output.push(row),
                Some(Done::Signal(signal)) => output.signal(signal),
                None => break,
            }
        }
        let collected = !output.is_empty();
        self.next.arrived(slice.now_ns);
        collected
    }

    fn start_calls(&mut self, slice: &mut Slice<'_>) {
        let begin_ns = slice.now_ns;
        let free = self.capacity - self.calls.held();
        let rows = self.pending.at_hand().min(free);
        let (start, calls) = (&mut self.start, &mut self.calls);
        let Ok(()) = self.pending.work_off(rows, |part| {
            match part {
                Part::Rows(rows) => rows.for_each(|Row { tag, value }| {
                    let call = start(value);
                    calls.start(async move {
                        Row {
                            tag,
                            value: call.await,
                        }
                    });
                }),
                Part::Signal(signal) => calls.signal(signal),
            }
            Ok::<(), Infallible>(())
        });
        let elapsed_ns = slice.chunk_done(begin_ns);
        self.counters.add(rows, elapsed_ns);
    }
}

impl<In: Send + 'static, Out: Send + 'static> Stage<In> for AsyncStage<In, Out> {
    fn input(&mut self) -> &mut Batch<In> {
        self.pending.input()
    }

    fn pending(&self) -> usize {
        self.pending.rows()
    }

    fn arrived(&mut self, _at_ns: u64) {}

    fn run(&mut self, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        loop {
            match self.next.run(slice)? {
                Step::Done => {}
                step => return Ok(step),
            }
            if slice.over() {
                return Ok(Step::SliceOver);
            }
            if self.collect(slice) {
                slice.tick();
            } else if !self.pending.is_empty() {
                if self.calls.held() >= self.capacity {
                    return Ok(Step::AtCapacity);
                }
                self.start_calls(slice);
            } else if self.ending && !self.forwarded_end && self.calls.held() == 0 {
                self.next.end();
                self.forwarded_end = true;
            } else {
                return Ok(Step::Done);
            }
        }
    }

    fn end(&mut self) {
        self.ending = true;
    }

    fn ended(&self) -> bool {
        self.forwarded_end && self.next.ended()
    }

    fn wake_at_ns(&self) -> Option<u64> {
        self.next.wake_at_ns()
    }

    fn close(&self, books: &mut Vec<OutputBook>) {
        self.next.close(books);
    }

    /// Waits for the calls under way: what they were called with is gone.
    fn settle(&mut self, with_input: bool, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        if with_input {
            match self.run(slice)? {
                Step::Done => {}
                step => return Ok(step),
            }
        }
        loop {
            match self.next.settle(true, slice)? {
                Step::Done => {}
                step => return Ok(step),
            }
            if self.collect(slice) {
                slice.tick();
            } else if self.calls.held() > 0 {
                return Ok(Step::AtCapacity);
            } else {
                return Ok(Step::Done);
            }
        }
    }

    fn flush(&mut self) {
        self.next.flush();
    }

    fn save_input(&mut self, codec: &Codec<In>, bytes: &mut Vec<u8>) {
        self.pending.save(codec, bytes);
    }

    fn snapshot(&mut self, taking: &mut Taking<'_>) -> Result<(), OperatorError> {
        self.next.snapshot(taking)
    }

    fn holds_barrier(&self) -> bool {
        self.next.holds_barrier()
    }

    fn pass_barrier(&mut self, taking: &mut Taking<'_>) {
        self.next.pass_barrier(taking);
    }

    fn restore(&mut self, from: &RestoredTask<'_>) -> Result<(), OperatorError> {
        self.next.restore(from)
    }
}
