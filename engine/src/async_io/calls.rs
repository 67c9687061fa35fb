//! Asynchronous calls under way, and the signals of event time between them.
//!
//! As in Apache Flink, no result overtakes a watermark and no watermark a result: in the ordered
//! form a signal is one more entry of the queue; in the unordered form signals cut the calls into
//! segments, and only results of the same segment may change places.

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{FuturesOrdered, FuturesUnordered, Stream};

use crate::batch::Signal;
use crate::data::Row;

/// What leaves: a finished call's row, or a signal whose turn has come.
pub(super) enum Done<Out> {
    Row(Row<Out>),
    Signal(Signal),
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Calls that have been started and whose results have not left.
pub(super) struct Calls<Out> {
    queue: Queue<Out>,
    held: usize,
}

enum Queue<Out> {
    Ordered(FuturesOrdered<Boxed<Done<Out>>>),
    Unordered(Segments<Out>),
}

impl<Out: Send + 'static> Calls<Out> {
    pub(super) fn new(ordered: bool) -> Self {
        let queue = match ordered {
            true => Queue::Ordered(FuturesOrdered::new()),
            false => Queue::Unordered(Segments::new()),
        };
        Calls { queue, held: 0 }
    }

    /// Calls whose results have not left.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn start(&mut self, call: impl Future<Output = Row<Out>> + Send + 'static) {
        self.held += 1;
        match &mut self.queue {
            Queue::Ordered(calls) => {
                calls.push_back(Box::pin(async { Done::Row(call.await) }));
            }
            Queue::Unordered(segments) => segments.start(call),
        }
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        match &mut self.queue {
            Queue::Ordered(calls) => calls.push_back(Box::pin(ready(Done::Signal(signal)))),
            Queue::Unordered(segments) => segments.signal(signal),
        }
    }

    /// What may leave next, if anything.
    pub(super) fn next(&mut self, context: &mut Context<'_>) -> Option<Done<Out>> {
        let done = match &mut self.queue {
            Queue::Ordered(calls) => match Pin::new(calls).poll_next(context) {
                Poll::Ready(done) => done,
                Poll::Pending => None,
            },
            Queue::Unordered(segments) => segments.next(context),
        };
        if let Some(Done::Row(_)) = done {
            self.held -= 1;
        }
        done
    }
}

/// Calls in segments; the last one is still growing.
struct Segments<Out> {
    calls: FuturesUnordered<Boxed<(u64, Row<Out>)>>,
    segments: VecDeque<Segment<Out>>,
    /// Number of the first of `segments`.
    first: u64,
}

struct Segment<Out> {
    under_way: usize,
    finished: VecDeque<Row<Out>>,
    ends_with: Option<Signal>,
}

impl<Out> Segment<Out> {
    fn new() -> Self {
        Segment {
            under_way: 0,
            finished: VecDeque::new(),
            ends_with: None,
        }
    }
}

impl<Out: Send + 'static> Segments<Out> {
    fn new() -> Self {
        Segments {
            calls: FuturesUnordered::new(),
            segments: VecDeque::from([Segment::new()]),
            first: 0,
        }
    }

    fn last(&mut self) -> &mut Segment<Out> {
        self.segments.back_mut().expect("there is always one")
    }

    fn start(&mut self, call: impl Future<Output = Row<Out>> + Send + 'static) {
        let number = self.first + self.segments.len() as u64 - 1;
        self.last().under_way += 1;
        self.calls
            .push(Box::pin(async move { (number, call.await) }));
    }

    fn signal(&mut self, signal: Signal) {
        self.last().ends_with = Some(signal);
        self.segments.push_back(Segment::new());
    }

    fn next(&mut self, context: &mut Context<'_>) -> Option<Done<Out>> {
        loop {
            let front = self.segments.front_mut().expect("there is always one");
            if let Some(row) = front.finished.pop_front() {
                return Some(Done::Row(row));
            }
            if let (0, Some(signal)) = (front.under_way, front.ends_with) {
                self.segments.pop_front();
                self.first += 1;
                return Some(Done::Signal(signal));
            }
            let Poll::Ready(Some((number, row))) = Pin::new(&mut self.calls).poll_next(context)
            else {
                return None;
            };
            let segment = &mut self.segments[(number - self.first) as usize];
            segment.under_way -= 1;
            segment.finished.push_back(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Waker;

    use super::*;
    use proptest::prelude::*;

    /// A call that ends when it is told to, and then only when polled.
    fn call(value: usize, end: Arc<AtomicBool>) -> impl Future<Output = Row<usize>> + Send {
        std::future::poll_fn(move |context| {
            // Nobody rings for these calls: they ask to be polled again.
            context.waker().wake_by_ref();
            match end.load(Ordering::Relaxed) {
                true => Poll::Ready(Row { tag: 0, value }),
                false => Poll::Pending,
            }
        })
    }

    proptest! {
        /// Whatever the order in which calls end, every result leaves between the signals between
        /// which its call was started; ordered calls leave in order.
        #[test]
        fn no_result_passes_a_signal(
            ordered: bool, starts in prop::collection::vec(any::<bool>(), 1..40),
            ends in prop::collection::vec(any::<prop::sample::Index>(), 1..80),
        ) {
            let mut calls = Calls::new(ordered);
            let mut switches = Vec::new();
            let mut segment_of = Vec::new();
            let mut signals = 0;
            for is_call in starts {
                if is_call {
                    let end = Arc::new(AtomicBool::new(false));
                    calls.start(call(switches.len(), Arc::clone(&end)));
                    switches.push(end);
                    segment_of.push(signals);
                } else {
                    calls.signal(Signal::Watermark(signals));
                    signals += 1;
                }
            }
            let (mut context, mut passed) = (Context::from_waker(Waker::noop()), 0);
            let mut left = Vec::new();
            let everything = (0..switches.len()).map(Some);
            let chosen = ends.iter().map(|end| (!switches.is_empty()).then(|| end.index(switches.len())));
            for end in chosen.chain(everything) {
                if let Some(end) = end {
                    switches[end].store(true, Ordering::Relaxed);
                }
                while let Some(done) = calls.next(&mut context) {
                    match done {
                        Done::Row(row) => {
                            prop_assert_eq!(segment_of[row.value], passed);
                            left.push(row.value);
                        }
                        Done::Signal(signal) => {
                            prop_assert_eq!(signal, Signal::Watermark(passed));
                            passed += 1;
                        }
                    }
                }
            }
            while calls.next(&mut context).is_some() {
                passed += 1;
            }
            prop_assert_eq!(passed, signals);
            prop_assert_eq!(calls.held(), 0);
            if ordered {
                prop_assert!(left.is_sorted());
            }
            left.sort_unstable();
            prop_assert_eq!(left, (0..switches.len()).collect::<Vec<_>>());
        }
    }
}
