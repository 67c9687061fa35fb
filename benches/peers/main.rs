//! The engine and its peers side by side: the same job on the same input, in one sitting, in turn.
//!
//! What may be concluded are ratios within a round; throughputs are only as good as the machine was
//! at the time. A job is a module with one file per contestant ([`running_count`],
//! [`window_count`], [`rocksdb_count`]); [`contest`] runs
//! them, [`standing`] concludes, and [`record`], [`table`] and [`chart`] show it.
//!
//! Left out on purpose: latency, and load below the maximum. `backwater` measures those.

mod alignment;
mod args;
mod chart;
mod clock;
mod contest;
mod embedded;
mod events;
mod input;
mod lap;
mod machine;
mod neighbours;
mod output;
mod record;
mod renoir;
mod rocksdb_count;
mod running_count;
mod standing;
mod statistics;
mod table;
mod timely_workers;
mod tokio_tasks;
mod window_count;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};

use args::{Args, JobName};
use contest::{Bout, Job, Outcome};
use input::Input;
use record::RunFile;
use standing::Standing;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let jobs = JobName::value_variants().iter();
    let job = |job: &JobName| match job {
        JobName::RunningCount => running_count::job(args.renoir.as_deref()),
        JobName::WindowCount => window_count::job(),
        JobName::RocksdbCount => rocksdb_count::job(),
        JobName::RocksdbCountCached => rocksdb_count::cached_job(),
    };
    let mut jobs: Vec<Job> = jobs.filter(|job| args.wants(**job)).map(job).collect();
    for job in &mut jobs {
        job.contestants
            .retain(|contestant| args.admits(contestant.who));
        ensure!(
            !job.contestants.is_empty(),
            "nobody is left to compete (renoir only does with --renoir)"
        );
    }
    let directory = output::directory(args.out.as_deref(), clock::unix_time())?;
    eprintln!("drawing keys");
    let sets = args.sets().into_iter();
    let inputs: Vec<Input> = sets.map(|set| set.draw(args.seed)).collect();
    let bouts = bouts(&jobs, &inputs, args)?;
    let mut runs = RunFile::create(&directory.join("peers.csv"))?;
    let outcomes = rounds(&bouts, args, &mut runs)?;
    let standings: Vec<Standing> = bouts
        .iter()
        .zip(&outcomes)
        .map(|(bout, outcomes)| Standing::of(bout, outcomes))
        .collect();

    let disturbed = neighbours::sentence(outcomes.iter().flatten().map(|run| run.cores_of_others));
    let machine = format!("{}; {disturbed}", machine::describe());
    record::write_ratios(&directory.join("ratios.csv"), &standings)?;
    if let Some(svg) = chart::draw(&standings, &machine) {
        let path = directory.join("peers.svg");
        fs::write(&path, svg).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    print!("{}", table::page(&standings, args, &machine));
    eprintln!("results: {}", directory.display());
    Ok(())
}

/// Everything that is compared, with the right answers.
fn bouts<'a>(jobs: &'a [Job], inputs: &'a [Input], args: &Args) -> anyhow::Result<Vec<Bout<'a>>> {
    let mut bouts = Vec::new();
    for job in jobs {
        for input in inputs {
            let answer = (job.answer)(input)?;
            bouts.extend(args.parallelism.iter().map(|&parallelism| Bout {
                job,
                input,
                parallelism: usize::from(parallelism),
                answer,
            }));
        }
    }
    Ok(bouts)
}

/// Runs all rounds of all bouts, after one that warms up and is not recorded. What comes back is in
/// the order of bouts.
fn rounds(
    bouts: &[Bout<'_>],
    args: &Args,
    runs: &mut RunFile,
) -> anyhow::Result<Vec<Vec<Outcome>>> {
    let mut all = vec![Vec::new(); bouts.len()];
    for round in 0..=usize::from(args.rounds) {
        for (bout, all) in bouts.iter().zip(&mut all) {
            let outcomes = bout.round(round, args.seed)?;
            progress(bout, round, args.rounds, &outcomes);
            if round > 0 {
                runs.add(bout, &outcomes)?;
                all.extend(outcomes);
            }
        }
    }
    Ok(all)
}

fn progress(bout: &Bout<'_>, round: usize, rounds: u16, outcomes: &[Outcome]) {
    let phase = match round {
        0 => "warm-up".to_owned(),
        round => format!("round {round} of {rounds}"),
    };
    let speed = |outcome: &Outcome| {
        let records = bout.input.set.records as f64;
        let million_per_s = records * 1e3 / outcome.run.elapsed_ns.max(1) as f64;
        format!("{} {million_per_s:.1}", outcome.who.name())
    };
    let speeds: Vec<String> = outcomes.iter().map(speed).collect();
    eprintln!(
        "{phase}: {}, {}, parallelism {}: {} M records/s",
        bout.job.name,
        bout.input.set.name(),
        bout.parallelism,
        speeds.join(", ")
    );
}
