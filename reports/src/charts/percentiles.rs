//! `percentiles.svg`: the whole distribution of response and service times, logarithmic in
//! 1/(1-q), so that the tail has as much room as the body (Tene, "How not to measure latency").

use hdrhistogram::Histogram;

use super::Subject;
use super::axis::{duration_label, log_ticks};
use super::canvas::{Align, Canvas, picture};
use super::data::Span;
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{
    BLUE, BOTTOM, FAINT_INK, FRAME, GRID, INK, ORANGE, PLOT_HEIGHT, RIGHT, TOP, TextSize, WIDTH,
};
use crate::format;

pub(super) const TITLE: &str = "Response and service time by percentile";
/// The strip of marks has no place here: there is no time axis.
pub(super) const PLOT_TOP: i32 = TOP - 14;
/// A percentile is drawn with so many samples beyond it: with fewer it is chance.
const LEAST_BEYOND: f64 = 10.0;
/// The frame's axis is an integer one: 1/(1-q) in thousandths of a decade.
const PER_DECADE: f64 = 1_000.0;
const POINTS_PER_DECADE: u32 = 40;

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let lines: Vec<Line> = [
        ("service", ORANGE, 2, &subject.latency.service),
        ("response", BLUE, 3, &subject.latency.response),
    ]
    .into_iter()
    .map(|(name, color, width, values)| Line {
        name: name.to_owned(),
        color,
        width,
        points: curve(values),
    })
    .filter(|line| line.points.len() > 1)
    .collect();
    let end = lines
        .iter()
        .filter_map(|line| line.points.last())
        .map(|&(x, _)| x)
        .max()?;
    let values = || {
        lines
            .iter()
            .flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
    };
    let scale = Scale::logarithmic(
        log_ticks(
            values().fold(f64::INFINITY, f64::min),
            values().fold(0.0, f64::max),
        ),
        duration_label,
    );
    let span = Span {
        from_ms: 0,
        to_ms: end,
        samples: 0,
    };
    let size = (WIDTH, PLOT_TOP + PLOT_HEIGHT + BOTTOM);
    Some(picture(size, TITLE, |canvas| {
        Frame::title(canvas, TITLE, &subject.about, &subtitle(subject));
        let frame = usual_frame(span, PLOT_TOP, PLOT_HEIGHT, RIGHT);
        frame.value_axis(canvas, &scale);
        percentile_axis(canvas, frame);
        frame.lines(canvas, &scale, &lines);
        frame.border(canvas);
    }))
}

fn subtitle(subject: &Subject<'_>) -> String {
    let what = "every record of the measured phase and of the drain after it; a curve ends where fewer than ten lie beyond";
    match subject.run.censored.filter(|&censored| censored > 0) {
        Some(censored) => format!(
            "{what}; without {} records that never came out",
            format::count(censored)
        ),
        None => what.to_owned(),
    }
}

/// Up to the last percentile that has enough samples.
pub(super) fn curve(values: &Histogram<u64>) -> Vec<(u64, Option<f64>)> {
    let decades = (values.len() as f64 / LEAST_BEYOND).log10();
    if decades <= 0.0 || !decades.is_finite() {
        return Vec::new();
    }
    let steps = (decades * f64::from(POINTS_PER_DECADE)).floor() as u32;
    (0..=steps)
        .map(|step| {
            let decade = f64::from(step) / f64::from(POINTS_PER_DECADE);
            let ns = values.value_at_quantile(1.0 - 10f64.powf(-decade)).max(1);
            ((decade * PER_DECADE).round() as u64, Some(ns as f64))
        })
        .collect()
}

pub(super) fn percentile_axis(canvas: &Canvas<'_>, frame: Frame) {
    let mark = |x: i32, label: &str| {
        canvas.line(vec![(x, frame.top), (x, frame.bottom)], GRID, 1);
        canvas.line(vec![(x, frame.bottom), (x, frame.bottom + 4)], FRAME, 1);
        let at = (x, frame.bottom + 13);
        canvas.text(label, at, TextSize::Small, Align::Center, INK);
    };
    let place = |beyond: f64| (-beyond.log10() * PER_DECADE).round() as u64;
    let half = (place(0.5), "50 %".to_owned());
    let nines = (0..=frame.span.to_ms / PER_DECADE as u64)
        .map(|decade| (decade * PER_DECADE as u64, nines(decade as usize)));
    for (at, label) in [half].into_iter().chain(nines) {
        if at <= frame.span.to_ms {
            mark(frame.x(at), &label);
        }
    }
    let middle = ((frame.left + frame.right) / 2, frame.bottom + 32);
    canvas.text(
        "percentile, logarithmic in 1/(1-q)",
        middle,
        TextSize::Small,
        Align::Center,
        FAINT_INK,
    );
}

/// 0 %, 90 %, 99 %, 99.9 %, ..
fn nines(decade: usize) -> String {
    match decade {
        0 => "0 %".to_owned(),
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        more => format!("99.{} %", "9".repeat(more - 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::histogram;

    #[test]
    fn a_curve_ends_where_fewer_than_ten_samples_lie_beyond() {
        let mut values = histogram();
        for us in 1..=1_000 {
            values.record(us * 1_000).unwrap();
        }
        let curve = curve(&values);
        assert_eq!(curve.last().unwrap().0, 2_000);
        let p99 = curve.last().unwrap().1.unwrap();
        assert!((p99 / 990e3 - 1.0).abs() < 0.002, "{p99}");
        assert_eq!(curve[0].0, 0);
        assert_eq!(super::curve(&histogram()), []);
    }

    #[test]
    fn percentiles_are_named_by_their_nines() {
        assert_eq!(
            [0, 1, 2, 3, 5].map(nines),
            ["0 %", "90 %", "99 %", "99.9 %", "99.999 %"]
        );
    }
}
