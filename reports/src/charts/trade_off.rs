//! `trade_off.svg`: how many results are right against how long they take, from `trade_off.csv`. A
//! watermark that waits longer buys the one with the other, and allowed lateness corrects the rest
//! afterwards. Nothing without the file.

use plotters::style::RGBColor;

use super::Subject;
use super::axis::{duration_ms_label, duration_ms_ticks, log_ticks, share_label, share_ticks};
use super::canvas::{Align, Canvas, picture};
use super::data::Span;
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{
    BOTTOM, FAINT_INK, FRAME, GRID, INK, LEFT, LINES, PLOT_HEIGHT, TOP, TextSize, WIDTH,
};
use crate::format;
use crate::record::TradeOffRow;

pub(super) const TITLE: &str = "Completeness against latency";
/// What the chart shows, for people who see one for the first time.
pub(super) const SENTENCE: &str = "a watermark that waits longer makes more results right and all of them later: each point \
     is one delay, simulated on this run's records";
const ABOUT: &str =
    "Share of right results against the time to the first result, for several watermark delays";
/// Later latenesses are in the table only.
const MAX_CURVES: usize = 4;
/// The frame's axis is an integer one: so many places between its ends.
const PLACES: u64 = 10_000;
/// Legend of the configured setting, above the plot.
const LEGEND_Y: i32 = TOP - 11;
const RING: i32 = 5;
/// Times whose longest is more than so many times the shortest have a logarithmic axis.
const WIDE: f64 = 200.0;
/// Points that are no more pixels apart than this are one.
const NEAR: u32 = 2;

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let points: Vec<Point> = subject.trade_off.iter().filter_map(Point::of).collect();
    let curves = curves(&points);
    let shown = || curves.iter().flatten();
    shown().next()?;
    let across = Across::of(shown().map(|point| point.latency_ms));
    let least = shown().map(|point| point.at_first).fold(1.0, f64::min);
    let scale = Scale::linear(share_ticks(least), share_label);
    let colored = || curves.iter().zip(LINES);
    let mut lines = across.at_first(&curves, &scale);
    lines.extend(colored().filter_map(|(curve, color)| across.in_the_end(curve, color)));
    let names = lines.iter();
    let widest = names.map(|line| TextSize::Small.width_of(&line.name)).max();
    let size = (WIDTH, TOP + PLOT_HEIGHT + BOTTOM);
    Some(picture(size, ABOUT, |canvas| {
        Frame::title(canvas, TITLE, &subject.about, SENTENCE);
        let frame = usual_frame(PLACED, TOP, PLOT_HEIGHT, 32 + widest.unwrap_or(0));
        frame.value_axis(canvas, &scale);
        across.axis(canvas, frame);
        frame.lines(canvas, &scale, &lines);
        for (point, color) in
            colored().flat_map(|(curve, color)| curve.iter().map(move |it| (it, color)))
        {
            canvas.dot(across.place(frame, &scale, point, point.in_the_end), color);
        }
        if let Some(curve) = curves.first() {
            across.name_delays(canvas, frame, &scale, curve);
        }
        if let Some(configured) = shown().find(|point| point.is_configured) {
            mark(canvas, &across, (frame, &scale), configured);
        }
        frame.border(canvas);
    }))
}

/// One setting, as far as it is drawn.
#[derive(Clone, Copy)]
struct Point {
    delay_ms: u64,
    lateness_ms: u64,
    is_configured: bool,
    /// Median time from the end of a window to its first result.
    latency_ms: f64,
    /// Share of the results that are right when they first come.
    at_first: f64,
    /// Share that is right then or after refinements.
    in_the_end: f64,
}

impl Point {
    fn of(row: &TradeOffRow) -> Option<Point> {
        let share = |results: u64| (results as f64 / row.results as f64).min(1.0);
        let latency_ms = row.first_delay_p50_ms.filter(|_| row.results > 0)?;
        Some(Point {
            delay_ms: row.delay_ms,
            lateness_ms: row.lateness_ms,
            is_configured: row.configured,
            latency_ms: latency_ms as f64,
            at_first: share(row.right_at_first),
            in_the_end: share(row.right_at_first.saturating_add(row.refined)),
        })
    }
}

