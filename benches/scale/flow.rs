//! A fixed number of records through jobs of different sizes, as fast as they go.
//!
//! A pipeline is source -> running count per key -> sink, in two tasks with an exchange by key
//! between them. Pipelines side by side have more subtasks and as many hops per record; one wider
//! pipeline has more channels, too, and so emptier batches. The number of keys is the same for all.

use std::hint::black_box;

use benches::{Count, key_of, numbers};
use engine::{Deployed, JobConfig, JobGraph, Outcome};
use rustix::time::{ClockId, clock_gettime};

use crate::cell::Measured;

const RECORDS: u64 = 20_000_000;
const KEYS: u64 = 10_000;
/// The middle one counts.
const REPEATS: usize = 3;

pub fn measure(pipelines: usize, parallelism: usize) -> Measured {
    let mut runs: Vec<Measured> = (0..REPEATS).map(|_| run(pipelines, parallelism)).collect();
    runs.sort_by(|a, b| {
        let cpu = |run: &Measured| run.cpu_ns_per_record.unwrap_or(f64::INFINITY);
        cpu(a).total_cmp(&cpu(b))
    });
    runs[REPEATS / 2]
}

fn run(pipelines: usize, parallelism: usize) -> Measured {
    let graph = JobGraph::new("scale");
    let (records, keys) = (RECORDS / pipelines as u64, (KEYS / pipelines as u64).max(1));
    for pipeline in 0..pipelines {
        let numbers = numbers(&graph, records).uid(&format!("numbers-{pipeline}"));
        let keyed = numbers.key_by(move |&n| key_of(n, keys));
        let counts = keyed.aggregate(&format!("count-{pipeline}"), Count);
        counts.for_each(&format!("discard-{pipeline}"), |count| {
            black_box(count);
        });
    }
    let deployed = benches::deployed(&graph, config(parallelism));
    let subtasks = subtasks(&deployed);
    let begin_ns = process_cpu_ns();
    let job = deployed.start().expect("threads can be started");
    let clock = job.clock();
    let report = job.join();
    let (wall_ns, cpu_ns) = (clock.now(), process_cpu_ns() - begin_ns);
    assert_eq!(report.outcome, Outcome::Finished);
    let received: u64 = report.edges.iter().map(|edge| edge.received).sum();
    let channels = &report.snapshot.channels;
    let batches: u64 = channels.iter().map(|channel| channel.enqueued).sum();
    Measured {
        subtasks,
        channels: channels.len(),
        cpu_ns_per_record: Some(cpu_ns as f64 / received as f64),
        wall_ns_per_record: Some(wall_ns as f64 / received as f64),
        records_per_batch: Some(received as f64 / batches as f64),
        ..Measured::default()
    }
}

/// The default layout with so many subtasks per task, and key groups for all of them.
pub fn config(parallelism: usize) -> JobConfig {
    JobConfig {
        parallelism,
        max_parallelism: parallelism.next_power_of_two().max(128),
        ..JobConfig::default()
    }
}

/// All subtasks of a job.
pub fn subtasks(deployed: &Deployed) -> usize {
    let tasks = &deployed.plan().tasks;
    tasks.iter().map(|task| task.parallelism).sum()
}

fn process_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
