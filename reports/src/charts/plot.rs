//! One plot: a time axis, a value axis, and lines that carry their names at their right end.

use plotters::style::RGBColor;

use super::axis::{time_labels, time_ticks};
use super::canvas::{Align, Canvas};
use super::data::{Marks, Span};
use super::style::{
    FAINT_INK, FAULT, FAULT_INK, FRAME, GRID, INK, LEFT, STRIP_HEIGHT, TextSize, WARM_UP, WIDTH,
};
use crate::format::shortened;

/// Lowest distance of two names at the right end, pixels.
const NAME_HEIGHT: i32 = 14;

/// A value axis.
pub(super) struct Scale {
    ticks: Vec<f64>,
    logarithmic: bool,
    label: fn(f64) -> String,
}

impl Scale {
    pub(super) fn linear(ticks: Vec<f64>, label: fn(f64) -> String) -> Self {
        Scale {
            ticks,
            logarithmic: false,
            label,
        }
    }

    pub(super) fn logarithmic(ticks: Vec<f64>, label: fn(f64) -> String) -> Self {
        Scale {
            ticks,
            logarithmic: true,
            label,
        }
    }

    /// Its ticks and what they are labelled with.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, String)> + '_ {
        self.ticks.iter().map(|&tick| (tick, (self.label)(tick)))
    }

    /// Where a value lies between the axis' ends, 0..1.
    pub(super) fn position(&self, value: f64) -> f64 {
        let scaled = |value: f64| {
            if self.logarithmic {
                value.max(f64::MIN_POSITIVE).log10()
            } else {
                value
            }
        };
        let (first, last) = match (self.ticks.first(), self.ticks.last()) {
            (Some(&first), Some(&last)) => (scaled(first), scaled(last)),
            _ => (0.0, 1.0),
        };
        ((scaled(value) - first) / (last - first)).clamp(0.0, 1.0)
    }
}

/// A named line; `None` breaks it.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) color: RGBColor,
    pub(super) width: u32,
    /// Job time in milliseconds, value.
    pub(super) points: Vec<(u64, Option<f64>)>,
}

/// The place of a plot in a picture.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
    pub(super) span: Span,
}

impl Frame {
    pub(super) fn x(&self, t_ms: u64) -> i32 {
        let length = self.span.length_ms().max(1) as f64;
        let since = t_ms.clamp(self.span.from_ms, self.span.to_ms) - self.span.from_ms;
        self.left + (since as f64 / length * f64::from(self.right - self.left)).round() as i32
    }

    /// Of a place between the axis' ends, 0..1.
    pub(super) fn y(&self, position: f64) -> i32 {
        self.bottom - (position * f64::from(self.bottom - self.top)).round() as i32
    }

    /// Title, and what the numbers belong to and are worth.
    pub(super) fn title(canvas: &Canvas<'_>, title: &str, about: &str, subtitle: &str) {
        let y = 20;
        canvas.text(title, (16, y), TextSize::Title, Align::Left, INK);
        canvas.text(about, (WIDTH - 16, y), TextSize::Normal, Align::Right, INK);
        canvas.text(
            subtitle,
            (16, y + 20),
            TextSize::Small,
            Align::Left,
            FAINT_INK,
        );
    }

    /// Shades warm-up and faults behind the plot.
    pub(super) fn shade(&self, canvas: &Canvas<'_>, marks: &Marks) {
        let shade = |from_ms, to_ms, color| {
            let from = self.x(from_ms);
            // A fault too short for the picture is still seen.
            canvas.fill(
                (from, self.top),
                (self.x(to_ms).max(from + 2), self.bottom),
                color,
            );
        };
        if let Some(end_ms) = marks.warm_up_end_ms {
            shade(self.span.from_ms, end_ms, WARM_UP);
        }
        for fault in &marks.faults {
            shade(fault.from_ms, fault.to_ms, FAULT);
        }
    }

    /// Lines at the ends of warm-up and faults, over what fills the plot.
    pub(super) fn mark_lines(&self, canvas: &Canvas<'_>, marks: &Marks) {
        let line = |t_ms, color| {
            let x = self.x(t_ms);
            canvas.line(vec![(x, self.top), (x, self.bottom)], color, 1);
        };
        if let Some(end_ms) = marks.warm_up_end_ms {
            line(end_ms, INK);
        }
        for fault in &marks.faults {
            line(fault.from_ms, FAULT_INK);
            line(fault.to_ms, FAULT_INK);
        }
    }

