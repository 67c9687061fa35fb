//! The typed, fluent description of a job.
//!
//! ```
//! use engine::{Batch, JobConfig, JobGraph, Row, Source, SourceStatus};
//!
//! struct Numbers(std::ops::Range<u64>);
//! impl Source for Numbers {
//!     type Out = u64;
//!     fn poll(&mut self, _now: u64, _held: u64, max: usize, out: &mut Batch<u64>) -> SourceStatus {
//!         out.extend(self.0.by_ref().take(max).map(|value| Row { tag: 0, value }));
//!         if self.0.is_empty() { SourceStatus::Finished } else { SourceStatus::Ready }
//!     }
//! }
//!
//! let graph = JobGraph::new("evens");
//! graph
//!     .source("numbers", |_| (Numbers(0..1_000), None))
//!     .filter("even", |n| n % 2 == 0)
//!     .rebalance()
//!     .parallelism_of_next(2)
//!     .for_each("discard", |_| ());
//! let job = graph.deploy(JobConfig::default()).unwrap().start().unwrap();
//! let report = job.join();
//! assert_eq!(report.edges.iter().map(|edge| edge.received).sum::<u64>(), 500);
//! ```

use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::async_io::{AsyncOptions, AsyncStage};
use crate::data::{Data, Key};
use crate::edge::{AnyEdge, Build, Consumer, Edge, MakeRouter, OperatorId, Outputs, RouterContext};
use crate::event_time::assign::AssignWatermarks;
use crate::event_time::splits::SplitWatermarkOptions;
use crate::exchange::{ByKey, Exchange, RoundRobin, ToAll};
use crate::functions::{Collector, Filter, FlatMap, ForEach, Map};
use crate::head::{Head, SourceHead};
use crate::keyed::timed::{TimedOperator, TimedProcess};
use crate::keyed::{Aggregate, KeyedOperator, KeyedProcess, RunningAggregate};
use crate::operator::{Operator, Sink, SubtaskContext};
use crate::output::Router;
use crate::side::{ForkStage, Side};
use crate::source::{SentHook, Source};
use crate::stage::{OperatorStage, SinkStage, Stage};
use crate::window::WindowCore;
use crate::window::operator::{LateAside, LateDropped, Windowed};

/// A job under construction. Cheap to clone: all clones are the same job.
#[derive(Clone)]
pub struct JobGraph {
    pub(crate) inner: Rc<RefCell<Inner>>,
}

/// Operators and edges in the order in which they were added: every edge leads from an earlier
/// operator to a later one.
pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) operators: Vec<OperatorNode>,
    pub(crate) edges: Vec<Rc<dyn AnyEdge>>,
    /// Operators whose streams are split, and how often those are used.
    pub(crate) forks: Vec<(OperatorId, CountUses)>,
}

type CountUses = Box<dyn Fn() -> usize>;

pub(crate) struct OperatorNode {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) parallelism: Option<usize>,
    pub(crate) blocking: bool,
    pub(crate) starts_chain: bool,
    pub(crate) source: Option<MakeSourceHead>,
}

