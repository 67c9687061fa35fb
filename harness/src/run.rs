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

use std::path::Path;

use reports::record::{RecordError, Run, Writer};
use workloads::{Progress, ShapeSpec};

use crate::clock;
use crate::interrupt::Interrupt;
use crate::latency::Recorder;
use crate::scenario::{Document, Scenario};
use crate::target::{DeployError, Deployment, Ending, RunningJob, Target};

use conduct::Conducted;
pub use error::RunError;
use instruments::Instruments;
pub use output::{default_directory, given_directory};

/// A checked scenario, deployed and not yet running.
pub struct Prepared {
    scenario: Scenario,
    target: reports::record::Target,
    recorder: Recorder,
    deployment: Deployment,
}

/// Parses and checks the scenario and builds its job on the target. Writes nothing.
pub fn prepare(
    document: &mut Document,
    set: &[String],
    target: &dyn Target,
) -> Result<Prepared, RunError> {
    let scenario = document.parse(set)?;
    let recorder = Recorder::new(!matches!(scenario.load.shape, ShapeSpec::Max));
    let deployment = target
        .deploy(&scenario, &recorder)
        .map_err(|error| match error {
            DeployError::Scenario { key, message } => {
                RunError::Scenario(document.invalid(&key, message))
            }
            DeployError::Engine(_) | DeployError::Cancelled => RunError::Deploy {
                target: target.kind(),
                message: error.to_string(),
            },
        })?;
    scenario.check_operators(&deployment.graph, document)?;
    let target = reports::record::Target {
        kind: target.kind().to_owned(),
        version: target.version(),
    };
    Ok(Prepared {
        scenario,
        target,
        recorder,
        deployment,
    })
}

impl Prepared {
    /// The scenario with every default filled in.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Runs the job and leaves a finished record in `directory`, which must be empty or absent.
    pub fn execute(self, directory: &Path, interrupt: &Interrupt) -> Result<Run, RunError> {
        let Prepared {
            scenario,
            target,
            recorder,
            deployment,
        } = self;
        let Deployment {
            graph,
            progress,
            verifier,
            alone,
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
                let instruments = instruments.start(writer, &job, &progress, &recorder)?;
                carry_out(&scenario, &*job, &progress, instruments, interrupt)
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
    interrupt: &Interrupt,
) -> CarriedOut {
    let conducted = conduct::conduct(scenario, job, progress, &instruments, interrupt);
    CarriedOut {
        recorded: instruments.finish(),
        ending: job.ending(),
        conducted,
    }
}