    /// Names warm-up and faults in the strip above the plot: inside their bars, or behind them where
    /// there is more room. A name that has none is shortened or left out, its bar is not.
    pub(super) fn strip(&self, canvas: &Canvas<'_>, marks: &Marks) {
        let (top, bottom) = (self.top - STRIP_HEIGHT - 2, self.top - 2);
        let warm_up = marks.warm_up_end_ms.map(|end_ms| {
            let from = self.x(self.span.from_ms);
            (from, self.x(end_ms), "warm-up", GRID, FAINT_INK)
        });
        let faults = marks.faults.iter().map(|fault| {
            let (from, to) = (self.x(fault.from_ms), self.x(fault.to_ms));
            (from, to, fault.name.as_str(), FAULT, FAULT_INK)
        });
        let bars: Vec<_> = warm_up
            .into_iter()
            .chain(faults)
            .map(|(from, to, name, color, ink)| (from, to.max(from + 2), name, color, ink))
            .collect();
        for (from, to, _, color, _) in &bars {
            canvas.fill((*from, top), (*to, bottom), *color);
        }
        let mut free_from = self.left;
        for (at, (from, to, name, _, ink)) in bars.iter().enumerate() {
            let next = bars.get(at + 1).map_or(self.right, |next| next.0);
            let Some((x, text)) = name_place((*from, *to), next, free_from, name) else {
                continue;
            };
            let middle = (x, (top + bottom) / 2);
            canvas.text(&text, middle, TextSize::Small, Align::Left, *ink);
            free_from = x + TextSize::Small.width_of(&text) + 4;
        }
    }

    /// Vertical lines at the ticks of the time axis.
    pub(super) fn time_grid(&self, canvas: &Canvas<'_>) {
        for t_ms in time_ticks(self.span.from_ms, self.span.to_ms) {
            canvas.line(
                vec![(self.x(t_ms), self.top), (self.x(t_ms), self.bottom)],
                GRID,
                1,
            );
        }
    }

    pub(super) fn time_axis(&self, canvas: &Canvas<'_>) {
        let (title, label) = time_labels(self.span.to_ms);
        for t_ms in time_ticks(self.span.from_ms, self.span.to_ms) {
            let x = self.x(t_ms);
            canvas.line(vec![(x, self.bottom), (x, self.bottom + 4)], FRAME, 1);
            canvas.text(
                &label(t_ms),
                (x, self.bottom + 13),
                TextSize::Small,
                Align::Center,
                INK,
            );
        }
        let middle = (self.left + self.right) / 2;
        canvas.text(
            title,
            (middle, self.bottom + 32),
            TextSize::Small,
            Align::Center,
            FAINT_INK,
        );
    }

    pub(super) fn value_axis(&self, canvas: &Canvas<'_>, scale: &Scale) {
        for &tick in &scale.ticks {
            let y = self.y(scale.position(tick));
            canvas.line(vec![(self.left, y), (self.right, y)], GRID, 1);
            canvas.text(
                &(scale.label)(tick),
                (self.left - 8, y),
                TextSize::Small,
                Align::Right,
                INK,
            );
        }
    }

    pub(super) fn border(&self, canvas: &Canvas<'_>) {
        canvas.outline((self.left, self.top), (self.right, self.bottom), FRAME);
    }

    /// Draws the lines, the last on top, and their names beside their last points.
    pub(super) fn lines(&self, canvas: &Canvas<'_>, scale: &Scale, lines: &[Line]) {
        let mut names = Vec::new();
        for line in lines {
            let mut segment = Vec::new();
            for &(t_ms, value) in &line.points {
                match value {
                    Some(value) => segment.push((self.x(t_ms), self.y(scale.position(value)))),
                    None => draw_segment(canvas, line, std::mem::take(&mut segment)),
                }
            }
            draw_segment(canvas, line, segment);
            let last = line
                .points
                .iter()
                .rev()
                .find_map(|&(t_ms, value)| Some((t_ms, value?)));
            if let Some((t_ms, value)) = last {
                names.push((self.y(scale.position(value)), self.x(t_ms), line));
            }
        }
        self.names(canvas, names);
    }

