//! `backwater report`: render run directories again, whatever state they are in.

use std::path::{Path, PathBuf};

use reports::record::RecordError;

use super::{Failure, USAGE, compare, loads, print};

/// Renders each run and prints its summary. A directory without a record is refused, after the
/// others were rendered.
pub fn report(runs: &[PathBuf]) -> Result<u8, Failure> {
    let mut refused = Vec::new();
    for directory in runs {
        match render(directory) {
            Ok(text) => print::answer(&text),
            Err(error) => refused.push(error),
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

fn render(directory: &Path) -> Result<String, String> {
    if let Some(text) = compare::rendered(directory).map_err(|error| error.to_string())? {
        return Ok(text);
    }
    if let Some(text) = loads::rendered(directory).map_err(|error| error.to_string())? {
        return Ok(text);
    }
    render_run(directory).map_err(|error| error.to_string())
}

fn render_run(directory: &Path) -> Result<String, RecordError> {
    let run = reports::open_run(directory)?;
    let rendered = reports::render(directory)?;
    Ok(format!(
        "{}report: {}\n",
        print::summary(&run),
        rendered.report.display()
    ))
}
