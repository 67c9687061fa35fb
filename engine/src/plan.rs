//! From operators to tasks: which operators share a task, under which names, and whether the graph
//! can be deployed at all.

use crate::checkpoint::storage::StorageError;
use crate::config::{Chaining, JobConfig, Remote};
use crate::edge::OperatorId;
use crate::exchange::Exchange;
use crate::graph::Inner;
use crate::state::StateError;
use crate::state::rocksdb::config::ConfigError;

/// The tasks and channels of a job, as they will run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Tasks; a task's position is its number everywhere else.
    pub tasks: Vec<TaskPlan>,
    /// Edges between tasks; an edge's position is its number everywhere else.
    pub edges: Vec<EdgePlan>,
}

/// One task: a chain of operators that run in the same subtasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPlan {
    /// The head operator's uid.
    pub id: String,
    /// The members' names joined by " -> "; where the chain forks, as in Flink, `a -> (b, c)`.
    pub name: String,
    /// Its operators in order.
    pub members: Vec<MemberPlan>,
    /// Number of subtasks.
    pub parallelism: usize,
}

/// One operator of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPlan {
    /// The operator's uid.
    pub id: String,
    /// The operator's name.
    pub name: String,
}

impl From<StorageError> for DeployError {
    fn from(error: StorageError) -> Self {
        DeployError::Checkpoints(error.to_string())
    }
}

/// One edge between two tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgePlan {
    /// Position of the sending task.
    pub from: usize,
    /// Position of the receiving task.
    pub to: usize,
    /// The exchange.
    pub exchange: Exchange,
    /// Whether it goes over the network.
    pub remote: bool,
}

