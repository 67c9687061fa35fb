//! A picture of lines over job time, for charts that are nothing else: in one plot, or in several
//! above each other where the values have different units.

use plotters::style::RGBColor;

use super::Subject;
use super::axis::{
    byte_ticks, bytes_label, bytes_per_s_label, count_label, duration_label, duration_ms_label,
    duration_ms_ticks, linear_ticks, log_ticks, rate_label, share_label, whole_ticks,
};
use super::canvas::{Align, Canvas, picture};
use super::data::Points;
use super::live::Unit;
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{BACKGROUND, BOTTOM, INK, PLOT_HEIGHT, STRIP_HEIGHT, TOP, TextSize, WIDTH};

/// Space between two panels, which holds the lower one's name.
const GAP: i32 = 30;
/// Space for the uppermost panel's name.
const NAME_HEIGHT: i32 = 18;
/// Shares are shown from nothing to all, so that charts can be compared.
const SHARE_TICKS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Right of the names of lines.
const MARGIN: i32 = 32;

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

/// One plot of several.
pub(super) struct Panel {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) height: i32,
    pub(super) lines: Vec<Line>,
}

/// A chart of several plots above each other: its panels are drawn, and the page's script shows the same.
pub(super) struct StackChart {
    pub(super) file_name: &'static str,
    pub(super) title: &'static str,
    /// What it shows, for people who see one for the first time.
    pub(super) sentence: &'static str,
    /// Times that explain what is seen.
    pub(super) bands: fn(&Subject<'_>) -> Bands,
    /// What there is to draw; empty if nothing is known.
    pub(super) panels: fn(&Subject<'_>) -> Vec<Panel>,
}

/// Times that are shaded in every panel.
pub(super) struct Bands {
    /// Milliseconds.
    pub(super) spans_ms: Vec<(u64, u64)>,
    pub(super) color: RGBColor,
}

impl Bands {
    /// Nothing is shaded.
    pub(super) fn none(_: &Subject<'_>) -> Bands {
        Bands {
            spans_ms: Vec::new(),
            color: BACKGROUND,
        }
    }
}

pub(super) fn draw(subject: &Subject<'_>, shown: &Shown<'_>) -> String {
    let size = (WIDTH, TOP + PLOT_HEIGHT + BOTTOM);
    picture(size, shown.about, |canvas| {
        Frame::title(canvas, shown.title, &subject.about, shown.subtitle);
        let frame = usual_frame(subject.span, TOP, PLOT_HEIGHT, room_for_names(shown.lines));
        frame.shade(canvas, &subject.marks);
        plot(canvas, frame, &shown.scale, shown.lines);
        frame.time_axis(canvas);
        frame.strip(canvas, &subject.marks);
        frame.border(canvas);
    })
}

impl StackChart {
    /// `None` without panels.
    pub(super) fn draw(&self, subject: &Subject<'_>) -> Option<String> {
        let panels = (self.panels)(subject);
        let last = panels.len().checked_sub(1)?;
        let plots: i32 = panels.iter().map(|panel| panel.height).sum();
        let height = TOP + NAME_HEIGHT + plots + GAP * last as i32 + BOTTOM;
        Some(picture((WIDTH, height), self.sentence, |canvas| {
            Frame::title(canvas, self.title, &subject.about, self.sentence);
            draw_panels(canvas, subject, &panels, &(self.bands)(subject));
        }))
    }
}

fn draw_panels(canvas: &Canvas<'_>, subject: &Subject<'_>, panels: &[Panel], bands: &Bands) {
    let rooms = panels.iter().map(|panel| room_for_names(&panel.lines));
    let room = rooms.max().unwrap_or(0);
    let mut top = TOP + NAME_HEIGHT;
    for (at, panel) in panels.iter().enumerate() {
        let frame = usual_frame(subject.span, top, panel.height, room);
        frame.shade(canvas, &subject.marks);
        shade_bands(canvas, frame, bands);
        plot(canvas, frame, &panel.scale(), &panel.lines);
        let above = if at == 0 { STRIP_HEIGHT + 12 } else { 10 };
        let place = (frame.left, frame.top - above);
        canvas.text(panel.name, place, TextSize::Small, Align::Left, INK);
        if at == 0 {
            frame.strip(canvas, &subject.marks);
        }
        if at + 1 == panels.len() {
            frame.time_axis(canvas);
        }
        frame.border(canvas);
        top = frame.bottom + GAP;
    }
}

fn plot(canvas: &Canvas<'_>, frame: Frame, scale: &Scale, lines: &[Line]) {
    frame.value_axis(canvas, scale);
    frame.time_grid(canvas);
    frame.lines(canvas, scale, lines);
}

fn shade_bands(canvas: &Canvas<'_>, frame: Frame, bands: &Bands) {
    for &(from_ms, to_ms) in &bands.spans_ms {
        let from = frame.x(from_ms);
        // What is too short for the picture is still seen.
        let to = frame.x(to_ms).max(from + 2);
        canvas.fill((from, frame.top), (to, frame.bottom), bands.color);
    }
}

pub(super) fn room_for_names(lines: &[Line]) -> i32 {
    let widths = lines
        .iter()
        .map(|line| TextSize::Small.width_of(&line.name));
    MARGIN + widths.max().unwrap_or(0)
}

impl Panel {
    /// `None` if nothing is known of any line.
    pub(super) fn of<const N: usize>(
        (name, unit, height): (&'static str, Unit, i32),
        lines: [(&str, RGBColor, u32, &Points); N],
    ) -> Option<Panel> {
        let is_known = |points: &Points| points.iter().any(|(_, value)| value.is_some());
        let lines: Vec<Line> = lines
            .into_iter()
            .filter(|(.., points)| is_known(points))
            .map(line)
            .collect();
        (!lines.is_empty()).then_some(Panel {
            name,
            unit,
            height,
            lines,
        })
    }

    fn scale(&self) -> Scale {
        let most = largest(&self.lines);
        match self.unit {
            Unit::Bytes => Scale::linear(byte_ticks(most), bytes_label),
            Unit::BytesPerSecond => Scale::linear(byte_ticks(most), bytes_per_s_label),
            Unit::Share => Scale::linear(SHARE_TICKS.to_vec(), share_label),
            Unit::Whole => Scale::linear(whole_ticks(most), count_label),
            Unit::Count => Scale::linear(linear_ticks(most), count_label),
            Unit::PerSecond => Scale::linear(linear_ticks(most), rate_label),
            Unit::Milliseconds => Scale::linear(duration_ms_ticks(0.0, most), duration_ms_label),
            Unit::Nanoseconds => {
                let least = smallest_positive(&self.lines);
                Scale::logarithmic(log_ticks(least, most.max(least)), duration_label)
            }
        }
    }
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
    lines.map(line).collect()
}

fn line((name, color, width, points): (&str, RGBColor, u32, &Points)) -> Line {
    Line {
        name: name.to_owned(),
        color,
        width,
        points: points.clone(),
    }
}

/// The largest value of these lines; 0 without any.
pub(super) fn largest(lines: &[Line]) -> f64 {
    values(lines).fold(0.0, f64::max)
}

fn smallest_positive(lines: &[Line]) -> f64 {
    let positive = values(lines).filter(|&value| value > 0.0);
    positive.reduce(f64::min).unwrap_or(1.0)
}

fn values(lines: &[Line]) -> impl Iterator<Item = f64> {
    let points = lines.iter().flat_map(|line| &line.points);
    points.filter_map(|(_, value)| *value)
}