pub(crate) type MakeSourceHead = Box<dyn Fn(&Build<'_>) -> Box<dyn Head>>;

impl JobGraph {
    /// An empty job.
    pub fn new(name: &str) -> Self {
        let inner = Inner {
            name: name.to_owned(),
            operators: Vec::new(),
            edges: Vec::new(),
            forks: Vec::new(),
        };
        JobGraph {
            inner: Rc::new(RefCell::new(inner)),
        }
    }

    /// Adds a source; `make` is called once per subtask, and may give a hook that is told when
    /// rows leave the source's task.
    pub fn source<S: Source>(
        &self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> (S, Option<Box<dyn SentHook>>) + 'static,
    ) -> Stream<S::Out> {
        let outputs = Outputs::new();
        let (next, id) = (Rc::clone(&outputs), self.inner.borrow().operators.len());
        let head: MakeSourceHead = Box::new(move |build| {
            let (source, hook) = make(&build.context);
            build.hook.replace(hook);
            let first = next.next_stage(build);
            // Whoever sends over channels has taken the hook; in a job of one chain it stays here.
            let hook = build.hook.take();
            let batch = build.config.channels.batch;
            Box::new(SourceHead::new(
                source,
                first,
                hook,
                batch,
                build.counters_of(id),
            ))
        });
        self.add(name, Some(head));
        Stream::new(self.clone(), id, outputs)
    }

    fn add(&self, name: &str, source: Option<MakeSourceHead>) -> OperatorId {
        let operators = &mut self.inner.borrow_mut().operators;
        operators.push(OperatorNode {
            name: name.to_owned(),
            uid: name.to_owned(),
            parallelism: None,
            blocking: false,
            starts_chain: false,
            source,
        });
        operators.len() - 1
    }
}

/// The rows that an operator makes. The methods up to [`Stream::uid`] speak of that operator; those
/// from [`Stream::forward`] on choose how the next one is fed; the rest add one.
pub struct Stream<T> {
    graph: JobGraph,
    /// Several, if it is a union.
    made_by: Vec<Maker<T>>,
    exchange: Option<Exchange>,
    next_parallelism: Option<usize>,
    make_broadcast: Option<MakeBroadcast<T>>,
}

/// An operator and the stream that it makes.
struct Maker<T> {
    operator: OperatorId,
    outputs: Rc<Outputs<T>>,
}

impl<T> Clone for Maker<T> {
    fn clone(&self) -> Self {
        Maker {
            operator: self.operator,
            outputs: Rc::clone(&self.outputs),
        }
    }
}

impl<T: Data + Clone> Clone for Stream<T> {
    /// A second use of the same stream: each consumer gets a copy of every row.
    fn clone(&self) -> Self {
        for maker in &self.made_by {
            maker.outputs.set_cloner(T::clone);
        }
        Stream {
            graph: self.graph.clone(),
            made_by: self.made_by.clone(),
            exchange: self.exchange,
            next_parallelism: self.next_parallelism,
            make_broadcast: self.make_broadcast,
        }
    }
}

impl<T: Data> Stream<T> {
    fn new(graph: JobGraph, operator: OperatorId, outputs: Rc<Outputs<T>>) -> Self {
        Stream::made_by(graph, vec![Maker { operator, outputs }])
    }

    fn made_by(graph: JobGraph, made_by: Vec<Maker<T>>) -> Self {
        Stream {
            graph,
            made_by,
            exchange: None,
            next_parallelism: None,
            make_broadcast: None,
        }
    }

    fn node(&self, change: impl Fn(&mut OperatorNode)) {
        let operators = &mut self.graph.inner.borrow_mut().operators;
        let made_by = self.made_by.iter();
        made_by.for_each(|maker| change(&mut operators[maker.operator]));
    }

    /// This stream and another as one. The watermark behind them is the lower of theirs; a side that
    /// is idle does not hold it back.
    pub fn union(mut self, other: Stream<T>) -> Self {
        self.made_by.extend(other.made_by);
        self
    }

    /// Number of subtasks of the operator that makes this stream; of a union, of all that do.
    pub fn parallelism(self, parallelism: usize) -> Self {
        self.node(|node| node.parallelism = Some(parallelism));
        self
    }

    /// Declares that the operator makes blocking calls: its task may hold a thread of its own.
    pub fn blocking(self) -> Self {
        self.node(|node| node.blocking = true);
        self
    }

    /// The operator is never chained to the one before it.
    pub fn start_new_chain(self) -> Self {
        self.node(|node| node.starts_chain = true);
        self
    }

    /// The operator's stable identity; its name unless set.
    pub fn uid(self, uid: &str) -> Self {
        self.node(|node| uid.clone_into(&mut node.uid));
        self
    }

    /// Number of subtasks of the operator that is added next; what a sink needs, which makes no
    /// stream.
    pub fn parallelism_of_next(mut self, parallelism: usize) -> Self {
        self.next_parallelism = Some(parallelism);
        self
    }

    /// Feeds the next operator subtask by subtask; both must have the same parallelism.
    pub fn forward(self) -> Self {
        self.by(Exchange::Forward)
    }

    /// Spreads rows over all subtasks of the next operator in turn.
    pub fn rebalance(self) -> Self {
        self.by(Exchange::Rebalance)
    }

    /// Spreads rows in turn over a local group of subtasks of the next operator.
    pub fn rescale(self) -> Self {
        self.by(Exchange::Rescale)
    }

    /// Gives every subtask of the next operator a copy of every row.
    pub fn broadcast(mut self) -> Self
    where
        T: Clone,
    {
        self.make_broadcast = Some(|| Box::new(ToAll));
        self.by(Exchange::Broadcast)
    }

    fn by(mut self, exchange: Exchange) -> Self {
        self.exchange = Some(exchange);
        self
    }

    /// Adds an operator that keeps to no pattern below; `make` is called once per subtask.
    pub fn operator<U: Data, O: Operator<T, U> + 'static>(
        self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> O + 'static,
    ) -> Stream<U> {
        let make =
            move |build: &Build<'_>| -> Box<dyn Operator<T, U>> { Box::new(make(&build.context)) };
        self.transform(name, Box::new(make))
    }

    fn transform<U: Data>(self, name: &str, make: MakeOperator<T, U>) -> Stream<U> {
        let outputs = Outputs::new();
        let next = Rc::clone(&outputs);
        self.attach(name, outputs, |operator| {
            Box::new(OperatorConsumer {
                operator,
                make,
                outputs: next,
            })
        })
    }

    /// One row for one row.
    pub fn map<U: Data>(
        self,
        name: &str,
        function: impl FnMut(T) -> U + Clone + Send + 'static,
    ) -> Stream<U> {
        self.operator(name, move |_| Map(function.clone()))
    }

    /// Any number of rows for one row: `function` emits each to its second argument.
    pub fn flat_map<U: Data>(
        self,
        name: &str,
        function: impl FnMut(T, &mut Collector<'_, U>) + Clone + Send + 'static,
    ) -> Stream<U> {
        self.operator(name, move |_| FlatMap(function.clone()))
    }

    /// Keeps the rows for which `keep` holds.
    pub fn filter(
        self,
        name: &str,
        keep: impl FnMut(&T) -> bool + Clone + Send + 'static,
    ) -> Stream<T> {
        self.operator(name, move |_| Filter(keep.clone()))
    }

    /// Makes watermarks for rows from sources that make none, each subtask by the rows that it sees.
    pub fn assign_watermarks(
        self,
        name: &str,
        timestamp_ms: impl FnMut(&T) -> i64 + Clone + Send + 'static,
        options: SplitWatermarkOptions,
    ) -> Stream<T> {
        self.operator(name, move |_| {
            AssignWatermarks::new(timestamp_ms.clone(), options)
        })
    }

    /// One asynchronous call per row, many under way at once; `make` gives each subtask its caller.
    pub fn async_io<U, C, F>(
        self,
        name: &str,
        options: AsyncOptions,
        make: impl Fn(&SubtaskContext) -> C + 'static,
    ) -> Stream<U>
    where
        U: Data,
        C: FnMut(T) -> F + Send + 'static,
        F: Future<Output = U> + Send + 'static,
    {
        let outputs = Outputs::new();
        let next = Rc::clone(&outputs);
        let marker = PhantomData;
        self.attach(name, outputs, |operator| {
            Box::new(AsyncConsumer {
                operator,
                options,
                make,
                outputs: next,
                marker,
            })
        })
    }

    /// Partitions the stream: rows of equal keys meet in the same subtask of the next operator.
    pub fn key_by<K: Key, F: Fn(&T) -> K + Clone + Send + 'static>(
        self,
        key: F,
    ) -> KeyedStream<K, T, F> {
        KeyedStream {
            stream: self.by(Exchange::Hash),
            key,
            marker: PhantomData,
        }
    }

    /// Ends the stream in a sink; `make` is called once per subtask.
    pub fn sink<S: Sink<T> + 'static>(
        self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> S + 'static,
    ) {
        let _: Stream<()> = self.attach(name, Outputs::new(), |operator| {
            Box::new(SinkConsumer {
                operator,
                make,
                marker: PhantomData,
            })
        });
    }

    /// Ends the stream in a function that is called for every record.
    pub fn for_each(self, name: &str, function: impl FnMut(T) + Clone + Send + 'static) {
        self.sink(name, move |_| ForEach(function.clone()));
    }

    /// Adds the operator and the edge to it, with round-robin or copying routing.
    fn attach<U: Data>(
        self,
        name: &str,
        outputs: Rc<Outputs<U>>,
        consumer: impl FnOnce(OperatorId) -> Box<dyn Consumer<T>>,
    ) -> Stream<U> {
        let broadcast = self.make_broadcast;
        let router = move |context: &RouterContext| -> Box<dyn Router<T>> {
            match broadcast {
                Some(make) => make(),
                None => Box::new(RoundRobin::starting_at(context.sender % context.receivers)),
            }
        };
        self.connect(name, outputs, consumer, Rc::new(router))
    }

    fn connect<U: Data>(
        self,
        name: &str,
        outputs: Rc<Outputs<U>>,
        consumer: impl FnOnce(OperatorId) -> Box<dyn Consumer<T>>,
        router: MakeRouter<T>,
    ) -> Stream<U> {
        let to = self.graph.add(name, None);
        let mut inner = self.graph.inner.borrow_mut();
        inner.operators[to].parallelism = self.next_parallelism;
        let edges = self.made_by.iter().map(|maker| {
            // Left open here: forward at equal parallelism, else rebalance. Deployment decides.
            let (exchange, router) = (self.exchange, Rc::clone(&router));
            let stream = maker.outputs.id();
            let edge = Rc::new(Edge::new(maker.operator, to, exchange, router, stream));
            maker.outputs.add(Rc::clone(&edge));
            edge
        });
        let edges: Vec<Rc<Edge<T>>> = edges.collect();
        if let Some((first, further)) = edges.split_first() {
            first.set_consumer(consumer(to));
            further.iter().for_each(|edge| first.join(Rc::clone(edge)));
        }
        inner
            .edges
            .extend(edges.into_iter().map(|edge| edge as Rc<dyn AnyEdge>));
        drop(inner);
        Stream::new(self.graph, to, outputs)
    }
}