/// One curve per lateness, the shortest first, by delay. Among too many the configured one stays.
fn curves(points: &[Point]) -> Vec<Vec<Point>> {
    let mut latenesses: Vec<(bool, u64)> = points
        .iter()
        .map(|point| point.lateness_ms)
        .map(|lateness_ms| {
            let is_configured =
                |point: &Point| point.is_configured && point.lateness_ms == lateness_ms;
            (!points.iter().any(is_configured), lateness_ms)
        })
        .collect();
    latenesses.sort_unstable();
    latenesses.dedup();
    latenesses.truncate(MAX_CURVES);
    latenesses.sort_unstable_by_key(|(_, lateness_ms)| *lateness_ms);
    let curve = |(_, lateness_ms): (bool, u64)| {
        let points = points.iter().copied();
        let mut curve: Vec<Point> = points.filter(|it| it.lateness_ms == lateness_ms).collect();
        curve.sort_by_key(|point| point.delay_ms);
        curve
    };
    latenesses.into_iter().map(curve).collect()
}

/// All of the horizontal axis.
const PLACED: Span = Span {
    from_ms: 0,
    to_ms: PLACES,
    samples: 0,
};

/// The horizontal axis: time to the first result, milliseconds.
struct Across {
    scale: Scale,
    title: &'static str,
}

impl Across {
    /// Logarithmic if the times are of very different length: then the delays were chosen that way.
    fn of(latencies_ms: impl Iterator<Item = f64> + Clone) -> Across {
        let min_ms = latencies_ms.clone().fold(f64::INFINITY, f64::min);
        let max_ms = latencies_ms.fold(f64::NEG_INFINITY, f64::max);
        if min_ms > 0.0 && max_ms > WIDE * min_ms {
            return Across {
                scale: Scale::logarithmic(log_ticks(min_ms, max_ms), duration_ms_label),
                title: "median time from the end of a window to its first result, logarithmic",
            };
        }
        Across {
            scale: Scale::linear(
                duration_ms_ticks(min_ms.min(0.0), max_ms),
                duration_ms_label,
            ),
            title: "median time from the end of a window to its first result",
        }
    }

    /// In [`PLACES`] of the axis.
    fn at(&self, latency_ms: f64) -> u64 {
        (self.scale.position(latency_ms) * PLACES as f64).round() as u64
    }

    fn place(&self, frame: Frame, scale: &Scale, point: &Point, share: f64) -> (i32, i32) {
        (
            frame.x(self.at(point.latency_ms)),
            frame.y(scale.position(share)),
        )
    }

    /// A curve's results that are right in the end, a broad line; none where refinements change nothing.
    fn in_the_end(&self, curve: &[Point], color: RGBColor) -> Option<Line> {
        let is_refined = curve.iter().any(|it| it.in_the_end > it.at_first);
        let name = format!("{}, refined", lateness(curve.first()?.lateness_ms));
        is_refined.then(|| self.line(curve, (name, color, 4), |it| it.in_the_end))
    }

    /// Results that are right at first. Lateness makes little difference to them: it is one line
    /// where the picture shows none.
    fn at_first(&self, curves: &[Vec<Point>], scale: &Scale) -> Vec<Line> {
        let frame = usual_frame(PLACED, 0, PLOT_HEIGHT, LEFT);
        let places = |curve: &Vec<Point>| -> Vec<(i32, i32)> {
            let points = curve.iter();
            points
                .map(|point| self.place(frame, scale, point, point.at_first))
                .collect()
        };
        let is_near = |one: &Vec<Point>, other: &Vec<Point>| {
            let (one, other) = (places(one), places(other));
            let mut pairs = one.iter().zip(&other);
            let near = |(x, y): &(i32, i32), (other_x, other_y): &(i32, i32)| {
                x.abs_diff(*other_x) <= NEAR && y.abs_diff(*other_y) <= NEAR
            };
            one.len() == other.len() && pairs.all(|(one, other)| near(one, other))
        };
        let Some(first) = curves.first() else {
            return Vec::new();
        };
        if curves.iter().all(|curve| is_near(first, curve)) {
            let name = "right at first".to_owned();
            return vec![self.line(first, (name, LINES[0], 2), |it| it.at_first)];
        }
        let curves = curves.iter().zip(LINES);
        curves
            .filter_map(|(curve, color)| {
                let name = format!("{}, at first", lateness(curve.first()?.lateness_ms));
                Some(self.line(curve, (name, color, 2), |it| it.at_first))
            })
            .collect()
    }

