//! Job time never goes back for anything that a job keeps, wherever it goes on.

#[path = "support/numbers.rs"]
mod numbers;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{
    ChannelConfig, CheckpointConfig, CheckpointMode, CheckpointOutcome, Job, JobConfig, JobGraph,
    OperatorContext, OperatorError, RestoreFrom, Restored, Rows, Sink, Snapshot,
};
use numbers::Numbers;

/// Rows behind which a barrier waits.
const QUEUED: usize = 30;
const PAUSE: Duration = Duration::from_millis(2);

/// Takes its time for every row, and remembers when that was.
struct Remembering {
    latest_ns: Option<u64>,
    kept_ns: u64,
    /// Of every start the latest time that the checkpoint kept, and the first that came.
    around: Arc<Mutex<Vec<[u64; 2]>>>,
}

impl Sink<u64> for Remembering {
    fn write(
        &mut self,
        rows: Rows<'_, u64>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        rows.for_each(|_| std::thread::sleep(PAUSE));
        let now_ns = context.now_ns();
        if self.latest_ns.is_none() {
            self.around.lock().unwrap().push([self.kept_ns, now_ns]);
        }
        self.latest_ns = Some(now_ns);
        Ok(())
    }

    fn takes_back(&self) -> bool {
        true
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value("latest", &self.latest_ns);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        let kept: Vec<Option<u64>> = from.own_values("latest")?;
        self.kept_ns = kept.into_iter().flatten().max().expect("rows came before");
        Ok(())
    }
}

fn start(folder: &Path, around: &Arc<Mutex<Vec<[u64; 2]>>>) -> Job {
    let graph = JobGraph::new("job-time");
    let around = Arc::clone(around);
    graph
        .source("numbers", |context| {
            (Numbers::share(u64::MAX, context), None)
        })
        .map("same", |value: u64| value)
        .start_new_chain()
        .sink("remember", move |_| Remembering {
            latest_ns: None,
            kept_ns: 0,
            around: Arc::clone(&around),
        });
    let config = JobConfig {
        channels: ChannelConfig {
            batch: 1,
            exclusive: QUEUED,
            floating: 0,
            ..ChannelConfig::default()
        },
        checkpoints: Some(CheckpointConfig {
            interval: None,
            mode: CheckpointMode::Aligned,
            ..CheckpointConfig::new(folder.to_owned())
        }),
        restore: RestoreFrom::Latest,
        ..JobConfig::default()
    };
    graph.deploy(config).unwrap().start().unwrap()
}

/// A barrier reaches an operator long after it was sent, behind rows that the operator takes in meanwhile: with time
/// to live, state that they made or found expired must not be younger than what comes after a restore.
#[test]
fn a_restored_job_goes_on_no_earlier_than_the_latest_of_its_parts() {
    let (folder, around) = (tempfile::tempdir().unwrap(), Arc::default());
    for starts in 1..=3 {
        let job = start(folder.path(), &around);
        while around.lock().unwrap().len() < starts {
            assert!(!job.wait(Duration::from_millis(1)), "it has no end");
        }
        job.checkpoint_now();
        let report = loop {
            if let Some(report) = job.next_checkpoint() {
                break report;
            }
            assert!(!job.wait(Duration::from_millis(1)), "it has no end");
        };
        let complete = CheckpointOutcome::Complete { is_final: false };
        assert_eq!(report.outcome, complete);
        job.cancel();
        job.join();
    }
    let around = around.lock().unwrap();
    assert!(around[2][0] > 0, "restored");
    assert!(around.iter().all(|[kept, next]| kept <= next), "{around:?}");
}
