//! Jobs of every workload that keeps state, killed in every way at random moments until they are through: in the end
//! the oracle finds everything right, and what is in their files is there once.
//!
//! A run is a row of processes that work on one job. Each but the last gets SIGKILL at a moment that is drawn, and in
//! each subtasks are killed at such moments, too, which restarts the job in the process. The next process goes on
//! from the directory that the one before left, at a parallelism that is drawn.
//!
//! One test is a combination of a workload, a state backend, and a checkpoint mode. `TORTURE_RUNS` is the number of
//! runs of each, `TORTURE_REPORT` a file to which each appends a line with what happened. A run that fails keeps its
//! directory and says where that is, and how to do it again; but what is drawn decides on plans and moments, not on
//! who is faster.

mod combinations;
mod job;
mod run;

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use combinations::{Combination, combinations};
use run::{Moments, run};

/// Runs of each combination, unless `TORTURE_RUNS` says how many.
const RUNS: u64 = 20;

fn main() -> ExitCode {
    if let Some(order) = run::Order::of_this_process() {
        return job::carry_out(&order);
    }
    let mut arguments = Arguments::from_args();
    // They wait more than they compute.
    arguments.test_threads.get_or_insert(4);
    let trials = combinations().into_iter().map(|combination| {
        let name = combination.name();
        Trial::test(name, move || torture(&combination))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn torture(combination: &Combination) -> Result<(), Failed> {
    let runs = number_of("TORTURE_RUNS").unwrap_or(RUNS);
    let first = number_of("TORTURE_FIRST").unwrap_or(0);
    let mut total = Moments::default();
    for seed in first..first + runs {
        total = total + run(combination, seed)?;
    }
    if let Ok(path) = std::env::var("TORTURE_REPORT") {
        let line = total.line(&combination.name(), runs);
        File::options()
            .append(true)
            .create(true)
            .open(path)?
            .write_all(line.as_bytes())?;
    }
    Ok(())
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
