//! One run from scenario to `run.json`: deploy, warm-up, measure, drain, verify, conclude.
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
mod progress;

use std::path::Path;

use reports::record::{Run, Writer};
use workloads::ShapeSpec;

use crate::clock;
use crate::interrupt::Interrupt;
use crate::latency::Recorder;
use crate::scenario::{Document, Scenario};
use crate::target::{DeployError, Deployment, Target};

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
            DeployError::Engine(message) => RunError::Deploy {
                target: target.kind(),
                message,
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
        let job = start().map_err(|error| RunError::Start {
            target: target.kind.clone(),
            message: error.to_string(),
        })?;
        let instruments = instruments.start(writer, &job, &progress, &recorder)?;
        let conducted =
            conduct::conduct(&scenario, job.as_ref(), &progress, &instruments, interrupt);
        let recorded = instruments.finish();
        let closing = closing::Closing {
            scenario: &scenario,
            target,
            started,
            ending: job.ending(),
            progress: &progress,
            recorder: &recorder,
            verifier,
            ceiling_per_s,
            conducted,
        };
        // Whatever the job did, an incomplete record is the worse news.
        recorded.map_err(|source| RunError::Record {
            source,
            directory: directory.to_owned(),
        })?;
        closing.conclude(directory)
    }
}
