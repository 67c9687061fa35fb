//! `backwater search`: how much a job sustains, with an interval.

use std::path::{Path, PathBuf};

use reports::record::{Heading, ProbeRow, SearchRecord};
use reports::{render_search, search_text};

use super::loads::{SEARCH, answer, interrupt, processes, status};
use super::{Failure, print};
use crate::clock;
use crate::interrupt::Interrupt;
use crate::loads::{Basis, Folder, Left};
use crate::scenario;
use crate::search::Searching;

#[derive(clap::Args)]
pub struct SearchArguments {
    /// A scenario file, or the name of a built-in scenario
    scenario: String,
    /// Override a key of the scenario, e.g. measure.duration=40s; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The folder, empty or absent, or that of an unfinished search to go on with
    /// [default: results/<time>-search-<scenario>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The most probes [default: 14, or as an unfinished search was begun]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100))]
    max_probes: Option<u32>,
    /// Print result.json alone on standard output
    #[arg(long)]
    json: bool,
}

/// What the help says below the options.
pub const ABOUT: &str = "\
A closed-loop run says where to begin. Then come probes: runs of the scenario, each in a process of its own, at one
rate that never waits for the job. A load is held if the backlog does not grow; the capacity is estimated from all
probes together, until its 95 % interval is 2 % wide.

Of the scenario are kept: the workload, the job, the seed, load.arrivals, load.splits, measure.warmup and
measure.interval. Replaced are load.shape, by a constant rate, and measure.duration: probes that count last as long
as it says, and at least ten windows, three checkpoint intervals and five times the p99 of a record's time in the
job; the first ones may last a quarter of that, and one that stays undecided is measured for up to four times as long.
Faults and objectives are left out. A trace and a replay are refused, since their rates are recorded.

Ctrl-C leaves what was found; the same command with --out goes on with it.
Exit status: 0 with an estimate; 1 wrong results; 2 bad usage or scenario; 3 without an estimate.";

/// Searches; the exit status says whether there is an answer.
pub fn search(arguments: &SearchArguments) -> Result<u8, Failure> {
    let scenario = scenario::find(&arguments.scenario)?.parse(&arguments.set)?;
    let basis = Basis::new(scenario)?;
    let max_probes = arguments.max_probes.map(|most| most as usize);
    let interrupt = interrupt()?;
    let out = arguments.out.as_deref();
    let searched = Searched::into(out, &basis, max_probes, &interrupt)?;
    let Searched {
        folder,
        left,
        record,
        rows,
    } = searched;
    answer(
        arguments.json,
        folder.path(),
        &search_text(&record, &rows, print::style()),
        render_search,
    )?;
    let capacity = record.answer.and_then(|answer| answer.capacity);
    Ok(status(left, record.heading.verdict, capacity.is_some()))
}

/// A search that has left off.
pub(super) struct Searched {
    pub(super) folder: Folder,
    pub(super) left: Left,
    pub(super) record: SearchRecord,
    rows: Vec<ProbeRow>,
}

impl Searched {
    /// Searches into a new folder, or goes on in that of an unfinished search.
    pub(super) fn into(
        out: Option<&Path>,
        basis: &Basis,
        max_probes: Option<usize>,
        interrupt: &Interrupt,
    ) -> Result<Searched, Failure> {
        let now = clock::unix_time();
        let folder = Folder::begin(out, now, SEARCH, basis.scenario())?;
        let begun = SearchRecord {
            heading: Heading {
                notes: basis.notes(),
                ..Folder::heading(SEARCH, basis.scenario(), now)
            },
            start: None,
            answer: None,
        };
        let mut runner = processes(basis, &folder, interrupt);
        let searching = Searching::begin(&mut runner, basis, folder.path(), max_probes, begun)?;
        let (left, record, rows) = searching.run()?;
        Ok(Searched {
            folder,
            left,
            record,
            rows,
        })
    }
}
