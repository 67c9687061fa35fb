//! `rate.svg`: what was offered, what the sources admitted and what arrived, and the backlog.

use super::axis::{count_label, linear_ticks, rate_label};
use super::canvas::{Canvas, picture};
use super::data::{Marks, Moment};
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{BLUE, BOTTOM, ORANGE, PALE, PLOT_HEIGHT, RIGHT, TOP, VERMILLION, WIDTH};
use super::{Subject, every};

const SUBTITLE: &str = "records per second; offered by the schedule, admitted by the sources, completed at the \
                        sinks; peaks of the warm-up may be cut off";
const BACKLOG_HEIGHT: i32 = 80;
const GAP: i32 = 34;

pub(super) fn draw(subject: &Subject<'_>) -> String {
    let moments = &subject.moments;
    let has_backlog = !backlog_line(moments).points.is_empty();
    let below = if has_backlog { GAP + BACKLOG_HEIGHT } else { 0 };
    let size = (WIDTH, TOP + PLOT_HEIGHT + below + BOTTOM);
    picture(
        size,
        "Offered, admitted and completed records per second over time",
        |canvas| {
            Frame::title(canvas, "Rate", &subject.about, SUBTITLE);
            let frame = usual_frame(subject.span, TOP, PLOT_HEIGHT, RIGHT);
            rates(canvas, frame, subject, moments, !has_backlog);
            if has_backlog {
                let frame = usual_frame(subject.span, frame.bottom + GAP, BACKLOG_HEIGHT, RIGHT);
                backlog(canvas, frame, subject, moments);
            }
        },
    )
}

fn rates(
    canvas: &Canvas<'_>,
    frame: Frame,
    subject: &Subject<'_>,
    moments: &[Moment],
    has_time_axis: bool,
) {
    let lines = lines(moments);
    panel(canvas, frame, subject, &lines, rate_label, has_time_axis);
}

/// Offered, completed and admitted records per second.
pub(super) fn lines(moments: &[Moment]) -> Vec<Line> {
    vec![
        line(
            "offered",
            PALE,
            5,
            every(moments, |moment| moment.offered_per_s),
        ),
        line(
            "completed",
            ORANGE,
            2,
            every(moments, |moment| moment.completed_per_s),
        ),
        line(
            "admitted",
            BLUE,
            2,
            every(moments, |moment| moment.admitted_per_s),
        ),
    ]
}

/// Records that were due and not admitted; without points if there was no schedule.
pub(super) fn backlog_line(moments: &[Moment]) -> Line {
    let mut points = every(moments, |moment| {
        moment.backlog.map(|records| records as f64)
    });
    points.retain(|(_, value)| value.is_some());
    line("backlog", VERMILLION, 2, points)
}

fn backlog(canvas: &Canvas<'_>, frame: Frame, subject: &Subject<'_>, moments: &[Moment]) {
    let lines = [backlog_line(moments)];
    panel(canvas, frame, subject, &lines, count_label, true);
}

fn panel(
    canvas: &Canvas<'_>,
    frame: Frame,
    subject: &Subject<'_>,
    lines: &[Line],
    label: fn(f64) -> String,
    has_time_axis: bool,
) {
    let scale = Scale::linear(linear_ticks(largest(lines, &subject.marks)), label);
    frame.shade(canvas, &subject.marks);
    frame.value_axis(canvas, &scale);
    frame.time_grid(canvas);
    if has_time_axis {
        frame.time_axis(canvas);
    }
    if frame.top == TOP {
        frame.strip(canvas, &subject.marks);
    }
    frame.lines(canvas, &scale, lines);
    frame.border(canvas);
    if lines.iter().all(|line| line.points.is_empty()) {
        frame.nothing(canvas, "no samples");
    }
}

/// The largest value, but not one of the warm-up that would squeeze the measured phase into the
/// lower half: filling every queue at the start does that. It is cut off at the top.
fn largest(lines: &[Line], marks: &Marks) -> f64 {
    let measured_from_ms = marks.warm_up_end_ms.unwrap_or(0);
    let (mut measured, mut all) = (0.0, 0.0);
    for &(t_ms, value) in lines.iter().flat_map(|line| &line.points) {
        all = f64::max(all, value.unwrap_or(0.0));
        if t_ms > measured_from_ms {
            measured = f64::max(measured, value.unwrap_or(0.0));
        }
    }
    if measured > 0.0 && all > 2.0 * measured {
        measured
    } else {
        all
    }
}

fn line(
    name: &str,
    color: plotters::style::RGBColor,
    width: u32,
    points: Vec<(u64, Option<f64>)>,
) -> Line {
    Line {
        name: name.to_owned(),
        color,
        width,
        points,
    }
}
