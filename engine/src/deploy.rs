//! From a graph to subtasks that are ready to run: gates are opened, chains are built, nothing is
//! started yet.

use std::sync::Arc;

use crate::config::JobConfig;
use crate::edge::Build;
use crate::gate::GateProbe;
use crate::graph::{Inner, JobGraph};
use crate::head::Head;
use crate::job::Job;
use crate::operator::SubtaskContext;
use crate::plan::{DeployError, Layout, Plan};
use crate::stage::MemberCounters;
use crate::subtask::SubtaskShared;
use crate::top_keys::KeyProbe;
use crate::wake::Wake;

impl JobGraph {
    /// Checks the graph and builds every subtask and channel.
    pub fn deploy(&self, config: JobConfig) -> Result<Deployed, DeployError> {
        let graph = self.inner.borrow();
        let layout = Layout::new(&graph, &config)?;
        let counters: Vec<Arc<MemberCounters>> = graph
            .operators
            .iter()
            .map(|_| Arc::new(MemberCounters::default()))
            .collect();
        let bells: Vec<Vec<Arc<Wake>>> = layout
            .plan
            .tasks
            .iter()
            .map(|task| {
                (0..task.parallelism)
                    .map(|_| Arc::new(Wake::default()))
                    .collect()
            })
            .collect();
        let gates = open_gates(&graph, &layout, &bells, &config);
        let built = build_subtasks(&graph, &layout, &bells, &counters, &config);
        let member_counters = layout
            .members
            .iter()
            .map(|members| {
                members
                    .iter()
                    .map(|&id| Arc::clone(&counters[id]))
                    .collect()
            })
            .collect();
        Ok(Deployed {
            plan: layout.plan,
            config,
            subtasks: built.subtasks,
            gates,
            member_counters,
            key_probes: built.key_probes,
        })
    }
}

/// A job whose parts stand, and do not run yet.
pub struct Deployed {
    pub(crate) plan: Plan,
    pub(crate) config: JobConfig,
    pub(crate) subtasks: Vec<DeployedSubtask>,
    /// Gates of every plan edge, one per receiving subtask.
    pub(crate) gates: Vec<Vec<Arc<dyn GateProbe>>>,
    /// Counters of every task's members.
    pub(crate) member_counters: Vec<Vec<Arc<MemberCounters>>>,
    /// Sketches of every task's keyed subtasks.
    pub(crate) key_probes: Vec<Vec<Arc<dyn KeyProbe>>>,
}

pub(crate) struct DeployedSubtask {
    pub(crate) head: Box<dyn Head>,
    pub(crate) blocking: bool,
    pub(crate) shared: Arc<SubtaskShared>,
}

impl Deployed {
    /// The tasks and edges.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Starts every subtask, sources last. Job time begins here.
    pub fn start(self) -> Result<Job, DeployError> {
        Job::start(self)
    }
}

fn open_gates(
    graph: &Inner,
    layout: &Layout,
    bells: &[Vec<Arc<Wake>>],
    config: &JobConfig,
) -> Vec<Vec<Arc<dyn GateProbe>>> {
    let edges = layout.plan.edges.iter().zip(&layout.edges);
    edges
        .map(|(plan, &edge)| {
            graph.edges[edge].open(&bells[plan.from], &bells[plan.to], &config.channels)
        })
        .collect()
}

/// Subtasks, and per task the sketches of its keyed operators.
#[derive(Default)]
struct Built {
    subtasks: Vec<DeployedSubtask>,
    key_probes: Vec<Vec<Arc<dyn KeyProbe>>>,
}

fn build_subtasks(
    graph: &Inner,
    layout: &Layout,
    bells: &[Vec<Arc<Wake>>],
    counters: &[Arc<MemberCounters>],
    config: &JobConfig,
) -> Built {
    let mut built = Built::default();
    for (task, members) in layout.members.iter().enumerate() {
        let first = &graph.operators[members[0]];
        let input = graph.edges.iter().find(|edge| edge.to() == members[0]);
        let edges = layout.plan.edges.iter().enumerate();
        let outputs = edges.filter(|(_, edge)| edge.from == task);
        let outputs: Vec<usize> = outputs.map(|(number, _)| number).collect();
        let parallelism = layout.plan.tasks[task].parallelism;
        let mut key_probes = Vec::new();
        for (index, wake) in bells[task].iter().enumerate() {
            let build = Build {
                context: SubtaskContext { index, parallelism },
                config,
                parallelism: &layout.parallelism,
                counters,
                key_probes: Vec::new().into(),
                hook: None.into(),
                outputs: &outputs,
            };
            let head = match (&first.source, input) {
                (Some(source), _) => source(&build),
                (None, Some(edge)) => edge.head(&build),
                (None, None) => unreachable!("an operator is a source or has an input"),
            };
            let wake = Arc::clone(wake);
            let is_source = first.source.is_some();
            key_probes.extend(build.key_probes.into_inner());
            built.subtasks.push(DeployedSubtask {
                head,
                blocking: members.iter().any(|&id| graph.operators[id].blocking),
                shared: Arc::new(SubtaskShared::new(
                    task,
                    index,
                    is_source,
                    outputs.len(),
                    wake,
                )),
            });
        }
        built.key_probes.push(key_probes);
    }
    built
}