    /// Names at the right of the plot, moved apart where they would overlap.
    fn names(&self, canvas: &Canvas<'_>, mut names: Vec<(i32, i32, &Line)>) {
        names.sort_by_key(|(y, _, _)| *y);
        let wanted: Vec<i32> = names.iter().map(|(y, _, _)| *y).collect();
        for ((y, x, line), place) in names.iter().zip(spread(&wanted, (self.top, self.bottom))) {
            let begin = (self.right).max(*x) + 2;
            canvas.line(vec![(begin, *y), (begin + 8, place)], line.color, 2);
            canvas.text(
                &line.name,
                (begin + 12, place),
                TextSize::Small,
                Align::Left,
                INK,
            );
        }
    }

    /// What stands in a plot for which there is nothing to draw.
    pub(super) fn nothing(&self, canvas: &Canvas<'_>, why: &str) {
        let middle = ((self.left + self.right) / 2, (self.top + self.bottom) / 2);
        canvas.text(why, middle, TextSize::Normal, Align::Center, FAINT_INK);
    }
}

/// The frame of a plot with the usual margins.
pub(super) fn usual_frame(span: Span, top: i32, height: i32, right_margin: i32) -> Frame {
    Frame {
        left: LEFT,
        top,
        right: WIDTH - right_margin,
        bottom: top + height,
        span,
    }
}

/// Where the name of a bar begins and what there is room for of it, if that still says something.
fn name_place(
    (from, to): (i32, i32),
    next: i32,
    free_from: i32,
    name: &str,
) -> Option<(i32, String)> {
    /// Fewer letters than this say nothing.
    const LEAST: usize = 6;
    let inside = (from + 4).max(free_from);
    let behind = (to + 3).max(free_from);
    let width = TextSize::Small.width_of(name);
    // A bar may reach over the next one's begin.
    let ends = [(inside, to.min(next)), (behind, next)];
    if let Some((begin, _)) = ends
        .into_iter()
        .find(|(begin, end)| begin + width + 4 <= *end)
    {
        return Some((begin, name.to_owned()));
    }
    let (begin, end) = ends.into_iter().max_by_key(|(begin, end)| end - begin)?;
    let letters = TextSize::Small.characters_in((end - begin - 4).max(0));
    (letters >= LEAST).then(|| (begin, shortened(name, letters)))
}

fn draw_segment(canvas: &Canvas<'_>, line: &Line, mut segment: Vec<(i32, i32)>) {
    segment.dedup();
    match segment.as_slice() {
        [] => {}
        [alone] => canvas.dot(*alone, line.color),
        _ => canvas.line(segment, line.color, line.width),
    }
}

/// Sorted places moved as little as it takes to lie [`NAME_HEIGHT`] apart; within `limits` if there
/// is room for all.
fn spread(wanted: &[i32], limits: (i32, i32)) -> Vec<i32> {
    let mut places = wanted.to_vec();
    for at in 1..places.len() {
        places[at] = places[at].max(places[at - 1] + NAME_HEIGHT);
    }
    let mut ceiling = limits.1;
    for place in places.iter_mut().rev() {
        *place = (*place).min(ceiling);
        ceiling = *place - NAME_HEIGHT;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_in_its_bar_or_behind_it_or_is_shortened() {
        let place = |bar, next| name_place(bar, next, 0, "slow state 1");
        let whole = |x: i32| Some((x, "slow state 1".to_owned()));
        assert_eq!(place((100, 250), 900), whole(104));
        assert_eq!(place((100, 110), 900), whole(113));
        assert_eq!(place((100, 170), 190), Some((104, "slow sta…".to_owned())));
        assert_eq!(place((100, 110), 120), None);
        assert_eq!(
            name_place((100, 110), 900, 200, "x"),
            Some((200, "x".to_owned()))
        );
    }

    #[test]
    fn names_never_overlap() {
        assert_eq!(
            spread(&[100, 101, 102, 200], (0, 200)),
            [100, 114, 128, 200]
        );
        assert_eq!(spread(&[198, 199, 200], (0, 200)), [172, 186, 200]);
    }
}
