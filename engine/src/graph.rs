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

mod consumers;
mod keyed;
mod stream;

use std::sync::{Arc, Mutex};

use crate::edge::{AnyEdge, Build, OperatorId, Outputs, locked};
use crate::head::Head;
use crate::head::source_head::SourceHead;
use crate::operator::{Committer, SubtaskContext};
use crate::source::{SentHook, Source};

pub use keyed::KeyedStream;
pub use stream::Stream;

/// A job under construction. Cheap to clone: all clones are the same job.
#[derive(Clone)]
pub struct JobGraph {
    pub(crate) inner: Arc<Mutex<Inner>>,
}

/// Operators and edges in the order in which they were added: every edge leads from an earlier
/// operator to a later one.
pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) operators: Vec<OperatorNode>,
    pub(crate) edges: Vec<Arc<dyn AnyEdge>>,
    /// Operators whose streams are split, and how often those are used.
    pub(crate) forks: Vec<(OperatorId, CountUses)>,
    /// What makes output of sinks visible.
    pub(crate) committers: Vec<(OperatorId, Arc<dyn Committer>)>,
}

type CountUses = Box<dyn Fn() -> usize + Send + Sync>;

pub(crate) struct OperatorNode {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) parallelism: Option<usize>,
    pub(crate) blocking: bool,
    pub(crate) starts_chain: bool,
    pub(crate) source: Option<MakeSourceHead>,
}

pub(crate) type MakeSourceHead = Box<dyn Fn(&Build<'_>) -> Box<dyn Head> + Send + Sync>;

impl JobGraph {
    /// An empty job.
    pub fn new(name: &str) -> Self {
        let inner = Inner {
            name: name.to_owned(),
            operators: Vec::new(),
            edges: Vec::new(),
            forks: Vec::new(),
            committers: Vec::new(),
        };
        JobGraph {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Adds a source; `make` is called once per subtask, and may give a hook that is told when
    /// rows leave the source's task.
    pub fn source<S: Source>(
        &self,
        name: &str,
        make: impl Fn(&SubtaskContext) -> (S, Option<Box<dyn SentHook>>) + Send + Sync + 'static,
    ) -> Stream<S::Out> {
        let outputs = Outputs::new();
        let (next, id) = (Arc::clone(&outputs), locked(&self.inner).operators.len());
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

    /// What makes output of sinks visible, by the uid of the sink.
    pub(crate) fn committers(&self) -> Vec<(String, Arc<dyn Committer>)> {
        let inner = locked(&self.inner);
        let committers = inner.committers.iter();
        let uid = |id: OperatorId| inner.operators[id].uid.clone();
        committers
            .map(|(id, committer)| (uid(*id), Arc::clone(committer)))
            .collect()
    }

    fn add(&self, name: &str, source: Option<MakeSourceHead>) -> OperatorId {
        let operators = &mut locked(&self.inner).operators;
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
