//! `backwater sweep`: latency over load, up to and past the capacity.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reports::record::{Heading, SCENARIO_FILE, SearchRecord, SweepRecord, result_of};
use reports::search::Capacity;
use reports::{render_search, render_sweep, sweep_text};

use super::loads::{SEARCH, SWEEP, answer, interrupt, processes, status};
use super::search::Searched;
use super::{Failure, INVALID, USAGE, print};
use crate::clock;
use crate::host;
use crate::interrupt::Interrupt;
use crate::loads::{Basis, Folder, Left, LoadsError};
use crate::scenario;
use crate::sweep::{Sweeping, duration, record};

/// What the loads are relative to, and if a search found it, what a reader should know of that.
type Known = (Capacity, Option<Vec<String>>);

/// As rates of a scenario may be.
const RATES: std::ops::RangeInclusive<f64> = 1e-3..=1e8;

#[derive(clap::Args)]
pub struct SweepArguments {
    /// A scenario file, or the name of a built-in scenario
    scenario: String,
    /// What the loads are relative to: records per second, or the folder of a search
    /// [default: a search, in the folder search/ of this one]
    #[arg(long, value_name = "RATE|SEARCH")]
    capacity: Option<String>,
    /// What response times should stay within, e.g. 50ms: goodput then counts those that do
    /// [default: slo.p99 of the scenario]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    objective: Option<Duration>,
    /// Override a key of the scenario, e.g. measure.duration=40s; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The folder, empty or absent, or that of an unfinished sweep to go on with
    /// [default: results/<time>-sweep-<scenario>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print result.json alone on standard output
    #[arg(long)]
    json: bool,
}

/// What the help says below the options.
pub const ABOUT: &str = "\
A search for the capacity, unless that is given. Then one run of the scenario, in a process of its own, at each of 14
loads from 0.3 to 2 times the capacity; all are measured for the same time, twice measure.duration, and at least as
long as shows what repeats in the job. The knee is where p99 of the response time turns from flat to steep; goodput is
what is done of the capacity above it. If the scenario has a freeze, one more run has its faults, at the scenario's own
rate or half the capacity, and says how fast the backlog was worked off.

What is kept of the scenario and what is replaced is as in `backwater search`.
Exit status: 0 done; 1 wrong results; 2 bad usage or scenario; 3 ended early, or without a capacity.";

/// Sweeps; the exit status says whether it came to its end.
pub fn sweep(arguments: &SweepArguments) -> Result<u8, Failure> {
    let scenario = scenario::find(&arguments.scenario)?.parse(&arguments.set)?;
    let basis = Basis::new(scenario)?;
    let given = arguments.capacity.as_deref();
    let given = given.map(|given| capacity(given, &basis)).transpose()?;
    let now = clock::unix_time();
    let folder = Folder::begin(arguments.out.as_deref(), now, SWEEP, basis.scenario())?;
    let interrupt = interrupt()?;
    let (capacity, note) = match given {
        Some(given) => given,
        None => match begun_with(&folder)? {
            Some(earlier) => earlier,
            None => searched(&folder, &basis, &interrupt)?,
        },
    };
    let is_given = note.is_none();
    let heading = Heading {
        notes: note.into_iter().flatten().collect(),
        ..Folder::heading(SWEEP, basis.scenario(), now)
    };
    let length = duration(&basis, capacity.median_per_s);
    let objective = arguments.objective.or(basis.scenario().slo.p99);
    let begun = record(heading, capacity, is_given, length, objective);
    let mut runner = processes(&basis, &folder, &interrupt);
    let sweeping = Sweeping::begin(&mut runner, &basis, folder.path(), begun)?;
    let (left, record, rows) = sweeping.run()?;
    let text = sweep_text(&record, &rows, print::style());
    answer(arguments.json, folder.path(), &text, render_sweep)?;
    Ok(status(left, record.heading.verdict, true))
}

