//! A logical edge of the graph with its type: it opens the channels and builds what stands at
//! either end of them, so that everything that knows the row type stays in one place.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::batch::codec::Codec;
use crate::checkpoint::parts::IN_FLIGHT;
use crate::clock::nanos;
use crate::config::{JobConfig, NetworkConfig};
use crate::data::{Data, Key};
use crate::exchange::Exchange;
use crate::gate::{Gate, GateProbe};
use crate::head::Head;
use crate::head::gate_head::{GateHead, InputEdge};
use crate::link::SharedLink;
use crate::operator::SubtaskContext;
use crate::output::{Buffers, ChannelTo, Output, OutputStage, Router, Wire};
use crate::source::SentHook;
use crate::stage::{MemberCounters, Stage};
use crate::state::backend::KeyedBackend;
use crate::state::probe::StateProbe;
use crate::state::rocksdb::shared::SharedResources;
use crate::state::{StateContext, StateError};
use crate::top_keys::{KeyProbe, KeySketch};
use crate::wake::Wake;

/// Position of an operator in the graph.
pub(crate) type OperatorId = usize;

/// What is known while one subtask is built.
pub(crate) struct Build<'a> {
    pub(crate) context: SubtaskContext,
    pub(crate) config: &'a JobConfig,
    /// Parallelism and counters of every operator.
    pub(crate) parallelism: &'a [usize],
    pub(crate) counters: &'a [Arc<MemberCounters>],
    /// Sketches of the task's keyed operators.
    pub(crate) key_probes: RefCell<Vec<Arc<dyn KeyProbe>>>,
    pub(crate) state: BuildState,
    /// A source's hook on its way to the end of its chain.
    pub(crate) hook: RefCell<Option<Box<dyn SentHook>>>,
    /// Sinks that cannot take back what they have been given.
    pub(crate) keeps_output: RefCell<Vec<String>>,
    /// The plan edges that leave the task.
    pub(crate) outputs: &'a [usize],
}

/// What building one subtask needs for state, and finds out about it.
#[derive(Default)]
pub(crate) struct BuildState {
    /// What all databases of the job share; none if state is on the heap.
    pub(crate) resources: Option<Arc<SharedResources>>,
    pub(crate) probes: RefCell<Vec<StateProbe>>,
    pub(crate) failure: RefCell<Option<StateError>>,
}

impl Build<'_> {
    /// Lets a keyed operator open its states. A failure is kept, to end the deployment once this
    /// subtask stands.
    pub(crate) fn open_state<R>(
        &self,
        open: impl FnOnce(&mut StateContext) -> R,
    ) -> (KeyedBackend, R) {
        let shared = self.state.resources.clone();
        let mut context = StateContext::new(shared, self.config.max_parallelism);
        let opened = open(&mut context);
        let backend = context.finish().unwrap_or_else(|error| {
            self.state.failure.replace(Some(error));
            KeyedBackend::default()
        });
        self.state.probes.borrow_mut().extend(backend.probe());
        (backend, opened)
    }

    /// A sketch that can be read while its owner runs.
    pub(crate) fn key_sketch<K: Key>(&self) -> KeySketch<K> {
        let sketch = KeySketch::new();
        self.key_probes.borrow_mut().push(Arc::new(sketch.clone()));
        sketch
    }

    pub(crate) fn uid_of(&self, operator: OperatorId) -> String {
        self.counters[operator].uid().to_owned()
    }

    pub(crate) fn counters_of(&self, operator: OperatorId) -> Arc<MemberCounters> {
        Arc::clone(&self.counters[operator])
    }
}

/// Graphs are described by one thread at a time; nothing under these locks can be left half-done.
pub(crate) fn locked<T>(cell: &Mutex<T>) -> MutexGuard<'_, T> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What builds the chain link of a consuming operator.
pub(crate) trait Consumer<T>: Send + Sync {
    fn stage(&self, build: &Build<'_>) -> Box<dyn Stage<T>>;
}

/// Makes a sending subtask's router.
pub(crate) type MakeRouter<T> = Arc<dyn Fn(&RouterContext) -> Box<dyn Router<T>> + Send + Sync>;

/// What a router may know.
pub(crate) struct RouterContext {
    pub(crate) sender: usize,
    pub(crate) receivers: usize,
    pub(crate) max_parallelism: usize,
}

/// An edge that carries rows of type `T`.
pub(crate) struct Edge<T> {
    from: OperatorId,
    to: OperatorId,
    /// `None` until deployment knows both parallelisms.
    exchange: Mutex<Option<Exchange>>,
    make_router: MakeRouter<T>,
    /// Tells streams of one operator apart, of which one with a side output has two.
    stream: StreamId,
    consumer: OnceLock<Box<dyn Consumer<T>>>,
    /// The further input edges of a consumer that has this one as its first.
    further: Mutex<Vec<Arc<Edge<T>>>>,
    /// Its position among the plan's edges; none if it is inside a chain.
    number: Mutex<Option<usize>>,
    gates: Mutex<Vec<Arc<Gate<T>>>>,
    /// Of each sending subtask, if it goes over a network.
    links: Mutex<Vec<SharedLink>>,
    codec: Codec<T>,
    /// Which one of the edges between the two operators it is.
    nth: usize,
}

impl<T: Data> Edge<T> {
    pub(crate) fn new(
        from: OperatorId,
        to: OperatorId,
        exchange: Option<Exchange>,
        make_router: MakeRouter<T>,
        stream: StreamId,
        nth: usize,
    ) -> Self {
        Edge {
            from,
            to,
            codec: Codec::new(),
            nth,
            exchange: Mutex::new(exchange),
            make_router,
            stream,
            consumer: OnceLock::new(),
            further: Mutex::default(),
            number: Mutex::default(),
            gates: Mutex::default(),
            links: Mutex::default(),
        }
    }
}

impl<T: Send + 'static> Edge<T> {
    pub(crate) fn set_consumer(&self, consumer: Box<dyn Consumer<T>>) {
        let set = self.consumer.set(consumer);
        debug_assert!(set.is_ok(), "an edge has one consumer");
    }

