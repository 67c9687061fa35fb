//! `forest.svg`: the ratio of every variant to the baseline with its interval, metric by metric, on a
//! logarithmic axis, so that half and double are equally far from 1.

use plotters::style::RGBColor;

use super::super::axis::{log_ticks, share_label};
use super::super::canvas::{Align, Canvas, picture};
use super::super::style::{
    BLUE, FAINT_INK, FRAME, GREEN, GRID, IDLE, INK, PALE, TextSize, VERMILLION, WIDTH, tint,
};
use crate::compared::Tone;
use crate::format::shortened;

/// One metric.
pub(crate) struct ForestGroup {
    pub(crate) metric: String,
    pub(crate) higher_is_better: bool,
    pub(crate) rows: Vec<ForestRow>,
}

/// One variant.
pub(crate) struct ForestRow {
    pub(crate) variant: String,
    pub(crate) ratio: Option<f64>,
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) tone: Tone,
    /// The verdict and the numbers.
    pub(crate) words: String,
}

/// Left of the plots stand the names of the variants, right of them the words.
const PLOT_LEFT: i32 = 220;
const PLOT_RIGHT: i32 = WIDTH - 330;
const HEAD: i32 = 56;
const GROUP_TITLE: i32 = 20;
const ROW: i32 = 22;
const GROUP_AXIS: i32 = 30;
/// Ratios beyond this, either way, are drawn at the end of the axis.
const FARTHEST: f64 = 1e4;

/// The plot of one metric. Each has an axis of its own: a latency may halve where a throughput gains
/// a few percent.
struct Axis {
    low: f64,
    high: f64,
    top: i32,
    bottom: i32,
}

/// `None` without groups.
pub(super) fn draw(groups: &[ForestGroup], margin: f64, about: &str) -> Option<String> {
    let height = |group: &ForestGroup| GROUP_TITLE + ROW * group.rows.len() as i32 + GROUP_AXIS;
    let total: i32 = groups.iter().map(height).sum();
    let title = "Ratios to the baseline, with 95 % intervals";
    (!groups.is_empty()).then(|| {
        picture((WIDTH, HEAD + total + 4), title, |canvas| {
            canvas.text(title, (16, 20), TextSize::Title, Align::Left, INK);
            canvas.text(about, (WIDTH - 16, 20), TextSize::Normal, Align::Right, INK);
            let band = format!(
                "logarithmic, each metric on its own axis; shaded: within {} of the baseline, the margin of equivalence",
                share_label(margin)
            );
            canvas.text(&band, (16, 40), TextSize::Small, Align::Left, FAINT_INK);
            let mut top = HEAD;
            for group in groups {
                draw_group(canvas, group, margin, top);
                top += height(group);
            }
        })
    })
}

fn draw_group(canvas: &Canvas<'_>, group: &ForestGroup, margin: f64, top: i32) {
    let (low, high) = ends(group, margin);
    let axis = Axis {
        low,
        high,
        top: top + GROUP_TITLE,
        bottom: top + GROUP_TITLE + ROW * group.rows.len() as i32,
    };
    let middle = top + GROUP_TITLE / 2;
    canvas.text(
        &group.metric,
        (16, middle),
        TextSize::Normal,
        Align::Left,
        INK,
    );
    let sides = match group.higher_is_better {
        true => [
            ("worse", Align::Left, PLOT_LEFT),
            ("better", Align::Right, PLOT_RIGHT),
        ],
        false => [
            ("better", Align::Left, PLOT_LEFT),
            ("worse", Align::Right, PLOT_RIGHT),
        ],
    };
    for (word, align, x) in sides {
        let text = match align {
            Align::Left => format!("← {word}"),
            _ => format!("{word} →"),
        };
        canvas.text(&text, (x, middle), TextSize::Small, align, FAINT_INK);
    }
    axis.draw(canvas, margin);
    for (at, row) in group.rows.iter().enumerate() {
        axis.draw_row(canvas, row, axis.top + ROW * at as i32 + ROW / 2);
    }
}

/// The axis holds every interval and more than the margin.
fn ends(group: &ForestGroup, margin: f64) -> (f64, f64) {
    let least = (1.0 + margin.abs()).powi(2);
    let ratios = group.rows.iter().flat_map(|row| {
        let interval = row.interval.map(|(low, high)| [low, high]);
        row.ratio.into_iter().chain(interval.into_iter().flatten())
    });
    let held = ratios.fold((1.0 / least, least), |(low, high), it| {
        (f64::min(low, it), f64::max(high, it))
    });
    // Room at either end, so that no cap lies on the border.
    let room = (held.1 / held.0).powf(0.06);
    (
        (held.0 / room).max(1.0 / FARTHEST),
        (held.1 * room).min(FARTHEST),
    )
}

