//! What does it cost to have many subtasks and channels? From 2 subtasks to 10,000, in one process.
//!
//! ```text
//! scale DIR      measures everything, prints tables, leaves scale.csv and scale.svg in DIR
//! ```
//!
//! Every measurement runs in a process of its own, which this program starts as `scale cell ..`:
//! memory that one job has freed must not look like room for the next.
//!
//! - [`flow`]: a fixed number of records through ever more subtasks; CPU time per record.
//! - [`memory`]: resident memory of jobs that differ only in subtasks, or only in channels.
//! - [`sampling`]: what it costs to look at all of it ten times per second.
//!
//! [`cell`] says what is measured, [`results`] what comes of it.

mod cell;
mod chart;
mod flow;
mod memory;
mod results;
mod sampling;

use std::path::Path;
use std::process::ExitCode;

use cell::Cell;
use results::Results;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["cell", cell @ ..] => match Cell::parse(cell) {
            Some(cell) => cell.measure().print(),
            None => return usage(),
        },
        [directory] if !directory.starts_with('-') => {
            if let Err(message) = measure_all(Path::new(directory)) {
                eprintln!("scale: {message}");
                return ExitCode::FAILURE;
            }
        }
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: scale DIR");
    ExitCode::from(2)
}

fn measure_all(directory: &Path) -> Result<(), String> {
    let place = |error: std::io::Error| format!("{}: {error}", directory.display());
    std::fs::create_dir_all(directory).map_err(place)?;
    let mut results = Results::default();
    for cell in Cell::all() {
        eprintln!("{cell}");
        results.add(cell, cell.measure_apart()?);
    }
    std::fs::write(directory.join("scale.csv"), results.csv()).map_err(place)?;
    let chart = chart::draw(&results).map_err(|error| format!("chart: {error}"))?;
    std::fs::write(directory.join("scale.svg"), chart).map_err(place)?;
    println!("{}", results.tables());
    println!("\n{}/scale.csv, scale.svg", directory.display());
    Ok(())
}