impl<L: Data, R: Data> Stream<Side<L, R>> {
    /// Two streams, one of each side; what takes either may be chained. The stream before the split
    /// cannot be used as well: [`JobGraph::deploy`] refuses that.
    pub fn split(self) -> (Stream<L>, Stream<R>) {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for Maker { operator, outputs } in self.made_by {
            let sides = (Outputs::new(), Outputs::new());
            let (to_left, to_right) = (Rc::clone(&sides.0), Rc::clone(&sides.1));
            outputs.fork_into(Box::new(move |build| {
                let hook = build.hook.take();
                let (left, right) = (to_left.next_stage(build), to_right.next_stage(build));
                Box::new(ForkStage::new(left, right, hook))
            }));
            let uses: CountUses = Box::new(move || outputs.uses());
            self.graph.inner.borrow_mut().forks.push((operator, uses));
            let (outputs, side_outputs) = sides;
            left.push(Maker { operator, outputs });
            let outputs = side_outputs;
            right.push(Maker { operator, outputs });
        }
        let graph = self.graph.clone();
        (
            Stream::made_by(graph, left),
            Stream::made_by(self.graph, right),
        )
    }
}

/// A stream partitioned by key.
pub struct KeyedStream<K, T, F> {
    stream: Stream<T>,
    key: F,
    marker: PhantomData<fn() -> K>,
}

