//! The picture: one panel per input, one line per peer, and on it the engine's throughput over that
//! peer's, a dot with its interval for each parallelism, on an axis on which half and double are
//! equally far from one.

mod canvas;

use canvas::{Align, Canvas, Color, picture};

use crate::contest::Who;
use crate::standing::{Place, Standing};
use crate::statistics::Estimate;

const WIDTH: i32 = 960;
/// Where the plot begins and ends, horizontally.
const PLOT: (i32, i32) = (116, 780);
/// Where the numbers of each parallelism stand, from here on.
const NUMBERS: i32 = 808;
/// Height of title, subtitle and legend; of a panel's heading; of a peer's line; of the axis.
const TOP: i32 = 84;
const HEADING: i32 = 40;
const AXIS: i32 = 46;
/// Height of the part of a line that belongs to one parallelism.
const LANE: i32 = 17;
const LINE_GAP: i32 = 12;

/// Colours by parallelism, in the order in which they come.
const COLORS: [Color; 4] = [Color::Orange, Color::Blue, Color::Green, Color::Purple];

/// One input with all that was done on it.
struct Panel<'a> {
    name: String,
    peers: Vec<Who>,
    standings: Vec<&'a Standing>,
}

/// Draws the ratios; `machine` says where they come from. `None` if there is none.
pub fn draw(standings: &[Standing], machine: &str) -> Option<String> {
    let panels = panels(standings);
    let axis = Axis::over(standings)?;
    let parallelisms = parallelisms(standings);
    let line = |lanes: usize| LANE * lanes as i32 + LINE_GAP;
    let height_of =
        |panel: &Panel<'_>| HEADING + line(parallelisms.len()) * panel.peers.len() as i32;
    let height = TOP + panels.iter().map(height_of).sum::<i32>() + AXIS;
    let about = "Throughput of the engine over that of its peers, with intervals";
    Some(picture((WIDTH, height), about, |canvas| {
        header(canvas, machine, &parallelisms);
        let mut top = TOP;
        for panel in &panels {
            let bottom = top + height_of(panel);
            axis.grid(canvas, top + HEADING - 8, bottom - 4);
            canvas.title((16, top + 20), &panel.name);
            for (number, &who) in panel.peers.iter().enumerate() {
                let top = top + HEADING + line(parallelisms.len()) * number as i32;
                peer(canvas, &axis, panel, who, top, &parallelisms);
            }
            top = bottom;
        }
        axis.labels(canvas, top + 12);
    }))
}

/// Standings with a ratio, by job and input.
fn panels(standings: &[Standing]) -> Vec<Panel<'_>> {
    let mut panels: Vec<Panel<'_>> = Vec::new();
    for standing in standings {
        let name = format!("{} · {}", standing.job, standing.set.name());
        if panels.last().is_none_or(|panel| panel.name != name) {
            let (peers, standings) = (Vec::new(), Vec::new());
            panels.push(Panel {
                name,
                peers,
                standings,
            });
        }
        let Some(panel) = panels.last_mut() else {
            continue;
        };
        panel.standings.push(standing);
        let compared = |place: &&Place| place.engine_over.is_some();
        for place in standing.places.iter().filter(compared) {
            if !panel.peers.contains(&place.who) {
                panel.peers.push(place.who);
            }
        }
    }
    panels.retain(|panel| !panel.peers.is_empty());
    panels
}