/// Why a graph cannot be deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The graph has no source.
    #[error("job '{0}' has no source")]
    NoSource(String),
    /// Two operators share a uid.
    #[error("two operators have the uid '{0}'")]
    DuplicateUid(String),
    /// A parallelism of zero.
    #[error("operator '{0}': parallelism must be at least 1")]
    ZeroParallelism(String),
    /// More subtasks than key groups.
    #[error(
        "operator '{operator}': parallelism {parallelism} is above the maximum parallelism {max}"
    )]
    TooParallel {
        /// The keyed operator.
        operator: String,
        /// What it asks for.
        parallelism: usize,
        /// The number of key groups.
        max: usize,
    },
    /// A forward edge between operators of different parallelism.
    #[error(
        "'{from}' ({from_parallelism}) -> '{to}' ({to_parallelism}): forward needs equal parallelism"
    )]
    UnequalForward {
        /// The sending operator.
        from: String,
        /// Its parallelism.
        from_parallelism: usize,
        /// The receiving operator.
        to: String,
        /// Its parallelism.
        to_parallelism: usize,
    },
    /// A chain break before an operator that does not exist.
    #[error("chaining names the operator '{name}', which the job does not have; it has: {known}")]
    UnknownOperator {
        /// The name that was given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// An exchange over the network into an operator that does not exist, or that has none.
    #[error("remote names '{uid}', which is no operator with an input; those are: {known}")]
    UnknownRemote {
        /// The uid that was given.
        uid: String,
        /// The uids there are.
        known: String,
    },
    /// A stream that is split and used in another way, too.
    #[error("'{0}': its stream is split, and used a second time; use one of the two streams twice")]
    SplitAndUsed(String),
    /// A state backend that cannot be opened.
    #[error("{0}")]
    State(StateError),
    /// What was to be kept in RocksDB cannot be kept there.
    #[error("no folder for state in {}: {error}", directory.display())]
    StateDirectory {
        /// Where it was to be.
        directory: std::path::PathBuf,
        /// Why it cannot be there.
        error: std::io::Error,
    },
    /// Options of RocksDB that contradict each other.
    #[error("{0}")]
    RocksDb(ConfigError),
    /// A process could not fill its state.
    #[error("state could not be prepared: {0}")]
    Prepare(String),
    /// The folder of checkpoints, or a checkpoint, cannot be used.
    #[error("{0}")]
    Checkpoints(String),
    /// A checkpoint that does not fit the job.
    #[error("{}: the job cannot go on from this checkpoint: {reason}", checkpoint.display())]
    Restore {
        /// Where it is.
        checkpoint: std::path::PathBuf,
        /// Why not.
        reason: String,
    },
    /// A sink whose output becomes visible with checkpoints, in a job that takes none.
    #[error("'{0}' shows its output when checkpoints are complete: the job has to take some")]
    NeedsCheckpoints(String),
    /// The job was cancelled before it began.
    #[error("the job was cancelled before it began")]
    Cancelled,
    /// Too many blocking subtasks.
    #[error("{subtasks} subtasks hold blocking operators, at most {max} are allowed")]
    TooManyBlocking {
        /// How many there are.
        subtasks: usize,
        /// How many may be.
        max: usize,
    },
    /// A size that must not be zero.
    #[error("{0} must be at least 1")]
    ZeroSize(&'static str),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A plan and how the operators and edges of the graph map onto it.
pub(crate) struct Layout {
    pub(crate) plan: Plan,
    /// Operators of each task, head first.
    pub(crate) members: Vec<Vec<OperatorId>>,
    /// Parallelism of each operator.
    pub(crate) parallelism: Vec<usize>,
    /// Graph edge of each plan edge.
    pub(crate) edges: Vec<usize>,
}

impl Layout {
    /// Checks the graph, decides on chains, and numbers tasks and edges.
    pub(crate) fn new(graph: &Inner, config: &JobConfig) -> Result<Layout, DeployError> {
        let parallelism = check(graph, config)?;
        let mut members: Vec<Vec<OperatorId>> = Vec::new();
        let mut task_of = vec![0; graph.operators.len()];
        for operator in 0..graph.operators.len() {
            match chained_behind(graph, config, &parallelism, operator) {
                Some(before) => task_of[operator] = task_of[before],
                None => {
                    task_of[operator] = members.len();
                    members.push(Vec::new());
                }
            }
            members[task_of[operator]].push(operator);
        }
        let mut edges = Vec::new();
        for (index, edge) in graph.edges.iter().enumerate() {
            let chained = task_of[edge.from()] == task_of[edge.to()];
            edge.set_number((!chained).then_some(edges.len()));
            if !chained {
                edges.push(index);
            }
        }
        let plan = Plan {
            tasks: members
                .iter()
                .map(|m| task_plan(graph, m, parallelism[m[0]]))
                .collect(),
            edges: edges
                .iter()
                .map(|&index| &graph.edges[index])
                .map(|edge| EdgePlan {
                    from: task_of[edge.from()],
                    to: task_of[edge.to()],
                    exchange: edge.exchange(),
                    remote: is_remote(config, &graph.operators[edge.to()].uid),
                })
                .collect(),
        };
        Ok(Layout {
            plan,
            members,
            parallelism,
            edges,
        })
    }
}

/// Whether exchanges into an operator go over the network.
fn is_remote(config: &JobConfig, uid: &str) -> bool {
    match &config.remote {
        Remote::None => false,
        Remote::All => true,
        Remote::Into(uids) => uids.iter().any(|named| named == uid),
    }
}

/// The parallelism of every operator, if the graph can be deployed.
fn check(graph: &Inner, config: &JobConfig) -> Result<Vec<usize>, DeployError> {
    let sizes = [
        (config.slots, "slots"),
        (config.max_parallelism, "max_parallelism"),
        (config.channels.batch, "channels.batch"),
        (config.channels.exclusive, "channels.exclusive"),
    ];
    if config.network.bandwidth_per_s == Some(0) {
        return Err(DeployError::ZeroSize("network.bandwidth_per_s"));
    }
    if let Some((_, name)) = sizes.into_iter().find(|(size, _)| *size == 0) {
        return Err(DeployError::ZeroSize(name));
    }
    if graph
        .operators
        .iter()
        .all(|operator| operator.source.is_none())
    {
        return Err(DeployError::NoSource(graph.name.clone()));
    }
    let mut uids = std::collections::HashSet::new();
    for operator in &graph.operators {
        if !uids.insert(&operator.uid) {
            return Err(DeployError::DuplicateUid(operator.uid.clone()));
        }
    }
    for (operator, uses) in &graph.forks {
        if uses() > 1 {
            let name = graph.operators[*operator].name.clone();
            return Err(DeployError::SplitAndUsed(name));
        }
    }
    check_breaks(graph, config)?;
    check_remote(graph, config)?;
    let parallelism: Vec<usize> = graph
        .operators
        .iter()
        .map(|operator| operator.parallelism.unwrap_or(config.parallelism))
        .collect();
    if let Some(zero) = parallelism.iter().position(|&p| p == 0) {
        return Err(DeployError::ZeroParallelism(
            graph.operators[zero].name.clone(),
        ));
    }
    check_exchanges(graph, config, &parallelism)?;
    let blocking = graph
        .operators
        .iter()
        .zip(&parallelism)
        .filter(|(o, _)| o.blocking);
    let subtasks: usize = blocking.map(|(_, &parallelism)| parallelism).sum();
    if subtasks > config.max_blocking_subtasks {
        return Err(DeployError::TooManyBlocking {
            subtasks,
            max: config.max_blocking_subtasks,
        });
    }
    Ok(parallelism)
}

fn check_breaks(graph: &Inner, config: &JobConfig) -> Result<(), DeployError> {
    let Chaining::BrokenBefore(names) = &config.chaining else {
        return Ok(());
    };
    let known = || {
        graph
            .operators
            .iter()
            .map(|operator| operator.name.as_str())
    };
    match names
        .iter()
        .find(|name| known().all(|known| known != name.as_str()))
    {
        None => Ok(()),
        Some(name) => Err(DeployError::UnknownOperator {
            name: name.clone(),
            known: known().collect::<Vec<_>>().join(", "),
        }),
    }
}

fn check_remote(graph: &Inner, config: &JobConfig) -> Result<(), DeployError> {
    let Remote::Into(uids) = &config.remote else {
        return Ok(());
    };
    let operators = graph.operators.iter();
    let known = operators.filter(|operator| operator.source.is_none());
    let known: Vec<&str> = known.map(|operator| operator.uid.as_str()).collect();
    let unknown = uids.iter().find(|uid| !known.contains(&uid.as_str()));
    unknown.map_or(Ok(()), |uid| {
        Err(DeployError::UnknownRemote {
            uid: uid.clone(),
            known: known.join(", "),
        })
    })
}

fn check_exchanges(
    graph: &Inner,
    config: &JobConfig,
    parallelism: &[usize],
) -> Result<(), DeployError> {
    for edge in &graph.edges {
        let (from, to) = (edge.from(), edge.to());
        match edge.settle(parallelism) {
            Exchange::Forward if parallelism[from] != parallelism[to] => {
                return Err(DeployError::UnequalForward {
                    from: graph.operators[from].name.clone(),
                    from_parallelism: parallelism[from],
                    to: graph.operators[to].name.clone(),
                    to_parallelism: parallelism[to],
                });
            }
            Exchange::Hash if parallelism[to] > config.max_parallelism => {
                return Err(DeployError::TooParallel {
                    operator: graph.operators[to].name.clone(),
                    parallelism: parallelism[to],
                    max: config.max_parallelism,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The operator in whose task `operator` runs, if it is chained: it has one input, the exchange is
/// forward, neither side asks for a break, its input is not said to be remote, and it is the only consumer of the stream. (Flink also chains several consumers of one
/// operator; here each gets a channel.)
fn chained_behind(
    graph: &Inner,
    config: &JobConfig,
    parallelism: &[usize],
    operator: OperatorId,
) -> Option<OperatorId> {
    let node = &graph.operators[operator];
    let is_named = matches!(&config.remote, Remote::Into(uids) if uids.contains(&node.uid));
    let allowed = !is_named
        && match &config.chaining {
            Chaining::On => true,
            Chaining::Off => false,
            Chaining::BrokenBefore(names) => !names.contains(&node.name),
        };
    let mut inputs = graph.edges.iter().filter(|edge| edge.to() == operator);
    let (edge, None) = (inputs.next()?, inputs.next()) else {
        return None;
    };
    let from = edge.from();
    let mut edges = graph.edges.iter();
    let only_consumer = !edges.any(|e| e.stream() == edge.stream() && e.to() != operator);
    let fits = edge.exchange() == Exchange::Forward && parallelism[from] == parallelism[operator];
    (allowed && !node.starts_chain && only_consumer && fits).then_some(from)
}

/// The name of a chain from one of its operators on.
fn chain_name(graph: &Inner, members: &[OperatorId], from: OperatorId) -> String {
    let edges = graph.edges.iter().filter(|edge| edge.from() == from);
    let behind = edges.filter(|edge| members.contains(&edge.to()));
    let behind: Vec<String> = behind
        .map(|edge| chain_name(graph, members, edge.to()))
        .collect();
    let name = &graph.operators[from].name;
    match behind.as_slice() {
        [] => name.clone(),
        [only] => format!("{name} -> {only}"),
        several => format!("{name} -> ({})", several.join(", ")),
    }
}

fn task_plan(graph: &Inner, members: &[OperatorId], parallelism: usize) -> TaskPlan {
    let name = chain_name(graph, members, members[0]);
    let members: Vec<MemberPlan> = members
        .iter()
        .map(|&id| &graph.operators[id])
        .map(|operator| MemberPlan {
            id: operator.uid.clone(),
            name: operator.name.clone(),
        })
        .collect();
    TaskPlan {
        id: members[0].id.clone(),
        name,
        parallelism,
        members,
    }
}
