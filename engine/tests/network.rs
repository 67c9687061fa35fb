//! Exchanges over a network: the same results, at the pace of the link, and what can be seen of it.
//! That nothing is lost is tested on random topologies in `conservation`, that watermarks keep their
//! places in `event_time`, that checkpoints hold what is on its way in `checkpoints`.

#[path = "support/collected.rs"]
mod collected;
#[path = "support/count.rs"]
mod count;
#[path = "support/numbers.rs"]
mod numbers;

use std::time::Duration;

use collected::Collected;
use count::Count;
use engine::{
    ChannelSnapshot, CheckpointConfig, CheckpointMode, CheckpointOutcome, DeployError, Job,
    JobConfig, JobEvent, JobGraph, JobSnapshot, NetworkConfig, Outcome, Remote,
};
use numbers::Numbers;

fn config(remote: Remote, bandwidth_per_s: Option<u64>, latency: Duration) -> JobConfig {
    JobConfig {
        parallelism: 2,
        remote,
        network: NetworkConfig {
            bandwidth_per_s,
            latency,
        },
        ..JobConfig::default()
    }
}

fn finish(graph: &JobGraph, config: JobConfig) {
    let job = graph.deploy(config).expect("a valid job").start();
    let job = job.expect("threads");
    assert!(job.wait(Duration::from_secs(60)), "hangs");
    assert_eq!(job.join().outcome, Outcome::Finished);
}

#[test]
fn keyed_results_are_the_same_over_a_network() {
    let mut results = Vec::new();
    for remote in [
        Remote::None,
        Remote::All,
        Remote::Into(vec!["count".to_owned(), "collect".to_owned()]),
    ] {
        let graph = JobGraph::new("counts");
        let collected = Collected::default();
        let sink = collected.clone();
        graph
            .source("numbers", |context| (Numbers::share(20_000, context), None))
            .key_by(|value| value % 97)
            .aggregate("count", Count)
            .sink("collect", move |_| sink.clone());
        finish(
            &graph,
            config(remote, Some(50 << 20), Duration::from_micros(100)),
        );
        let mut rows: Vec<(u64, u64)> = collected.take().iter().map(|row| row.value).collect();
        rows.sort_unstable();
        results.push(rows);
    }
    assert_eq!(results[0].len(), 20_000);
    assert!(results.iter().all(|rows| *rows == results[0]));
}

/// Rows per batch: enough for a link to be busy while its ends wait for a processor.
const BATCH: u64 = 256;

/// Rows without end from one subtask over one link to another.
fn endless(bandwidth_per_s: u64, change: impl FnOnce(&mut JobConfig)) -> Job {
    let graph = JobGraph::new("endless");
    let collected = Collected::default();
    graph
        .source("numbers", |_| (Numbers(0..u64::MAX), None))
        .sink("collect", move |_| collected.clone());
    let remote = Remote::Into(vec!["collect".to_owned()]);
    let mut config = config(remote, Some(bandwidth_per_s), Duration::from_millis(1));
    (config.parallelism, config.channels.batch) = (1, BATCH as usize);
    change(&mut config);
    let deployed = graph.deploy(config).expect("a valid job");
    assert_eq!(deployed.plan().tasks.len(), 2, "a chain break");
    assert!(deployed.plan().edges[0].remote);
    deployed.start().expect("threads")
}

/// Rows that the sink has been given, and the job time in nanoseconds at which it was asked.
fn arrived(job: &Job, snapshot: &mut JobSnapshot) -> (u64, u64) {
    job.snapshot(snapshot);
    (snapshot.subtasks[1].records_in, snapshot.at_ns)
}

/// Bytes per second that arrive, over so many rows in job time.
fn rate_per_s(job: &Job, rows: u64) -> f64 {
    let mut snapshot = JobSnapshot::default();
    let (first, from_ns) = arrived(job, &mut snapshot);
    loop {
        assert!(!job.wait(Duration::from_millis(5)), "it is endless");
        let (now, at_ns) = arrived(job, &mut snapshot);
        if now >= first + rows {
            let channel = &snapshot.channels[0];
            let per_row = channel.bytes.expect("remote") as f64 / (channel.enqueued * BATCH) as f64;
            return (now - first) as f64 * per_row * 1e9 / (at_ns - from_ns) as f64;
        }
    }
}

