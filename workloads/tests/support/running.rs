//! Runs a whole job on the real engine and keeps what is needed to judge it.

use std::sync::Arc;
use std::time::Duration;

use engine::{JobReport, Outcome};
use workloads::{
    Bounds, Built, Correctness, JobSpec, LoadSpec, NoProbes, Progress, Verifier, WorkloadSpec,
    build,
};

pub struct Ran {
    pub report: JobReport,
    pub progress: Arc<Progress>,
    pub verifier: Box<dyn Verifier>,
}

impl Ran {
    pub fn correctness(&self) -> Correctness {
        self.verifier.verify(&self.progress.admitted_per_split())
    }

    /// Finished, conserved on every edge, and equal to the oracle.
    pub fn assert_right(&self, what: &str) {
        assert_eq!(self.report.outcome, Outcome::Finished, "{what}");
        for edge in &self.report.edges {
            assert_eq!((edge.emitted, edge.in_flight), (edge.received, 0), "{what}");
        }
        assert!(
            self.correctness().is_right(),
            "{what}: {:?}",
            self.correctness()
        );
    }
}

pub fn load(text: &str) -> LoadSpec {
    LoadSpec::parse(text.parse().expect("TOML")).expect(text)
}

pub fn job(text: &str) -> JobSpec {
    JobSpec::parse(text.parse().expect("TOML")).expect(text)
}

pub fn workload(text: &str) -> WorkloadSpec {
    WorkloadSpec::parse(text.parse().expect("TOML")).expect(text)
}

pub fn records(records: u64) -> Bounds {
    Bounds {
        records: Some(records),
        ..Bounds::default()
    }
}

pub fn run_built(built: Built, job: &JobSpec) -> Ran {
    let Built {
        graph,
        progress,
        verifier,
        alone: _,
    } = built;
    let running = graph
        .deploy(job.to_config())
        .expect("valid")
        .start()
        .expect("threads");
    if !running.wait(Duration::from_secs(60)) {
        running.cancel();
    }
    Ran {
        report: running.join(),
        progress,
        verifier,
    }
}

pub fn run(workload: &WorkloadSpec, load: &LoadSpec, job: &JobSpec, bounds: Bounds) -> Ran {
    run_built(
        build(workload, load, job, 42, bounds, Arc::new(NoProbes)).expect("valid"),
        job,
    )
}