fn parallelisms(standings: &[Standing]) -> Vec<usize> {
    let mut all: Vec<usize> = standings
        .iter()
        .map(|standing| standing.parallelism)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn color(number: usize) -> Color {
    COLORS[number % COLORS.len()]
}

fn header(canvas: &Canvas<'_>, machine: &str, parallelisms: &[usize]) {
    canvas.title((16, 22), "Throughput of the engine over that of its peers");
    let about = "medians of rounds and their 95 % intervals; right of 1 the engine is faster";
    canvas.text((16, 42), about, Align::Left, Color::Faint);
    canvas.text((16, 60), machine, Align::Left, Color::Faint);
    let mut right = WIDTH - 16;
    for (number, parallelism) in parallelisms.iter().enumerate().rev() {
        let text = format!("parallelism {parallelism}");
        canvas.text((right, 22), &text, Align::Right, Color::Ink);
        right -= canvas::width_of(&text) + 12;
        canvas.dot((right, 22), number, color(number));
        right -= 22;
    }
}

/// One peer's line: its name, and a lane per parallelism.
fn peer(
    canvas: &Canvas<'_>,
    axis: &Axis,
    panel: &Panel<'_>,
    who: Who,
    top: i32,
    parallelisms: &[usize],
) {
    let middle = top + LANE * parallelisms.len() as i32 / 2;
    let name = format!("over {}", who.name());
    canvas.text((PLOT.0 - 14, middle), &name, Align::Right, Color::Ink);
    for standing in &panel.standings {
        let place = standing.place(who).and_then(|place| place.engine_over);
        let lane = parallelisms
            .iter()
            .position(|&one| one == standing.parallelism);
        let (Some(ratio), Some(lane)) = (place, lane) else {
            continue;
        };
        let y = top + LANE * lane as i32 + LANE / 2;
        if let Some((low, high)) = ratio.interval {
            canvas.line((axis.x(low), y), (axis.x(high), y), 3, color(lane));
        }
        canvas.dot((axis.x(ratio.median), y), lane, color(lane));
        numbers(canvas, y, ratio);
    }
}

fn numbers(canvas: &Canvas<'_>, y: i32, ratio: Estimate) {
    let median = format!("{:.2}", ratio.median);
    canvas.text((NUMBERS + 34, y), &median, Align::Right, Color::Ink);
    if let Some((low, high)) = ratio.interval {
        let interval = format!("{low:.2} to {high:.2}");
        canvas.text((NUMBERS + 50, y), &interval, Align::Left, Color::Faint);
    }
}

/// A logarithmic axis between two powers of two around one.
struct Axis {
    low: i32,
    high: i32,
}

impl Axis {
    /// Powers of two that are shown at most, to either side.
    const FARTHEST: f64 = 10.0;

    /// The axis for all ratios and their intervals; `None` if there are no ratios.
    fn over(standings: &[Standing]) -> Option<Axis> {
        let places = standings.iter().flat_map(|standing| &standing.places);
        let ratios = places.filter_map(|place| place.engine_over);
        let ends = ratios.flat_map(|ratio| {
            let (low, high) = ratio.interval.unwrap_or((ratio.median, ratio.median));
            [low, high]
        });
        let logs: Vec<f64> = ends
            .map(|end| end.log2().clamp(-Self::FARTHEST, Self::FARTHEST))
            .collect();
        let low = logs.iter().copied().reduce(f64::min)?;
        let high = logs.iter().copied().reduce(f64::max)?;
        Some(Axis {
            low: (low.floor() as i32).min(-1),
            high: (high.ceil() as i32).max(1),
        })
    }

    fn x(&self, ratio: f64) -> i32 {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        let share = (ratio.log2().clamp(low, high) - low) / (high - low);
        PLOT.0 + (share * f64::from(PLOT.1 - PLOT.0)).round() as i32
    }

    /// Ratios with a line: powers of two, and what lies half-way next to one.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).flat_map(|power| {
            let whole = 2f64.powi(power);
            let half = (power == -1 || power == 0).then_some(whole * 1.5);
            std::iter::once(whole).chain(half)
        })
    }

    fn grid(&self, canvas: &Canvas<'_>, top: i32, bottom: i32) {
        for ratio in self.ticks() {
            let x = self.x(ratio);
            let (width, color) = if ratio == 1.0 {
                (2, Color::Frame)
            } else {
                (1, Color::Grid)
            };
            canvas.line((x, top), (x, bottom), width, color);
        }
    }

    fn labels(&self, canvas: &Canvas<'_>, y: i32) {
        for ratio in self.ticks() {
            let text = ratio.to_string();
            canvas.text((self.x(ratio), y), &text, Align::Center, Color::Faint);
        }
        let one = self.x(1.0);
        canvas.text(
            (one - 14, y + 20),
            "\u{2190} the peer is faster",
            Align::Right,
            Color::Faint,
        );
        canvas.text(
            (one + 14, y + 20),
            "the engine is faster \u{2192}",
            Align::Left,
            Color::Faint,
        );
    }
}
