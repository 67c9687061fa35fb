//! The embedded engine as a target: the one place in the harness that knows its API.
//!
//! Positions in the engine's plan become ids, its counters the rows of the record. Usage of
//! channels is formed here, because only here is known which channels belong to which subtask.

mod checkpoints;
mod events;
mod rows;
mod states;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{Clock, Deployed, Job, JobEnd, JobReport, Outcome, Plan, RestoreFrom};
use reports::record::{Edge, EventRow, Graph, KeyRow, Member, Task};
use workloads::{Bounds, Progress, Verifier, build};

use super::{
    CheckpointRows, DeployError, Deployment, Ending, Preparation, RunningJob, Snapshot, Target,
};
use crate::latency::Recorder;
use crate::resume::Resume;
use crate::scenario::{Fault, Scenario, disturbances};
use events::event_row;
use rows::Translator;

/// Keys recorded per keyed task.
const TOP_KEYS: usize = 20;

/// The embedded engine.
pub struct Embedded;

impl Target for Embedded {
    fn kind(&self) -> &'static str {
        "embedded"
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn deploy(
        &self,
        scenario: &Scenario,
        recorder: &Recorder,
        resume: Option<&Resume>,
    ) -> Result<Deployment, DeployError> {
        let until_ns = u64::try_from(scenario.end().as_nanos()).ok();
        let bounds = Bounds {
            until_ns,
            disturbances: disturbances(&scenario.faults, scenario.measure.longest_warmup()),
            ..Bounds::default()
        };
        let built = build(
            &scenario.workload,
            &scenario.load,
            &scenario.job,
            scenario.seed,
            bounds,
            recorder.probes(),
        )?;
        let mut config = scenario.job.to_config();
        if let Some(resume) = resume {
            config.restore = match &resume.named {
                Some(checkpoint) => RestoreFrom::Checkpoint(checkpoint.clone()),
                None => RestoreFrom::Latest,
            };
            config.allow_rollback = resume.allow_rollback;
        }
        let deployed = built.graph.deploy(config);
        let deployed = deployed.map_err(|error| refused(error, resume.is_some()))?;
        Ok(Deployment {
            alone: Some(built.alone),
            ..deployment(deployed, built.progress, Some(built.verifier))
        })
    }
}

/// A job of the embedded engine, whoever has built it, as the rest of the harness wants it.
pub fn deployment(
    deployed: Deployed,
    progress: Arc<Progress>,
    verifier: Option<Box<dyn Verifier>>,
) -> Deployment {
    Deployment {
        graph: graph(deployed.plan()),
        progress,
        verifier,
        alone: None,
        restored: deployed.restored_checkpoint(),
        preparation: Some(Box::new(deployed.preparation())),
        start: Box::new(move || match deployed.start() {
            Ok(job) => Ok(Arc::new(EmbeddedJob::new(job))),
            Err(engine::DeployError::Cancelled) => Err(DeployError::Cancelled),
            Err(error) => Err(DeployError::Engine(error.to_string())),
        }),
    }
}

impl Preparation for engine::Preparation {
    fn done(&self) -> u64 {
        self.done()
    }

    fn cancel(&self) {
        self.cancel();
    }
}

/// Whose fault it is that a graph cannot be deployed, as far as a key of the scenario decides it.
fn refused(error: engine::DeployError, resumes: bool) -> DeployError {
    let key = match &error {
        engine::DeployError::Restore { .. } => return DeployError::Restore(error.to_string()),
        engine::DeployError::Checkpoints(_) if resumes => {
            return DeployError::Restore(error.to_string());
        }
        engine::DeployError::Checkpoints(_) => "job.checkpoint.directory",
        engine::DeployError::UnknownOperator { .. } => "job.chaining",
        engine::DeployError::UnknownRemote { .. } => "job.remote",
        engine::DeployError::TooParallel { .. } | engine::DeployError::TooManyBlocking { .. } => {
            "job.parallelism"
        }
        engine::DeployError::StateDirectory { .. } => "job.state.directory",
        engine::DeployError::State(_) => "job.state",
        engine::DeployError::RocksDb(refused) => {
            return DeployError::Scenario {
                key: format!("job.state.{}", refused.option),
                message: refused.reason.clone(),
            };
        }
        _ => return DeployError::Engine(error.to_string()),
    };
    DeployError::Scenario {
        key: key.to_owned(),
        message: error.to_string(),
    }
}

