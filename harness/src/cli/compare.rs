//! `backwater compare`: variants of a scenario in interleaved blocks, or runs that are finished.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use reports::compared::{self, Compared, ComparedRun, ComparedVariant};
use reports::comparison::{Plan, blocks_needed};
use reports::format::{self, or_na};
use reports::record::{RESULT_FILE, SCENARIO_FILE};

use super::{CompareArguments, Failure, INVALID, TargetName, USAGE, WRONG, print};
use crate::clock;
use crate::compare::{At, Comparing, Watch};
use crate::host;
use crate::interrupt::Interrupt;
use crate::lock::{self, Lock};
use crate::run::RunDirectory;
use crate::scenario::{self, Scenario};

/// Coefficient of variation of one run where nothing is known yet: that of streaming benchmarks on cloud
/// machines (arXiv 2504.11826).
const USUAL_CV: f64 = 0.037;
/// Probability of finding a difference of the stated size.
const POWER: f64 = 0.8;
/// The difference of which is said how many blocks it takes.
const EFFECT: f64 = 0.05;

/// Runs the comparison; exit status 1 if a variant is worse by what decides, or results were wrong.
pub fn compare(arguments: &CompareArguments) -> Result<u8, Failure> {
    let runs: Vec<PathBuf> = arguments.what.iter().map(PathBuf::from).collect();
    let (directory, compared) = match arguments.what.as_slice() {
        _ if runs.iter().all(|run| is_run(run)) => finished(arguments, &runs)?,
        [scenario] => interleaved(arguments, scenario)?,
        _ => {
            return Err(Failure {
                status: USAGE,
                message: "expected one scenario, or two or more run directories".to_owned(),
            });
        }
    };
    let page = compared::render(&directory).map_err(invalid)?;
    if arguments.json {
        let path = directory.join(compared::RESULT_FILE);
        print::answer(&fs::read_to_string(&path).map_err(invalid)?);
    } else {
        print::answer(&compared::summary(&compared, print::style()));
    }
    print::say(&format!("report: {}", page.display()));
    Ok(status(&compared))
}

/// Folders of searches and sweeps have a scenario, too, and a result.
fn is_run(path: &Path) -> bool {
    path.join(SCENARIO_FILE).is_file() && !path.join(RESULT_FILE).is_file()
}

fn invalid(error: impl Display) -> Failure {
    Failure {
        status: INVALID,
        message: error.to_string(),
    }
}

fn status(compared: &Compared) -> u8 {
    match (compared.is_bad(), compared.finished) {
        (true, _) => WRONG,
        (false, true) if compared.says_something() => 0,
        (false, _) => INVALID,
    }
}

/// Puts finished runs side by side.
fn finished(
    arguments: &CompareArguments,
    runs: &[PathBuf],
) -> Result<(PathBuf, Compared), Failure> {
    let refused = |message: String| Failure {
        status: USAGE,
        message,
    };
    let of_scenarios = [
        ("--set", !arguments.set.is_empty()),
        ("--variant", !arguments.variant.is_empty()),
        ("--blocks", arguments.blocks.is_some()),
    ];
    if let Some((option, _)) = of_scenarios.iter().find(|(_, is_given)| *is_given) {
        return Err(refused(format!(
            "{option} is for a scenario; the runs that were given have ended"
        )));
    }
    let absolute: Result<Vec<PathBuf>, _> = runs.iter().map(fs::canonicalize).collect();
    let runs = absolute.map_err(invalid)?;
    let place = place(arguments, "runs")?;
    let directory = place.path().to_owned();
    let compared = Compared::of_finished(&directory, &runs, arguments.plan(0).margin);
    let compared = match compared {
        Ok(compared) => compared,
        Err(error) => {
            place.discard();
            return Err(refused(error.to_string()));
        }
    };
    compared::publish(&directory, &compared).map_err(invalid)?;
    Ok((directory, compared))
}

