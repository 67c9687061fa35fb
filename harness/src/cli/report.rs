//! `backwater report`: render the folders of runs, comparisons, searches and sweeps again, whatever state they are in.

use std::error::Error;
use std::path::{Path, PathBuf};

use reports::compared::{self, ComparedError};

use super::{Failure, USAGE, loads, print, selftest};

/// Renders each run and prints its summary. A directory without a record is refused, after the
/// others were rendered.
pub fn report(runs: &[PathBuf]) -> Result<u8, Failure> {
    let mut refused = Vec::new();
    for directory in runs {
        match render(directory) {
            Ok(text) => print::answer(&text),
            Err(error) => refused.push(error.to_string()),
        }
    }
    match refused.is_empty() {
        true => Ok(0),
        false => Err(Failure {
            status: USAGE,
            message: refused.join("; "),
        }),
    }
}

fn render(directory: &Path) -> Result<String, Box<dyn Error>> {
    if let Some(text) = comparison(directory)? {
        return Ok(text);
    }
    if let Some(text) = loads::rendered(directory)? {
        return Ok(text);
    }
    if let Some(text) = selftest::rendered(directory) {
        return Ok(text);
    }
    let run = reports::open_run(directory)?;
    let rendered = reports::render(directory)?;
    Ok(format!(
        "{}report: {}\n",
        print::summary(&run),
        rendered.report.display()
    ))
}

/// Renders the folder of a comparison again; `None` if it is none.
fn comparison(directory: &Path) -> Result<Option<String>, ComparedError> {
    let compared = match compared::read(directory) {
        Ok(compared) => compared,
        Err(error @ ComparedError::Schema { .. }) => return Err(error),
        // Whatever else it is: a result of another command is not readable as one of this.
        Err(_) => return Ok(None),
    };
    let page = compared::render(directory)?;
    let text = compared::summary(&compared, print::style());
    Ok(Some(format!("{text}report: {}\n", page.display())))
}