impl Axis {
    fn x(&self, ratio: f64) -> i32 {
        let along = (ratio.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln();
        PLOT_LEFT + (along.clamp(0.0, 1.0) * f64::from(PLOT_RIGHT - PLOT_LEFT)).round() as i32
    }

    fn draw(&self, canvas: &Canvas<'_>, margin: f64) {
        let band = (self.x(1.0 / (1.0 + margin)), self.x(1.0 + margin));
        canvas.fill((band.0, self.top), (band.1, self.bottom), tint(IDLE, 0.5));
        for tick in ticks(self.low, self.high) {
            let x = self.x(tick);
            canvas.line(vec![(x, self.top), (x, self.bottom)], GRID, 1);
            let label = format!("{}x", (tick * 1e6).round() / 1e6);
            let place = (x, self.bottom + 12);
            canvas.text(&label, place, TextSize::Small, Align::Center, FAINT_INK);
        }
        let one = self.x(1.0);
        canvas.line(vec![(one, self.top), (one, self.bottom + 4)], INK, 1);
        canvas.outline((PLOT_LEFT, self.top), (PLOT_RIGHT, self.bottom), FRAME);
    }

    fn draw_row(&self, canvas: &Canvas<'_>, row: &ForestRow, y: i32) {
        let color = color(row.tone);
        let room = TextSize::Normal.characters_in(PLOT_LEFT - 40);
        let name = shortened(&row.variant, room);
        canvas.text(
            &name,
            (PLOT_LEFT - 10, y),
            TextSize::Normal,
            Align::Right,
            INK,
        );
        if let Some((low, high)) = row.interval {
            let (low, high) = (self.x(low), self.x(high));
            canvas.line(vec![(low, y), (high, y)], color, 3);
            for end in [low, high] {
                canvas.line(vec![(end, y - 5), (end, y + 5)], color, 2);
            }
        }
        if let Some(ratio) = row.ratio {
            let x = self.x(ratio);
            canvas.fill((x - 4, y - 4), (x + 5, y + 5), color);
        }
        canvas.fill((PLOT_RIGHT + 12, y - 4), (PLOT_RIGHT + 20, y + 5), color);
        let place = (PLOT_RIGHT + 26, y);
        canvas.text(&row.words, place, TextSize::Normal, Align::Left, INK);
    }
}

/// The word beside it says the same.
fn color(tone: Tone) -> RGBColor {
    match tone {
        Tone::Good => GREEN,
        Tone::Bad => VERMILLION,
        Tone::Same => BLUE,
        Tone::Open => PALE,
    }
}

/// Round ratios between the ends: even steps where the axis is short, 1-2-5 where it is long.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    /// More labels than this run into each other.
    const MOST: f64 = 7.0;
    let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
    let even = steps.into_iter().find(|step| (high - low) / step <= MOST);
    let within = |tick: &f64| *tick >= low && *tick <= high;
    if let Some(step) = even.filter(|_| high / low < 6.0) {
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        return (first..=last).map(|at| at as f64 * step).collect();
    }
    log_ticks(low, high).into_iter().filter(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_axis_has_few_round_ticks_within_its_ends(low in 1e-4f64..0.95, high in 1.05f64..1e4) {
            let ticks = ticks(low, high);
            prop_assert!((1..=18).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks.iter().all(|it| (low..=high).contains(it)));
        }
    }

    #[test]
    fn an_axis_holds_what_it_shows_and_the_margin() {
        let row = |interval| ForestRow {
            variant: "a".to_owned(),
            ratio: Some(1.0),
            interval,
            tone: Tone::Open,
            words: String::new(),
        };
        let group = |rows| ForestGroup {
            metric: "throughput".to_owned(),
            higher_is_better: true,
            rows,
        };
        let (low, high) = ends(&group(vec![row(None)]), 0.05);
        assert!(low < 0.95 && high > 1.05);
        let (low, high) = ends(&group(vec![row(Some((0.2, 3.0)))]), 0.05);
        assert!(low < 0.2 && high > 3.0);
        assert!(ends(&group(vec![row(Some((0.0, f64::INFINITY)))]), 0.05).1 <= FARTHEST);
    }
}
