//! `lag.svg`: how late records were sent, and whose fault that was. Nothing with closed-loop load.

use super::Subject;
use super::axis::{duration_label, log_ticks};
use super::canvas::picture;
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{BLUE, BOTTOM, FRAME, ORANGE, PALE, PLOT_HEIGHT, RIGHT, TOP, WIDTH};

const SUBTITLE: &str = "from the intended time to being sent, p99 of each interval, logarithmic; engine: it did not \
     take the record, own: the driver was late by itself";
/// The histogram's lowest value: what is less is drawn there.
const LEAST_NS: f64 = 1e3;

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let lines = lines(subject);
    let values = || {
        lines
            .iter()
            .flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
    };
    values().next()?;
    let scale = Scale::logarithmic(
        log_ticks(
            values().fold(f64::INFINITY, f64::min),
            values().fold(0.0, f64::max),
        ),
        duration_label,
    );
    let size = (WIDTH, TOP + PLOT_HEIGHT + BOTTOM);
    let about = "Schedule lag, engine lag and own lag over time, logarithmic";
    Some(picture(size, about, |canvas| {
        Frame::title(canvas, "Schedule lag", &subject.about, SUBTITLE);
        let frame = usual_frame(subject.span, TOP, PLOT_HEIGHT, RIGHT);
        frame.shade(canvas, &subject.marks);
        frame.value_axis(canvas, &scale);
        frame.time_grid(canvas);
        frame.time_axis(canvas);
        frame.lines(canvas, &scale, &lines);
        frame.strip(canvas, &subject.marks);
        frame.border(canvas);
    }))
}

/// Lags and the bound of the own lag, nanoseconds; empty if nothing was measured.
pub(super) fn lines(subject: &Subject<'_>) -> Vec<Line> {
    let latency = &subject.latency;
    let series = [
        ("schedule lag", PALE, 6, &latency.schedule_lag),
        ("engine lag", BLUE, 2, &latency.engine_lag),
        ("own lag", ORANGE, 2, &latency.own_lag),
    ];
    let mut lines: Vec<Line> = series
        .into_iter()
        .map(|(name, color, width, points)| Line {
            name: name.to_owned(),
            color,
            width,
            points: points
                .iter()
                .map(|&(t_ms, value)| (t_ms, value.map(|ns| ns.max(LEAST_NS))))
                .collect(),
        })
        .collect();
    lines.retain(|line| !line.points.is_empty());
    if !lines.is_empty() {
        let bound = subject.run.evidence.own_lag_p99_bound_ns as f64;
        let ends = [subject.span.from_ms, subject.span.to_ms];
        lines.push(Line {
            name: "own lag bound".to_owned(),
            color: FRAME,
            width: 1,
            points: ends.map(|t_ms| (t_ms, Some(bound.max(LEAST_NS)))).to_vec(),
        });
    }
    lines
}