    /// Lets the consumer of this edge take the rows of `edge` as well.
    pub(crate) fn join(&self, edge: Arc<Edge<T>>) {
        locked(&self.further).push(edge);
    }

    fn consumer(&self) -> &dyn Consumer<T> {
        self.consumer
            .get()
            .expect("set when the edge was made")
            .as_ref()
    }

    fn number(&self) -> usize {
        locked(&self.number).expect("only edges between tasks have ends")
    }

    /// The sending end for one subtask.
    fn output(&self, build: &Build<'_>) -> Output<T> {
        let (from, to) = (build.parallelism[self.from], build.parallelism[self.to]);
        let sender = build.context.index;
        let gates = locked(&self.gates);
        let channels = self.exchange().targets(sender, from, to).into_iter();
        let channels = channels.map(|(receiver, index)| ChannelTo {
            gate: Arc::clone(&gates[receiver]),
            index,
            receiver,
        });
        let batch = build.config.channels.batch;
        let link = locked(&self.links).get(sender).cloned();
        let wire = link.map(|link| Wire::new(self.codec, link));
        let buffers = Buffers::new(self.number(), channels.collect(), wire, batch);
        let router = self.router(sender, to, build);
        let mut outputs = build.outputs.iter();
        let position = outputs.position(|&edge| edge == self.number());
        let position = position.expect("this edge leaves this task");
        let name = (
            build.uid_of(self.from),
            self.sent_name(&build.uid_of(self.to)),
        );
        Output::new(position, name, self.codec, buffers, router)
    }

    fn router(&self, sender: usize, receivers: usize, build: &Build<'_>) -> Box<dyn Router<T>> {
        (self.make_router)(&RouterContext {
            sender,
            receivers,
            max_parallelism: build.config.max_parallelism,
        })
    }
}

type Cloner<T> = fn(&T) -> T;
type MakeStage<T> = Box<dyn Fn(&Build<'_>) -> Box<dyn Stage<T>> + Send + Sync>;

/// Tells the streams of a job apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamId(usize);

/// The consumers of one stream: edges, or a fork into two other streams.
pub(crate) struct Outputs<T> {
    edges: Mutex<Vec<Arc<Edge<T>>>>,
    fork: OnceLock<MakeStage<T>>,
    forks: AtomicUsize,
    cloner: OnceLock<Cloner<T>>,
}

impl<T: Send + 'static> Outputs<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Outputs {
            edges: Mutex::default(),
            fork: OnceLock::new(),
            forks: AtomicUsize::new(0),
            cloner: OnceLock::new(),
        })
    }

    pub(crate) fn id(self: &Arc<Self>) -> StreamId {
        StreamId(Arc::as_ptr(self).addr())
    }

    pub(crate) fn add(&self, edge: Arc<Edge<T>>) {
        locked(&self.edges).push(edge);
    }

    /// Ends the stream in `stage`, which leads on to others.
    pub(crate) fn fork_into(&self, stage: MakeStage<T>) {
        // Of two forks the job is refused: which one is kept does not matter.
        let _ = self.fork.set(stage);
        self.forks.fetch_add(1, Relaxed);
    }

    /// How often the stream is used, as a whole or split.
    pub(crate) fn uses(&self) -> usize {
        locked(&self.edges).len() + self.forks.load(Relaxed)
    }

    pub(crate) fn set_cloner(&self, cloner: Cloner<T>) {
        // The second time it is the same one.
        let _ = self.cloner.set(cloner);
    }

    /// What stands behind the operator that makes this stream: the chained consumer, or channels.
    pub(crate) fn next_stage(&self, build: &Build<'_>) -> Box<dyn Stage<T>> {
        if let Some(fork) = self.fork.get() {
            return fork(build);
        }
        let edges = locked(&self.edges);
        if let [edge] = edges.as_slice()
            && locked(&edge.number).is_none()
        {
            return edge.consumer().stage(build);
        }
        let outputs = edges.iter().map(|edge| edge.output(build)).collect();
        let timeout_ns = nanos(build.config.channels.flush_timeout);
        Box::new(OutputStage::new(
            outputs,
            self.cloner.get().copied(),
            build.hook.take(),
            timeout_ns,
        ))
    }
}

