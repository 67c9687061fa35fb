//! What looking costs: a measured run of the harness as users make them, sampler and writer and
//! record included, on a job of many subtasks that is under full load.
//!
//! The share is the record's own `harness_cpu`: CPU time of the harness's threads over that of the
//! whole process, sources included. It falls as the job gets more processors; the time per sample
//! does not.

use std::path::Path;
use std::sync::Arc;

use benches::{Count, Numbers, key_of, table};
use engine::{JobGraph, OperatorContext, OperatorError, Rows, Sink};
use harness::interrupt::Interrupt;
use harness::latency::Recorder;
use harness::resume::Resume;
use harness::run::{RunDirectory, RunError, prepare};
use harness::scenario::{Document, Scenario};
use harness::target::{DeployError, Deployment, Target, deployment};
use workloads::{Bounds, LoadSpec, Progress, Schedule, SinkProbe, TagRun};

use crate::cell::Measured;
use crate::flow;

const KEYS: u64 = 10_000;

/// The workload is not run: only how long and how often is looked counts.
const SCENARIO: &str = "
[workload]
kind = 'slow-operator'
[load]
shape = { kind = 'max' }
[measure]
warmup = '2s'
duration = '10s'
interval = '100ms'
";

pub fn measure(pipelines: usize, parallelism: usize) -> Measured {
    let pipelines = Pipelines {
        pipelines,
        parallelism,
    };
    let directory = std::env::temp_dir().join(format!("backwater-scale-{}", std::process::id()));
    let mut document = Document::new("scale", "scale", SCENARIO.to_owned());
    let run = document
        .parse(&[])
        .map_err(RunError::from)
        .and_then(|scenario| {
            let place = RunDirectory::given(&directory)?;
            prepare(&document, scenario, &pipelines, place, None)?.execute(&Interrupt::default())
        });
    let sampling_ms = harness_cpu_ms_per_sample(&directory);
    // The record of 10,000 subtasks is large, and nobody reads it.
    let removed = std::fs::remove_dir_all(&directory);
    let run = run.expect("the scenario is valid, and the folder for temporary files is writable");
    removed.expect("the run has made it");
    Measured {
        subtasks: run.operators.iter().map(|task| task.subtasks.len()).sum(),
        channels: pipelines.pipelines * parallelism * parallelism,
        sampling_share: run.summary.harness_cpu,
        sampling_ms,
        ..Measured::default()
    }
}

/// From the record's cumulative counter, one row per sample.
fn harness_cpu_ms_per_sample(directory: &Path) -> Option<f64> {
    let timeline = std::fs::read_to_string(directory.join("timeline.csv")).ok()?;
    let mut rows = timeline.lines().map(|row| row.split(','));
    let column = rows.next()?.position(|name| name == "harness_cpu")?;
    let seconds: Vec<f64> = rows
        .filter_map(|mut row| row.nth(column)?.parse().ok())
        .collect();
    let intervals = seconds.len().checked_sub(1).filter(|&count| count > 0)?;
    Some((seconds[intervals] - seconds[0]) * 1e3 / intervals as f64)
}

/// Pipelines of source -> running count per key -> sink on the embedded engine, whatever the
/// scenario's workload.
struct Pipelines {
    pipelines: usize,
    parallelism: usize,
}

impl Target for Pipelines {
    fn kind(&self) -> &'static str {
        "pipelines"
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn deploy(
        &self,
        _scenario: &Scenario,
        recorder: &Recorder,
        _resume: Option<&Resume>,
    ) -> Result<Deployment, DeployError> {
        let graph = JobGraph::new("sampling");
        let keys = (KEYS / self.pipelines as u64).max(1);
        for pipeline in 0..self.pipelines {
            let probes = recorder.probes();
            let numbers = graph.source(&format!("source-{pipeline}"), move |context| {
                let share = Numbers::share(u64::MAX / 2, context.index, 2 * context.parallelism);
                (share, Some(probes.source(context.index)))
            });
            let counts = numbers
                .key_by(move |&n| key_of(n, keys))
                .aggregate(&format!("count-{pipeline}"), Count);
            let probes = recorder.probes();
            counts.sink(&format!("sink-{pipeline}"), move |context| {
                Arrivals::new(probes.sink(context.index))
            });
        }
        let load = LoadSpec::parse(table("shape = { kind = 'max' }")).expect("a valid load");
        let schedule = Schedule::new(&load, None, 1, Bounds::default()).expect("not a replay");
        let progress = Progress::new(Arc::new(schedule), 1);
        let deployed = benches::deployed(&graph, flow::config(self.parallelism));
        Ok(deployment(deployed, Arc::new(progress), None))
    }
}

/// Tells the recorder of every row, as the sinks of the workloads do.
struct Arrivals {
    probe: Box<dyn SinkProbe>,
    tags: Vec<TagRun>,
}

impl Arrivals {
    fn new(probe: Box<dyn SinkProbe>) -> Self {
        Arrivals {
            probe,
            tags: Vec::new(),
        }
    }
}

impl Sink<u64> for Arrivals {
    fn write(
        &mut self,
        rows: Rows<'_, u64>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        TagRun::of_rows(&rows, &mut self.tags);
        self.probe.arrived(context.now_ns(), &self.tags);
        Ok(())
    }
}
