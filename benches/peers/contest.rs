//! Who competes in what, and in which order: every contestant once per round, in an order drawn
//! anew for each round, so that what the machine does meanwhile falls on all alike.

use anyhow::{Context, ensure};
use clap::ValueEnum;
use workloads::draw::{Draw, Purpose, below};

use crate::input::Input;
use crate::lap::Run;
use crate::neighbours::Ticks;

/// The contestants, in the order in which tables list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Who {
    /// A plain loop in one thread.
    Plain,
    /// The engine's job as one loop in one thread.
    Fused,
    /// Written by hand on tokio.
    Skeleton,
    /// The embedded engine.
    Engine,
    /// Timely dataflow.
    Timely,
    /// Renoir, in a process of its own.
    Renoir,
}

impl Who {
    /// As it stands in tables.
    pub fn name(self) -> &'static str {
        match self {
            Who::Plain => "plain",
            Who::Fused => "fused",
            Who::Skeleton => "skeleton",
            Who::Engine => "engine",
            Who::Timely => "timely",
            Who::Renoir => "renoir",
        }
    }
}

/// A job and who can do it.
pub struct Job {
    /// As it stands in tables.
    pub name: &'static str,
    /// The digest of the right results.
    pub answer: fn(&Input) -> anyhow::Result<u64>,
    /// Those who do it.
    pub contestants: Vec<Contestant>,
}

/// One way of doing a job.
pub struct Contestant {
    /// Whose.
    pub who: Who,
    /// Does it.
    pub run: RunOnce,
}

/// Does a job once, with so much parallelism.
pub type RunOnce = Box<dyn Fn(&Input, usize) -> anyhow::Result<Run>>;

/// What is compared: runs of one job on one input with one parallelism.
pub struct Bout<'a> {
    /// What is done.
    pub job: &'a Job,
    /// On what.
    pub input: &'a Input,
    /// How parallel, by those who can be.
    pub parallelism: usize,
    /// The digest of the right results.
    pub answer: u64,
}

/// One contestant's run in one round.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Which round, from 1; 0 warms up.
    pub round: usize,
    /// The how manieth of its round, from 1.
    pub order: usize,
    /// Whose.
    pub who: Who,
    /// What it came to.
    pub run: Run,
    /// Cores that other processes took meanwhile, on average.
    pub cores_of_others: Option<f64>,
}

impl Bout<'_> {
    /// Runs every contestant once. Fails if one fails, or gives other results than the right ones.
    pub fn round(&self, round: usize, seed: u64) -> anyhow::Result<Vec<Outcome>> {
        let draw = Draw::new(seed, Purpose::Arrival).part(round as u64);
        let order = shuffled(self.job.contestants.len(), draw);
        let outcome = |(position, contestant): (usize, usize)| {
            let Contestant { who, run } = &self.job.contestants[contestant];
            let name = who.name();
            let before = Ticks::now();
            let run =
                run(self.input, self.parallelism).with_context(|| format!("{name} failed"))?;
            ensure!(
                run.digest == self.answer,
                "the results of {name} are wrong: their digest is {:016x}, the right one {:016x}",
                run.digest,
                self.answer
            );
            Ok(Outcome {
                round,
                order: position + 1,
                who: *who,
                run,
                cores_of_others: Ticks::now()
                    .zip(before)
                    .and_then(|(now, before)| now.cores_of_others_since(&before)),
            })
        };
        order.into_iter().enumerate().map(outcome).collect()
    }
}

/// The numbers below `count` in an order that depends on the draw (Fisher and Yates).
fn shuffled(count: usize, draw: Draw) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for left in (2..=count).rev() {
        let other = below(draw.bits(left as u64), left as u32) as usize;
        order.swap(left - 1, other);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Distribution, InputSet};

    #[test]
    fn every_contestant_comes_first_about_as_often() {
        let mut first = [0; 5];
        for round in 0..1_000 {
            let mut order = shuffled(5, Draw::new(1, Purpose::Arrival).part(round));
            first[order[0]] += 1;
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4]);
        }
        assert!(
            first.iter().all(|&times| (150..250).contains(&times)),
            "{first:?}"
        );
    }

    #[test]
    fn wrong_results_fail_the_round_and_name_the_contestant() {
        let run = |_: &Input, _| {
            Ok(Run {
                elapsed_ns: 1,
                digest: 2,
            })
        };
        let (who, run) = (Who::Timely, Box::new(run));
        let job = Job {
            name: "nothing",
            answer: |_| Ok(3),
            contestants: vec![Contestant { who, run }],
        };
        let distribution = Distribution::Uniform;
        let input = InputSet {
            keys: 1,
            distribution,
            records: 1,
        }
        .draw(1);
        let answer = (job.answer)(&input).unwrap();
        let bout = Bout {
            job: &job,
            input: &input,
            parallelism: 1,
            answer,
        };
        let error = bout.round(1, 1).unwrap_err().to_string();
        assert!(error.contains("timely"), "{error}");
    }
}