/// What an earlier process began this sweep with, if it came so far.
fn begun_with(folder: &Folder) -> Result<Option<Known>, Failure> {
    let earlier: Option<SweepRecord> = result_of(folder.path()).map_err(LoadsError::from)?;
    Ok(earlier.map(|earlier| {
        let notes = (!earlier.is_given).then_some(earlier.heading.notes);
        (earlier.capacity, notes)
    }))
}

/// What a search finds that is run first, or was run by an earlier process.
fn searched(folder: &Folder, basis: &Basis, interrupt: &Interrupt) -> Result<Known, Failure> {
    let out = folder.path().join(SEARCH);
    let found: Option<SearchRecord> = result_of(&out).map_err(LoadsError::from)?;
    let ended = found.filter(|found| found.heading.finished);
    if ended
        .as_ref()
        .is_some_and(|ended| estimate(ended).is_none())
    {
        return Err(Failure {
            status: INVALID,
            message: format!(
                "the search for the capacity ended without an estimate: see {}; give --capacity RATE, and another --out",
                out.display()
            ),
        });
    }
    if ended.is_none() {
        let searched = Searched::into(Some(&out), basis, None, interrupt)?;
        let page = render_search(searched.folder.path()).map_err(LoadsError::from)?;
        print::say(&format!("report: {}", page.report.display()));
        let record = &searched.record;
        let status = status(
            searched.left,
            record.heading.verdict,
            estimate(record).is_some(),
        );
        if status != 0 {
            let again = match searched.left {
                Left::Finished => "give --capacity RATE, and another --out",
                Left::Interrupted | Left::Failed => "the same command with --out goes on with it",
            };
            let reason = record.heading.failure.as_ref().map(|it| format!(": {it}"));
            let what = match searched.left {
                Left::Finished => "gave no estimate",
                Left::Interrupted => "was interrupted",
                Left::Failed => "failed",
            };
            return Err(Failure {
                status,
                message: format!(
                    "the search for the capacity {what}{}; {again}",
                    reason.unwrap_or_default()
                ),
            });
        }
    }
    capacity(&out.to_string_lossy(), basis)
}

fn estimate(found: &SearchRecord) -> Option<Capacity> {
    found.answer.as_ref()?.capacity
}

/// A rate, or what a search found: then also what a reader should know of it.
fn capacity(text: &str, basis: &Basis) -> Result<Known, Failure> {
    let refused = |message: String| Failure {
        status: USAGE,
        message: format!("--capacity: {message}"),
    };
    if let Ok(rate) = text.replace('_', "").parse::<f64>() {
        if !RATES.contains(&rate) {
            return Err(refused(format!(
                "found {text}; allowed: {} to {} records per second",
                RATES.start(),
                RATES.end()
            )));
        }
        let exactly = Capacity {
            median_per_s: rate,
            lower_per_s: rate,
            upper_per_s: rate,
        };
        return Ok((exactly, None));
    }
    let folder = Path::new(text);
    let found: Option<SearchRecord> =
        result_of(folder).map_err(|error| refused(error.to_string()))?;
    let found = found.ok_or_else(|| {
        refused(format!(
            "found {text}, which is neither a rate nor the folder of a search"
        ))
    })?;
    let estimate =
        estimate(&found).ok_or_else(|| refused(format!("{text} has no estimate yet")))?;
    let mut notes = Vec::new();
    if !found.heading.finished {
        notes.push(format!(
            "the capacity is that of an unfinished search, {text}"
        ));
    }
    if let Some(differing) = host::other_than_this(&found.heading.host) {
        notes.push(format!(
            "the capacity was found on another machine or by another program: {differing} differs, see {text}"
        ));
    }
    let searched = std::fs::read_to_string(folder.join(SCENARIO_FILE)).unwrap_or_default();
    if searched != basis.scenario().to_toml() {
        notes.push(format!(
            "the capacity is that of another scenario, see {text}"
        ));
    }
    Ok((estimate, Some(notes)))
}
