//! `checkpoints.svg`: how long each checkpoint took and where that time went, stacked, and what it holds.
//! Nothing of a job that takes none.

use plotters::style::RGBColor;

use super::Subject;
use super::axis::{byte_ticks, bytes_label, duration_ms_label, linear_ticks};
use super::canvas::{Align, Canvas, picture};
use super::data::{Checkpoint, Points};
use super::live::Unit;
use super::over_time::Panel;
use super::plot::{Frame, Scale, usual_frame};
use super::style::{
    BLUE, BOTTOM, FAULT, FAULT_INK, GREEN, IDLE, INK, LEFT, ORANGE, PURPLE, SKY, TOP, TextSize,
    VERMILLION, WIDTH,
};

pub(super) const TITLE: &str = "Checkpoints";
/// What it shows, for people who see one for the first time.
pub(super) const SENTENCE: &str = "how long each took, from trigger to completion, and where that time went in the subtask that was \
     finished last; below, what it stands for and what had to be written";

const DURATIONS_HEIGHT: i32 = 190;
const BYTES_HEIGHT: i32 = 110;
const LEGEND_HEIGHT: i32 = 26;
const GAP: i32 = 34;
/// For the names of the lines of bytes.
const NAMES_WIDTH: i32 = 110;
const WIDEST_BAR: i32 = 14;

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let checkpoints = &subject.checkpoints;
    if checkpoints.is_empty() {
        return None;
    }
    let bytes = bytes(checkpoints);
    let below = bytes.as_ref().map_or(0, |_| GAP + BYTES_HEIGHT);
    let top = TOP + LEGEND_HEIGHT + 10;
    let size = (WIDTH, top + DURATIONS_HEIGHT + below + BOTTOM);
    let about = "Duration of each checkpoint in parts, stacked, and its bytes";
    Some(picture(size, about, |canvas| {
        Frame::title(canvas, TITLE, &subject.about, SENTENCE);
        legend(canvas, checkpoints);
        let frame = usual_frame(subject.span, top, DURATIONS_HEIGHT, NAMES_WIDTH);
        durations(canvas, frame, subject);
        let Some(panel) = bytes else {
            return frame.time_axis(canvas);
        };
        let frame = usual_frame(subject.span, frame.bottom + GAP, BYTES_HEIGHT, NAMES_WIDTH);
        let most = checkpoints.iter().filter_map(|it| it.bytes);
        let scale = Scale::linear(byte_ticks(most.fold(0.0, f64::max)), bytes_label);
        frame.shade(canvas, &subject.marks);
        frame.value_axis(canvas, &scale);
        frame.time_grid(canvas);
        let name = (frame.left, frame.top - 10);
        canvas.text(panel.name, name, TextSize::Small, Align::Left, INK);
        frame.lines(canvas, &scale, &panel.lines);
        frame.time_axis(canvas);
        frame.border(canvas);
    }))
}

/// Stacked from the bottom, as they follow each other. Neighbours differ in lightness too.
fn parts(checkpoint: &Checkpoint) -> [(RGBColor, &'static str, f64); 7] {
    let it = checkpoint.parts;
    let known = it.start_delay + it.alignment + it.flush + it.link + it.sync + it.asynchronous;
    let rest = if checkpoint.is_failed {
        0.0
    } else {
        (checkpoint.duration_ms - known).max(0.0)
    };
    [
        (SKY, "start delay", it.start_delay),
        (VERMILLION, "alignment", it.alignment),
        (ORANGE, "flush", it.flush),
        (PURPLE, "link", it.link),
        (GREEN, "rest of sync", it.sync),
        (BLUE, "async", it.asynchronous),
        (IDLE, "until complete", rest),
    ]
}

/// Of what there is; flush and link only with a database.
fn legend(canvas: &Canvas<'_>, checkpoints: &[Checkpoint]) {
    let (mut x, y) = (LEFT, TOP - 8);
    let mut entry = |color, name: &str| {
        canvas.fill((x, y - 6), (x + 16, y + 6), color);
        canvas.text(name, (x + 22, y), TextSize::Small, Align::Left, INK);
        x += 22 + TextSize::Small.width_of(name) + 18;
    };
    for (at, (color, name, _)) in parts(&Checkpoint::default()).into_iter().enumerate() {
        if checkpoints.iter().any(|it| parts(it)[at].2 > 0.0) {
            entry(color, name);
        }
    }
    if checkpoints.iter().any(|it| it.is_failed) {
        entry(FAULT_INK, "given up");
    }
}

fn durations(canvas: &Canvas<'_>, frame: Frame, subject: &Subject<'_>) {
    let checkpoints = &subject.checkpoints;
    let longest = checkpoints.iter().map(|it| it.duration_ms);
    let ticks = linear_ticks(longest.fold(0.0, f64::max));
    let scale = Scale::linear(ticks, duration_ms_label);
    frame.shade(canvas, &subject.marks);
    frame.value_axis(canvas, &scale);
    frame.time_grid(canvas);
    let room = (frame.right - frame.left) / checkpoints.len().max(1) as i32;
    let width = (room * 2 / 3).clamp(1, WIDEST_BAR);
    for checkpoint in checkpoints {
        let from = frame.x(checkpoint.from_ms).min(frame.right - width);
        let y = |ms: f64| frame.y(scale.position(ms));
        if checkpoint.is_failed {
            let top = y(checkpoint.duration_ms);
            canvas.fill((from, top), (from + width, frame.bottom), FAULT);
            canvas.outline((from, top), (from + width, frame.bottom), FAULT_INK);
            continue;
        }
        let mut reached_ms = 0.0;
        for (color, _, ms) in parts(checkpoint) {
            let bottom = y(reached_ms);
            reached_ms += ms;
            canvas.fill((from, y(reached_ms)), (from + width, bottom), color);
        }
    }
    let strip = Frame {
        top: frame.top,
        ..frame
    };
    strip.strip(canvas, &subject.marks);
    frame.border(canvas);
}

/// `None` if no checkpoint says how large it is.
fn bytes(checkpoints: &[Checkpoint]) -> Option<Panel> {
    let points = |of: fn(&Checkpoint) -> Option<f64>| -> Points {
        let complete = checkpoints.iter().filter(|it| !it.is_failed);
        complete.map(|it| (it.from_ms, of(it))).collect()
    };
    Panel::of(
        ("bytes", Unit::Bytes, BYTES_HEIGHT),
        [
            ("stands for", BLUE, 4, &points(|it| it.bytes)),
            ("written", ORANGE, 2, &points(|it| it.written_bytes)),
            ("in flight", VERMILLION, 2, &points(|it| it.in_flight_bytes)),
        ],
    )
}
