//! From specifications to a job that can be deployed, with what is needed to follow and to judge it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;

use engine::{CsvRecord, Data, FileCommitter, JobGraph, Sink, Stream, SubtaskContext};

use crate::checkpoint_pressure;
use crate::family::WorkloadSpec;
use crate::flights::{self, FlightEvents, FlightsSpec, Year, YearError};
use crate::hot_keys::{self, HotKeyEvents, HotKeysSpec, KeyModel, StampedHotKeys};
use crate::job::{ChainingSpec, JobSpec};
use crate::late_data::{self, LateDataSpec, LateEvents};
use crate::load::{
    Bounds, Discarding, Events, LoadSpec, NullSource, Progress, Recording, Schedule,
    ScheduledSource, ShapeSpec, SourceWatermarks, SplitPause, SplitState,
};
use crate::output::Written;
use crate::probes::Probes;
use crate::slow_operator::{self, LineEvents, SlowOperatorSpec};
use crate::spec::SpecError;
use crate::state_growth::{
    self, GrowthJob, Population, ProfileEvents, StateGrowthSpec, VisitEvents,
};
use crate::verify::Verifier;

/// A job, and its two ends.
pub struct Built {
    /// To be deployed with [`JobSpec::to_config`].
    pub graph: JobGraph,
    /// How far the sources are.
    pub progress: Arc<Progress>,
    /// Judges what reached the sinks.
    pub verifier: Box<dyn Verifier>,
    /// Its sources without the job.
    pub alone: Alone,
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
    /// A disturbance of the input does not fit the workload or the load.
    #[error("fault: {0}")]
    Disturbance(String),
    /// The embedded flight data is damaged.
    #[error("flight data: {0}")]
    Flights(#[from] YearError),
}

/// Builds the job of a workload.
///
/// # Errors
/// If the load asks for recorded times that the workload does not have, the job names unknown operators, or a
/// disturbance needs what is not there: hot keys, a split, intended times.
pub fn build(
    workload: &WorkloadSpec,
    load: &LoadSpec,
    job: &JobSpec,
    seed: u64,
    bounds: Bounds,
    probes: Arc<dyn Probes>,
) -> Result<Built, BuildError> {
    check_names(workload, job)?;
    check_disturbances(workload, load, &bounds)?;
    let feed = Feed {
        load,
        parallelism: job.parallelism,
        seed,
        bounds,
        probes,
    };
    let files = job.output.directory();
    match workload {
        WorkloadSpec::SlowOperator(spec) => Ok(slow_operator::build(
            spec,
            feed.lines(spec)?.with_files(files),
        )),
        WorkloadSpec::Flights(spec) => {
            Ok(flights::build(spec, feed.flights(spec)?.with_files(files)))
        }
        WorkloadSpec::HotKeys(spec) if spec.window.is_some() => Ok(hot_keys::build_windowed(
            spec,
            feed.stamped_hot_keys(spec)?.with_files(files),
        )),
        WorkloadSpec::HotKeys(spec) => Ok(hot_keys::build(
            spec,
            feed.hot_keys(spec)?.with_files(files),
        )),
        WorkloadSpec::LateData(spec) => Ok(late_data::build(
            spec,
            feed.late_data(spec)?.with_files(files),
        )),
        WorkloadSpec::StateGrowth(spec) => match spec.job {
            GrowthJob::Profiles => Ok(state_growth::build_profiles(
                spec,
                feed.profiles(spec)?.with_files(files),
            )),
            GrowthJob::UniqueVisitor => Ok(state_growth::build_visits(
                spec,
                feed.visits(spec)?.with_files(files),
            )),
        },
        WorkloadSpec::CheckpointPressure(spec) => {
            let wiring = feed.profiles(&spec.state())?.with_files(files);
            Ok(checkpoint_pressure::build(spec, wiring))
        }
    }
}

/// Sources without an engine, one per subtask, and how far they are.
pub type NullSources = (Vec<Box<dyn NullSource>>, Arc<Progress>);

/// Makes such sources over the same events; each time they begin with the first record.
pub type Alone = Box<dyn Fn() -> NullSources + Send>;

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
    check_disturbances(workload, load, &bounds)?;
    let feed = Feed {
        load,
        parallelism,
        seed,
        bounds,
        probes,
    };
    match workload {
        WorkloadSpec::SlowOperator(spec) => Ok(feed.lines(spec)?.alone()()),
        WorkloadSpec::Flights(spec) => Ok(feed.flights(spec)?.alone()()),
        WorkloadSpec::HotKeys(spec) if spec.window.is_some() => {
            Ok(feed.stamped_hot_keys(spec)?.alone()())
        }
        WorkloadSpec::HotKeys(spec) => Ok(feed.hot_keys(spec)?.alone()()),
        WorkloadSpec::LateData(spec) => Ok(feed.late_data(spec)?.alone()()),
        WorkloadSpec::StateGrowth(spec) => match spec.job {
            GrowthJob::Profiles => Ok(feed.profiles(spec)?.alone()()),
            GrowthJob::UniqueVisitor => Ok(feed.visits(spec)?.alone()()),
        },
        WorkloadSpec::CheckpointPressure(spec) => Ok(feed.profiles(&spec.state())?.alone()()),
    }
}

