//! What the commands `search` and `sweep` have in common: the runner, the answer, the exit status.

use std::fs::read_to_string;
use std::path::Path;

use reports::record::{
    Heading, RESULT_FILE, RecordError, SearchRecord, SweepRecord, Verdict, probe_rows, result_of,
    sweep_rows,
};
use reports::{Rendered, render_search, render_sweep, search_text, sweep_text};
use serde::Deserialize;

use super::{Failure, INVALID, USAGE, WRONG, print};
use crate::interrupt::Interrupt;
use crate::loads::{Basis, Folder, Left, LoadsError, Processes};
use crate::target::{Embedded, Target as _};

/// What a search calls itself, in names and files.
pub(super) const SEARCH: &str = "search";
/// What a sweep calls itself.
pub(super) const SWEEP: &str = "sweep";

/// Ctrl-C, for all runs of this process.
pub(super) fn interrupt() -> Result<Interrupt, Failure> {
    Interrupt::listen().map_err(|error| Failure {
        status: INVALID,
        message: format!("cannot listen to Ctrl-C: {error}"),
    })
}

/// Says where the record goes, and what runs jobs into it.
pub(super) fn processes(basis: &Basis, folder: &Folder, interrupt: &Interrupt) -> Processes {
    let target = Embedded.kind();
    print::say(&format!(
        "{} on {target}, recording to {}",
        basis.scenario().name,
        folder.path().display()
    ));
    Processes::new(basis.clone(), target, folder.runs(), interrupt.clone())
}

/// Draws the page, prints the answer, and says where the page is.
pub(super) fn answer(
    json: bool,
    folder: &Path,
    text: &str,
    render: impl FnOnce(&Path) -> Result<Rendered, RecordError>,
) -> Result<(), Failure> {
    let rendered = render(folder).map_err(LoadsError::from)?;
    match json {
        true => {
            let path = folder.join(RESULT_FILE);
            let result = read_to_string(&path).map_err(|error| Failure {
                status: INVALID,
                message: format!("cannot read {}: {error}", path.display()),
            })?;
            print::answer(&result);
        }
        false => print::answer(text),
    }
    print::say(&format!("report: {}", rendered.report.display()));
    Ok(())
}

/// The exit status of one that left off so.
pub(super) fn status(left: Left, verdict: Verdict, has_answer: bool) -> u8 {
    match (left, verdict) {
        (Left::Failed, Verdict::Wrong) => WRONG,
        (Left::Finished, _) if has_answer => 0,
        _ => INVALID,
    }
}

impl From<LoadsError> for Failure {
    fn from(error: LoadsError) -> Self {
        let status = match error {
            LoadsError::Refused(_) => USAGE,
            LoadsError::Io { .. } | LoadsError::Record(_) => INVALID,
        };
        Failure {
            status,
            message: error.to_string(),
        }
    }
}

/// Which command a result is of.
#[derive(Deserialize)]
struct AnyResult {
    heading: Heading,
}

/// Renders the folder of a search or a sweep again; `None` if it is none.
pub(super) fn rendered(folder: &Path) -> Result<Option<String>, RecordError> {
    let style = print::style();
    // A result of another command has no heading, or another one.
    let found = result_of::<AnyResult>(folder).ok().flatten();
    let (text, rendered) = match found.as_ref().map(|it| it.heading.command.as_str()) {
        Some(SEARCH) => {
            let rows: Vec<_> = probe_rows(folder).collect();
            let record = result_of::<SearchRecord>(folder)?;
            let text = record.map(|record| search_text(&record, &rows, style));
            (text, render_search(folder)?)
        }
        Some(SWEEP) => {
            let rows: Vec<_> = sweep_rows(folder).collect();
            let record = result_of::<SweepRecord>(folder)?;
            let text = record.map(|record| sweep_text(&record, &rows, style));
            (text, render_sweep(folder)?)
        }
        _ => return Ok(None),
    };
    let page = rendered.report.display();
    Ok(text.map(|text| format!("{text}report: {page}\n")))
}