#[test]
fn a_link_is_as_fast_as_its_bandwidth_and_what_it_holds_is_seen() {
    const PER_S: u64 = 1 << 20;
    let job = endless(PER_S, |_| {});
    rate_per_s(&job, 2_000);
    let share = rate_per_s(&job, 20_000) / PER_S as f64;
    assert!((0.5..1.1).contains(&share), "{share}");
    let mut snapshot = JobSnapshot::default();
    job.snapshot(&mut snapshot);
    let channel: ChannelSnapshot = snapshot.channels[0];
    let (sent, capacity) = (channel.enqueued - channel.dequeued, channel.capacity);
    assert!(
        sent as f64 > capacity / 2.0,
        "{channel:?}: the sender has used its credits"
    );
    let on_link = channel.on_link.expect("remote");
    assert!(
        on_link * 2 > sent,
        "{channel:?}: and nearly all of that is on the link"
    );
    assert!(snapshot.subtasks[0].time.backpressured_ns > snapshot.at_ns / 2);
    assert!(snapshot.subtasks[1].time.idle_ns > snapshot.at_ns / 2);
    job.cancel();
    job.join();
}

fn next_event(job: &Job) -> JobEvent {
    loop {
        if let Some(event) = job.next_event() {
            return event;
        }
        assert!(!job.wait(Duration::from_millis(1)), "it is endless");
    }
}

#[test]
fn a_throttled_network_is_slower_for_as_long_as_it_is_throttled() {
    const PER_S: u64 = 8 << 20;
    let job = endless(PER_S, |_| {});
    rate_per_s(&job, 2_000);
    let usual = rate_per_s(&job, 50_000);
    let lasting = Duration::from_secs(1);
    job.throttle_network(1, PER_S / 16, Duration::from_millis(2), lasting);
    let begin = next_event(&job);
    assert_eq!((begin.kind, begin.task), ("throttle-network", Some(1)));
    rate_per_s(&job, 1_000);
    let throttled = rate_per_s(&job, 5_000);
    let end = next_event(&job);
    assert_eq!((end.kind, end.task), ("throttle-network-end", Some(1)));
    let lasted_ns = end.at_ns - begin.at_ns;
    assert!(lasted_ns * 2 > lasting.as_nanos() as u64, "{lasted_ns}");
    let after = rate_per_s(&job, 50_000);
    assert!(throttled * 4.0 < usual, "{throttled} of {usual} bytes/s");
    assert!(throttled * 4.0 < after, "{throttled}, then {after} bytes/s");
    job.cancel();
    job.join();
}

/// How long the checkpoints take that are taken while a link is full, sorted, in nanoseconds.
fn checkpoints_over_a_full_link(mode: CheckpointMode) -> Vec<u64> {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().join("checkpoints");
    let job = endless(1 << 20, |config| {
        config.channels.exclusive = 64;
        config.checkpoints = Some(CheckpointConfig {
            mode,
            ..CheckpointConfig::new(directory)
        });
    });
    let mut snapshot = JobSnapshot::default();
    let mut durations = Vec::new();
    while durations.len() < 5 {
        assert!(!job.wait(Duration::from_millis(1)), "it is endless");
        job.snapshot(&mut snapshot);
        if snapshot.channels[0].on_link < Some(60) {
            continue;
        }
        job.checkpoint_now();
        let report = loop {
            if let Some(report) = job.next_checkpoint() {
                break report;
            }
            assert!(!job.wait(Duration::from_millis(1)), "it is endless");
        };
        let complete = CheckpointOutcome::Complete { is_final: false };
        assert_eq!(report.outcome, complete);
        let in_flight = report.subtasks.iter().map(|it| it.in_flight_bytes);
        let holds_link = in_flight.sum::<u64>() > 60 * BATCH;
        assert_eq!(holds_link, mode == CheckpointMode::Unaligned);
        durations.push(report.ended_ns - report.triggered_ns);
    }
    job.cancel();
    job.join();
    durations.sort_unstable();
    durations
}

#[test]
fn a_barrier_that_overtakes_does_not_wait_for_what_is_on_the_link() {
    let aligned = checkpoints_over_a_full_link(CheckpointMode::Aligned);
    let unaligned = checkpoints_over_a_full_link(CheckpointMode::Unaligned);
    assert!(
        unaligned[2] * 2 < aligned[2],
        "{unaligned:?} ns, {aligned:?} ns"
    );
}

#[test]
fn an_exchange_that_is_not_there_cannot_be_remote() {
    let refused = |uid: &str| {
        let graph = JobGraph::new("refused");
        let collected = Collected::default();
        graph
            .source("numbers", |_| (Numbers(0..1), None))
            .sink("collect", move |_| collected.clone());
        let remote = Remote::Into(vec![uid.to_owned()]);
        match graph.deploy(config(remote, None, Duration::ZERO)) {
            Err(DeployError::UnknownRemote { uid, known }) => Some((uid, known)),
            _ => None,
        }
    };
    let known = "collect".to_owned();
    assert_eq!(refused("sink"), Some(("sink".to_owned(), known.clone())));
    assert_eq!(refused("numbers"), Some(("numbers".to_owned(), known)));
    assert_eq!(refused("collect"), None);
}
