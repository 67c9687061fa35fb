//! The command line: arguments, dispatch and exit statuses. What the commands do is in their files.

mod compare;
mod list;
mod loads;
mod print;
mod report;
mod run;
mod search;
mod selftest;
mod sweep;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use reports::comparison::Plan;

use crate::run::RunError;
use crate::scenario::{ScenarioError, Variant};

/// The answer was found, and it is "wrong".
const WRONG: u8 = 1;
/// The answer was found, and an objective of the scenario is missed.
const MISSED: u8 = 1;
/// Bad usage or scenario.
const USAGE: u8 = 2;
/// What was found is not valid.
const INVALID: u8 = 3;

/// Benchmark and load-test harness for stream-processing engines.
///
/// Runs a job under an honest open-loop load and says which operator limits it, and why.
#[derive(Parser)]
#[command(name = "backwater", version, after_help = EXIT_STATUS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "Exit status: 0 done (an overloaded job is a result, too); 1 wrong results, an objective missed, or a variant that is worse; \
2 bad usage or scenario; 3 not valid: generator-limited, aborted or failed.";

/// What the help of `compare` says below the options.
const COMPARE: &str = "\
The scenario as it is, called base, is compared with each of its [[variant]] tables and of --variant. A block runs each
of them once, in an order drawn for the block, every run in a process of its own. Throughput decides: it is looked at
after 8 blocks and every 4 more, and the comparison ends when each variant is better, worse or equivalent, or after 24.
All else that is measured is reported beside it. It says beforehand how long that takes, and how many blocks it takes
to show a difference of 5 %.

Runs that are given instead of a scenario are put side by side. Those that differ in nothing but the seed are
repetitions of one variant, the first run's is the baseline, and the answer says that they were not interleaved.

Ctrl-C leaves what was found; the same command with --out goes on with it.
Exit status: 0 done; 1 a variant has a worse throughput, or results were wrong; 2 bad usage or scenario; 3 ended early, or a run left no record.";

#[derive(Subcommand)]
enum Command {
    /// Run a scenario and report on it
    Run(RunArguments),
    /// Compare variants of a scenario in interleaved blocks, or finished runs
    #[command(after_help = COMPARE)]
    Compare(CompareArguments),
    /// Search for the highest load that a job sustains, with an interval
    #[command(after_help = search::ABOUT)]
    Search(search::SearchArguments),
    /// Measure response times and goodput over load, up to and past the capacity
    #[command(after_help = sweep::ABOUT)]
    Sweep(sweep::SweepArguments),
    /// Check the instrument on this machine: claim, measured, bound, pass
    #[command(after_help = selftest::ABOUT)]
    Selftest(selftest::SelfTestArguments),
    /// Render runs, comparisons, searches and sweeps again, finished or not
    Report {
        /// Run directories, and folders of comparisons, searches and sweeps
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<PathBuf>,
    },
    /// Print a script that completes this command in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// List workloads and built-in scenarios, or explain one of them
    List {
        /// A workload, or a built-in scenario
        name: Option<String>,
    },
}

#[derive(clap::Args)]
struct RunArguments {
    /// A scenario file, or the name of a built-in scenario
    scenario: String,
    /// What to run it on
    #[arg(long, value_enum, default_value_t = TargetName::Embedded)]
    target: TargetName,
    /// Override a key of the scenario, e.g. load.shape.rate_per_s=5000; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The run directory, empty or absent [default: results/<time>-<scenario>-<target>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on from a checkpoint of an earlier run of the scenario: its run directory, or a chk-N in it
    #[arg(long, value_name = "PATH")]
    restore: Option<PathBuf>,
    /// Go back to an older checkpoint if the latest is damaged, even if sinks cannot take back what they
    /// were given since
    #[arg(long, requires = "restore")]
    allow_rollback: bool,
    /// Print run.json alone on standard output
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct CompareArguments {
    /// A scenario, or two or more run directories
    #[arg(required = true, value_name = "SCENARIO|RUN")]
    what: Vec<String>,
    /// A variant beside those of the scenario, e.g. wide:job.parallelism=4; may be repeated, also for more keys
    /// of the same variant. A name alone is the scenario once more: what differs then is noise
    #[arg(long, value_name = "NAME[:KEY=VALUE]", value_parser = Variant::parse)]
    variant: Vec<Variant>,
    /// Override a key of the scenario in all variants; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// What to run on; with several, every variant on each
    #[arg(long, value_enum, value_delimiter = ',', default_value = "embedded")]
    targets: Vec<TargetName>,
    /// Exactly so many blocks, looked at once, instead of 8 and up to 24 until it is decided
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(6..=1000))]
    blocks: Option<u32>,
    /// Differences within this share are none: what counts as equivalent [default: 0.05]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    margin: Option<f64>,
    /// The directory of the comparison, empty or absent, or an unfinished one to go on with [default:
    /// results/<time>-compare-<scenario>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print result.json alone on standard output
    #[arg(long)]
    json: bool,
}

impl CompareArguments {
    fn plan(&self, seed: u64) -> Plan {
        let usual = Plan::default();
        let (blocks, most_blocks) = match self.blocks {
            Some(blocks) => (blocks, blocks),
            None => (usual.blocks, usual.most_blocks),
        };
        Plan {
            blocks,
            most_blocks,
            margin: self.margin.unwrap_or(usual.margin),
            seed,
            ..usual
        }
    }
}

/// A share above 0 and below 1, or as many percent: `0.05` and `5%`.
fn share(text: &str) -> Result<f64, String> {
    let share = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse().map(|percent: f64| percent / 100.0),
        None => text.trim().parse(),
    };
    match share {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("allowed: above 0 and below 1, e.g. 0.05 or 5%".to_owned()),
    }
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum TargetName {
    /// The embedded engine, in this process
    Embedded,
    /// No engine: the harness's own ceiling
    Null,
}

impl TargetName {
    fn as_str(self) -> &'static str {
        match self {
            TargetName::Embedded => "embedded",
            TargetName::Null => "null",
        }
    }
}

/// Why a command failed, with its exit status.
struct Failure {
    status: u8,
    message: String,
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self {
            status: error.exit_status(),
            message: error.to_string(),
        }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Self {
            status: USAGE,
            message: error.to_string(),
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Search(arguments) => search::search(&arguments),
        Command::Sweep(arguments) => sweep::sweep(&arguments),
        Command::Selftest(arguments) => selftest::selftest(&arguments),
        Command::Report { runs } => report::report(&runs),
        Command::List { name } => list::list(name.as_deref()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "backwater", &mut script);
            print::answer(&String::from_utf8_lossy(&script));
            Ok(0)
        }
    };
    match done {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            print::error(&failure.message);
            ExitCode::from(failure.status)
        }
    }
}