/// What others may know of the channels of an edge.
pub(crate) struct OpenedEdge {
    pub(crate) gates: Vec<Arc<dyn GateProbe>>,
    pub(crate) links: Vec<SharedLink>,
}

/// An edge whatever it carries.
pub(crate) trait AnyEdge: Send + Sync {
    fn from(&self) -> OperatorId;
    fn to(&self) -> OperatorId;
    /// The stream that it carries.
    fn stream(&self) -> StreamId;
    fn exchange(&self) -> Exchange;
    /// Fixes an exchange that the user left open: forward at equal parallelism, else rebalance.
    fn settle(&self, parallelism: &[usize]) -> Exchange;
    /// Its position among the plan's edges; none puts it inside a chain.
    fn set_number(&self, number: Option<usize>);
    /// Under which name checkpoints keep what a sender has not sent over this edge: the uid of the
    /// operator that reads, and which one of the edges between the two it is.
    fn sent_name(&self, to: &str) -> String;
    /// Opens the gates of all receiving subtasks, and over a network the links of all sending ones.
    fn open(
        &self,
        senders: &[Arc<Wake>],
        receivers: &[Arc<Wake>],
        network: Option<&NetworkConfig>,
        config: &JobConfig,
    ) -> OpenedEdge;
    /// The receiving end for one subtask, for all input edges of its task; asked of the first.
    fn head(&self, build: &Build<'_>) -> Box<dyn Head>;
}

impl<T: Send + 'static> AnyEdge for Edge<T> {
    fn from(&self) -> OperatorId {
        self.from
    }

    fn to(&self) -> OperatorId {
        self.to
    }

    fn stream(&self) -> StreamId {
        self.stream
    }

    fn exchange(&self) -> Exchange {
        locked(&self.exchange).unwrap_or(Exchange::Rebalance)
    }

    fn settle(&self, parallelism: &[usize]) -> Exchange {
        let equal = parallelism[self.from] == parallelism[self.to];
        let default = if equal {
            Exchange::Forward
        } else {
            Exchange::Rebalance
        };
        *locked(&self.exchange).get_or_insert(default)
    }

    fn sent_name(&self, to: &str) -> String {
        format!("{IN_FLIGHT}{to}/{}", self.nth)
    }

    fn set_number(&self, number: Option<usize>) {
        *locked(&self.number) = number;
    }

    fn open(
        &self,
        senders: &[Arc<Wake>],
        receivers: &[Arc<Wake>],
        network: Option<&NetworkConfig>,
        config: &JobConfig,
    ) -> OpenedEdge {
        let gates: Vec<Arc<Gate<T>>> = receivers
            .iter()
            .enumerate()
            .map(|(receiver, bell)| {
                let channels = self
                    .exchange()
                    .senders(receiver, senders.len(), receivers.len());
                let channels = channels
                    .into_iter()
                    .map(|from| (from, Arc::clone(&senders[from])));
                let bell = Arc::clone(bell);
                let config = &config.channels;
                Arc::new(Gate::new(
                    channels.collect(),
                    bell,
                    config,
                    network.is_some(),
                ))
            })
            .collect();
        let probes = gates
            .iter()
            .map(|gate| Arc::clone(gate) as Arc<dyn GateProbe>)
            .collect();
        *locked(&self.gates) = gates;
        let links = network.into_iter();
        let links = links.flat_map(|network| senders.iter().map(|_| SharedLink::new(network)));
        let links: Vec<SharedLink> = links.collect();
        locked(&self.links).clone_from(&links);
        OpenedEdge {
            gates: probes,
            links,
        }
    }

    fn head(&self, build: &Build<'_>) -> Box<dyn Head> {
        let input = |edge: &Edge<T>| InputEdge {
            number: edge.number(),
            gate: Arc::clone(&locked(&edge.gates)[build.context.index]),
            exchange: edge.exchange(),
            sender: build.uid_of(edge.from),
            sent_name: edge.sent_name(&build.uid_of(edge.to)),
            router: edge.router(0, build.context.parallelism, build),
        };
        let further = locked(&self.further);
        let further = further.iter().map(|edge| input(edge));
        let inputs = [input(self)].into_iter().chain(further).collect();
        let operator = build.uid_of(self.to);
        let first = self.consumer().stage(build);
        Box::new(GateHead::new(operator, inputs, self.codec, first))
    }
}