impl<K: Key, T: Data, F: Fn(&T) -> K + Clone + Send + 'static> KeyedStream<K, T, F> {
    /// Adds a keyed operator with state; `make` is called once per subtask.
    pub fn process<U: Data, P: KeyedProcess<K, T, U> + 'static>(
        self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> P + 'static,
    ) -> Stream<U> {
        let key = self.key.clone();
        self.keyed(name, move |build| {
            let mut process = make(&build.context);
            process.open(&mut build.state());
            Box::new(KeyedOperator::new(key.clone(), process, build.key_sketch()))
        })
    }

    /// Adds an operator that is fed by key.
    fn keyed<U: Data>(
        self,
        name: &str,
        make: impl Fn(&Build<'_>) -> Box<dyn Operator<T, U>> + 'static,
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
        let next = Rc::clone(&outputs);
        let consumer = |operator| -> Box<dyn Consumer<T>> {
            Box::new(OperatorConsumer {
                operator,
                make: Box::new(make),
                outputs: next,
            })
        };
        self.stream
            .connect(name, outputs, consumer, Rc::new(router))
    }

    /// Adds a keyed operator with state and timers; `make` is called once per subtask.
    pub fn process_with_timers<U: Data, P: TimedProcess<K, T, U> + 'static>(
        self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> P + 'static,
    ) -> Stream<U> {
        let key = self.key.clone();
        self.keyed(name, move |build| {
            let mut process = make(&build.context);
            process.open(&mut build.state());
            Box::new(TimedOperator::new(key.clone(), process, build.key_sketch()))
        })
    }

    /// Windows or a join in time over the rows of each key, whose event time `timestamp_ms` tells;
    /// `make` builds the core once per subtask. Late rows are dropped, and counted.
    pub fn window<W>(
        self,
        name: &str,
        timestamp_ms: impl Fn(&T) -> i64 + Clone + Send + 'static,
        make: impl Fn(&SubtaskContext) -> W + 'static,
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
        timestamp_ms: impl Fn(&T) -> i64 + Clone + Send + 'static,
        make: impl Fn(&SubtaskContext) -> W + 'static,
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
    pub fn aggregate<A: Aggregate<K, T> + Clone + 'static>(
        self,
        name: &str,
        aggregate: A,
    ) -> Stream<A::Out> {
        self.process(name, move |_| RunningAggregate::new(aggregate.clone()))
    }
}