fn graph(plan: &Plan) -> Graph {
    let member = |member: &engine::MemberPlan| Member {
        id: member.id.clone(),
        name: member.name.clone(),
    };
    let task = |task: &engine::TaskPlan| Task {
        id: task.id.clone(),
        name: task.name.clone(),
        members: task.members.iter().map(member).collect(),
        parallelism: u32::try_from(task.parallelism).unwrap_or(u32::MAX),
    };
    let edge = |(index, edge): (usize, &engine::EdgePlan)| Edge {
        id: edge_id(index),
        from: plan.tasks[edge.from].id.clone(),
        to: plan.tasks[edge.to].id.clone(),
        exchange: edge.exchange.name().to_owned(),
        remote: edge.remote,
    };
    Graph {
        tasks: plan.tasks.iter().map(task).collect(),
        edges: plan.edges.iter().enumerate().map(edge).collect(),
    }
}

/// Edges have no names in the engine; their position is stable for a plan.
fn edge_id(index: usize) -> String {
    format!("edge-{index}")
}

struct EmbeddedJob {
    clock: Clock,
    plan: Plan,
    /// Waited for without the lock, so that the sampler gets at the job meanwhile.
    end: JobEnd,
    /// Gone once the job was joined.
    job: Mutex<Option<Job>>,
    translator: Mutex<Translator>,
}

impl EmbeddedJob {
    fn new(job: Job) -> Self {
        let plan = job.plan().clone();
        Self {
            clock: job.clock(),
            end: job.end(),
            translator: Mutex::new(Translator::new(&plan)),
            plan,
            job: Mutex::new(Some(job)),
        }
    }

    fn job(&self) -> MutexGuard<'_, Option<Job>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locked before the job, where both are.
    fn translator(&self) -> MutexGuard<'_, Translator> {
        self.translator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningJob for EmbeddedJob {
    fn now_ns(&self) -> u64 {
        self.clock.now()
    }

    fn snapshot(&self, into: &mut Snapshot) {
        let mut translator = self.translator();
        if let Some(job) = &*self.job() {
            job.snapshot(&mut translator.seen);
        }
        translator.translate(into);
    }

    fn top_keys(&self, into: &mut Vec<KeyRow>) {
        into.clear();
        let translator = self.translator();
        if let Some(job) = &*self.job() {
            for task in 0..self.plan.tasks.len() {
                translator.key_rows(task, &job.top_keys(task, TOP_KEYS), into);
            }
        }
    }

    fn take_events(&self, into: &mut Vec<EventRow>) {
        if let Some(job) = &*self.job() {
            let events = std::iter::from_fn(|| job.next_event());
            into.extend(events.map(|event| event_row(&self.plan, event)));
        }
    }

    fn take_checkpoints(&self, into: &mut CheckpointRows) {
        if let Some(job) = &*self.job() {
            for report in std::iter::from_fn(|| job.next_checkpoint()) {
                checkpoints::add_rows(&self.plan, &report, into);
            }
        }
    }

    fn disturb(&self, fault: &Fault) -> Result<(), String> {
        let Some(job) = &*self.job() else {
            return Ok(());
        };
        match fault {
            Fault::Freeze {
                operator, lasting, ..
            } => job.freeze(self.task_of(operator)?, *lasting),
            Fault::Kill {
                operator, subtask, ..
            } => job.kill(
                self.task_of(operator)?,
                subtask.map(|subtask| subtask as usize),
            ),
            Fault::SlowSubtask {
                operator,
                subtask,
                extra,
                lasting,
                ..
            } => {
                job.slow_down(self.task_of(operator)?, *subtask as usize, *extra, *lasting);
            }
            Fault::SlowState {
                operator,
                subtask,
                extra,
                lasting,
                ..
            } => {
                job.slow_state(self.task_of(operator)?, *subtask as usize, *extra, *lasting);
            }
            Fault::ThrottleDisk {
                rate_per_s,
                sync,
                lasting,
                ..
            } => {
                if !job.has_rocksdb() && !job.takes_checkpoints() {
                    return Err(
                        "the job keeps no state in RocksDB, and takes no checkpoints".to_owned(),
                    );
                }
                job.throttle_disk(rate_per_s.0, *sync, *lasting);
            }
            Fault::ThrottleNetwork {
                operator,
                bandwidth_per_s,
                latency,
                lasting,
                ..
            } => {
                let task = self.task_of(operator)?;
                let mut edges = self.plan.edges.iter();
                if !edges.any(|edge| edge.remote && edge.to == task) {
                    return Err(format!("no exchange into {operator} is remote"));
                }
                job.throttle_network(task, bandwidth_per_s.0, *latency, *lasting);
            }
            Fault::SkewShift { .. } | Fault::PauseSplit { .. } => {}
        }
        Ok(())
    }

    fn drain(&self) {
        if let Some(job) = &*self.job() {
            job.drain();
        }
    }

    fn cancel(&self) {
        if let Some(job) = &*self.job() {
            job.cancel();
        }
    }

    fn wait(&self, timeout: Duration) -> bool {
        self.end.wait(timeout)
    }

    fn ending(&self) -> Ending {
        match self.job().take() {
            // Dropping it stops its threads as far as they let themselves be stopped.
            Some(job) if !job.wait(Duration::ZERO) => Ending::default(),
            Some(job) => self.closing_account(&job.join()),
            None => Ending::default(),
        }
    }
}

impl EmbeddedJob {
    /// The task that holds an operator.
    fn task_of(&self, operator: &str) -> Result<usize, String> {
        let holds =
            |task: &engine::TaskPlan| task.members.iter().any(|member| member.id == operator);
        let task = self.plan.tasks.iter().position(holds);
        task.ok_or_else(|| format!("there is no operator {operator}"))
    }

