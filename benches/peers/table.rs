//! The tables on standard output, which are Markdown as they stand.

use std::fmt::Write as _;

use crate::args::Args;
use crate::contest::Who;
use crate::standing::{Place, Standing};
use crate::statistics::Estimate;

/// What has to be known to read the tables.
const NOTES: &str = "\
`plain` and `fused` are loops in one thread, whatever the parallelism; the others use as many threads as that.
`fused` is the engine's job without an engine: same events, rows, functions, state and results. The engine runs
as `backwater run` does with load `max`, with all metrics on: counters, account of time, frequent keys, latency.
In `max` all records of a batch carry one send time, so that latency is recorded once per batch. The others
measure nothing. A run is timed from the first record that any of its threads takes to the last result. All
results had the same digest. Where other processes take a core meanwhile (column `cores_of_others` of peers.csv),
contestants with two threads on two cores lose up to half, those with one thread little: repeat that on a quiet machine.
";

/// More to know if renoir competed.
const NOTE_ON_RENOIR: &str = "\
renoir runs in a process of its own, with a thread per operator chain: twice as many as its parallelism.
";

/// All that is said on standard output.
pub fn page(standings: &[Standing], args: &Args, machine: &str) -> String {
    let mut page = format!("`{args}`\n{machine}\n\n");
    let interval = "with 95 % intervals";
    let ratios = ratios(standings);
    if !ratios.is_empty() {
        let rounds = args.rounds;
        let title = format!(
            "Throughput of the engine over that of its peers, median of {rounds} rounds {interval}:"
        );
        page.extend([&title, "\n\n", &ratios, "\n"]);
    }
    let title = format!("Throughput in million records per second, medians {interval}:");
    page.extend([&title, "\n\n", &throughputs(standings), "\n", NOTES]);
    if standings
        .iter()
        .any(|standing| standing.place(Who::Renoir).is_some())
    {
        page.push_str(NOTE_ON_RENOIR);
    }
    page
}

/// The engine's throughput over that of each of the others.
fn ratios(standings: &[Standing]) -> String {
    let others: Vec<Who> = columns(standings, |place| place.engine_over.is_some());
    if others.is_empty() {
        return String::new();
    }
    let header = |who: &Who| format!("over {}", who.name());
    let cell = |place: &Place| place.engine_over.map(|ratio| with_interval(ratio, 1.0, 2));
    table(standings, &others, header, cell)
}

/// Everybody's throughput in million records per second.
fn throughputs(standings: &[Standing]) -> String {
    let all = columns(standings, |_| true);
    let header = |who: &Who| who.name().to_owned();
    let cell = |place: &Place| {
        let digits = digits_of(place.throughput_per_s.median * 1e-6);
        Some(with_interval(place.throughput_per_s, 1e-6, digits))
    };
    table(standings, &all, header, cell)
}

/// Digits behind the point that make three in all, as far as that is sensible.
fn digits_of(value: f64) -> usize {
    match value {
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    }
}

/// Contestants that have something to show in any standing, in the order of tables.
fn columns(standings: &[Standing], shows: fn(&Place) -> bool) -> Vec<Who> {
    let mut found: Vec<Who> = Vec::new();
    for place in standings.iter().flat_map(|standing| &standing.places) {
        if shows(place) && !found.contains(&place.who) {
            found.push(place.who);
        }
    }
    found.sort_by_key(|&who| who as usize);
    found
}

fn table(
    standings: &[Standing],
    columns: &[Who],
    header: impl Fn(&Who) -> String,
    cell: impl Fn(&Place) -> Option<String>,
) -> String {
    let mut rows = vec![["job", "input", "parallelism"].map(str::to_owned).to_vec()];
    rows[0].extend(columns.iter().map(header));
    for standing in standings {
        let (job, set) = (standing.job.to_owned(), standing.set.name());
        let mut row = vec![job, set, standing.parallelism.to_string()];
        let cell = |who: &Who| standing.place(*who).and_then(&cell);
        row.extend(
            columns
                .iter()
                .map(|who| cell(who).unwrap_or_else(|| "n/a".to_owned())),
        );
        rows.push(row);
    }
    markdown(&rows)
}

/// Columns padded to equal width; the first row is the header. Numbers are right-aligned.
fn markdown(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let written = if column < 2 {
                write!(text, "| {cell:<width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
            written.expect("writing to a String cannot fail");
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let (dashes, end) = ("-".repeat(width + 1), if column < 2 { '-' } else { ':' });
                text.extend(["|", &dashes]);
                text.push(end);
            }
            text.push_str("|\n");
        }
    }
    text
}

/// `1.23 (1.10 to 1.31)`.
fn with_interval(estimate: Estimate, scale: f64, digits: usize) -> String {
    let number = |value: f64| format!("{:.digits$}", value * scale);
    let median = number(estimate.median);
    match estimate.interval {
        Some((low, high)) => format!("{median} ({} to {})", number(low), number(high)),
        None => median,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Distribution, InputSet};

    #[test]
    fn tables_are_aligned_markdown_and_say_what_is_not_known() {
        let estimate = |median| Estimate {
            median,
            interval: Some((median / 2.0, median * 2.0)),
        };
        let place = |who, engine_over| Place {
            who,
            throughput_per_s: estimate(12_345_678.0),
            engine_over,
        };
        let standing = |parallelism, places| Standing {
            job: "running count",
            set: InputSet {
                keys: 100_000,
                distribution: Distribution::Zipf,
                records: 10,
            },
            parallelism,
            places,
        };
        let engine = place(Who::Engine, None);
        let standings = [
            standing(1, vec![engine, place(Who::Timely, Some(estimate(1.25)))]),
            standing(2, vec![place(Who::Plain, Some(estimate(0.5))), engine]),
        ];
        let expected = "\
| job           | input                  | parallelism |          over plain |         over timely |
|---------------|------------------------|------------:|--------------------:|--------------------:|
| running count | 100,000 keys, zipf 1.0 |           1 |                 n/a | 1.25 (0.62 to 2.50) |
| running count | 100,000 keys, zipf 1.0 |           2 | 0.50 (0.25 to 1.00) |                 n/a |
";
        assert_eq!(ratios(&standings), expected);
        assert!(throughputs(&standings).contains("| 12.3 (6.2 to 24.7) |"));
        assert_eq!(ratios(&[standing(1, vec![engine])]), "");
    }
}
