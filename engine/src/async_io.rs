//! Asynchronous calls to external systems: many records under way at once, bounded by a capacity.
//!
//! The calls are futures polled inside the subtask's own turn; their wake-ups ring the subtask's
//! bell. At capacity the subtask is `blocked`, below it with nothing to do it is idle.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{FuturesOrdered, FuturesUnordered, Stream};

use crate::data::Row;
use crate::operator::OperatorError;
use crate::stage::{MemberCounters, OutputBook, Stage, Step};
use crate::subtask::Slice;

/// How an asynchronous operator works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsyncOptions {
    /// Calls under way at once, per subtask; at least 1.
    pub capacity: usize,
    /// Whether results leave in the order of their records, or as they come.
    pub ordered: bool,
}

type Call<Out> = Pin<Box<dyn Future<Output = Row<Out>> + Send>>;

enum Calls<Out> {
    Ordered(FuturesOrdered<Call<Out>>),
    Unordered(FuturesUnordered<Call<Out>>),
}

impl<Out> Calls<Out> {
    fn len(&self) -> usize {
        match self {
            Calls::Ordered(calls) => calls.len(),
            Calls::Unordered(calls) => calls.len(),
        }
    }

    fn push(&mut self, call: Call<Out>) {
        match self {
            Calls::Ordered(calls) => calls.push_back(call),
            Calls::Unordered(calls) => calls.push(call),
        }
    }

    /// The next finished call, if there is one.
    fn next(&mut self, context: &mut Context<'_>) -> Option<Row<Out>> {
        let polled = match self {
            Calls::Ordered(calls) => Pin::new(calls).poll_next(context),
            Calls::Unordered(calls) => Pin::new(calls).poll_next(context),
        };
        match polled {
            Poll::Ready(row) => row,
            Poll::Pending => None,
        }
    }
}

/// Starts a call for one record.
pub(crate) type StartCall<In, Out> = Box<dyn FnMut(In) -> BoxedOutput<Out> + Send>;
/// A call under way.
pub(crate) type BoxedOutput<Out> = Pin<Box<dyn Future<Output = Out> + Send>>;

/// The chain link that keeps calls under way.
pub(crate) struct AsyncStage<In, Out> {
    pending: Vec<Row<In>>,
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
        let calls = match options.ordered {
            true => Calls::Ordered(FuturesOrdered::new()),
            false => Calls::Unordered(FuturesUnordered::new()),
        };
        AsyncStage {
            pending: Vec::new(),
            start,
            calls,
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
                Some(row) => output.push(row),
                None => break,
            }
        }
        let collected = !output.is_empty();
        self.next.arrived(slice.now_ns);
        collected
    }

    fn start_calls(&mut self, slice: &mut Slice<'_>) {
        let begin_ns = slice.now_ns;
        let rows = self.pending.len().min(self.capacity - self.calls.len());
        for row in self.pending.drain(..rows) {
            let call = (self.start)(row.value);
            let tag = row.tag;
            self.calls.push(Box::pin(async move {
                Row {
                    tag,
                    value: call.await,
                }
            }));
        }
        let elapsed_ns = slice.chunk_done(begin_ns);
        self.counters.add(rows, elapsed_ns);
    }
}

impl<In: Send + 'static, Out: Send + 'static> Stage<In> for AsyncStage<In, Out> {
    fn input(&mut self) -> &mut Vec<Row<In>> {
        &mut self.pending
    }

    fn pending(&self) -> usize {
        self.pending.len()
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
                if self.calls.len() >= self.capacity {
                    return Ok(Step::AtCapacity);
                }
                self.start_calls(slice);
            } else if self.ending && !self.forwarded_end && self.calls.len() == 0 {
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

    fn flush_at_ns(&self) -> Option<u64> {
        self.next.flush_at_ns()
    }

    fn close(&self, books: &mut Vec<OutputBook>) {
        self.next.close(books);
    }
}
