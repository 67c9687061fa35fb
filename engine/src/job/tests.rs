//! Jobs whose checkpoints meet a disk that is full, or slow: they are given up with a reason, and the
//! job goes on.

use std::time::Duration;

use crate::batch::{Batch, Rows};
use crate::checkpoint::config::{CheckpointConfig, RestoreFrom};
use crate::checkpoint::parts::{Restored, Snapshot};
use crate::checkpoint::report::CheckpointOutcome;
use crate::config::JobConfig;
use crate::data::Row;
use crate::graph::JobGraph;
use crate::job::Job;
use crate::operator::{OperatorContext, OperatorError, Sink};
use crate::source::{Source, SourceStatus};

/// Counts up to a number, not too fast.
struct Numbers {
    next: u64,
    until: u64,
}

impl Source for Numbers {
    type Out = u64;

    fn poll(
        &mut self,
        now_ns: u64,
        _held_ns: u64,
        _max: usize,
        out: &mut Batch<u64>,
    ) -> SourceStatus {
        if self.next == self.until {
            return SourceStatus::Finished;
        }
        out.push(Row {
            tag: 0,
            value: self.next,
        });
        self.next += 1;
        SourceStatus::WaitUntil(now_ns + 500_000)
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value("next", &self.next);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        self.next = from.own_values("next")?.into_iter().next().unwrap_or(0);
        Ok(())
    }
}

/// Expects every number once, in order.
#[derive(Default)]
struct InOrder {
    next: u64,
}

impl Sink<u64> for InOrder {
    fn write(
        &mut self,
        rows: Rows<'_, u64>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for row in rows {
            if row.value != self.next {
                return Err(format!("{} in place of {}", row.value, self.next).into());
            }
            self.next += 1;
        }
        Ok(())
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value("next", &self.next);
        into.put("ballast", |bytes| bytes.resize(100_000, 7));
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        self.next = from.own_values("next")?.into_iter().next().unwrap_or(0);
        Ok(())
    }
}

fn graph(until: u64) -> JobGraph {
    let graph = JobGraph::new("numbers");
    graph
        .source("numbers", move |_| (Numbers { next: 0, until }, None))
        .sink("in order", |_| InOrder::default());
    graph
}

fn config(folder: &std::path::Path, timeout: Duration) -> JobConfig {
    JobConfig {
        checkpoints: Some(CheckpointConfig {
            timeout,
            tolerable_failures: 1_000,
            ..CheckpointConfig::new(folder.to_owned())
        }),
        ..JobConfig::default()
    }
}

/// Takes a checkpoint, and says why it failed, if it did.
fn checkpoint(job: &Job) -> Option<String> {
    job.checkpoint_now();
    loop {
        if let Some(report) = job.next_checkpoint() {
            return match report.outcome {
                CheckpointOutcome::Complete { .. } => None,
                CheckpointOutcome::Failed(reason) => Some(reason),
            };
        }
        assert!(!job.wait(Duration::from_millis(1)), "it counts for longer");
    }
}

/// Stops a job and lets another one go on from its last checkpoint.
fn goes_on(job: Job, folder: &std::path::Path, checkpoint: u64) {
    job.cancel();
    job.join();
    let mut config = config(folder, Duration::from_secs(60));
    config.restore = RestoreFrom::Latest;
    let deployed = graph(u64::MAX)
        .deploy(config)
        .expect("there is a checkpoint");
    assert_eq!(deployed.restored_checkpoint(), Some(checkpoint));
    let job = deployed.start().expect("threads");
    assert!(!job.wait(Duration::from_millis(20)), "in order");
    job.cancel();
    job.join();
}

#[test]
fn a_full_disk_fails_checkpoints_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), Duration::from_secs(60));
    let deployed = graph(u64::MAX).deploy(config).expect("valid");
    let disk = deployed
        .storage
        .as_ref()
        .expect("it takes checkpoints")
        .disk();
    let disk = disk.clone();
    let job = deployed.start().expect("threads");
    assert_eq!(checkpoint(&job), None);
    for room in [0, 1, 50_000, 100_100] {
        disk.set_room(Some(room));
        let reason = checkpoint(&job).expect("there is no room");
        assert!(reason.contains("No space left"), "{reason}");
    }
    disk.set_room(None);
    assert_eq!(checkpoint(&job), None);
    goes_on(job, folder.path(), 6);
}

#[test]
fn checkpoints_on_a_slow_disk_are_given_up_when_they_take_too_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), Duration::from_millis(300));
    let job = graph(u64::MAX).deploy(config).expect("valid");
    let job = job.start().expect("threads");
    assert_eq!(checkpoint(&job), None);
    job.throttle_disk(10_000, Duration::ZERO, Duration::from_secs(3600));
    let reason = checkpoint(&job).expect("it takes ten seconds");
    assert!(reason.contains("took too long"), "{reason}");
    job.throttle_disk(1 << 40, Duration::ZERO, Duration::ZERO);
    // What was still being written ends soon: it is not wanted any more.
    assert_eq!(checkpoint(&job), None);
    goes_on(job, folder.path(), 3);
}
