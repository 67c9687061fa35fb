//! A picture of lines over job time, for charts that are nothing else.

use plotters::style::RGBColor;

use super::Subject;
use super::canvas::picture;
use super::data::Points;
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{BOTTOM, PLOT_HEIGHT, TOP, TextSize, WIDTH};

/// What such a chart shows.
pub(super) struct Shown<'a> {
    pub(super) title: &'a str,
    /// Read aloud by screen readers.
    pub(super) about: &'a str,
    /// One sentence below the title.
    pub(super) subtitle: &'a str,
    pub(super) lines: &'a [Line],
    pub(super) scale: Scale,
}

pub(super) fn draw(subject: &Subject<'_>, shown: &Shown<'_>) -> String {
    let names = shown.lines.iter();
    let widest = names.map(|line| TextSize::Small.width_of(&line.name)).max();
    let size = (WIDTH, TOP + PLOT_HEIGHT + BOTTOM);
    picture(size, shown.about, |canvas| {
        Frame::title(canvas, shown.title, &subject.about, shown.subtitle);
        let frame = usual_frame(subject.span, TOP, PLOT_HEIGHT, 32 + widest.unwrap_or(0));
        frame.shade(canvas, &subject.marks);
        frame.value_axis(canvas, &shown.scale);
        frame.time_grid(canvas);
        frame.time_axis(canvas);
        frame.lines(canvas, &shown.scale, shown.lines);
        frame.strip(canvas, &subject.marks);
        frame.border(canvas);
    })
}

/// Lines of these names, colours and widths. What never happened in a run has no line: most windows
/// have no timers, and send late records one way only.
pub(super) fn named<const N: usize>(lines: [(&str, RGBColor, u32, &Points); N]) -> Vec<Line> {
    let happened = |points: &Points| {
        points
            .iter()
            .any(|(_, value)| value.is_some_and(|it| it > 0.0))
    };
    let lines = lines.into_iter().filter(|(.., points)| happened(points));
    lines
        .map(|(name, color, width, points)| Line {
            name: name.to_owned(),
            color,
            width,
            points: points.clone(),
        })
        .collect()
}

/// The largest value of these lines; 0 without any.
pub(super) fn largest(lines: &[Line]) -> f64 {
    let points = lines.iter().flat_map(|line| &line.points);
    points.filter_map(|(_, value)| *value).fold(0.0, f64::max)
}
