//! The charts over time once more, as numbers for the page's script, which lets a reader zoom and
//! read values off. The same lines as in the pictures, thinned the same way.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plot::Line;
use super::style::BACKGROUND;
use super::{
    Subject, firings, interruptions, keyed_state, lag, late, latency, pending, queues, rate, theme,
    watermark_lag,
};

/// Height of a plot, and of one that stands below another, pixels.
const HIGH: i32 = 260;
const LOW: i32 = 160;
/// Title and time axis of a plot, pixels.
const AROUND_PLOT: i32 = 60;

/// Everything the script draws. Times are seconds of job time.
#[derive(Serialize)]
pub(crate) struct Live {
    span_s: [f64; 2],
    measured_s: Option<[f64; 2]>,
    warm_up_end_s: Option<f64>,
    faults: Vec<Fault>,
    charts: Vec<LiveChart>,
}

#[derive(Serialize)]
struct Fault {
    from_s: f64,
    to_s: f64,
    name: String,
}

/// One plot. A picture may hold several.
#[derive(Serialize)]
struct LiveChart {
    /// File name of the picture in whose place it stands.
    replaces: &'static str,
    title: &'static str,
    unit: Unit,
    logarithmic: bool,
    /// Of the whole plot, pixels.
    height: i32,
    /// Times that are shaded in this plot alone.
    bands_s: Vec<[f64; 2]>,
    /// Their colour on light and on dark pages.
    band_colors: [String; 2],
    times_s: Vec<f64>,
    series: Vec<Series>,
    ranges: Vec<Range>,
}

/// What lies around a line, shaded.
#[derive(Serialize)]
struct Range {
    colors: [String; 2],
    /// One per time, as of the lines.
    low: Vec<Option<f64>>,
    high: Vec<Option<f64>>,
}

/// A line and the range of what it is the middle of: time in milliseconds, lowest and highest value.
pub(super) struct Ranged {
    pub(super) line: Line,
    pub(super) range: Vec<(u64, f64, f64)>,
}

#[derive(Serialize)]
struct Series {
    name: String,
    /// For light and for dark pages.
    colors: [String; 2],
    width: u32,
    /// A line that has no gap in the picture has none here, where other lines bring more times.
    bridged: bool,
    /// One per time; `null` where there is no sample.
    values: Vec<Option<f64>>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    PerSecond,
    Count,
    /// Counts between which there is nothing.
    #[serde(rename = "count")]
    Whole,
    Bytes,
    BytesPerSecond,
    Nanoseconds,
    /// Event time, and linear: a watermark that stands still is a straight line.
    Milliseconds,
    Share,
}

pub(super) fn live(subject: &Subject<'_>) -> Live {
    let marks = &subject.marks;
    let charts = [
        chart(
            "rate.svg",
            "Records per second",
            Unit::PerSecond,
            rate::lines(&subject.moments),
        ),
        chart(
            "rate.svg",
            "Backlog, records",
            Unit::Count,
            vec![rate::backlog_line(&subject.moments)],
        ),
        chart(
            "latency.svg",
            "Response time of each interval",
            Unit::Nanoseconds,
            latency::lines(subject),
        ),
        chart(
            "lag.svg",
            "Schedule lag, p99 of each interval",
            Unit::Nanoseconds,
            lag::lines(subject),
        ),
        chart(
            "queues.svg",
            "Queues, share of the capacity in use",
            Unit::Share,
            queues::lines(subject),
        ),
        chart(
            "watermark_lag.svg",
            "event time behind the sources",
            Unit::Milliseconds,
            watermark_lag::lines(subject),
        ),
        chart(
            "late.svg",
            "per second",
            Unit::PerSecond,
            late::lines(subject),
        ),
        chart(
            "firings.svg",
            "results of each interval",
            Unit::Count,
            firings::lines(subject),
        ),
        chart(
            "pending.svg",
            "held at each moment",
            Unit::Count,
            pending::lines(subject),
        ),
    ];
    let stacks = interruptions::CHARTS.iter().chain(&keyed_state::CHARTS);
    let stacks = stacks.flat_map(|it| {
        let bands = (it.bands)(subject);
        let panels = (it.panels)(subject).into_iter();
        panels.map(move |panel| {
            let spans = bands.spans_ms.iter();
            let drawn = chart(it.file_name, panel.name, panel.unit, panel.lines)?;
            Some(LiveChart {
                height: panel.height + AROUND_PLOT,
                band_colors: theme::both(bands.color),
                bands_s: spans
                    .map(|&(from, to)| [seconds(from), seconds(to)])
                    .collect(),
                ..drawn
            })
        })
    });
    Live {
        span_s: [seconds(subject.span.from_ms), seconds(subject.span.to_ms)],
        measured_s: subject
            .run
            .measured
            .map(|phase| [seconds(phase.from_ms), seconds(phase.to_ms)]),
        warm_up_end_s: marks.warm_up_end_ms.map(seconds),
        faults: marks
            .faults
            .iter()
            .map(|fault| Fault {
                from_s: seconds(fault.from_ms),
                to_s: seconds(fault.to_ms),
                name: fault.name.clone(),
            })
            .collect(),
        charts: charts.into_iter().chain(stacks).flatten().collect(),
    }
}

