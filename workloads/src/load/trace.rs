//! Rates from a file: a CSV of time and rate.
//!
//! ```text
//! t_s,rate_per_s
//! 0,1000
//! 12.5,4000
//! ```
//!
//! A first line that does not begin with a number is a header; empty lines and lines that begin with `#` are skipped.
//! Times are seconds since the start of the job and rise from line to line.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A rate at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracePoint {
    /// Job time.
    #[serde(with = "humantime_serde")]
    pub at: Duration,
    /// Records per second of job time.
    pub rate_per_s: f64,
}

/// What lies between two points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// The rate of the first one.
    Step,
    /// A straight line.
    Linear,
}

/// Most bytes that are read of a file.
const MOST_BYTES: u64 = 4 << 20;

/// Most points of a trace.
pub(super) const MOST_POINTS: usize = 10_000;

/// Highest rate per second.
pub(super) const MOST_PER_S: f64 = 1e9;

/// Latest time: longer than any run (see `tag::MAX_INTENDED_NS`).
pub(super) const LATEST: Duration = Duration::from_secs(90 * 3600);

/// Reads a trace; a relative path starts at the working directory.
///
/// # Errors
/// What is wrong, with the file and, where there is one, the line.
pub(super) fn read(path: &Path) -> Result<Vec<TracePoint>, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("{shown}: {error}");
    // Opening a pipe or a device might never return.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("{shown}: not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("{shown}: longer than {MOST_BYTES} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown}: not UTF-8"))?;
    parse(&text).map_err(|error| format!("{shown}{error}"))
}

/// The points of a CSV text; an error continues the file's name.
fn parse(text: &str) -> Result<Vec<TracePoint>, String> {
    let mut points: Vec<TracePoint> = Vec::new();
    let lines = (1..).zip(text.lines());
    let filled = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    for (place, (number, line)) in filled.enumerate() {
        let first_cell = line.split(',').next().unwrap_or_default();
        if place == 0 && first_cell.trim().parse::<f64>().is_err() {
            continue;
        }
        let point = parse_line(line).map_err(|error| format!(" line {number}: {error}"))?;
        if points.last().is_some_and(|last| last.at >= point.at) {
            return Err(format!(
                " line {number}: times have to rise from line to line"
            ));
        }
        if points.len() == MOST_POINTS {
            return Err(format!(" line {number}: more than {MOST_POINTS} points"));
        }
        points.push(point);
    }
    if points.is_empty() {
        return Err(": no points; a line is \"seconds,records per second\"".to_owned());
    }
    Ok(points)
}

fn parse_line(line: &str) -> Result<TracePoint, String> {
    let cells: Vec<&str> = line.splitn(3, ',').map(str::trim).collect();
    let &[time, rate] = cells.as_slice() else {
        let shown: String = line.chars().take(60).collect();
        return Err(format!(
            "found \"{shown}\"; allowed: two numbers, seconds and records per second"
        ));
    };
    let number = |cell: &str, what: &str, most: f64| match cell.parse::<f64>() {
        Ok(number) if (0.0..=most).contains(&number) => Ok(number),
        _ => {
            let shown: String = cell.chars().take(60).collect();
            Err(format!(
                "{what}: found \"{shown}\"; allowed: a number from 0 to {most}"
            ))
        }
    };
    let seconds = number(time, "time", LATEST.as_secs_f64())?;
    Ok(TracePoint {
        at: Duration::from_nanos((seconds * 1e9).round() as u64),
        rate_per_s: number(rate, "rate", MOST_PER_S)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_comments_and_empty_lines_are_no_points() {
        let points = parse("t_s,rate_per_s\n# night\n0,10\n\n 2.5 , 1e3 \r\n").expect("valid");
        let times: Vec<(Duration, f64)> = points.iter().map(|p| (p.at, p.rate_per_s)).collect();
        assert_eq!(
            times,
            [
                (Duration::ZERO, 10.0),
                (Duration::from_millis(2_500), 1_000.0)
            ]
        );
    }

    #[test]
    fn bad_lines_are_named() {
        let error = |text: &str| parse(text).expect_err(text);
        assert_eq!(
            error("t,r\n"),
            ": no points; a line is \"seconds,records per second\""
        );
        assert_eq!(
            error("t,r\n0,1\n1"),
            " line 3: found \"1\"; allowed: two numbers, seconds and records per second"
        );
        assert_eq!(
            error("0,1\n1,-1"),
            " line 2: rate: found \"-1\"; allowed: a number from 0 to 1000000000"
        );
        assert!(error("0,1\n1,NaN").starts_with(" line 2: rate: found \"NaN\""));
        assert_eq!(
            error("0,1\n1,2\n1,3"),
            " line 3: times have to rise from line to line"
        );
        let missing = read(Path::new("no/such/file.csv")).expect_err("missing");
        assert!(missing.starts_with("no/such/file.csv: "), "{missing}");
        assert_eq!(
            read(Path::new("src")).expect_err("a directory"),
            "src: not a regular file"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_gives_rising_times(text in "([0-9a#.,\n -]|1e3|NaN|é){0,60}") {
            if let Ok(points) = parse(&text) {
                prop_assert!(!points.is_empty());
                prop_assert!(points.is_sorted_by(|a, b| a.at < b.at));
                prop_assert!(points.iter().all(|point| (0.0..=MOST_PER_S).contains(&point.rate_per_s)));
            }
        }
    }
}
