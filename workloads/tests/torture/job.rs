//! What one process does: it goes on with a job, kills subtasks meanwhile, and judges the end if it gets there.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use engine::{Job, Outcome, RestoreFrom, read_parts};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use workloads::{Bounds, Built, JobSpec, LoadSpec, NoProbes, WorkloadSpec, build};

use crate::combinations::{Backend, Files, Mode, Weight};
use crate::run::{Found, Order};

/// A quarter of a second of them.
const RECORDS: u64 = 10_000;
const RECORDS_PER_S: u64 = 40_000;
/// A job that needs longer hangs.
const HANGS: Duration = Duration::from_secs(120);

const CHAININGS: [&str; 2] = ["", "chaining = false"];

const CHANNELS: [&str; 3] = [
    "",
    "channels = { batch = 16, exclusive = 1, floating = 1 }",
    "channels = { batch = 7 }",
];

/// Does what this process was started for, and says on standard error what is wrong.
pub fn carry_out(order: &Order) -> ExitCode {
    match go_on(order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

fn go_on(order: &Order) -> Result<(), String> {
    find_interrupted(order);
    fs::write(order.starting(), "").map_err(said)?;
    let before = parts(order);
    let mut draws = order.draws(true);
    let spec = spec(order, &mut draws);
    let Built {
        graph,
        progress,
        verifier,
        alone: _,
    } = built(order, &spec)?;
    let mut config = spec.to_config();
    config.restore = RestoreFrom::Latest;
    let job = graph.deploy(config).map_err(said)?.start().map_err(said)?;
    if parts(order).difference(&before).next().is_some() {
        order.found(Found::Commit);
    }
    fs::remove_file(order.starting()).map_err(said)?;
    kill_subtasks(order, &job, &mut draws);
    let is_over = job.wait(HANGS);
    if !is_over {
        job.cancel();
    }
    let mut text = String::new();
    while let Some(event) = job.next_event() {
        text += &format!("{event:?}\n");
    }
    let report = job.join();
    let correctness = verifier.verify(&progress.admitted_per_split());
    let is_right = correctness.is_right() && progress.admitted() == RECORDS;
    if !is_over || report.outcome != Outcome::Finished || !is_right {
        let edges = &report.edges;
        let admitted = progress.admitted();
        return Err(format!(
            "{text}{spec:?}\n{:?}, over: {is_over}, admitted {admitted}, {correctness:?}\n{edges:?}",
            report.outcome
        ));
    }
    match &order.combination.files {
        Some(files) => {
            judge_files(order, files).map_err(|wrong| format!("{text}{spec:?}\n{wrong}"))
        }
        None => Ok(()),
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The job of this process: laid out at random.
fn spec(order: &Order, draws: &mut StdRng) -> JobSpec {
    let combination = &order.combination;
    let parallelism = draws.random_range(1..=4);
    let mode = match combination.mode {
        Mode::Aligned => "mode = 'aligned'",
        Mode::Unaligned => [
            "mode = 'unaligned'",
            "mode = 'aligned-with-timeout', alignment_timeout = '1ms'",
        ]
        .choose(draws)
        .expect("some"),
    };
    // Rows that a barrier has passed are kept by the tasks that they were on their way to.
    let chaining = match combination.mode {
        Mode::Aligned => CHAININGS.choose(draws),
        Mode::Unaligned => CHAININGS.choose(&mut order.draws(false)),
    };
    let chaining = chaining.expect("some");
    let channels = CHANNELS.choose(draws).expect("some");
    let state = match combination.backend {
        Backend::Heap => "",
        Backend::RocksDb => "state = { backend = 'rocksdb', write_back_cache = '64KiB' }",
    };
    let output = match combination.files {
        Some(_) => "output = { kind = 'files' }",
        None => "",
    };
    let text = format!(
        "parallelism = {parallelism}\n{chaining}\n{channels}\n{state}\n{output}\n\
         checkpoint = {{ interval = '10ms', {mode}, tolerable_failures = 1000 }}\n\
         restart = {{ strategy = 'fixed-delay', attempts = 1000, delay = '2ms' }}"
    );
    let spec = JobSpec::parse(text.parse().expect("TOML")).expect(&text);
    spec.within(&order.folder)
}

fn built(order: &Order, spec: &JobSpec) -> Result<Built, String> {
    let combination = &order.combination;
    let workload = WorkloadSpec::parse(combination.workload.parse().map_err(said)?);
    let (splits, arrivals) = (combination.splits, combination.arrivals);
    let load = format!(
        "shape = {{ kind = 'constant', rate_per_s = {RECORDS_PER_S} }}\nsplits = {splits}\narrivals = '{arrivals}'"
    );
    let load = LoadSpec::parse(load.parse().map_err(said)?).map_err(said)?;
    let bounds = Bounds {
        records: Some(RECORDS),
        ..Bounds::default()
    };
    build(
        &workload.map_err(said)?,
        &load,
        spec,
        42,
        bounds,
        Arc::new(NoProbes),
    )
    .map_err(said)
}

/// Kills subtasks at random moments; some while the job is still going on from the kill before.
fn kill_subtasks(order: &Order, job: &Job, draws: &mut StdRng) {
    let tasks = job.plan().tasks.iter().map(|task| task.parallelism);
    let tasks: Vec<usize> = tasks.collect();
    for _ in 0..draws.random_range(0..4) {
        let early = draws.random_bool(0.4);
        let moment = draws.random_range(if early { 0..8 } else { 8..80 });
        if job.wait(Duration::from_millis(moment)) {
            return;
        }
        let task = draws.random_range(0..tasks.len());
        job.kill(task, Some(draws.random_range(0..tasks[task])));
        order.found(Found::Restart);
    }
}

/// Writes down what the process before this one was doing when it was killed.
fn find_interrupted(order: &Order) {
    if order.starting().exists() {
        order.found(Found::Start);
    }
    let checkpoints = entries(&order.folder.join("checkpoints"));
    let is_unfinished = |path: &PathBuf| path.is_dir() && !path.join("MANIFEST").exists();
    if checkpoints.iter().any(is_unfinished) {
        order.found(Found::Snapshot);
    }
}

/// The visible files of all sinks.
fn parts(order: &Order) -> BTreeSet<PathBuf> {
    let folders = entries(&order.folder.join("output"));
    let files = folders.iter().flat_map(|folder| entries(folder));
    let is_part = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "csv");
    files.filter(is_part).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// What the sinks have written is complete, and nothing is there twice.
fn judge_files(order: &Order, files: &Files) -> Result<(), String> {
    let sinks = entries(&order.folder.join("output"));
    if sinks.is_empty() {
        return Err("no sink has written files".to_owned());
    }
    for sink in sinks {
        let header = header(&sink)?;
        let column = |name: &str| {
            let found = header.iter().position(|it| it == name);
            found.ok_or_else(|| format!("{}: no column {name}", sink.display()))
        };
        let unique: Vec<usize> = files
            .unique
            .iter()
            .map(|name| column(name))
            .collect::<Result<_, _>>()?;
        let weight = match files.total {
            Some((Weight::Column(name), _)) => Some(column(name)?),
            _ => None,
        };
        let (mut seen, mut total) = (HashSet::new(), 0);
        for row in read_parts(&sink).map_err(said)? {
            let row = row.map_err(said)?;
            let key: Vec<String> = unique.iter().map(|&at| row[at].to_owned()).collect();
            if seen.contains(&key) {
                return Err(format!("{}: {key:?} is there twice", sink.display()));
            }
            seen.insert(key);
            total += weight
                .map_or(Ok(1), |at| row[at].parse::<u64>())
                .map_err(said)?;
        }
        let expected = files.total.map(|(_, factor)| factor * RECORDS);
        if expected.is_some_and(|expected| total != expected) {
            return Err(format!(
                "{}: rows for {total} of {expected:?} records",
                sink.display()
            ));
        }
    }
    Ok(())
}

fn header(sink: &Path) -> Result<csv::StringRecord, String> {
    let part = entries(sink)
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "csv"));
    let part = part.ok_or_else(|| format!("{}: no visible file", sink.display()))?;
    let mut reader = csv::Reader::from_path(part).map_err(said)?;
    reader.headers().cloned().map_err(said)
}
