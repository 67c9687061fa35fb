//! The runs of all variants over each other: values over time as the median over a variant's runs
//! within their range, and response times by percentile.

use plotters::style::RGBColor;

use super::super::axis::{duration_label, linear_ticks, log_ticks, rate_label};
use super::super::canvas::{Canvas, picture};
use super::super::data::{Marks, Span};
use super::super::live::{Ranged, Unit};
use super::super::over_time::room_for_names;
use super::super::percentiles::{PLOT_TOP, curve, percentile_axis};
use super::super::plot::{Frame, Line, Scale, usual_frame};
use super::super::style::{BOTTOM, LINES, PLOT_HEIGHT, TOP, WIDTH};
use crate::compared::{Course, Courses, Point};
use crate::format::shortened;

pub(super) const PERCENTILES: &str = "Time by percentile";
/// Names of variants at the right of a plot are shortened to this.
const MAX_NAME: usize = 26;

/// A chart of one value over time.
pub(super) struct Overlaid {
    pub(super) title: &'static str,
    pub(super) subtitle: &'static str,
    pub(super) unit: Unit,
    pub(super) course: fn(&Course) -> &Vec<Point>,
}

impl Overlaid {
    /// One line per variant, the baseline first.
    pub(super) fn lines(&self, courses: &Courses) -> Vec<Ranged> {
        let lines = colored(courses).map(|(variant, color, width)| {
            let points = (self.course)(variant);
            Ranged {
                line: Line {
                    name: shortened(&variant.name, MAX_NAME),
                    color,
                    width,
                    points: points.iter().map(|it| (it.t_ms, Some(it.median))).collect(),
                },
                range: points.iter().map(|it| (it.t_ms, it.low, it.high)).collect(),
            }
        });
        lines.filter(|it| !it.range.is_empty()).collect()
    }

    /// `None` if no run has such values.
    pub(super) fn draw(&self, courses: &Courses, about: &str) -> Option<String> {
        let ranged = self.lines(courses);
        let values = || ranged.iter().flat_map(|it| &it.range);
        let highest = |from_ms: u64| {
            let values = values().filter(|(t_ms, ..)| *t_ms >= from_ms);
            values.map(|(.., high)| *high).reduce(f64::max)
        };
        let low = values().map(|(_, low, _)| *low).reduce(f64::min)?;
        let high = highest(0)?;
        let scale = match self.unit {
            Unit::Nanoseconds => {
                Scale::logarithmic(log_ticks(low.max(1.0), high.max(1.0)), duration_label)
            }
            // Filling every queue at the start must not squeeze the measured phase into the lower half.
            _ => {
                let measured = highest(courses.measured_ms).unwrap_or(high);
                let shown = if high > 2.0 * measured {
                    measured
                } else {
                    high
                };
                Scale::linear(linear_ticks(shown), rate_label)
            }
        };
        let span = Span {
            from_ms: 0,
            to_ms: courses.end_ms,
            samples: 0,
        };
        let marks = Marks {
            warm_up_end_ms: Some(courses.measured_ms).filter(|&end_ms| end_ms > 0),
            faults: Vec::new(),
        };
        let (ranges, lines): (Vec<_>, Vec<Line>) =
            ranged.into_iter().map(|it| (it.range, it.line)).unzip();
        let size = (WIDTH, TOP + PLOT_HEIGHT + BOTTOM);
        Some(picture(size, self.subtitle, |canvas| {
            Frame::title(canvas, self.title, about, self.subtitle);
            let frame = usual_frame(span, TOP, PLOT_HEIGHT, room_for_names(&lines));
            frame.shade(canvas, &marks);
            frame.value_axis(canvas, &scale);
            frame.time_grid(canvas);
            for (range, line) in ranges.iter().zip(&lines) {
                draw_range(canvas, frame, &scale, range, line);
            }
            frame.lines(canvas, &scale, &lines);
            frame.time_axis(canvas);
            frame.strip(canvas, &marks);
            frame.border(canvas);
        }))
    }
}

/// The baseline first, wide enough to be seen below a variant that does the same.
fn colored(courses: &Courses) -> impl Iterator<Item = (&Course, RGBColor, u32)> {
    let widths = std::iter::once(5).chain(std::iter::repeat(2));
    let variants = courses.variants.iter().zip(LINES.into_iter().cycle());
    variants
        .zip(widths)
        .map(|((variant, color), width)| (variant, color, width))
}

fn draw_range(
    canvas: &Canvas<'_>,
    frame: Frame,
    scale: &Scale,
    range: &[(u64, f64, f64)],
    line: &Line,
) {
    let place = |t_ms: u64, value: f64| (frame.x(t_ms), frame.y(scale.position(value)));
    let above = range.iter().map(|&(t_ms, _, high)| place(t_ms, high));
    let below = range.iter().rev().map(|&(t_ms, low, _)| place(t_ms, low));
    let outline: Vec<(i32, i32)> = above.chain(below).collect();
    if range.len() > 1 {
        canvas.veil(outline, line.color);
    }
}

/// Response times of all records of a variant's runs; service times, if none had a schedule.
pub(super) fn percentiles(courses: &Courses, about: &str) -> Option<String> {
    let has_response = courses.variants.iter().any(|it| !it.response.is_empty());
    let lines = colored(courses).map(|(variant, color, width)| Line {
        name: shortened(&variant.name, MAX_NAME),
        color,
        width,
        points: curve(if has_response {
            &variant.response
        } else {
            &variant.service
        }),
    });
    let lines: Vec<Line> = lines.filter(|line| line.points.len() > 1).collect();
    let values = || {
        lines
            .iter()
            .flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
    };
    let low = values().reduce(f64::min)?;
    let high = values().reduce(f64::max)?;
    let ends = lines.iter().filter_map(|line| line.points.last());
    let span = Span {
        from_ms: 0,
        to_ms: ends.map(|&(x, _)| x).max()?,
        samples: 0,
    };
    let scale = Scale::logarithmic(log_ticks(low, high), duration_label);
    let what = match has_response {
        true => "response times",
        false => "service times (there was no schedule)",
    };
    let subtitle = format!(
        "{what} of all records of a variant's runs that count; a curve ends where fewer than ten lie beyond"
    );
    let size = (WIDTH, PLOT_TOP + PLOT_HEIGHT + BOTTOM);
    Some(picture(size, PERCENTILES, |canvas| {
        Frame::title(canvas, PERCENTILES, about, &subtitle);
        let frame = usual_frame(span, PLOT_TOP, PLOT_HEIGHT, room_for_names(&lines));
        frame.value_axis(canvas, &scale);
        percentile_axis(canvas, frame);
        frame.lines(canvas, &scale, &lines);
        frame.border(canvas);
    }))
}