type MakeBroadcast<T> = fn() -> Box<dyn Router<T>>;
type MakeOperator<T, U> = Box<dyn Fn(&Build<'_>) -> Box<dyn Operator<T, U>>>;

struct OperatorConsumer<T, U> {
    operator: OperatorId,
    make: MakeOperator<T, U>,
    outputs: Rc<Outputs<U>>,
}

impl<T: Data, U: Data> Consumer<T> for OperatorConsumer<T, U> {
    fn stage(&self, build: &Build<'_>) -> Box<dyn Stage<T>> {
        let next = self.outputs.next_stage(build);
        Box::new(OperatorStage::new(
            (self.make)(build),
            next,
            build.counters_of(self.operator),
        ))
    }
}

struct AsyncConsumer<U, M, C> {
    operator: OperatorId,
    options: AsyncOptions,
    make: M,
    outputs: Rc<Outputs<U>>,
    marker: PhantomData<fn() -> C>,
}

impl<T, U, M, C, F> Consumer<T> for AsyncConsumer<U, M, C>
where
    T: Data,
    U: Data,
    M: Fn(&SubtaskContext) -> C,
    C: FnMut(T) -> F + Send + 'static,
    F: Future<Output = U> + Send + 'static,
{
    fn stage(&self, build: &Build<'_>) -> Box<dyn Stage<T>> {
        let mut call = (self.make)(&build.context);
        let start = Box::new(move |value| Box::pin(call(value)) as _);
        let next = self.outputs.next_stage(build);
        Box::new(AsyncStage::new(
            start,
            self.options,
            next,
            build.counters_of(self.operator),
        ))
    }
}

struct SinkConsumer<M, S> {
    operator: OperatorId,
    make: M,
    marker: PhantomData<fn() -> S>,
}

impl<T: Data, M: Fn(&SubtaskContext) -> S, S: Sink<T> + 'static> Consumer<T>
    for SinkConsumer<M, S>
{
    fn stage(&self, build: &Build<'_>) -> Box<dyn Stage<T>> {
        let sink = (self.make)(&build.context);
        Box::new(SinkStage::new(
            Box::new(sink),
            build.counters_of(self.operator),
        ))
    }
}
