//! Streams partitioned by key: state, timers, windows.

use std::marker::PhantomData;
use std::sync::Arc;

use super::consumers::OperatorConsumer;
use super::stream::Stream;
use crate::data::{Data, Key};
use crate::edge::{Build, Consumer, Outputs, RouterContext};
use crate::exchange::ByKey;
use crate::keyed::timed::{TimedOperator, TimedProcess};
use crate::keyed::{Aggregate, KeyedOperator, KeyedProcess, RunningAggregate};
use crate::operator::{Operator, SubtaskContext};
use crate::output::Router;
use crate::window::WindowCore;
use crate::window::operator::{LateAside, LateDropped, Windowed};

/// A stream partitioned by key.
pub struct KeyedStream<K, T, F> {
    pub(super) stream: Stream<T>,
    pub(super) key: F,
    pub(super) marker: PhantomData<fn() -> K>,
}

impl<K: Key, T: Data, F: Fn(&T) -> K + Clone + Send + Sync + 'static> KeyedStream<K, T, F> {
    /// Adds a keyed operator with state; `make` is called once per subtask.
    pub fn process<U: Data, P: KeyedProcess<K, T, U> + 'static>(
        self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> P + Send + Sync + 'static,
    ) -> Stream<U> {
        let key = self.key.clone();
        self.keyed(name, move |build| {
            let mut process = make(&build.context);
            let (backend, ()) = build.open_state(|state| process.open(state));
            let sketch = build.key_sketch();
            Box::new(KeyedOperator::new(key.clone(), process, backend, sketch))
        })
    }

    /// Adds an operator that is fed by key.
    fn keyed<U: Data>(
        self,
        name: &str,
        make: impl Fn(&Build<'_>) -> Box<dyn Operator<T, U>> + Send + Sync + 'static,
    ) -> Stream<U> {
        let key = self.key;
        let router = move |context: &RouterContext| -> Box<dyn Router<T>> {
            Box::new(ByKey::new(
                key.clone(),
                context.receivers,
                context.max_parallelism,
            ))
        };
        let outputs = Outputs::new();
        let next = Arc::clone(&outputs);
        let consumer = |operator| -> Box<dyn Consumer<T>> {
            Box::new(OperatorConsumer {
                operator,
                make: Box::new(make),
                outputs: next,
            })
        };
        self.stream
            .connect(name, outputs, consumer, Arc::new(router))
    }

    /// Adds a keyed operator with state and timers; `make` is called once per subtask.
    pub fn process_with_timers<U: Data, P: TimedProcess<K, T, U> + 'static>(
        self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> P + Send + Sync + 'static,
    ) -> Stream<U> {
        let key = self.key.clone();
        self.keyed(name, move |build| {
            let mut process = make(&build.context);
            let (backend, timers) = build.open_state(|state| {
                process.open(state);
                state.timers()
            });
            let sketch = build.key_sketch();
            let key = key.clone();
            Box::new(TimedOperator::new(key, process, timers, backend, sketch))
        })
    }

    /// Windows or a join in time over the rows of each key, whose event time `timestamp_ms` tells;
    /// `make` builds the core once per subtask. Late rows are dropped, and counted.
    pub fn window<W>(
        self,
        name: &str,
        timestamp_ms: impl Fn(&T) -> i64 + Clone + Send + Sync + 'static,
        make: impl Fn(&SubtaskContext) -> W + Send + Sync + 'static,
    ) -> Stream<W::Out>
    where
        W: WindowCore<K, T> + 'static,
        W::Out: Data,
    {
        let key = self.key.clone();
        self.keyed(name, move |build| {
            let core = make(&build.context);
            let sketch = build.key_sketch();
            let windowed = Windowed::new(key.clone(), timestamp_ms.clone(), core, sketch);
            Box::new(LateDropped(windowed))
        })
    }

    /// As [`window`](Self::window); late rows are counted, too, and are the second stream.
    pub fn window_with_late<W>(
        self,
        name: &str,
        timestamp_ms: impl Fn(&T) -> i64 + Clone + Send + Sync + 'static,
        make: impl Fn(&SubtaskContext) -> W + Send + Sync + 'static,
    ) -> (Stream<W::Out>, Stream<T>)
    where
        W: WindowCore<K, T> + 'static,
        W::Out: Data,
    {
        let key = self.key.clone();
        let both = self.keyed(name, move |build| {
            let core = make(&build.context);
            let sketch = build.key_sketch();
            let windowed = Windowed::new(key.clone(), timestamp_ms.clone(), core, sketch);
            Box::new(LateAside::new(windowed))
        });
        both.split()
    }

    /// A running aggregate per key: one result for every row.
    pub fn aggregate<A: Aggregate<K, T> + Clone + Sync + 'static>(
        self,
        name: &str,
        aggregate: A,
    ) -> Stream<A::Out> {
        self.process(name, move |_| RunningAggregate::new(aggregate.clone()))
    }
}