    fn line(
        &self,
        curve: &[Point],
        (name, color, width): (String, RGBColor, u32),
        share: fn(&Point) -> f64,
    ) -> Line {
        let points = curve
            .iter()
            .map(|point| (self.at(point.latency_ms), Some(share(point))));
        Line {
            name,
            color,
            width,
            points: points.collect(),
        }
    }

    fn axis(&self, canvas: &Canvas<'_>, frame: Frame) {
        for (tick, label) in self.scale.ticks() {
            let x = frame.x(self.at(tick));
            canvas.line(vec![(x, frame.top), (x, frame.bottom)], GRID, 1);
            canvas.line(vec![(x, frame.bottom), (x, frame.bottom + 4)], FRAME, 1);
            let at = (x, frame.bottom + 13);
            canvas.text(&label, at, TextSize::Small, Align::Center, INK);
        }
        let middle = ((frame.left + frame.right) / 2, frame.bottom + 32);
        canvas.text(
            self.title,
            middle,
            TextSize::Small,
            Align::Center,
            FAINT_INK,
        );
    }

    /// Marks and names the delays at and below the points of one curve, as far as there is room.
    fn name_delays(&self, canvas: &Canvas<'_>, frame: Frame, scale: &Scale, curve: &[Point]) {
        let mut free_from = frame.left;
        for point in curve {
            let (x, y) = self.place(frame, scale, point, point.at_first);
            canvas.dot((x, y), LINES[0]);
            let name = duration(point.delay_ms);
            let width = TextSize::Small.width_of(&name);
            let left = x + 5;
            if left < free_from || left + width > frame.right {
                continue;
            }
            let at = (left, (y + 11).min(frame.bottom - 7));
            canvas.text(&name, at, TextSize::Small, Align::Left, FAINT_INK);
            free_from = left + width + 6;
        }
    }
}

/// A ring around what the run had, and a word about it above the plot.
fn mark(canvas: &Canvas<'_>, across: &Across, (frame, scale): (Frame, &Scale), point: &Point) {
    for share in [point.at_first, point.in_the_end] {
        canvas.ring(across.place(frame, scale, point, share), RING, INK);
    }
    canvas.ring((frame.left + RING, LEGEND_Y), RING, INK);
    let refined = if point.in_the_end > point.at_first {
        format!(", {} after refinements", format::share(point.in_the_end))
    } else {
        String::new()
    };
    let side = if point.latency_ms < 0.0 {
        "before"
    } else {
        "after"
    };
    let text = format!(
        "this run: delay {}, {}: {} right at first{refined}; half come by {} {side} the window's end",
        duration(point.delay_ms),
        lateness(point.lateness_ms),
        format::share(point.at_first),
        duration_ms_label(point.latency_ms.abs()),
    );
    let at = (frame.left + 3 * RING, LEGEND_Y);
    canvas.text(&text, at, TextSize::Small, Align::Left, INK);
}

fn lateness(ms: u64) -> String {
    match ms {
        0 => "no lateness".to_owned(),
        ms => format!("lateness {}", duration(ms)),
    }
}

/// A setting: round numbers without digits that say nothing.
fn duration(ms: u64) -> String {
    duration_ms_label(ms as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_too_many_latenesses_the_configured_one_stays() {
        let rows = (0..8).map(|at| TradeOffRow {
            lateness_ms: 1_000 * at,
            configured: at == 6,
            results: 10,
            right_at_first: 9,
            first_delay_p50_ms: Some(-5),
            ..TradeOffRow::default()
        });
        let mut points: Vec<Point> = rows.filter_map(|row| Point::of(&row)).collect();
        points.rotate_left(3);
        let curves = curves(&points);
        let shown: Vec<u64> = curves.iter().map(|curve| curve[0].lateness_ms).collect();
        assert_eq!(shown, [0, 1_000, 2_000, 6_000]);
    }

    #[test]
    fn a_setting_under_which_nothing_fires_has_no_point() {
        let nothing = TradeOffRow {
            results: 10,
            missing: 10,
            ..TradeOffRow::default()
        };
        let empty = TradeOffRow {
            first_delay_p50_ms: Some(1),
            ..TradeOffRow::default()
        };
        assert!(Point::of(&nothing).is_none() && Point::of(&empty).is_none());
    }
}