/// Lines with ranges over the same time, which began to be measured at `measured_ms`.
pub(super) fn live_ranges(
    (measured_ms, end_ms): (u64, u64),
    charts: Vec<(&'static str, &'static str, Unit, Vec<Ranged>)>,
) -> Live {
    let charts = charts
        .into_iter()
        .filter_map(|(replaces, title, unit, lines)| {
            let (lines, ranges): (Vec<Line>, Vec<_>) = lines
                .into_iter()
                .filter(|it| !it.line.points.is_empty())
                .map(|it| (it.line, it.range))
                .unzip();
            let colors: Vec<[String; 2]> = lines.iter().map(|it| theme::both(it.color)).collect();
            let drawn = chart(replaces, title, unit, lines)?;
            let at = |t_s: &f64, range: &[(u64, f64, f64)]| {
                let found = range.iter().find(|(t_ms, ..)| seconds(*t_ms) == *t_s);
                found.map(|&(_, low, high)| (rounded(low), rounded(high)))
            };
            let ranges = ranges.iter().zip(colors).map(|(range, colors)| {
                let ends = drawn.times_s.iter().map(|t_s| at(t_s, range));
                let (low, high) = ends.map(Option::unzip).unzip();
                Range { colors, low, high }
            });
            Some(LiveChart {
                ranges: ranges.collect(),
                ..drawn
            })
        });
    let measured_s = [seconds(measured_ms), seconds(end_ms)];
    Live {
        span_s: [0.0, seconds(end_ms)],
        measured_s: Some(measured_s),
        warm_up_end_s: (measured_ms > 0).then(|| seconds(measured_ms)),
        faults: Vec::new(),
        charts: charts.collect(),
    }
}

/// Lines brought to common times; `None` if there is nothing to draw.
fn chart(
    replaces: &'static str,
    title: &'static str,
    unit: Unit,
    lines: Vec<Line>,
) -> Option<LiveChart> {
    let lines: Vec<Line> = lines
        .into_iter()
        .filter(|line| line.points.iter().any(|(_, value)| value.is_some()))
        .collect();
    let mut rows: BTreeMap<u64, Vec<Option<f64>>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        for &(t_ms, value) in &line.points {
            let row = rows.entry(t_ms).or_insert_with(|| vec![None; lines.len()]);
            row[at] = value.map(rounded);
        }
    }
    let series = lines.iter().enumerate().map(|(at, line)| Series {
        name: line.name.clone(),
        colors: theme::both(line.color),
        width: line.width,
        bridged: line.points.iter().all(|(_, value)| value.is_some()),
        values: rows.values().map(|row| row[at]).collect(),
    });
    let has_room = rows.len() > 1;
    has_room.then(|| LiveChart {
        replaces,
        title,
        unit,
        logarithmic: matches!(unit, Unit::Nanoseconds),
        height: match unit {
            Unit::Count => LOW,
            _ => HIGH,
        },
        bands_s: Vec::new(),
        band_colors: theme::both(BACKGROUND),
        times_s: rows.keys().copied().map(seconds).collect(),
        series: series.collect(),
        ranges: Vec::new(),
    })
}

fn seconds(t_ms: u64) -> f64 {
    t_ms as f64 / 1e3
}

/// Four significant digits: more than can be read off, and a third of the bytes.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powf(3.0 - value.abs().log10().floor());
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::style::BLUE;

    #[test]
    fn lines_with_different_times_are_brought_together() {
        let line = |points: &[(u64, Option<f64>)]| Line {
            name: "a".to_owned(),
            color: BLUE,
            width: 1,
            points: points.to_vec(),
        };
        let lines = vec![
            line(&[(1_000, Some(12_345.6)), (2_000, Some(0.0))]),
            line(&[(1_500, Some(1.0))]),
            line(&[(1_700, None)]),
        ];
        let chart = chart("rate.svg", "", Unit::Count, lines).unwrap();
        assert_eq!(chart.times_s, [1.0, 1.5, 2.0]);
        let values: Vec<_> = chart.series.iter().map(|series| &series.values).collect();
        assert_eq!(
            values,
            [
                &vec![Some(12_350.0), None, Some(0.0)],
                &vec![None, Some(1.0), None]
            ]
        );
    }
}
