//! `graph.svg`: the job as a picture. Tasks in layers from sources to sinks, coloured by what they
//! mostly did; edges as broad as their queues were full; the way that backpressure took from the
//! operator that limits the job up to the sources stands out.

mod layout;

use std::collections::HashMap;

use plotters::style::RGBColor;

use super::Subject;
use super::canvas::{Align, Canvas, picture};
use super::plot::Frame;
use super::state::State;
use super::style::{BACKGROUND, FAINT_INK, FRAME, INK, TextSize, VERMILLION, WIDTH, tint};
use crate::format;
use crate::record::{Edge, Level, Operator, Subtask};
use layout::{Layout, layout};

const TOP: i32 = 92;
const LAYER_WIDTH: i32 = 180;
const ROW_HEIGHT: i32 = 92;
const BOX_HEIGHT: i32 = 62;
const MARGIN: i32 = 16;
/// Of the width that a layer has, a box takes so much.
const BOX_SHARE: f64 = 0.62;
const MAX_BOX_WIDTH: i32 = 210;
/// A graph with more tasks or edges is not drawn: nobody could read it.
const MAX_TASKS: usize = 64;
const MAX_EDGES: usize = 256;

/// Nothing without a plan.
pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let graph = subject.record.graph();
    let is_readable = graph.tasks.len() <= MAX_TASKS && graph.edges.len() <= MAX_EDGES;
    if graph.tasks.is_empty() || !is_readable {
        return None;
    }
    let layout = layout(graph);
    let layers = layout.layers as i32;
    let size = (
        WIDTH.max(2 * MARGIN + layers * LAYER_WIDTH),
        TOP + layout.rows as i32 * ROW_HEIGHT - (ROW_HEIGHT - BOX_HEIGHT) / 2,
    );
    let place = Place {
        layer_width: (size.0 - 2 * MARGIN) / layers,
        layers,
        rows: layout.rows as f64,
    };
    let about =
        "The job as a graph: what each task mostly did and how full the queues between them were";
    Some(picture(size, about, |canvas| {
        Frame::title(
            canvas,
            "Job graph",
            &subject.about,
            "tasks by what they mostly did in the measured phase; edges: mean share of the queue in use",
        );
        legend(canvas);
        edges(canvas, subject, &layout, &place);
        for (at, task) in graph.tasks.iter().enumerate() {
            let operators = subject.run.operators.iter();
            let operator = operators.clone().find(|operator| operator.id == task.id);
            let center = place.center(layout.tasks[at]);
            node(canvas, &place, center, &task.name, operator);
        }
    }))
}

fn legend(canvas: &Canvas<'_>) {
    let (mut x, y) = (MARGIN, 62);
    for state in State::ALL {
        let text = format!("mostly {}", state.name());
        canvas.fill((x, y - 6), (x + 16, y + 6), strong(state.color()));
        canvas.text(&text, (x + 22, y), TextSize::Small, Align::Left, INK);
        x += 22 + TextSize::Small.width_of(&text) + 18;
    }
    canvas.line(vec![(x, y), (x + 24, y)], VERMILLION, 4);
    let text = "backpressure comes up this edge";
    canvas.text(text, (x + 30, y), TextSize::Small, Align::Left, INK);
}

/// Where layers and rows lie in the picture.
struct Place {
    layer_width: i32,
    layers: i32,
    rows: f64,
}

impl Place {
    fn box_width(&self) -> i32 {
        let share = if self.layers == 1 { 0.9 } else { BOX_SHARE };
        ((f64::from(self.layer_width) * share) as i32).min(MAX_BOX_WIDTH)
    }

    /// The first layer begins at the left margin, the last ends at the right one.
    fn center(&self, (layer, row): (usize, f64)) -> (i32, i32) {
        let x = MARGIN + self.layer_width * layer as i32 + self.layer_width / 2;
        let y = f64::from(TOP) + (row + 0.5).min(self.rows) * f64::from(ROW_HEIGHT);
        (x, y as i32 - (ROW_HEIGHT - BOX_HEIGHT) / 2)
    }
}

/// Strong enough to name the state, light enough for text on it.
fn strong(color: RGBColor) -> RGBColor {
    tint(color, 0.5)
}

fn node(
    canvas: &Canvas<'_>,
    place: &Place,
    (x, y): (i32, i32),
    name: &str,
    operator: Option<&Operator>,
) {
    let half = (place.box_width() / 2, BOX_HEIGHT / 2);
    let (from, to) = ((x - half.0, y - half.1), (x + half.0, y + half.1));
    let (state, share) = operator.map_or((State::Idle, 0.0), State::of);
    canvas.fill(from, to, strong(state.color()));
    let hottest = operator.and_then(hottest);
    let edge_state = if hottest.is_some() {
        State::Busy
    } else {
        state
    };
    canvas.fill(from, (from.0 + 6, to.1), edge_state.color());
    canvas.outline(from, to, FRAME);
    let room = |size: TextSize| size.characters_in(place.box_width() - 14);
    let line = |text: &str, y: i32, size: TextSize| {
        let text = format::shortened(text, room(size).max(4));
        canvas.text(&text, (x + 2, y), size, Align::Center, INK);
    };
    line(name, y - 18, TextSize::Normal);
    let Some(operator) = operator else {
        return;
    };
    let doing = if share > 0.0 {
        let long = format!("{} {}", format::share(share), state.name());
        let fits = long.chars().count() <= room(TextSize::Small);
        // The colour says which state it is.
        if fits { long } else { format::share(share) }
    } else {
        format::NOT_AVAILABLE.to_owned()
    };
    line(&doing, y + 2, TextSize::Small);
    let skew = operator.skew_factor.filter(|&skew| skew >= 1.1);
    let skew = skew.map_or(String::new(), |skew| format!(", skew {skew:.2}"));
    let hottest = hottest.map_or(String::new(), |(subtask, busy)| {
        format!(", #{subtask} {} busy", format::share(busy))
    });
    let text = format!("×{}{skew}{hottest}", operator.parallelism);
    line(&text, y + 19, TextSize::Small);
}

