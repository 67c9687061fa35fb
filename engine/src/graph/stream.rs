//! Streams: how operators are added behind one another, and how rows get to them.

use std::marker::PhantomData;
use std::sync::Arc;

use super::consumers::{AsyncConsumer, MakeOperator, OperatorConsumer, SinkConsumer};
use super::keyed::KeyedStream;
use super::{CountUses, JobGraph, OperatorNode};
use crate::async_io::AsyncOptions;
use crate::data::{Data, Key};
use crate::edge::{
    AnyEdge, Build, Consumer, Edge, MakeRouter, OperatorId, Outputs, RouterContext, locked,
};
use crate::event_time::assign::AssignWatermarks;
use crate::event_time::splits::SplitWatermarkOptions;
use crate::exchange::{Exchange, RoundRobin, ToAll};
use crate::functions::{Collector, Filter, FlatMap, ForEach, Map};
use crate::operator::{Committer, Operator, Sink, SubtaskContext};
use crate::output::Router;
use crate::side::{ForkStage, Side};

type MakeBroadcast<T> = fn() -> Box<dyn Router<T>>;

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
    outputs: Arc<Outputs<T>>,
}

impl<T> Clone for Maker<T> {
    fn clone(&self) -> Self {
        Maker {
            operator: self.operator,
            outputs: Arc::clone(&self.outputs),
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
    pub(super) fn new(graph: JobGraph, operator: OperatorId, outputs: Arc<Outputs<T>>) -> Self {
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
        let operators = &mut locked(&self.graph.inner).operators;
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

    pub(super) fn by(mut self, exchange: Exchange) -> Self {
        self.exchange = Some(exchange);
        self
    }

    /// Adds an operator that keeps to no pattern below; `make` is called once per subtask.
    pub fn operator<U: Data, O: Operator<T, U> + 'static>(
        self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> O + Send + Sync + 'static,
    ) -> Stream<U> {
        let make =
            move |build: &Build<'_>| -> Box<dyn Operator<T, U>> { Box::new(make(&build.context)) };
        self.transform(name, Box::new(make))
    }

    fn transform<U: Data>(self, name: &str, make: MakeOperator<T, U>) -> Stream<U> {
        let outputs = Outputs::new();
        let next = Arc::clone(&outputs);
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
        function: impl FnMut(T) -> U + Clone + Send + Sync + 'static,
    ) -> Stream<U> {
        self.operator(name, move |_| Map(function.clone()))
    }

    /// Any number of rows for one row: `function` emits each to its second argument.
    pub fn flat_map<U: Data>(
        self,
        name: &str,
        function: impl FnMut(T, &mut Collector<'_, U>) + Clone + Send + Sync + 'static,
    ) -> Stream<U> {
        self.operator(name, move |_| FlatMap(function.clone()))
    }

    /// Keeps the rows for which `keep` holds.
    pub fn filter(
        self,
        name: &str,
        keep: impl FnMut(&T) -> bool + Clone + Send + Sync + 'static,
    ) -> Stream<T> {
        self.operator(name, move |_| Filter(keep.clone()))
    }

    /// Makes watermarks for rows from sources that make none, each subtask by the rows that it sees.
    pub fn assign_watermarks(
        self,
        name: &str,
        timestamp_ms: impl FnMut(&T) -> i64 + Clone + Send + Sync + 'static,
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
        make: impl Fn(&SubtaskContext) -> C + Send + Sync + 'static,
    ) -> Stream<U>
    where
        U: Data,
        C: FnMut(T) -> F + Send + 'static,
        F: Future<Output = U> + Send + 'static,
    {
        let outputs = Outputs::new();
        let next = Arc::clone(&outputs);
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
    pub fn key_by<K: Key, F: Fn(&T) -> K + Clone + Send + Sync + 'static>(
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
        make: impl Fn(&SubtaskContext) -> S + Send + Sync + 'static,
    ) {
        let _: Stream<()> = self.attach(name, Outputs::new(), |operator| {
            Box::new(SinkConsumer {
                operator,
                make,
                marker: PhantomData,
            })
        });
    }

    /// Ends the stream in a sink whose output `committer` makes visible with each checkpoint; `make` is
    /// called once per subtask. The job has to take checkpoints.
    pub fn sink_with_committer<S: Sink<T> + 'static>(
        self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> S + Send + Sync + 'static,
        committer: Arc<dyn Committer>,
    ) {
        let graph = self.graph.clone();
        self.sink(name, make);
        let mut inner = locked(&graph.inner);
        let sink = inner.operators.len() - 1;
        inner.committers.push((sink, committer));
    }

    /// Ends the stream in a function that is called for every record.
    pub fn for_each(self, name: &str, function: impl FnMut(T) + Clone + Send + Sync + 'static) {
        self.sink(name, move |_| ForEach(function.clone()));
    }

    /// Adds the operator and the edge to it, with round-robin or copying routing.
    fn attach<U: Data>(
        self,
        name: &str,
        outputs: Arc<Outputs<U>>,
        consumer: impl FnOnce(OperatorId) -> Box<dyn Consumer<T>>,
    ) -> Stream<U> {
        let broadcast = self.make_broadcast;
        let router = move |context: &RouterContext| -> Box<dyn Router<T>> {
            match broadcast {
                Some(make) => make(),
                None => Box::new(RoundRobin::starting_at(context.sender % context.receivers)),
            }
        };
        self.connect(name, outputs, consumer, Arc::new(router))
    }

    pub(super) fn connect<U: Data>(
        self,
        name: &str,
        outputs: Arc<Outputs<U>>,
        consumer: impl FnOnce(OperatorId) -> Box<dyn Consumer<T>>,
        router: MakeRouter<T>,
    ) -> Stream<U> {
        let to = self.graph.add(name, None);
        let mut inner = locked(&self.graph.inner);
        inner.operators[to].parallelism = self.next_parallelism;
        let edges = self.made_by.iter().enumerate().map(|(number, maker)| {
            let same = self.made_by[..number].iter();
            let same = same.filter(|other| other.operator == maker.operator);
            let nth = same.count();
            // Left open here: forward at equal parallelism, else rebalance. Deployment decides.
            let (exchange, router) = (self.exchange, Arc::clone(&router));
            let stream = maker.outputs.id();
            let edge = Arc::new(Edge::new(maker.operator, to, exchange, router, stream, nth));
            maker.outputs.add(Arc::clone(&edge));
            edge
        });
        let edges: Vec<Arc<Edge<T>>> = edges.collect();
        if let Some((first, further)) = edges.split_first() {
            first.set_consumer(consumer(to));
            further.iter().for_each(|edge| first.join(Arc::clone(edge)));
        }
        inner
            .edges
            .extend(edges.into_iter().map(|edge| edge as Arc<dyn AnyEdge>));
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
            let (to_left, to_right) = (Arc::clone(&sides.0), Arc::clone(&sides.1));
            outputs.fork_into(Box::new(move |build| {
                let hook = build.hook.take();
                let (left, right) = (to_left.next_stage(build), to_right.next_stage(build));
                Box::new(ForkStage::new(left, right, hook))
            }));
            let uses: CountUses = Box::new(move || outputs.uses());
            locked(&self.graph.inner).forks.push((operator, uses));
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