/// What feeds a job, whatever its events are.
#[derive(Clone)]
pub struct Feed<'a> {
    /// When records are due.
    pub load: &'a LoadSpec,
    /// Number of source subtasks.
    pub parallelism: usize,
    /// Seed of events, gaps and costs.
    pub seed: u64,
    /// Where the input ends.
    pub bounds: Bounds,
    /// Told of rows at both ends.
    pub probes: Arc<dyn Probes>,
}

impl Feed<'_> {
    fn lines(self, spec: &SlowOperatorSpec) -> Result<Wiring<LineEvents>, BuildError> {
        let events = LineEvents::new(self.seed, spec.keys);
        Wiring::new(events, None, self)
    }

    fn hot_keys(self, spec: &HotKeysSpec) -> Result<Wiring<HotKeyEvents>, BuildError> {
        let events = self.hot_key_events(spec)?;
        Wiring::new(events, None, self)
    }

    fn stamped_hot_keys(self, spec: &HotKeysSpec) -> Result<Wiring<StampedHotKeys>, BuildError> {
        let is_timed = self.load.shape != ShapeSpec::Max;
        let events = self.hot_key_events(spec)?;
        let events = StampedHotKeys::new(events, is_timed, spec.event_rate_per_s);
        Wiring::new(events, None, self)
    }

    fn hot_key_events(&self, spec: &HotKeysSpec) -> Result<HotKeyEvents, BuildError> {
        let keys = KeyModel::new(spec, &self.bounds.disturbances.skew_shifts_ns);
        if keys.needs_times() && self.load.shape == ShapeSpec::Max {
            let message = "found \"max\"; keys that change at given times need a load with intended times: allowed: any other shape";
            return Err(BuildError::Load(SpecError::new("shape.kind", message)));
        }
        Ok(HotKeyEvents::new(self.seed, keys))
    }

    fn late_data(self, spec: &LateDataSpec) -> Result<Wiring<LateEvents>, BuildError> {
        let splits = self.load.splits;
        let is_timed = self.load.shape != ShapeSpec::Max;
        let events = LateEvents::new(spec, self.seed, splits, is_timed);
        // A source subtask without splits would hold event time back until it has ended.
        let parallelism = self.parallelism.min(splits as usize);
        let feed = Feed {
            parallelism,
            ..self
        };
        Wiring::new(events, None, feed)
    }

    fn profiles(self, spec: &StateGrowthSpec) -> Result<Wiring<ProfileEvents>, BuildError> {
        let population = self.population(spec)?;
        let mix = spec.mix.unwrap_or_default();
        let events = ProfileEvents::new(self.seed, population, &mix);
        Wiring::new(events, None, self)
    }

    fn visits(self, spec: &StateGrowthSpec) -> Result<Wiring<VisitEvents>, BuildError> {
        let population = self.population(spec)?;
        let is_timed = self.load.shape != ShapeSpec::Max;
        let events = VisitEvents::new(spec, self.seed, population, is_timed);
        Wiring::new(events, None, self)
    }

    /// The keys of a growing state; how many new ones a record brings may depend on the load.
    fn population(&self, spec: &StateGrowthSpec) -> Result<Population, BuildError> {
        let refused = |message: String| Err(BuildError::Load(SpecError::new("shape", message)));
        let share = match (spec.new_keys_per_s, &self.load.shape) {
            (None, _) => spec.new_key_share.unwrap_or(0.0),
            (Some(new), ShapeSpec::Constant { rate_per_s }) if new <= *rate_per_s => {
                new / rate_per_s
            }
            (Some(new), ShapeSpec::Constant { rate_per_s }) => {
                return refused(format!(
                    "found {rate_per_s} records per second; allowed with new_keys_per_s: from {new}"
                ));
            }
            (Some(_), _) => {
                let message =
                    "allowed with new_keys_per_s: kind = \"constant\"; else say new_key_share";
                return refused(message.to_owned());
            }
        };
        Ok(Population::new(spec, self.load.splits, share))
    }

    fn flights(self, spec: &FlightsSpec) -> Result<Wiring<FlightEvents>, BuildError> {
        let year = Arc::new(Year::embedded()?);
        let recording = year.recording();
        let events = FlightEvents::new(year, spec.repeat);
        let Some(windows) = spec.windows() else {
            return Wiring::new(events, Some(recording), self);
        };
        // A source subtask without a split would only be one more channel to wait for.
        let splits = usize::try_from(self.load.splits).unwrap_or(usize::MAX);
        let feed = Feed {
            parallelism: self.parallelism.min(splits),
            ..self
        };
        let wiring = Wiring::new(events, Some(recording), feed)?;
        Ok(wiring.with_watermarks(windows.source_watermarks()))
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

fn check_disturbances(
    workload: &WorkloadSpec,
    load: &LoadSpec,
    bounds: &Bounds,
) -> Result<(), BuildError> {
    let disturbances = &bounds.disturbances;
    let refused = |message: String| Err(BuildError::Disturbance(message));
    let has_hot_keys =
        matches!(workload, WorkloadSpec::HotKeys(spec) if spec.distribution.has_hot_keys());
    if !disturbances.skew_shifts_ns.is_empty() && !has_hot_keys {
        return refused(
            "skew-shift needs workload hot-keys with distribution hot, drifting or zipf".to_owned(),
        );
    }
    if !disturbances.pauses.is_empty() && load.shape == ShapeSpec::Max {
        return refused("pause-split needs a load with intended times; found \"max\"".to_owned());
    }
    let unknown = |pause: &&SplitPause| pause.split >= load.splits;
    match disturbances.pauses.iter().find(unknown) {
        Some(pause) => refused(format!(
            "pause-split: found split {}; allowed: below load.splits = {}",
            pause.split, load.splits
        )),
        None => Ok(()),
    }
}

/// What every job needs at its two ends.
pub struct Wiring<E> {
    events: E,
    seed: u64,
    parallelism: usize,
    schedule: Arc<Schedule>,
    progress: Arc<Progress>,
    probes: Arc<dyn Probes>,
    watermarks: Option<SourceWatermarks>,
    /// Where what reaches the sinks is written, a folder for each.
    files: Option<PathBuf>,
}

impl<E: Events> Wiring<E> {
    /// The ends of a job over `events`, which have recorded times or not.
    ///
    /// # Errors
    /// If the load replays recorded times and there are none.
    pub fn new(
        events: E,
        recording: Option<Recording>,
        feed: Feed<'_>,
    ) -> Result<Wiring<E>, BuildError> {
        let Feed {
            load,
            parallelism,
            seed,
            bounds,
            probes,
        } = feed;
        let records = [bounds.records, events.count()].into_iter().flatten().min();
        let bounds = Bounds { records, ..bounds };
        let schedule = Schedule::new(load, recording, seed, bounds).map_err(BuildError::Load)?;
        let schedule = Arc::new(schedule);
        let progress = Arc::new(Progress::new(Arc::clone(&schedule), parallelism));
        Ok(Wiring {
            events,
            seed,
            parallelism,
            schedule,
            progress,
            probes,
            watermarks: None,
            files: None,
        })
    }

    /// The same ends, with sources that make watermarks.
    pub fn with_watermarks(self, watermarks: SourceWatermarks) -> Wiring<E> {
        Wiring {
            watermarks: Some(watermarks),
            ..self
        }
    }

    /// The same ends, with sinks whose rows are written below a directory, if one is given.
    pub fn with_files(self, files: Option<PathBuf>) -> Wiring<E> {
        Wiring { files, ..self }
    }

    /// Adds a sink.
    pub fn sink<R: Data + CsvRecord, S: Sink<R> + 'static>(
        &self,
        rows: Stream<R>,
        name: &str,
        make: impl Fn(&SubtaskContext) -> S + Send + Sync + 'static,
    ) {
        let Some(files) = &self.files else {
            return rows.sink(name, make);
        };
        let directory = files.join(name);
        let committer = Arc::new(FileCommitter::new(&directory));
        let make = move |context: &SubtaskContext| Written::new(make(context), &directory, context);
        rows.sink_with_committer(name, make, committer);
    }

    /// Adds the operator `source`.
    pub fn source(&self, graph: &JobGraph) -> Stream<E::Out> {
        let (events, progress, probes) = (
            self.events.clone(),
            Arc::clone(&self.progress),
            Arc::clone(&self.probes),
        );
        let watermarks = self.watermarks;
        graph
            .source("source", move |context| {
                let progress = Arc::clone(&progress);
                let source =
                    ScheduledSource::new(events.clone(), progress, context.index, watermarks);
                (source, Some(probes.source(context.index)))
            })
            .parallelism(self.parallelism)
    }

    /// The same sources for a run without the job, with counters of their own.
    pub fn alone(&self) -> Alone {
        let (events, schedule) = (self.events.clone(), Arc::clone(&self.schedule));
        let (parallelism, watermarks) = (self.parallelism, self.watermarks);
        Box::new(move || {
            let progress = Arc::new(Progress::new(Arc::clone(&schedule), parallelism));
            let source = |subtask| -> Box<dyn NullSource> {
                let progress = Arc::clone(&progress);
                let source = ScheduledSource::new(events.clone(), progress, subtask, watermarks);
                Box::new(Discarding::new(source))
            };
            ((0..parallelism).map(source).collect(), progress)
        })
    }

    /// As [`Wiring::admitted_at`], in the order of the stream: by intended time, or by number if there are none.
    pub fn admitted_in_order<'a>(
        &'a self,
        per_split: &'a [u64],
    ) -> impl Iterator<Item = (u64, u64)> + 'a {
        let mut splits: Vec<_> = (0..per_split.len())
            .map(|split| self.admitted_of(split as u32, per_split[split]))
            .collect();
        let mut heads: BinaryHeap<_> = splits
            .iter_mut()
            .enumerate()
            .filter_map(|(split, records)| head(split, records))
            .collect();
        std::iter::from_fn(move || {
            let Reverse((intended_ns, record, split)) = heads.pop()?;
            heads.extend(head(split, &mut splits[split]));
            Some((record, intended_ns))
        })
    }

    /// The numbers of the first records of every split, as many as were admitted.
    pub fn admitted<'a>(&'a self, per_split: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        let splits = per_split.iter().zip(0u32..);
        splits.flat_map(move |(&admitted, split)| {
            (0..admitted).map(move |index| self.schedule.record(split, index))
        })
    }

    /// As [`Wiring::admitted`], with intended times; 0 if there are none.
    pub fn admitted_at<'a>(
        &'a self,
        per_split: &'a [u64],
    ) -> impl Iterator<Item = (u64, u64)> + 'a {
        let splits = per_split.iter().zip(0u32..);
        splits.flat_map(|(&admitted, split)| self.admitted_of(split, admitted))
    }

    /// The first records of a split with their intended times, in its order.
    pub fn admitted_of(&self, split: u32, admitted: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut clock = self.schedule.clock(split, SplitState::default());
        (0..admitted).map_while(move |index| {
            let intended_ns = clock.peek()?;
            clock.advance(&self.schedule);
            Some((self.schedule.record(split, index), intended_ns))
        })
    }

    /// Number of splits.
    pub fn splits(&self) -> u32 {
        self.schedule.splits()
    }

    /// Number of source subtasks.
    pub fn parallelism(&self) -> usize {
        self.parallelism
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

/// The next of a split's records, to be compared by time, then by number.
fn head(
    split: usize,
    records: &mut impl Iterator<Item = (u64, u64)>,
) -> Option<Reverse<(u64, u64, usize)>> {
    let (record, intended_ns) = records.next()?;
    Some(Reverse((intended_ns, record, split)))
}

#[cfg(test)]
mod tests {
    use engine::SourceStatus;

    use super::*;
    use crate::probes::NoProbes;

    #[test]
    fn null_sources_make_every_record_that_the_job_would_get() {
        for kind in [
            "slow-operator",
            "flights",
            "hot-keys",
            "late-data",
            "state-growth",
            "checkpoint-pressure",
        ] {
            let workload = format!("kind = '{kind}'").parse().map(WorkloadSpec::parse);
            let workload = workload.expect("TOML").expect("all defaults");
            let load = LoadSpec::parse(toml::Table::new()).expect("all defaults");
            let bounds = Bounds {
                records: Some(5_000),
                ..Bounds::default()
            };
            let made = null_sources(&workload, &load, 3, 1, bounds, Arc::new(NoProbes));
            let (mut sources, progress) = made.expect("closed loop");
            let mut tags = Vec::new();
            for source in &mut sources {
                while source.poll(0, 0, 64, &mut tags) != SourceStatus::Finished {}
            }
            assert_eq!((tags.len(), progress.admitted()), (5_000, 5_000));
        }
    }

    #[test]
    fn what_does_not_fit_the_workload_is_refused_by_key() {
        let workload = WorkloadSpec::parse("kind = 'slow-operator'".parse().expect("TOML"));
        let workload = workload.expect("all defaults");
        let refused = |load: &str, job: &str| {
            let load = LoadSpec::parse(load.parse().expect("TOML")).expect("valid");
            let job = JobSpec::parse(job.parse().expect("TOML")).expect("valid");
            let built = build(
                &workload,
                &load,
                &job,
                1,
                Bounds::default(),
                Arc::new(NoProbes),
            );
            built
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert_eq!(
            refused("", "chaining = ['slo']"),
            "job.chaining: found \"slo\"; operators of slow-operator: source, parse, slow, fan-out, sum, sink"
        );
        let replay = refused("shape = { kind = 'replay' }", "");
        assert!(
            replay.starts_with("load.shape.kind: found \"replay\""),
            "{replay}"
        );
    }
}
