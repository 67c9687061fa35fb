//! From specifications to a job that can be deployed, with what is needed to follow and to judge it.

use std::sync::Arc;

use engine::{JobGraph, Stream};

use crate::family::WorkloadSpec;
use crate::flights::{self, FlightEvents, Year, YearError};
use crate::job::{ChainingSpec, JobSpec};
use crate::load::{
    Bounds, Discarding, Events, LoadSpec, NullSource, Progress, Recording, Schedule,
    ScheduledSource,
};
use crate::probes::Probes;
use crate::slow_operator::{self, LineEvents};
use crate::spec::SpecError;
use crate::verify::Verifier;

/// A job, and its two ends.
pub struct Built {
    /// To be deployed with [`JobSpec::to_config`].
    pub graph: JobGraph,
    /// How far the sources are.
    pub progress: Arc<Progress>,
    /// Judges what reached the sinks.
    pub verifier: Box<dyn Verifier>,
}

/// Why no job could be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The load does not fit the workload.
    #[error("load.{0}")]
    Load(SpecError),
    /// The job does not fit the workload.
    #[error("job.{0}")]
    Job(SpecError),
    /// The embedded flight data is damaged.
    #[error("flight data: {0}")]
    Flights(#[from] YearError),
}

/// Builds the job of a workload.
///
/// # Errors
/// If the load asks for recorded times that the workload does not have, or the job names unknown operators.
pub fn build(
    workload: &WorkloadSpec,
    load: &LoadSpec,
    job: &JobSpec,
    seed: u64,
    bounds: Bounds,
    probes: Arc<dyn Probes>,
) -> Result<Built, BuildError> {
    check_names(workload, job)?;
    match workload {
        WorkloadSpec::SlowOperator(spec) => {
            let events = LineEvents::new(seed, spec.keys);
            let wiring = Wiring::new(events, None, load, job.parallelism, seed, bounds, probes)?;
            Ok(slow_operator::build(spec, wiring))
        }
        WorkloadSpec::Flights(spec) => {
            let year = Arc::new(Year::embedded()?);
            let recording = year.recording();
            let events = FlightEvents::new(year, spec.repeat);
            let wiring = Wiring::new(
                events,
                Some(recording),
                load,
                job.parallelism,
                seed,
                bounds,
                probes,
            )?;
            Ok(flights::build(wiring))
        }
    }
}

/// Sources without an engine, one per subtask, and how far they are.
pub type NullSources = (Vec<Box<dyn NullSource>>, Arc<Progress>);

/// The sources of a workload without an engine, one per subtask.
///
/// # Errors
/// As [`build`].
pub fn null_sources(
    workload: &WorkloadSpec,
    load: &LoadSpec,
    parallelism: usize,
    seed: u64,
    bounds: Bounds,
    probes: Arc<dyn Probes>,
) -> Result<NullSources, BuildError> {
    match workload {
        WorkloadSpec::SlowOperator(spec) => {
            let events = LineEvents::new(seed, spec.keys);
            Ok(Wiring::new(events, None, load, parallelism, seed, bounds, probes)?.null_sources())
        }
        WorkloadSpec::Flights(spec) => {
            let year = Arc::new(Year::embedded()?);
            let recording = year.recording();
            let events = FlightEvents::new(year, spec.repeat);
            Ok(Wiring::new(
                events,
                Some(recording),
                load,
                parallelism,
                seed,
                bounds,
                probes,
            )?
            .null_sources())
        }
    }
}

fn check_names(workload: &WorkloadSpec, job: &JobSpec) -> Result<(), BuildError> {
    let known = workload.family().operators;
    if let ChainingSpec::BrokenBefore(names) = &job.chaining
        && let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str()))
    {
        let message = format!(
            "found \"{unknown}\"; operators of {}: {}",
            workload.kind(),
            known.join(", ")
        );
        return Err(BuildError::Job(SpecError::new("chaining", message)));
    }
    Ok(())
}

/// What every job needs at its two ends.
pub struct Wiring<E> {
    events: E,
    seed: u64,
    parallelism: usize,
    schedule: Arc<Schedule>,
    progress: Arc<Progress>,
    probes: Arc<dyn Probes>,
}

impl<E: Events> Wiring<E> {
    /// The ends of a job over `events` with `parallelism` source subtasks.
    ///
    /// # Errors
    /// If the load replays recorded times and there are none.
    pub fn new(
        events: E,
        recording: Option<Recording>,
        load: &LoadSpec,
        parallelism: usize,
        seed: u64,
        bounds: Bounds,
        probes: Arc<dyn Probes>,
    ) -> Result<Wiring<E>, BuildError> {
        let records = [bounds.records, events.count()].into_iter().flatten().min();
        let bounds = Bounds { records, ..bounds };
        let schedule =
            Arc::new(Schedule::new(load, recording, seed, bounds).map_err(BuildError::Load)?);
        let progress = Arc::new(Progress::new(Arc::clone(&schedule), parallelism));
        Ok(Wiring {
            events,
            seed,
            parallelism,
            schedule,
            progress,
            probes,
        })
    }

    /// Adds the operator `source`.
    pub fn source(&self, graph: &JobGraph) -> Stream<E::Out> {
        let (events, progress, probes) = (
            self.events.clone(),
            Arc::clone(&self.progress),
            Arc::clone(&self.probes),
        );
        graph
            .source("source", move |context| {
                let source =
                    ScheduledSource::new(events.clone(), Arc::clone(&progress), context.index);
                (source, Some(probes.source(context.index)))
            })
            .parallelism(self.parallelism)
    }

    fn null_sources(self) -> NullSources {
        let source = |subtask| -> Box<dyn NullSource> {
            let source =
                ScheduledSource::new(self.events.clone(), Arc::clone(&self.progress), subtask);
            Box::new(Discarding::new(source))
        };
        (
            (0..self.parallelism).map(source).collect(),
            Arc::clone(&self.progress),
        )
    }

    /// The numbers of the first records of every split, as many as were admitted.
    pub fn admitted<'a>(&'a self, per_split: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        let splits = per_split.iter().zip(0u32..);
        splits.flat_map(move |(&admitted, split)| {
            (0..admitted).map(move |index| self.schedule.record(split, index))
        })
    }

    /// The events.
    pub fn events(&self) -> &E {
        &self.events
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The sources' counters.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// The run's probes.
    pub fn probes(&self) -> Arc<dyn Probes> {
        Arc::clone(&self.probes)
    }
}
