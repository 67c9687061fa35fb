//! What do the engine's metrics cost? The job whose instructions `scripts/bench metrics-cost` counts,
//! with an engine that measures itself and with one that does not.
//!
//! A program of its own, because the two engines cannot be in one.

use std::process::ExitCode;

use benches::{deployed, keyed_count, run_to_end};
use engine::JobConfig;

const KEYS: u64 = 100_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let records = arguments.next().and_then(|records| records.parse().ok());
    let Some(records) = records else {
        eprintln!("usage: keyed-count RECORDS");
        return ExitCode::from(2);
    };
    // Two of everything, so that records are routed; one worker thread, so that counts repeat.
    let config = JobConfig {
        parallelism: 2,
        slots: 1,
        ..JobConfig::default()
    };
    run_to_end(deployed(&keyed_count(records, KEYS), config));
    ExitCode::SUCCESS
}
