//! From a graph to subtasks that are ready to run: gates are opened, chains are built, what a checkpoint
//! holds is taken over. Nothing is started yet.

use std::sync::Arc;

use crate::checkpoint::restore::{Start, Way, check_operators};
use crate::checkpoint::storage::Storage;
use crate::checkpoint::taking::RestoredTask;
use crate::config::JobConfig;
use crate::edge::{Build, BuildState, OperatorId, locked};
use crate::gate::GateProbe;
use crate::graph::{Inner, JobGraph};
use crate::head::Head;
use crate::head::latch::Latch;
use crate::job::Job;
use crate::link::SharedLink;
use crate::operator::SubtaskContext;
use crate::plan::{DeployError, Layout, Plan};
use crate::prepare::{Preparation, prepare_all};
use crate::stage::MemberCounters;
use crate::state::probe::StateProbe;
use crate::state::rocksdb::shared::SharedResources;
use crate::subtask::SubtaskShared;
use crate::top_keys::KeyProbe;
use crate::wake::Wake;

impl JobGraph {
    /// Checks the graph, and builds every subtask and channel. If the job is to go on from a checkpoint,
    /// its parts take over what that holds.
    pub fn deploy(&self, config: JobConfig) -> Result<Deployed, DeployError> {
        let storage = match &config.checkpoints {
            Some(checkpoints) => Some(Storage::open(&checkpoints.directory, checkpoints.retained)?),
            None => None,
        };
        let start = Start::choose(&config.restore, storage.as_ref())?;
        let ready = self.build(&config, start.as_ref())?;
        Ok(Deployed {
            graph: self.clone(),
            config,
            storage,
            start,
            ready,
            preparation: Preparation::default(),
        })
    }

    /// Builds every subtask and channel of one attempt.
    pub(crate) fn build(
        &self,
        config: &JobConfig,
        start: Option<&Start>,
    ) -> Result<Ready, DeployError> {
        let graph = locked(&self.inner);
        let layout = Layout::new(&graph, config)?;
        if let Some(start) = start {
            let uid = |id: OperatorId| graph.operators[id].uid.clone();
            let edges = layout.edges.iter().map(|&edge| &graph.edges[edge]);
            let ways = edges.map(|edge| {
                let (from, to) = (uid(edge.from()), uid(edge.to()));
                let name = edge.sent_name(&to);
                (from, to, name)
            });
            let ways: Vec<Way> = ways.collect();
            check_operators(&graph, config, start, &ways)?;
        }
        let counters: Vec<Arc<MemberCounters>> = graph
            .operators
            .iter()
            .map(|operator| Arc::new(MemberCounters::new(&operator.uid)))
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
        let (gates, links) = open_gates(&graph, &layout, &bells, config);
        let state = SharedResources::of(&config.state_backend)?;
        let mut built = build_subtasks(&graph, &layout, &bells, &counters, config, state)?;
        if let Some(start) = start {
            start.check_sinks(config, &built.keeps_output)?;
            restore(&mut built.subtasks, &links, start, config)?;
        }
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
        Ok(Ready {
            plan: layout.plan,
            slots: config.slots,
            subtasks: built.subtasks,
            gates,
            links,
            member_counters,
            key_probes: built.key_probes,
            state_probes: built.state_probes,
        })
    }
}

/// A job whose parts stand, and do not run yet.
pub struct Deployed {
    /// To be built again after a failure.
    pub(crate) graph: JobGraph,
    pub(crate) config: JobConfig,
    pub(crate) storage: Option<Storage>,
    /// The checkpoint that it goes on from.
    pub(crate) start: Option<Start>,
    pub(crate) ready: Ready,
    pub(crate) preparation: Preparation,
}

type Gates = Vec<Vec<Arc<dyn GateProbe>>>;
type Links = Vec<NetworkLink>;

/// A link between two tasks.
#[derive(Clone)]
pub(crate) struct NetworkLink {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) link: SharedLink,
}

/// The parts of one attempt of a job.
pub(crate) struct Ready {
    pub(crate) plan: Plan,
    pub(crate) slots: usize,
    pub(crate) subtasks: Vec<DeployedSubtask>,
    /// Gates of every plan edge, one per receiving subtask.
    pub(crate) gates: Gates,
    /// Every link over the network.
    pub(crate) links: Links,
    /// Counters of every task's members.
    pub(crate) member_counters: Vec<Vec<Arc<MemberCounters>>>,
    /// Sketches of every task's keyed subtasks.
    pub(crate) key_probes: Vec<Vec<Arc<dyn KeyProbe>>>,
    /// Every subtask with state, as others see it.
    pub(crate) state_probes: Vec<SubtaskState>,
}

/// The state of a subtask, as others see it.
pub(crate) struct SubtaskState {
    pub(crate) task: usize,
    pub(crate) subtask: usize,
    pub(crate) probe: StateProbe,
}

pub(crate) struct DeployedSubtask {
    pub(crate) head: Box<dyn Head>,
    pub(crate) context: SubtaskContext,
    pub(crate) blocking: bool,
    pub(crate) shared: Arc<SubtaskShared>,
}

impl Deployed {
    /// The tasks and edges.
    pub fn plan(&self) -> &Plan {
        &self.ready.plan
    }

