//! `sweep.svg`: percentiles of the response time over load, up to and past the capacity, and the knee.

use super::axis::{duration_label, linear_ticks, log_ticks};
use super::canvas::{Align, Canvas, picture};
use super::data::Span;
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{
    BLUE, BOTTOM, FAINT_INK, FRAME, GREEN, GRID, INK, ORANGE, PLOT_HEIGHT, RIGHT, SKY,
    STRIP_HEIGHT, TOP, TextSize, WARM_UP, WIDTH, tint,
};
use crate::format;
use crate::record::SweepRow;
use crate::search::Capacity;
use crate::sustainable::Probe;
use crate::sweep::{Knee, knee_of};

const TITLE: &str = "Response time over load";
const ABOUT: &str =
    "Percentiles of the response time at loads below and above the capacity, with the knee";
/// A sweep has a dozen loads; more than this are not drawn.
const MAX_LOADS: usize = 100;
/// The frame's axis is an integer one: a load in thousandths of the capacity.
const PER_LOAD: f64 = 1_000.0;
const RING: i32 = 5;

/// The picture of a sweep; `about` says which, and what its numbers are worth. `capacity` is what the loads
/// are relative to. Nothing without response times.
pub fn sweep_chart(about: &str, rows: &[SweepRow], capacity: Option<&Capacity>) -> Option<String> {
    let mut rows: Vec<&SweepRow> = rows
        .iter()
        .filter(|row| row.load > 0.0)
        .take(MAX_LOADS)
        .collect();
    rows.sort_by(|one, other| one.load.total_cmp(&other.load));
    let lines = lines(&rows);
    let values = || {
        lines
            .iter()
            .flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
    };
    let (min, max) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    );
    let most = rows.last().map(|row| row.load).filter(|_| max > 0.0)?;
    let scale = Scale::logarithmic(log_ticks(min, max), duration_label);
    let span = Span {
        from_ms: 0,
        to_ms: place(most * 1.02),
        samples: 0,
    };
    let knee = knee_of(rows.iter().copied());
    let size = (WIDTH, TOP + PLOT_HEIGHT + BOTTOM);
    Some(picture(size, ABOUT, |canvas| {
        Frame::title(canvas, TITLE, about, &subtitle(knee));
        let frame = usual_frame(span, TOP, PLOT_HEIGHT, RIGHT);
        not_held(canvas, frame, &rows);
        around_capacity(canvas, frame, capacity);
        frame.value_axis(canvas, &scale);
        load_axis(canvas, frame, most);
        let x = frame.x(place(1.0));
        canvas.line(vec![(x, frame.top), (x, frame.bottom)], INK, 1);
        frame.lines(canvas, &scale, &lines);
        for line in &lines {
            for (at, value) in &line.points {
                let y = value.map(|value| frame.y(scale.position(value)));
                y.into_iter()
                    .for_each(|y| canvas.dot((frame.x(*at), y), line.color));
            }
        }
        if let Some(knee) = knee {
            let at = (
                frame.x(place(knee.load)),
                frame.y(scale.position(knee.latency)),
            );
            canvas.ring(at, RING, INK);
            canvas.text(
                "knee",
                (at.0 - 8, at.1 - 10),
                TextSize::Small,
                Align::Right,
                INK,
            );
        }
        frame.border(canvas);
    }))
}

fn place(load: f64) -> u64 {
    (load * PER_LOAD).round() as u64
}

fn lines(rows: &[&SweepRow]) -> Vec<Line> {
    type Percentile = fn(&SweepRow) -> Option<u64>;
    let names: [(&str, _, u32, Percentile); 4] = [
        ("p50", SKY, 2, |row| row.response_p50_ns),
        ("p90", GREEN, 2, |row| row.response_p90_ns),
        ("p99", BLUE, 3, |row| row.response_p99_ns),
        ("p99.9", ORANGE, 2, |row| row.response_p999_ns),
    ];
    let lines = names.into_iter().map(|(name, color, width, value)| Line {
        name: name.to_owned(),
        color,
        width,
        // A logarithmic axis has no zero; the histogram's lowest value is 1 us anyway.
        points: rows
            .iter()
            .map(|row| (place(row.load), value(row).map(|ns| ns.max(1) as f64)))
            .collect(),
    });
    lines.collect()
}

fn subtitle(knee: Option<Knee>) -> String {
    let what = "from the intended time to the sink, logarithmic";
    match knee {
        Some(knee) => format!(
            "{what}; p99 bends upwards at {:.2} of the capacity, where it is {}",
            knee.load,
            format::duration_ns(knee.latency)
        ),
        None => format!("{what}; p99 has no knee below the capacity"),
    }
}

/// Shades the loads from the first that was not held.
fn not_held(canvas: &Canvas<'_>, frame: Frame, rows: &[&SweepRow]) {
    let held = rows
        .iter()
        .rposition(|row| row.outcome == Probe::Sustainable);
    let first = rows.get(held.map_or(0, |at| at + 1));
    let Some(first) = first else { return };
    let x = frame.x(place(first.load));
    canvas.fill((x, frame.top), (frame.right, frame.bottom), WARM_UP);
    let text = "not held: times are as long as the run";
    let y = frame.top - STRIP_HEIGHT / 2 - 2;
    let fits = x + TextSize::Small.width_of(text) <= frame.right;
    let (x, align) = if fits {
        (x, Align::Left)
    } else {
        (frame.right, Align::Right)
    };
    canvas.text(text, (x, y), TextSize::Small, align, FAINT_INK);
}

/// Where the capacity may be.
fn around_capacity(canvas: &Canvas<'_>, frame: Frame, capacity: Option<&Capacity>) {
    if let Some(capacity) = capacity.filter(|it| it.median_per_s > 0.0) {
        let x = |per_s: f64| frame.x(place(per_s / capacity.median_per_s));
        let (left, right) = (x(capacity.lower_per_s), x(capacity.upper_per_s));
        canvas.fill(
            (left, frame.top),
            (right.max(left + 1), frame.bottom),
            tint(SKY, 0.3),
        );
    }
}

fn load_axis(canvas: &Canvas<'_>, frame: Frame, most: f64) {
    for tick in linear_ticks(most)
        .into_iter()
        .filter(|tick| *tick <= most * 1.02)
    {
        let x = frame.x(place(tick));
        canvas.line(vec![(x, frame.top), (x, frame.bottom)], GRID, 1);
        canvas.line(vec![(x, frame.bottom), (x, frame.bottom + 4)], FRAME, 1);
        let label = format!("{tick:.1}");
        canvas.text(
            &label,
            (x, frame.bottom + 13),
            TextSize::Small,
            Align::Center,
            INK,
        );
    }
    let middle = ((frame.left + frame.right) / 2, frame.bottom + 32);
    let title = "offered load over the capacity, which is the line at 1.0";
    canvas.text(title, middle, TextSize::Small, Align::Center, FAINT_INK);
}
