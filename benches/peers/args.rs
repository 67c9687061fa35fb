//! The command line.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::contest::Who;
use crate::input::{Distribution, InputSet};

/// Runs the same job on the embedded engine and on its peers, side by side on the same input, and
/// says how the engine's throughput compares.
#[derive(Debug, Clone, Parser)]
#[command(name = "scripts/bench peers")]
pub struct Args {
    /// Rounds; in each, every contestant runs once on every input
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,

    /// Records of every input [default: 16,000,000, of input `large` 10,000,000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub records: Option<u32>,

    /// Determines keys and order
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Only these jobs; those in RocksDB are done only if they are named, and want fewer records
    #[arg(long, value_name = "JOB,..", value_delimiter = ',')]
    pub jobs: Vec<JobName>,

    /// Only these contestants
    #[arg(long, value_name = "WHO,..", value_delimiter = ',')]
    pub only: Vec<Who>,

    /// Only these inputs
    #[arg(long, value_name = "INPUT,..", value_delimiter = ',')]
    pub inputs: Vec<InputName>,

    /// Numbers of threads
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_values = ["1", "2"], value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallelism: Vec<u16>,

    /// A new or empty folder for the results [default: results/peers-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// The program that runs the job on renoir; scripts/bench takes --renoir alone and builds it
    #[arg(long, value_name = "PROGRAM")]
    pub renoir: Option<PathBuf>,
}

/// A job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JobName {
    /// A running count per key
    RunningCount,
    /// A count per key and second of event time
    WindowCount,
    /// A running count per key with its state in RocksDB
    RocksdbCount,
    /// The same with a write-back cache that all counts fit in
    RocksdbCountCached,
}

/// An input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InputName {
    /// 100,000 keys, equally frequent
    Uniform,
    /// 100,000 keys, key r as frequent as 1/r
    Zipf,
    /// 5,000,000 keys, equally frequent
    Large,
}

/// The command that does the same again.
impl Display for Args {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        fn list(values: impl Iterator<Item = String>) -> String {
            values.collect::<Vec<String>>().join(",")
        }
        let (rounds, seed) = (self.rounds, self.seed);
        write!(f, "scripts/bench peers --rounds {rounds} --seed {seed}")?;
        let parallelism = list(self.parallelism.iter().map(u16::to_string));
        write!(f, " --parallelism {parallelism}")?;
        if let Some(records) = self.records {
            write!(f, " --records {records}")?;
        }
        if !self.jobs.is_empty() {
            let jobs = self.jobs.iter().filter_map(JobName::to_possible_value);
            let jobs = list(jobs.map(|job| job.get_name().to_owned()));
            write!(f, " --jobs {jobs}")?;
        }
        if !self.only.is_empty() {
            let only = self.only.iter().map(|who| who.name().to_owned());
            write!(f, " --only {}", list(only))?;
        }
        if !self.inputs.is_empty() {
            let inputs = self.inputs.iter().filter_map(InputName::to_possible_value);
            write!(
                f,
                " --inputs {}",
                list(inputs.map(|input| input.get_name().to_owned()))
            )?;
        }
        if self.renoir.is_some() {
            write!(f, " --renoir")?;
        }
        Ok(())
    }
}

impl Args {
    /// The chosen inputs.
    pub fn sets(&self) -> Vec<InputSet> {
        let all = InputName::value_variants().iter();
        let chosen = all.filter(|name| self.inputs.is_empty() || self.inputs.contains(name));
        chosen.map(|name| self.set(*name)).collect()
    }

    fn set(&self, name: InputName) -> InputSet {
        let (keys, distribution, records) = match name {
            InputName::Uniform => (100_000, Distribution::Uniform, 16_000_000),
            InputName::Zipf => (100_000, Distribution::Zipf, 16_000_000),
            InputName::Large => (5_000_000, Distribution::Uniform, 10_000_000),
        };
        InputSet {
            keys,
            distribution,
            records: self.records.unwrap_or(records) as usize,
        }
    }

    /// Whether a job is done.
    pub fn wants(&self, job: JobName) -> bool {
        let in_memory = [JobName::RunningCount, JobName::WindowCount];
        match self.jobs.is_empty() {
            true => in_memory.contains(&job),
            false => self.jobs.contains(&job),
        }
    }

    /// Whether somebody competes.
    pub fn admits(&self, who: Who) -> bool {
        self.only.is_empty() || self.only.contains(&who)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_filters_inputs_and_contestants() {
        Args::command().debug_assert();
        let line = [
            "peers",
            "--only",
            "engine,timely",
            "--inputs",
            "large",
            "--records",
            "7",
        ];
        let args = Args::try_parse_from(line).unwrap();
        let again = "scripts/bench peers --rounds 15 --seed 1 --parallelism 1,2 --records 7 \
                     --only engine,timely --inputs large";
        assert_eq!(args.to_string(), again);
        assert!(args.admits(Who::Timely) && !args.admits(Who::Plain));
        let [set] = args.sets()[..] else {
            panic!("one input")
        };
        assert_eq!((set.keys, set.records), (5_000_000, 7));
        assert!(Args::try_parse_from(["peers", "--only", "nobody"]).is_err());
        assert!(Args::try_parse_from(["peers", "--rounds", "0"]).is_err());
    }
}
