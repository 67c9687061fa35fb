//! `search.svg`: every probe of a search for the sustainable throughput, and how the estimate of the
//! capacity narrows with them.

use super::axis::{narrow_log_ticks, rate_label};
use super::canvas::{Align, Canvas, picture};
use super::data::Span;
use super::plot::{Frame, Scale, usual_frame};
use super::style::{
    BLUE, BOTTOM, FAINT_INK, FRAME, GREEN, INK, ORANGE, PLOT_HEIGHT, RIGHT, SKY, TOP, TextSize,
    VERMILLION, WIDTH, tint,
};
use crate::format;
use crate::record::ProbeRow;
use crate::sustainable::Probe;

const TITLE: &str = "Search for the sustainable throughput";
const ABOUT: &str =
    "Load of every probe and whether it was held, with the estimate of the capacity after each";
/// A search has 14 probes; more than this are not drawn.
const MAX_PROBES: usize = 40;
/// Up to so many, each has its number and duration below it.
const MAX_LABELS: usize = 16;
/// The frame's axis is an integer one: so many places from one probe to the next.
const PLACES: u64 = 100;
const LEGEND_Y: i32 = TOP - 11;
/// Half of the width of a mark, pixels.
const MARK: i32 = 6;

/// The picture of a search's probes; `about` says which search, and how it ended. Nothing without probes of
/// a load above 0.
pub fn search_chart(about: &str, rows: &[ProbeRow]) -> Option<String> {
    let rows: Vec<&ProbeRow> = rows
        .iter()
        .filter(|row| row.rate_per_s > 0.0)
        .take(MAX_PROBES)
        .collect();
    let last = rows.last()?;
    let scale = Scale::logarithmic(ticks(&rows), rate_label);
    let span = Span {
        from_ms: 0,
        to_ms: (rows.len() as u64 + 1) * PLACES,
        samples: 0,
    };
    let size = (WIDTH, TOP + PLOT_HEIGHT + BOTTOM);
    Some(picture(size, ABOUT, |canvas| {
        Frame::title(canvas, TITLE, about, &subtitle(last));
        let frame = usual_frame(span, TOP, PLOT_HEIGHT, RIGHT);
        band(canvas, frame, &scale, &rows);
        frame.value_axis(canvas, &scale);
        estimate(canvas, frame, &scale, &rows);
        probe_axis(canvas, frame, &rows);
        for (row, x) in rows.iter().zip(1..) {
            let at = (frame.x(x * PLACES), frame.y(scale.position(row.rate_per_s)));
            mark(canvas, at, row.outcome);
        }
        legend(canvas, frame);
        frame.border(canvas);
    }))
}

/// Of all loads, and of the last interval: the first ones are wider than what is worth seeing.
fn ticks(rows: &[&ProbeRow]) -> Vec<f64> {
    let last = rows
        .last()
        .and_then(|row| Some([row.capacity_lower_per_s?, row.capacity_upper_per_s?]));
    let rates = || {
        rows.iter()
            .map(|row| row.rate_per_s)
            .chain(last.into_iter().flatten())
    };
    let min = rates()
        .filter(|rate| *rate > 0.0)
        .fold(f64::INFINITY, f64::min);
    let max = rates().fold(0.0, f64::max);
    narrow_log_ticks(min * 0.98, max * 1.02)
}

fn subtitle(last: &ProbeRow) -> String {
    let estimate = last
        .capacity_per_s
        .zip(last.capacity_lower_per_s.zip(last.capacity_upper_per_s));
    match estimate {
        Some((median, (lower, upper))) => format!(
            "capacity {}, 95 % interval {} to {}: {} wide",
            format::rate(median),
            format::rate(lower),
            format::rate(upper),
            format::share((upper - lower) / median),
        ),
        None => "no estimate of the capacity: it takes a load that is held and one that is not"
            .to_owned(),
    }
}

