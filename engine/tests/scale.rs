//! Many subtasks and channels in one process. One test, because it looks at the whole process.

#[path = "support/numbers.rs"]
mod numbers;

use std::time::Duration;

use engine::{Batch, Chaining, JobConfig, JobGraph, Outcome, Source, SourceStatus, thread_cpu_ns};
use numbers::Numbers;

/// Resident set of this process at its peak, in bytes.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("in every status");
    line.split_whitespace()
        .nth(1)
        .expect("a number")
        .parse::<u64>()
        .expect("a number")
        * 1024
}

/// CPU time of the whole process in nanoseconds.
fn process_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Never has anything to emit.
struct Silent;
impl Source for Silent {
    type Out = u64;
    fn poll(&mut self, _: u64, _: u64, _: usize, _: &mut Batch<u64>) -> SourceStatus {
        SourceStatus::WaitUntil(u64::MAX)
    }
}

#[test]
fn ten_thousand_subtasks_with_two_hundred_thousand_channels_fit_and_a_thousand_idle_ones_rest() {
    // Two all-to-all exchanges of 316 x 316 channels each, and forward tasks up to 10,000 subtasks.
    const WIDE: usize = 316;
    const FORWARD: usize = 29;
    let graph = JobGraph::new("wide");
    let mut stream = graph.source("numbers", |context| {
        (Numbers::share(1_000_000, context), None)
    });
    for exchange in 0..2 {
        stream = stream
            .rebalance()
            .map(&format!("wide-{exchange}"), |value| value);
    }
    for link in 0..FORWARD - 1 {
        stream = stream.map(&format!("link-{link}"), |value| value);
    }
    stream.for_each("sink", |_| ());
    let config = JobConfig {
        parallelism: WIDE,
        slots: 2,
        chaining: Chaining::Off,
        ..JobConfig::default()
    };
    let deployed = graph.deploy(config).expect("a valid job");
    let subtasks: usize = deployed
        .plan()
        .tasks
        .iter()
        .map(|task| task.parallelism)
        .sum();
    let job = deployed.start().expect("threads");
    assert!(job.wait(Duration::from_secs(300)), "hangs");
    let report = job.join();
    assert_eq!(report.outcome, Outcome::Finished);
    assert!(
        report
            .edges
            .iter()
            .all(|edge| edge.received == 1_000_000 && edge.in_flight == 0)
    );
    let (channels, peak) = (report.snapshot.channels.len(), peak_rss_bytes());
    println!(
        "{subtasks} subtasks, {channels} channels, peak {} MiB",
        peak >> 20
    );
    assert!(subtasks >= 10_000 && channels >= 200_000);
    assert!(peak < 4 << 30, "{} MiB", peak >> 20);

    let graph = JobGraph::new("idle");
    let mut stream = graph.source("silent", |_| (Silent, None));
    for link in 0..8 {
        stream = stream.map(&format!("link-{link}"), |value| value);
    }
    stream.for_each("sink", |_| ());
    let config = JobConfig {
        parallelism: 100,
        chaining: Chaining::Off,
        ..JobConfig::default()
    };
    let job = graph
        .deploy(config)
        .expect("a valid job")
        .start()
        .expect("threads");
    std::thread::sleep(Duration::from_secs(1));
    let (cpu_ns, own_ns, begin_ns) = (process_cpu_ns(), thread_cpu_ns(), job.clock().now());
    std::thread::sleep(Duration::from_secs(4));
    let used_ns = (process_cpu_ns() - cpu_ns).saturating_sub(thread_cpu_ns() - own_ns);
    let share = used_ns as f64 / (job.clock().now() - begin_ns) as f64;
    println!("1,000 idle subtasks use {:.3} % of one core", share * 100.0);
    assert!(share < 0.02, "{share}");
}