/// Runs the blocks, or those that are left of an earlier, unfinished comparison.
fn interleaved(arguments: &CompareArguments, name: &str) -> Result<(PathBuf, Compared), Failure> {
    let is_repeated = |(at, target): (usize, &TargetName)| arguments.targets[..at].contains(target);
    if arguments.targets.iter().enumerate().any(is_repeated) {
        return Err(Failure {
            status: USAGE,
            message: "--targets: each target once; --variant NAME runs the scenario once more"
                .to_owned(),
        });
    }
    let mut document = scenario::find(name)?;
    let scenarios = document.parse_variants(&arguments.set, &arguments.variant)?;
    let (planned, texts) = planned(arguments, &scenarios);
    if planned.variants.len() < 2 {
        let message = format!(
            "{name} has no variants; add [[variant]] to it, --variant NAME:KEY=VALUE, or --targets A,B"
        );
        let status = USAGE;
        return Err(Failure { status, message });
    }
    let begun = arguments.out.as_ref();
    let begun = begun.filter(|directory| directory.join(RESULT_FILE).is_file());
    let lock = |directory: &Path| {
        let lock = Lock::take(directory).map_err(invalid)?;
        lock.ok_or_else(|| invalid(lock::taken(directory)))
    };
    let earlier = match begun {
        Some(directory) => {
            let lock = lock(directory)?;
            Some((lock, earlier(arguments, directory, &planned, &texts)?))
        }
        None => None,
    };
    let interrupt = Interrupt::listen()
        .map_err(|error| invalid(format!("cannot listen to Ctrl-C: {error}")))?;
    let directory = match begun {
        Some(directory) => directory.clone(),
        None => place(arguments, &planned.name)?.path().to_owned(),
    };
    let (_lock, earlier) = match earlier {
        Some((lock, earlier)) => (lock, Some(earlier)),
        None => (lock(&directory)?, None),
    };
    let one_run_ns = scenarios[0].1.end().as_nanos() as u64;
    announce(&planned, one_run_ns, &directory);
    let comparing = match earlier {
        Some(earlier) => Comparing::go_on(&directory, earlier, &texts),
        None => Comparing::begin(&directory, planned, &texts).map_err(invalid)?,
    };
    let mut progress = Progress::new(one_run_ns);
    let compared = comparing.run(&interrupt, &mut progress);
    progress.bar.finish_and_clear();
    Ok((directory, compared.map_err(invalid)?))
}

/// What is to be compared with what, and the scenario of each: on every target, every variant.
fn planned(
    arguments: &CompareArguments,
    scenarios: &[(String, Scenario)],
) -> (Compared, Vec<String>) {
    let targets = &arguments.targets;
    let base = scenarios[0].1.to_toml();
    let (mut variants, mut texts) = (Vec::new(), Vec::new());
    for target in targets {
        for (name, scenario) in scenarios {
            let target = target.as_str();
            let name = match targets.len() {
                1 => name.clone(),
                _ => format!("{name}-{target}"),
            };
            let text = scenario.to_toml();
            variants.push(ComparedVariant::of(name, target.to_owned(), &base, &text));
            texts.push(text);
        }
    }
    let scenario = &scenarios[0].1;
    let started_at = crate::run::rfc3339(clock::unix_time());
    let plan = arguments.plan(scenario.seed);
    let compared = Compared {
        host: host::describe(),
        ..Compared::new(&scenario.name, &started_at, plan, variants)
    };
    (compared, texts)
}

/// What an earlier process has left in the directory, if it is of the same comparison, which has not come to
/// its end: all of alpha is spent then, and more blocks would claim too much.
fn earlier(
    arguments: &CompareArguments,
    directory: &Path,
    planned: &Compared,
    texts: &[String],
) -> Result<Compared, Failure> {
    let refused = |what: &str| Failure {
        status: USAGE,
        message: format!(
            "{} holds another comparison: {what}; go on with the same scenario and variants, or give another --out",
            directory.display()
        ),
    };
    let earlier = compared::read(directory).map_err(invalid)?;
    if earlier.variants != planned.variants {
        return Err(refused("its variants differ"));
    }
    if !earlier.is_consistent() {
        return Err(refused("its result.json was changed"));
    }
    for (variant, text) in planned.variants.iter().zip(texts) {
        let path = Comparing::scenario_of(directory, &variant.name);
        let before = fs::read_to_string(&path).map_err(invalid)?;
        if before != *text {
            return Err(refused(&format!(
                "the scenario of {} differs",
                variant.name
            )));
        }
    }
    if let Some(differing) = host::other_than_this(&earlier.host) {
        return Err(Failure {
            status: USAGE,
            message: format!(
                "{} has runs of another machine or program: {differing} differs; give another --out",
                directory.display()
            ),
        });
    }
    if earlier.finished {
        return Err(Failure {
            status: USAGE,
            message: format!(
                "{} is a finished comparison; allowed: an empty or absent folder, or an unfinished one",
                directory.display()
            ),
        });
    }
    let (given, begun) = (&planned.plan, &earlier.plan);
    let blocks = |plan: &Plan| (plan.blocks, plan.most_blocks);
    if arguments.blocks.is_some() && blocks(given) != blocks(begun) {
        return Err(refused("its --blocks differ"));
    }
    if arguments.margin.is_some() && given.margin != begun.margin {
        return Err(refused("its --margin differs"));
    }
    Ok(earlier)
}