/// The subtask that is busy for most of the time while its operator as a whole is not, and how
/// busy it is: one such subtask is enough to hold up a job.
fn hottest(operator: &Operator) -> Option<(u32, f64)> {
    let busy = |subtask: &Subtask| subtask.activity.busy.unwrap_or(0.0);
    let subtasks = operator.subtasks.iter();
    let hottest = subtasks.max_by(|one, other| busy(one).total_cmp(&busy(other)))?;
    let stands_out = busy(hottest) > 0.5 && State::of(operator).0 != State::Busy;
    stands_out.then(|| (hottest.subtask, busy(hottest)))
}

fn edges(canvas: &Canvas<'_>, subject: &Subject<'_>, layout: &Layout, place: &Place) {
    let graph = subject.record.graph();
    let queues = subject.queues.iter();
    let usage: HashMap<&str, f64> = queues
        .filter_map(|queue| Some((queue.edge.as_str(), queue.mean?)))
        .collect();
    for (edge, route) in graph.edges.iter().zip(&layout.edges) {
        let Some(route) = route else {
            continue;
        };
        let color = if comes_up(subject, &usage, edge) {
            VERMILLION
        } else {
            FRAME
        };
        let fill = usage.get(edge.id.as_str()).copied();
        let points = points(place, route);
        let width = 1 + (fill.unwrap_or(0.0).clamp(0.0, 1.0) * 6.0).round() as u32;
        arrow(canvas, &points, width, color);
        let fill = fill.map(|fill| format!("{} full", format::share(fill)));
        label(canvas, &points, &fill.unwrap_or_default(), &edge.exchange);
    }
}

/// Whether the sender waits for output and this edge can be why: its queue is mostly full, or none
/// of the sender's is fuller.
fn comes_up(subject: &Subject<'_>, usage: &HashMap<&str, f64>, edge: &Edge) -> bool {
    let mut operators = subject.run.operators.iter();
    let sender = operators.find(|operator| operator.id == edge.from);
    let level = sender.and_then(|sender| sender.activity.backpressure.level);
    let fill = |edge: &Edge| usage.get(edge.id.as_str()).copied().unwrap_or(0.0);
    let edges = subject.record.graph().edges.iter();
    let siblings = edges.filter(|other| other.from == edge.from);
    let fullest = siblings.map(fill).fold(0.0, f64::max);
    level.is_some_and(|level| level > Level::Ok) && (fill(edge) >= 0.5 || fill(edge) >= fullest)
}

/// Out of the right side of one box, into the left side of another.
fn points(place: &Place, route: &[(usize, f64)]) -> Vec<(i32, i32)> {
    let half = place.box_width() / 2;
    let last = route.len() - 1;
    let mut points = Vec::with_capacity(route.len() + 2);
    for (at, &stop) in route.iter().enumerate() {
        let (x, y) = place.center(stop);
        match at {
            0 => points.push((x + half, y)),
            at if at == last => points.push((x - half, y)),
            _ => points.extend([(x - half, y), (x + half, y)]),
        }
    }
    points
}

fn arrow(canvas: &Canvas<'_>, points: &[(i32, i32)], width: u32, color: RGBColor) {
    const HEAD: i32 = 10;
    let Some((&(x, y), way)) = points.split_last() else {
        return;
    };
    let mut line = way.to_vec();
    line.push((x - HEAD, y));
    canvas.line(line, color, width);
    let half = 4 + width as i32 / 2;
    let head = vec![(x - HEAD, y - half), (x, y), (x - HEAD, y + half)];
    canvas.area(head, color);
}

/// In the middle of the way to the next layer: above a level line, else on a ground of its own; the kind of exchange where
/// there is room for it.
fn label(canvas: &Canvas<'_>, points: &[(i32, i32)], fill: &str, exchange: &str) {
    let [from, to, ..] = points else {
        return;
    };
    let both = if fill.is_empty() {
        exchange.to_owned()
    } else {
        format!("{fill}, {exchange}")
    };
    let room = to.0 - from.0 - 24;
    let text = if TextSize::Small.width_of(&both) <= room {
        &both
    } else {
        fill
    };
    let (x, y) = ((from.0 + to.0) / 2 - 4, (from.1 + to.1) / 2);
    let half = TextSize::Small.width_of(text) / 2;
    if from.1 == to.1 {
        canvas.text(text, (x, y - 14), TextSize::Small, Align::Center, FAINT_INK);
    } else if !text.is_empty() {
        canvas.fill((x - half, y - 7), (x + half, y + 7), BACKGROUND);
        canvas.text(text, (x, y), TextSize::Small, Align::Center, FAINT_INK);
    }
}