    /// A handle on the preparation that [`start`](Self::start) begins with.
    pub fn preparation(&self) -> Preparation {
        self.preparation.clone()
    }

    /// Number of the checkpoint that the job goes on from, if it does.
    pub fn restored_checkpoint(&self) -> Option<u64> {
        Some(self.start.as_ref()?.checkpoint())
    }

    /// Lets all processes fill their state, unless the job goes on from a checkpoint; then starts every
    /// subtask, sources last. Job time begins after the preparation, or where the checkpoint began.
    pub fn start(self) -> Result<Job, DeployError> {
        Job::start(self)
    }
}

impl Ready {
    /// Lets all processes fill their state.
    pub(crate) fn prepare(
        &mut self,
        config: &JobConfig,
        preparation: &Preparation,
    ) -> Result<(), DeployError> {
        let (slots, groups) = (config.slots, config.max_parallelism);
        prepare_all(&mut self.subtasks, slots, groups, preparation)
    }
}

/// Lets all subtasks take over what belongs to them.
fn restore(
    subtasks: &mut [DeployedSubtask],
    links: &[NetworkLink],
    start: &Start,
    config: &JobConfig,
) -> Result<(), DeployError> {
    let tasks = subtasks.iter().map(|subtask| subtask.shared.task);
    let latches = (0..tasks.max().map_or(0, |last| last + 1)).map(|task| {
        let own = subtasks.iter().filter(|it| it.shared.task == task);
        let bells = own.map(|subtask| Arc::clone(&subtask.shared.wake));
        let links = links.iter().filter(|link| link.from == task);
        let links = links.map(|link| link.link.clone());
        Arc::new(Latch::new(bells.collect(), links.collect()))
    });
    let latches: Vec<Arc<Latch>> = latches.collect();
    for subtask in subtasks {
        let task = RestoredTask {
            latch: Arc::clone(&latches[subtask.shared.task]),
            checkpoint: start.loaded(),
            subtask: subtask.context,
            max_parallelism: config.max_parallelism,
        };
        let restored = subtask.head.restore(&task);
        restored.map_err(|error| DeployError::Restore {
            checkpoint: start.path().to_owned(),
            reason: error.to_string(),
        })?;
    }
    Ok(())
}

fn open_gates(
    graph: &Inner,
    layout: &Layout,
    bells: &[Vec<Arc<Wake>>],
    config: &JobConfig,
) -> (Gates, Links) {
    let (mut gates, mut links) = (Gates::new(), Links::new());
    for (plan, &edge) in layout.plan.edges.iter().zip(&layout.edges) {
        let network = plan.remote.then_some(&config.network);
        let (from, to) = (&bells[plan.from], &bells[plan.to]);
        let opened = graph.edges[edge].open(from, to, network, config);
        gates.push(opened.gates);
        links.extend(opened.links.into_iter().map(|link| NetworkLink {
            from: plan.from,
            to: plan.to,
            link,
        }));
    }
    (gates, links)
}

/// Subtasks, and per task the sketches of its keyed operators.
#[derive(Default)]
struct Built {
    subtasks: Vec<DeployedSubtask>,
    key_probes: Vec<Vec<Arc<dyn KeyProbe>>>,
    state_probes: Vec<SubtaskState>,
    /// Sinks that cannot take output back.
    keeps_output: Vec<String>,
}

fn build_subtasks(
    graph: &Inner,
    layout: &Layout,
    bells: &[Vec<Arc<Wake>>],
    counters: &[Arc<MemberCounters>],
    config: &JobConfig,
    state: Option<Arc<SharedResources>>,
) -> Result<Built, DeployError> {
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
                state: BuildState {
                    resources: state.clone(),
                    ..BuildState::default()
                },
                hook: None.into(),
                keeps_output: Vec::new().into(),
                outputs: &outputs,
            };
            let head = match (&first.source, input) {
                (Some(source), _) => source(&build),
                (None, Some(edge)) => edge.head(&build),
                (None, None) => unreachable!("an operator is a source or has an input"),
            };
            let wake = Arc::clone(wake);
            let is_source = first.source.is_some();
            if let Some(error) = build.state.failure.take() {
                return Err(DeployError::State(error));
            }
            key_probes.extend(build.key_probes.into_inner());
            built.keeps_output.extend(build.keeps_output.into_inner());
            let probes = build.state.probes.into_inner();
            // Access to a disk may take long, and must not keep a worker from other subtasks.
            let unbooked = probes.iter().find_map(StateProbe::unbooked).cloned();
            let on_disk = unbooked.is_some();
            built
                .state_probes
                .extend(probes.into_iter().map(|probe| SubtaskState {
                    task,
                    subtask: index,
                    probe,
                }));
            let number = built.subtasks.len();
            built.subtasks.push(DeployedSubtask {
                head,
                context: SubtaskContext { index, parallelism },
                blocking: on_disk || members.iter().any(|&id| graph.operators[id].blocking),
                shared: Arc::new(SubtaskShared::new(
                    number,
                    (task, index),
                    is_source,
                    outputs.len(),
                    wake,
                    unbooked,
                )),
            });
        }
        built.key_probes.push(key_probes);
    }
    Ok(built)
}