fn place(arguments: &CompareArguments, name: &str) -> Result<RunDirectory, Failure> {
    Ok(match &arguments.out {
        Some(directory) => RunDirectory::given(directory)?,
        None => RunDirectory::of_command(clock::unix_time(), "compare", name)?,
    })
}

/// Says what is about to happen, how long it takes, and what it can find.
fn announce(planned: &Compared, one_run_ns: u64, directory: &Path) {
    let Plan {
        blocks,
        most_blocks,
        ..
    } = planned.plan;
    let variants = planned.variants.len();
    let time = |blocks: u32| {
        let runs = u64::from(blocks) * variants as u64;
        format::duration_ns((runs * one_run_ns) as f64)
    };
    let (many, long) = match blocks == most_blocks {
        true => (blocks.to_string(), time(blocks)),
        false => (
            format!("{blocks} to {most_blocks}"),
            format!("{} to {}", time(blocks), time(most_blocks)),
        ),
    };
    let needed = or_na(blocks_needed(USUAL_CV, EFFECT, POWER), |it| it.to_string());
    print::say(&format!(
        "comparing {variants} variants of {} in {many} interleaved blocks ({long} of runs), recording to {}",
        planned.name,
        directory.display()
    ));
    print::say(&format!(
        "a difference of {:.0} % takes about {needed} blocks to show at one look, if runs vary by {:.1} % (with probability {POWER})",
        EFFECT * 100.0,
        USUAL_CV * 100.0
    ));
}

/// One line that is rewritten on a terminal, and a plain one for every run.
struct Progress {
    bar: ProgressBar,
    one_run_ns: u64,
}

impl Progress {
    fn new(one_run_ns: u64) -> Progress {
        let style = ProgressStyle::with_template("{bar:10} {wide_msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Progress {
            bar: ProgressBar::new(1).with_style(style),
            one_run_ns,
        }
    }

    fn say(&self, line: &str) {
        match self.bar.is_hidden() {
            true => print::say(line),
            false => self.bar.println(line),
        }
    }
}

impl Watch for Progress {
    fn runs(&mut self, at: &At<'_>, for_ns: u64) {
        let done_ns = at.runs_before as u64 * self.one_run_ns + for_ns.min(self.one_run_ns);
        self.bar.set_length(at.runs as u64 * self.one_run_ns);
        self.bar.set_position(done_ns);
        self.bar.set_message(format!(
            "block {} of {}, {}: {:.0} s",
            at.block + 1,
            at.blocks,
            at.variant,
            for_ns as f64 / 1e9
        ));
    }

    fn ran(&mut self, at: &At<'_>, run: &ComparedRun) {
        let throughput = run.values.first().copied().flatten();
        let throughput = throughput.map_or("n/a".to_owned(), format::rate);
        self.say(&format!(
            "block {} of {}, {}: {throughput} [{}]",
            at.block + 1,
            at.blocks,
            at.variant,
            run.verdict
        ));
    }

    fn looked(&mut self, compared: &Compared) {
        // In between nothing may be claimed.
        let blocks = u32::try_from(compared.blocks.len()).unwrap_or(u32::MAX);
        if !compared.plan.looks().contains(&blocks) {
            return;
        }
        let variants = compared.variants.iter().skip(1);
        for (variant, estimates) in variants.zip(&compared.estimates) {
            let Some(estimate) = estimates.first() else {
                continue;
            };
            if let (Some(ratio), Some(low), Some(high)) =
                (estimate.ratio, estimate.low, estimate.high)
            {
                self.say(&format!(
                    "  after {} blocks {}: {} {ratio:.3} ({low:.3} to {high:.3})",
                    estimate.pairs, variant.name, estimate.metric
                ));
            }
        }
    }
}
