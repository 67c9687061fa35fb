//! Resident memory of jobs that rest: the difference of two that differ only in their subtasks, or
//! only in their channels, is what one of those takes.
//!
//! A channel that was never used holds no batch; one that was keeps the buffers that it recycles.

use std::time::Duration;

use benches::{Numbers, discard};
use engine::{Batch, Chaining, Job, JobConfig, JobGraph, JobSnapshot, Source, SourceStatus};
use procfs::process::Process;

use crate::cell::{Layout, Measured};
use crate::flow;

/// Records per channel that has to be used: two full batches at the default size.
const RECORDS_PER_CHANNEL: usize = 2_048;
/// Time in which a job that has nothing to do comes to rest.
const REST: Duration = Duration::from_secs(1);

/// Emits its numbers, then nothing more, and does not end.
struct ThenQuiet(Option<Numbers>);

impl Source for ThenQuiet {
    type Out = u64;

    fn poll(
        &mut self,
        now_ns: u64,
        held_ns: u64,
        max: usize,
        out: &mut Batch<u64>,
    ) -> SourceStatus {
        let status = self
            .0
            .as_mut()
            .map(|numbers| numbers.poll(now_ns, held_ns, max, out));
        match status {
            Some(SourceStatus::Finished) => {
                self.0 = None;
                SourceStatus::WaitUntil(u64::MAX)
            }
            None => SourceStatus::WaitUntil(u64::MAX),
            Some(status) => status,
        }
    }
}

pub fn measure(layout: Layout, parallelism: usize, used: bool) -> Measured {
    // As many records for either layout: they differ in nothing but the channels.
    let records = if used {
        parallelism * parallelism * RECORDS_PER_CHANNEL
    } else {
        0
    } as u64;
    let graph = JobGraph::new("memory");
    let source = graph.source("source", move |context| {
        let share = Numbers::share(records, context.index, context.parallelism);
        (ThenQuiet(used.then_some(share)), None)
    });
    discard(match layout {
        Layout::Alone | Layout::Forward => source,
        Layout::AllToAll => source.rebalance(),
    });
    let config = JobConfig {
        chaining: match layout {
            Layout::Alone => Chaining::On,
            Layout::Forward | Layout::AllToAll => Chaining::Off,
        },
        ..flow::config(parallelism)
    };
    let deployed = benches::deployed(&graph, config);
    let subtasks = flow::subtasks(&deployed);
    let job = deployed.start().expect("threads can be started");
    while arrived(&job) < records {
        std::thread::sleep(REST / 10);
    }
    std::thread::sleep(REST);
    let resident_bytes = resident_bytes();
    let mut seen = JobSnapshot::default();
    job.snapshot(&mut seen);
    Measured {
        subtasks,
        channels: seen.channels.len(),
        resident_bytes,
        ..Measured::default()
    }
}

/// Rows that have reached a sink.
fn arrived(job: &Job) -> u64 {
    let mut seen = JobSnapshot::default();
    job.snapshot(&mut seen);
    let last = job.plan().tasks.len() - 1;
    let sinks = seen.subtasks.iter().filter(|subtask| subtask.task == last);
    sinks.map(|subtask| subtask.records_out).sum()
}

fn resident_bytes() -> Option<f64> {
    let pages = Process::myself().ok()?.statm().ok()?.resident;
    Some((pages * procfs::page_size()) as f64)
}
