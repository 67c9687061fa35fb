//! Is the state time that a job reports the time that state takes?
//!
//! The same count in RocksDB, in turn: as a loop over the state alone, timed from outside as the bench
//! `state_on_disk` does, and as a job, of which only the share `state` of its account of time is
//! looked at. The two may differ by what a job adds to state time (it waits for a processor inside
//! RocksDB, too) and by what the loop adds to it (encoding, and the memory in front of RocksDB).

use std::process::ExitCode;
use std::time::Instant;

use benches::{Count, deployed, discard, key_of, number_state, numbers};
use engine::{JobConfig, JobGraph, Profile, RocksDbConfig, StateBackend};

const KEYS: u64 = 100_000;
const RECORDS: u64 = 400_000;
/// Rows of a run.
const RUN: usize = 1_024;
const ROUNDS: usize = 9;
/// How far the two may be apart.
const BOUND: f64 = 0.2;

fn main() -> ExitCode {
    let mut ratios: Vec<f64> = Vec::new();
    for round in 0..=ROUNDS {
        let (alone_ns, in_job_ns) = match round % 2 {
            0 => (alone(), in_job()),
            _ => {
                let in_job_ns = in_job();
                (alone(), in_job_ns)
            }
        };
        let ratio = in_job_ns / alone_ns;
        eprintln!(
            "round {round}: {alone_ns:.0} ns per record alone, {in_job_ns:.0} in a job, {ratio:.3}"
        );
        // The first warms up.
        if round > 0 {
            ratios.push(ratio);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let (low, median, high) = (ratios[1], ratios[ROUNDS / 2], ratios[ROUNDS - 2]);
    println!(
        "state time per record, of a job over that of a loop: {median:.3} ({low:.3} to {high:.3}), median of {ROUNDS} \
         rounds with a 95 % interval; may be off by {BOUND}"
    );
    match (median - 1.0).abs() <= BOUND {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn backend(folder: &tempfile::TempDir) -> StateBackend {
    StateBackend::RocksDb(RocksDbConfig::of_profile(Profile::Default, folder.path()))
}

/// Nanoseconds per record of a loop over the state alone.
#[allow(clippy::disallowed_methods, reason = "measures itself")]
fn alone() -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut state, mut states) = number_state::<u64>(&backend(&folder));
    let mut out: Vec<u64> = Vec::new();
    let began = Instant::now();
    for first in (0..RECORDS).step_by(RUN) {
        let run = first..RECORDS.min(first + RUN as u64);
        let items = run.map(|n| (key_of(n, KEYS), ()));
        let add = |_: &u64, count: &mut u64, ()| {
            *count += 1;
            *count
        };
        out.clear();
        let counted = state.update_each(items, || 0, add, &mut out);
        counted.expect("the disk takes it");
        states.next_run(0).expect("the disk takes it");
    }
    began.elapsed().as_nanos() as f64 / RECORDS as f64
}

/// Nanoseconds of state time per record of a job.
fn in_job() -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let graph = JobGraph::new("state-time");
    let keyed = numbers(&graph, RECORDS).key_by(|&n| key_of(n, KEYS));
    discard(keyed.aggregate("count", Count));
    let config = JobConfig {
        parallelism: 1,
        slots: 1,
        state_backend: backend(&folder),
        ..JobConfig::default()
    };
    let report = deployed(&graph, config)
        .start()
        .expect("threads can be started")
        .join();
    let state_ns: u64 = report
        .snapshot
        .subtasks
        .iter()
        .map(|it| it.time.state_ns)
        .sum();
    state_ns as f64 / RECORDS as f64
}
