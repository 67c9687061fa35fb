//! `latency.svg`: percentiles of the response time over time, on a logarithmic axis.

use super::axis::{duration_label, log_ticks};
use super::canvas::picture;
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{BLUE, BOTTOM, GREEN, ORANGE, PLOT_HEIGHT, RIGHT, SKY, TOP, VERMILLION, WIDTH};
use super::{Subject, every};

pub(super) fn draw(subject: &Subject<'_>) -> String {
    let lines = lines(subject);
    let size = (WIDTH, TOP + PLOT_HEIGHT + BOTTOM);
    picture(
        size,
        "Percentiles of the response time over time, logarithmic",
        |canvas| {
            Frame::title(
                canvas,
                "Response time",
                &subject.about,
                &subtitle(subject.span.samples_per_point()),
            );
            let frame = usual_frame(subject.span, TOP, PLOT_HEIGHT, RIGHT);
            let values = || {
                lines
                    .iter()
                    .flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
            };
            let (min, max) = (
                values().fold(f64::INFINITY, f64::min),
                values().fold(0.0, f64::max),
            );
            frame.shade(canvas, &subject.marks);
            if max > 0.0 {
                let scale = Scale::logarithmic(log_ticks(min, max), duration_label);
                frame.value_axis(canvas, &scale);
                frame.time_grid(canvas);
                frame.time_axis(canvas);
                frame.lines(canvas, &scale, &lines);
            } else {
                frame.time_grid(canvas);
                frame.time_axis(canvas);
                frame.nothing(canvas, "no response times: closed-loop load, or no samples");
            }
            frame.strip(canvas, &subject.marks);
            frame.border(canvas);
        },
    )
}

/// Percentiles of each interval's response times, nanoseconds.
pub(super) fn lines(subject: &Subject<'_>) -> Vec<Line> {
    let names = [
        ("p50", SKY, 2),
        ("p90", GREEN, 2),
        ("p99", BLUE, 3),
        ("p99.9", ORANGE, 2),
        ("max", VERMILLION, 1),
    ];
    let names = names.into_iter().enumerate();
    names
        .map(|(at, (name, color, width))| Line {
            name: name.to_owned(),
            color,
            width,
            // A logarithmic axis has no zero; the histogram's lowest value is 1 us anyway.
            points: every(&subject.moments, |moment| {
                moment.response_ns[at].map(|ns| ns.max(1) as f64)
            }),
        })
        .collect()
}

fn subtitle(samples_per_point: u64) -> String {
    let what =
        "from the intended time to the sink, logarithmic; percentiles of each sampling interval";
    match samples_per_point {
        1 => what.to_owned(),
        several => format!("{what}, the worst of {several} intervals per point"),
    }
}