    fn closing_account(&self, report: &JobReport) -> Ending {
        let failure = match &report.outcome {
            Outcome::Finished | Outcome::Cancelled => None,
            Outcome::Failed {
                task,
                subtask,
                message,
            } => Some(match task.zip(*subtask) {
                Some((task, subtask)) => {
                    format!("{} ({subtask}): {message}", self.plan.tasks[task].id)
                }
                None => message.clone(),
            }),
        };
        let lost = self.edge_notes(report);
        Ending {
            complete: report.outcome == Outcome::Finished && lost.is_empty(),
            failure: failure.or_else(|| (!lost.is_empty()).then(|| lost.join("; "))),
            notes: self.notes(report),
            member_costs_ns: self.member_costs(report),
        }
    }

    /// Edges whose books do not balance: emitted = received + in flight, and after a drain nothing
    /// is in flight.
    fn edge_notes(&self, report: &JobReport) -> Vec<String> {
        let finished = report.outcome == Outcome::Finished;
        let edges = self.plan.edges.iter().zip(&report.edges);
        edges
            .filter(|(_, books)| {
                books.emitted != books.received + books.in_flight || (finished && books.in_flight > 0)
            })
            .map(|(edge, books)| {
                let (from, to) = (&self.plan.tasks[edge.from].id, &self.plan.tasks[edge.to].id);
                format!(
                    "records are lost between {from} and {to}: emitted {}, received {}, in flight {}",
                    books.emitted, books.received, books.in_flight
                )
            })
            .collect()
    }

    fn notes(&self, report: &JobReport) -> Vec<String> {
        let in_flight: u64 = report.edges.iter().map(|books| books.in_flight).sum();
        let mut notes = Vec::new();
        if in_flight > 0 {
            notes.push(format!(
                "{in_flight} records were in flight when the job was cancelled"
            ));
        }
        if report.events_dropped > 0 {
            notes.push(format!(
                "{} events of the engine are missing",
                report.events_dropped
            ));
        }
        notes
    }

    fn member_costs(&self, report: &JobReport) -> BTreeMap<String, f64> {
        let members = report
            .snapshot
            .members
            .iter()
            .filter(|member| member.rows > 0);
        members
            .map(|member| {
                let id = self.plan.tasks[member.task].members[member.member]
                    .id
                    .clone();
                (id, member.busy_ns as f64 / member.rows as f64)
            })
            .collect()
    }
}
