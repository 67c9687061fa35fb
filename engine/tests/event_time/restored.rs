//! Jobs that go on at another parallelism: subtasks that had senders of their own had come to different points of event
//! time, and the splits of all of them may come from anywhere now.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use engine::{
    Batch, CheckpointConfig, CheckpointMode, CheckpointOutcome, Job, JobConfig, JobGraph,
    JobSnapshot, OperatorError, Outcome, RestoreFrom, Restored, Signal, Snapshot, Source,
    SourceStatus,
};

use super::{Collected, Element, Said, sorted, windows};

/// Until the checkpoint each split comes this far, in milliseconds of event time, and then on to the end.
const PAUSES_MS: [i64; 6] = [100, 40, 70, 20, 90, 60];
const END_MS: i64 = 120;

/// Of sources and of all others, before and after.
const PARALLELISMS: [[(usize, usize); 2]; 8] = [
    [(2, 2), (1, 1)],
    [(2, 2), (3, 3)],
    [(3, 3), (2, 2)],
    [(1, 1), (4, 4)],
    [(2, 2), (2, 2)],
    [(2, 2), (1, 2)],
    [(2, 2), (3, 2)],
    [(3, 2), (2, 2)],
];

/// Splits of which each has one element per millisecond, told of by the watermark of the slowest.
struct Splits {
    own: Vec<(u8, i64)>,
    goes_on: Arc<AtomicBool>,
}

impl Splits {
    fn new(subtask: usize, parallelism: usize, goes_on: Arc<AtomicBool>) -> Self {
        let all = 0..PAUSES_MS.len() as u8;
        let own = all.filter(|split| usize::from(*split) % parallelism == subtask);
        Splits {
            own: own.map(|split| (split, 0)).collect(),
            goes_on,
        }
    }
}

impl Source for Splits {
    type Out = Element;

    fn poll(&mut self, now_ns: u64, _: u64, _: usize, out: &mut Batch<Element>) -> SourceStatus {
        let goes_on = self.goes_on.load(Relaxed);
        for (split, next_ms) in &mut self.own {
            let until_ms = match goes_on {
                true => END_MS,
                false => PAUSES_MS[usize::from(*split)],
            };
            if *next_ms < until_ms {
                let element = Element {
                    key: *split,
                    time_ms: *next_ms,
                    id: 0,
                };
                out.push(element.row());
                *next_ms += 1;
            }
        }
        let slowest_ms = self.own.iter().map(|(_, next_ms)| *next_ms).min();
        match slowest_ms {
            Some(next_ms) if next_ms < END_MS => {
                if !out.is_empty() {
                    out.signal(Signal::Watermark(next_ms - 1));
                }
                SourceStatus::WaitUntil(now_ns + 20_000)
            }
            _ => SourceStatus::Finished,
        }
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        into.put_value("splits", &self.own);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        for (_, bytes) in from.all("splits") {
            let known: Vec<(u8, i64)> = borsh::from_slice(bytes)?;
            for (split, next_ms) in known {
                let mut own = self.own.iter_mut();
                if let Some(own) = own.find(|own| own.0 == split) {
                    own.1 = next_ms;
                }
            }
        }
        Ok(())
    }
}

fn start(
    folder: &Path,
    mode: CheckpointMode,
    (sources, others): (usize, usize),
    goes_on: &Arc<AtomicBool>,
    said: &Collected<Said>,
) -> Job {
    let graph = JobGraph::new("splits");
    let (goes_on, said) = (Arc::clone(goes_on), said.clone());
    graph
        .source("splits", move |context| {
            let goes_on = Arc::clone(&goes_on);
            let source = Splits::new(context.index, context.parallelism, goes_on);
            (source, None)
        })
        .parallelism(sources)
        .map("same", |element: Element| element)
        .start_new_chain()
        .key_by(|element: &Element| element.key)
        .window("count", |element| element.time_ms, |_| windows(0))
        .sink("say", move |_| said.clone());
    let config = JobConfig {
        parallelism: others,
        checkpoints: Some(CheckpointConfig {
            interval: None,
            mode,
            ..CheckpointConfig::new(folder.to_owned())
        }),
        restore: RestoreFrom::Latest,
        ..JobConfig::default()
    };
    graph.deploy(config).unwrap().start().unwrap()
}

#[test]
fn no_row_is_late_because_its_split_has_come_to_another_subtask() {
    let every: Vec<(u8, i64, u8, u64)> = (0..PAUSES_MS.len() as u8)
        .flat_map(|split| (0..END_MS / 10).map(move |window| (split, window * 10, 0, 10)))
        .collect();
    let emitted = PAUSES_MS.iter().sum::<i64>() as u64;
    for mode in [CheckpointMode::Aligned, CheckpointMode::Unaligned] {
        for [before, after] in PARALLELISMS {
            let folder = tempfile::tempdir().unwrap();
            let (goes_on, said) = (Arc::new(AtomicBool::new(false)), Collected::default());
            let job = start(folder.path(), mode, before, &goes_on, &said);
            let mut snapshot = JobSnapshot::default();
            let has_come = |snapshot: &JobSnapshot| {
                let windows = snapshot.subtasks.iter().filter(|it| it.task == 2);
                windows.map(|it| it.records_in).sum::<u64>() == emitted
            };
            while !has_come(&snapshot) {
                assert!(!job.wait(Duration::from_millis(1)), "it pauses");
                job.snapshot(&mut snapshot);
            }
            job.checkpoint_now();
            let report = loop {
                if let Some(report) = job.next_checkpoint() {
                    break report;
                }
                assert!(!job.wait(Duration::from_millis(1)), "it pauses");
            };
            let complete = CheckpointOutcome::Complete { is_final: false };
            assert_eq!(report.outcome, complete);
            job.cancel();
            job.join();
            goes_on.store(true, Relaxed);
            let job = start(folder.path(), mode, after, &goes_on, &said);
            assert!(job.wait(Duration::from_secs(60)), "hangs");
            assert_eq!(job.join().outcome, Outcome::Finished);
            let found = said.take().into_iter().map(|row| row.value);
            let found = sorted(found.collect());
            assert_eq!(found, every, "{mode:?} from {before:?} to {after:?}");
        }
    }
}
