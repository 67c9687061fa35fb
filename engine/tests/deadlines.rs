//! Nobody sleeps through a deadline, however the threads that ring and wait are interleaved.

#[path = "support/collected.rs"]
mod collected;
#[path = "support/numbers.rs"]
mod numbers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use collected::Collected;
use engine::{
    ChannelConfig, Job, JobConfig, JobGraph, JobSnapshot, NetworkConfig, Outcome, Remote,
};
use numbers::Numbers;

/// Threads that want the processors, too: then others stop anywhere.
struct Busy {
    over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Busy {
    fn start(count: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let threads = (0..count).map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || while !over.load(Relaxed) {})
        });
        Busy {
            threads: threads.collect(),
            over,
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Receivers that wait for what is on a link hear of what is sent meanwhile: the alarm they have set
/// rings while they look at the news. With one batch under way per channel, one that sleeps on has
/// all senders wait for it, for ever.
#[test]
fn an_alarm_that_rings_while_others_wake_its_owner_is_not_slept_through() {
    const ROWS: u64 = 60_000;
    let graph = JobGraph::new("numbers");
    let collected = Collected::default();
    let kept = collected.clone();
    graph
        .source("numbers", |context| (Numbers::share(ROWS, context), None))
        .parallelism(4)
        .rebalance()
        .map("same", |value: u64| value)
        .parallelism(2)
        .sink("keep", move |_| kept.clone());
    let config = JobConfig {
        channels: ChannelConfig {
            batch: 1,
            exclusive: 1,
            floating: 0,
            ..ChannelConfig::default()
        },
        remote: Remote::All,
        network: NetworkConfig {
            bandwidth_per_s: Some(1 << 22),
            latency: Duration::from_micros(3),
        },
        ..JobConfig::default()
    };
    let busy = Busy::start(4);
    let job = graph.deploy(config).unwrap().start().unwrap();
    let ended = job.wait(Duration::from_secs(60));
    drop(busy);
    assert!(ended, "a subtask sleeps on: {:#?}", snapshot(&job));
    assert_eq!(job.join().outcome, Outcome::Finished);
    assert_eq!(collected.take().len() as u64, ROWS);
}

fn snapshot(job: &Job) -> JobSnapshot {
    let mut snapshot = JobSnapshot::default();
    job.snapshot(&mut snapshot);
    snapshot
}
