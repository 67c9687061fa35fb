//! One run from scenario to `run.json`: deploy, prepare, warm-up, measure, drain, verify, conclude.
//!
//! [`prepare`] checks everything that can be checked before anything is written; [`Prepared::execute`]
//! then fills a run directory. Neither knows which engine runs, nor what the numbers mean.

mod ceiling;
mod closing;
mod conduct;
mod director;
mod error;
mod instruments;
mod output;
mod preparing;
mod progress;
mod warming;

use std::path::Path;

use reports::record::{RecordError, Run, Writer, event_kind, restored_text};
use workloads::{Progress, ShapeSpec};

use crate::clock;
use crate::interrupt::Interrupt;
use crate::latency::Recorder;
use crate::resume::{Resume, ResumeError};
use crate::scenario::{Document, Scenario};
use crate::target::{DeployError, Deployment, Ending, RunningJob, Target};

use conduct::Conducted;
pub use error::RunError;
use instruments::Instruments;
pub use output::{RunDirectory, rfc3339};

/// A checked scenario, deployed and not yet running.
pub struct Prepared {
    scenario: Scenario,
    target: reports::record::Target,
    recorder: Recorder,
    deployment: Deployment,
    directory: RunDirectory,
    /// The checkpoint of an earlier run that this one goes on from.
    restored_from: Option<String>,
}

/// Builds the job of a scenario, that the document was parsed to, on the target. The job keeps its checkpoints in
/// `directory`, unless it goes on from one of an earlier run; a run that is refused leaves nothing there.
pub fn prepare(
    document: &Document,
    mut scenario: Scenario,
    target: &dyn Target,
    directory: RunDirectory,
    resume: Option<&Resume>,
) -> Result<Prepared, RunError> {
    let recorder = Recorder::new(!matches!(scenario.load.shape, ShapeSpec::Max));
    let place = (directory.path(), resume);
    let deployment = match deploy(document, &mut scenario, target, &recorder, place) {
        Ok(deployment) => deployment,
        Err(error) => {
            directory.discard();
            return Err(error);
        }
    };
    let folder = resume.map(|resume| resume.checkpoints.display());
    let restored = deployment.restored.zip(folder);
    Ok(Prepared {
        scenario,
        target: reports::record::Target {
            kind: target.kind().to_owned(),
            version: target.version(),
        },
        recorder,
        restored_from: restored.map(|(number, folder)| format!("{folder}/chk-{number}")),
        deployment,
        directory,
    })
}

fn deploy(
    document: &Document,
    scenario: &mut Scenario,
    target: &dyn Target,
    recorder: &Recorder,
    (directory, resume): (&Path, Option<&Resume>),
) -> Result<Deployment, RunError> {
    let refused = |error: ResumeError| RunError::Restore(error.to_string());
    if let Some(resume) = resume {
        resume.apply(scenario).map_err(refused)?;
    }
    // What lies in the directory of the run is found there again: the record does not say where.
    let placed = Scenario {
        job: scenario.job.within(directory),
        ..scenario.clone()
    };
    let deployed = target.deploy(&placed, recorder, resume);
    let deployment = deployed.map_err(|error| match error {
        DeployError::Scenario { key, message } => {
            RunError::Scenario(document.invalid(&key, message))
        }
        DeployError::Restore(message) => RunError::Restore(message),
        DeployError::Engine(_) | DeployError::Cancelled => RunError::Deploy {
            target: target.kind(),
            message: error.to_string(),
        },
    })?;
    scenario.check_operators(&deployment.graph, document)?;
    Ok(deployment)
}

impl Prepared {
    /// The scenario with every default filled in.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Where its record goes.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Runs the job and leaves a finished record.
    pub fn execute(self, interrupt: &Interrupt) -> Result<Run, RunError> {
        let Prepared {
            scenario,
            target,
            recorder,
            deployment,
            directory,
            restored_from,
        } = self;
        let directory = directory.path();
        let Deployment {
            graph,
            progress,
            verifier,
            alone,
            restored,
            preparation,
            start,
        } = deployment;
        let ceiling_per_s = ceiling::measure(&scenario, alone, interrupt);
        let started = clock::unix_time();
        let started_unix_ms = u64::try_from(started.as_millis()).unwrap_or(0);
        let writer = Writer::create(directory, &scenario.to_toml(), &graph, started_unix_ms)
            .map_err(|source| RunError::Output {
                message: source.to_string(),
            })?;
        let instruments = Instruments::prepare(&graph, &scenario);
        let carried_out = match preparing::start(start, preparation.as_deref(), interrupt) {
            Ok(job) => {
                // Job time goes on where the checkpoint began.
                let from_ns = restored.map_or(0, |_| job.now_ns());
                let instruments = instruments.start(writer, &job, &progress, &recorder, from_ns)?;
                if restored.is_some() {
                    let text = restored_text(restored);
                    instruments.event(from_ns, event_kind::RESTORED, text);
                }
                carry_out(
                    &scenario,
                    &*job,
                    &progress,
                    instruments,
                    (from_ns, interrupt),
                )
            }
            Err(DeployError::Cancelled) => CarriedOut::nothing(writer),
            Err(error) => {
                return Err(RunError::Start {
                    target: target.kind,
                    message: error.to_string(),
                });
            }
        };
        let closing = closing::Closing {
            scenario: &scenario,
            target,
            started,
            ending: carried_out.ending,
            progress: &progress,
            recorder: &recorder,
            verifier,
            ceiling_per_s,
            restored_from,
            conducted: carried_out.conducted,
        };
        // Whatever the job did, an incomplete record is the worse news.
        carried_out.recorded.map_err(|source| RunError::Record {
            source,
            directory: directory.to_owned(),
        })?;
        closing.conclude(directory)
    }
}

/// What is left when a job is over.
struct CarriedOut {
    /// Whether the record came to the disk.
    recorded: Result<(), RecordError>,
    ending: Ending,
    conducted: Conducted,
}

impl CarriedOut {
    /// The job has never begun: its record has nothing but the plan.
    fn nothing(writer: Writer) -> Self {
        CarriedOut {
            recorded: writer.close(),
            ending: Ending::default(),
            conducted: Conducted::before_the_job(),
        }
    }
}

fn carry_out(
    scenario: &Scenario,
    job: &dyn RunningJob,
    progress: &Progress,
    instruments: Instruments,
    (from_ns, interrupt): (u64, &Interrupt),
) -> CarriedOut {
    let conducted = conduct::conduct(scenario, job, progress, &instruments, (from_ns, interrupt));
    CarriedOut {
        recorded: instruments.finish(),
        ending: job.ending(),
        conducted,
    }
}