/// The interval after each probe, up to the next.
fn band(canvas: &Canvas<'_>, frame: Frame, scale: &Scale, rows: &[&ProbeRow]) {
    for (row, at) in rows.iter().zip(1..) {
        if let Some((lower, upper)) = row.capacity_lower_per_s.zip(row.capacity_upper_per_s) {
            let (top, bottom) = (
                frame.y(scale.position(upper)),
                frame.y(scale.position(lower)),
            );
            let (left, right) = (frame.x(at * PLACES), frame.x((at + 1) * PLACES));
            canvas.fill((left, top), (right, bottom.max(top + 1)), tint(SKY, 0.3));
        }
    }
}

fn estimate(canvas: &Canvas<'_>, frame: Frame, scale: &Scale, rows: &[&ProbeRow]) {
    let medians = rows
        .iter()
        .zip(1..)
        .filter_map(|(row, at)| Some((at, row.capacity_per_s?)));
    let steps = medians.flat_map(|(at, median)| {
        let y = frame.y(scale.position(median));
        [(frame.x(at * PLACES), y), (frame.x((at + 1) * PLACES), y)]
    });
    let steps: Vec<(i32, i32)> = steps.collect();
    if let Some((x, y)) = steps.last().copied() {
        canvas.line(steps, BLUE, 2);
        canvas.text("capacity", (x + 6, y), TextSize::Small, Align::Left, INK);
    }
}

/// Numbers of the probes, and how long each was measured.
fn probe_axis(canvas: &Canvas<'_>, frame: Frame, rows: &[&ProbeRow]) {
    let stride = rows.len().div_ceil(MAX_LABELS).max(1);
    for (row, at) in rows.iter().zip(1u64..).step_by(stride) {
        let x = frame.x(at * PLACES);
        canvas.line(vec![(x, frame.bottom), (x, frame.bottom + 4)], FRAME, 1);
        let duration = super::axis::duration_ms_label(row.duration_ms as f64);
        let number = row.probe.to_string();
        for (text, below, color) in [(number, 12, INK), (duration, 25, FAINT_INK)] {
            canvas.text(
                &text,
                (x, frame.bottom + below),
                TextSize::Small,
                Align::Center,
                color,
            );
        }
    }
    let middle = ((frame.left + frame.right) / 2, frame.bottom + 39);
    let title = "probe, and how long it was measured";
    canvas.text(title, middle, TextSize::Small, Align::Center, FAINT_INK);
}

/// Held points up, not held points down: shapes, for those who cannot tell the colours apart.
fn mark(canvas: &Canvas<'_>, (x, y): (i32, i32), outcome: Probe) {
    let triangle = |up: i32| {
        vec![
            (x - MARK, y + up * MARK),
            (x + MARK, y + up * MARK),
            (x, y - up * MARK),
        ]
    };
    match outcome {
        Probe::Sustainable => canvas.area(triangle(1), GREEN),
        Probe::Unsustainable => canvas.area(triangle(-1), VERMILLION),
        Probe::Undecided => canvas.ring((x, y), MARK - 1, ORANGE),
    }
}

fn legend(canvas: &Canvas<'_>, frame: Frame) {
    let mut x = frame.left + MARK;
    let name = |text: &str, x: i32| {
        canvas.text(
            text,
            (x + 2 * MARK, LEGEND_Y),
            TextSize::Small,
            Align::Left,
            INK,
        );
        x + 4 * MARK + TextSize::Small.width_of(text)
    };
    let marks = [
        (Probe::Sustainable, "held"),
        (Probe::Unsustainable, "not held: the backlog grows"),
        (Probe::Undecided, "undecided"),
    ];
    for (outcome, text) in marks {
        mark(canvas, (x, LEGEND_Y), outcome);
        x = name(text, x);
    }
    canvas.fill(
        (x - MARK, LEGEND_Y - MARK),
        (x + MARK, LEGEND_Y + MARK),
        tint(SKY, 0.3),
    );
    name("95 % interval of the capacity after each probe", x);
}
