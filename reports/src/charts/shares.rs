//! `shares.svg`: what each operator did with its time, stacked, over time. One panel per operator,
//! sources on top.

use plotters::style::RGBColor;

use super::Subject;
use super::canvas::{Align, Canvas, picture};
use super::data::{KINDS, OperatorColumns, Shares};
use super::plot::{Frame, usual_frame};
use super::style::{
    BACKGROUND, BLUE, BOTTOM, FAINT_INK, GREEN, IDLE, INK, ORANGE, PURPLE, TOP, TextSize,
    VERMILLION, WIDTH, tint,
};
use crate::deltas::Counter;
use crate::format;
use crate::record::Operator;

const PANEL_HEIGHT: i32 = 64;
const GAP: i32 = 26;
/// More panels than this do not fit on a screen.
const MAX_PANELS: usize = 12;
const LEGEND_HEIGHT: i32 = 26;
const SHARES_WIDTH: i32 = 150;
const MAX_NAME: usize = 90;
/// Columns of all panels together: it bounds the picture's size.
const MAX_COLUMNS: usize = 1_000;

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let sampled = |operator: &&OperatorColumns| operator.shares.iter().any(Option::is_some);
    let operators: Vec<_> = subject.activity.operators.iter().filter(sampled).collect();
    let shown = &operators[..operators.len().min(MAX_PANELS)];
    let more = operators.len() - shown.len() + subject.activity.more;
    if shown.is_empty() {
        return None;
    }
    let top = TOP + LEGEND_HEIGHT + 18;
    let height = (PANEL_HEIGHT + GAP) * shown.len() as i32 - GAP;
    let size = (WIDTH, top + height + BOTTOM);
    let about = "Shares of time per operator over time, stacked";
    Some(picture(size, about, |canvas| {
        Frame::title(canvas, "Shares of time", &subject.about, &subtitle(more));
        legend(canvas);
        let room = (MAX_COLUMNS / shown.len()).max(1);
        for (at, columns) in shown.iter().enumerate() {
            let panel_top = top + (PANEL_HEIGHT + GAP) * at as i32;
            let frame = usual_frame(subject.span, panel_top, PANEL_HEIGHT, SHARES_WIDTH);
            let operator = &subject.run.operators[columns.operator];
            name_and_shares(canvas, frame, operator);
            let coarse = Coarse::of(&columns.shares, room);
            for run in runs(&coarse.columns) {
                stack(canvas, frame, coarse.width, run);
            }
            frame.mark_lines(canvas, &subject.marks);
            if at == 0 {
                let strip = Frame {
                    top: panel_top - 18,
                    ..frame
                };
                strip.strip(canvas, &subject.marks);
            }
            if at + 1 == shown.len() {
                frame.time_axis(canvas);
            }
            frame.border(canvas);
        }
    }))
}

fn subtitle(more: usize) -> String {
    let what = "of all subtasks of an operator together; at the right over the measured phase";
    match more {
        0 => what.to_owned(),
        more => format!("{what}; {more} more operators are not shown"),
    }
}

/// Stacked from the bottom in the order of [`KINDS`]. Neighbours differ in lightness too.
fn look(kind: Counter) -> (RGBColor, &'static str) {
    match kind {
        Counter::OnCpu => (BLUE, "on cpu"),
        Counter::State => (GREEN, "state"),
        Counter::Blocked => (ORANGE, "blocked"),
        Counter::Starved => (PURPLE, "starved"),
        Counter::Backpressured => (VERMILLION, "backpressured"),
        _ => (tint(IDLE, 0.5), "idle"),
    }
}

fn legend(canvas: &Canvas<'_>) {
    let (mut x, y) = (super::style::LEFT, TOP - 8);
    for kind in KINDS {
        let (color, name) = look(kind);
        canvas.fill((x, y - 6), (x + 16, y + 6), color);
        canvas.text(name, (x + 22, y), TextSize::Small, Align::Left, INK);
        x += 22 + TextSize::Small.width_of(name) + 18;
    }
}

fn name_and_shares(canvas: &Canvas<'_>, frame: Frame, operator: &Operator) {
    let name = format!("{} ×{}", operator.name, operator.parallelism);
    canvas.text(
        &format::shortened(&name, MAX_NAME),
        (frame.left, frame.top - 9),
        TextSize::Normal,
        Align::Left,
        INK,
    );
    for (share, label) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
        let at = (frame.left - 8, frame.y(share));
        canvas.text(label, at, TextSize::Small, Align::Right, INK);
    }
    let activity = &operator.activity;
    let shares = [
        ("busy", activity.busy),
        ("backpressured", activity.backpressured),
        ("idle", activity.idle),
    ];
    for (at, (name, share)) in shares.into_iter().enumerate() {
        let text = format!("{} {name}", format::or_na(share, format::share));
        let at = (frame.right + 8, frame.top + 14 + 18 * at as i32);
        canvas.text(&text, at, TextSize::Small, Align::Left, FAINT_INK);
    }
}

/// Fewer, wider columns.
struct Coarse {
    /// Columns of the record that make one of these.
    width: usize,
    columns: Vec<Option<Shares>>,
}

impl Coarse {
    /// At most `room` columns, each the mean of those it replaces.
    fn of(columns: &[Option<Shares>], room: usize) -> Coarse {
        let width = columns.len().div_ceil(room).max(1);
        let mean = |columns: &[Option<Shares>]| {
            let sampled: Vec<&Shares> = columns.iter().flatten().collect();
            let sum = |kind: usize| sampled.iter().map(|shares| shares.0[kind]).sum::<f64>();
            let mean = |kind: usize| sum(kind) / sampled.len() as f64;
            (!sampled.is_empty()).then(|| Shares(std::array::from_fn(mean)))
        };
        Coarse {
            width,
            columns: columns.chunks(width).map(mean).collect(),
        }
    }
}

/// Columns with a sample that follow each other: (first column, shares).
fn runs(columns: &[Option<Shares>]) -> Vec<(usize, Vec<Shares>)> {
    let mut runs: Vec<(usize, Vec<Shares>)> = Vec::new();
    for (at, shares) in columns.iter().enumerate() {
        match (shares, runs.last_mut()) {
            (Some(shares), Some((first, run))) if *first + run.len() == at => run.push(*shares),
            (Some(shares), _) => runs.push((at, vec![*shares])),
            (None, _) => {}
        }
    }
    runs
}

/// From the top of the stack to its bottom, each area down to the axis: what is drawn later covers
/// what lies below it, so that no two areas leave a seam.
fn stack(canvas: &Canvas<'_>, frame: Frame, width: usize, (first, run): (usize, Vec<Shares>)) {
    let edges: Vec<(i32, i32)> = (0..run.len())
        .map(|at| {
            let column = |at: usize| frame.x(frame.span.column_ms(at * width));
            (column(first + at), column(first + at + 1))
        })
        .collect();
    let mut covered: Option<Vec<i32>> = None;
    for (level, kind) in KINDS.into_iter().enumerate().rev() {
        let heights: Vec<i32> = run
            .iter()
            .map(|shares| frame.y(shares.0[..=level].iter().sum::<f64>().min(1.0)))
            .collect();
        let is_flat = heights.iter().all(|&y| y == frame.bottom);
        // What adds nothing to the stack below it is covered completely.
        let below = run.iter().all(|shares| shares.0[level] <= 0.0);
        if !is_flat && !below {
            canvas.area(steps(&edges, &heights, frame.bottom), look(kind).0);
            if let Some(above) = covered.replace(heights.clone()) {
                separate(canvas, &edges, &heights, &above);
            }
        }
    }
}

/// The outline of an area with one step per column, without points on straight lines.
fn steps(edges: &[(i32, i32)], heights: &[i32], bottom: i32) -> Vec<(i32, i32)> {
    let mut outline = vec![(edges[0].0, bottom)];
    for (&(from, to), &y) in edges.iter().zip(heights) {
        let continues = outline.len() > 1 && outline.last().is_some_and(|last| last.1 == y);
        if continues {
            outline.pop();
        } else {
            outline.push((from, y));
        }
        outline.push((to, y));
    }
    outline.push((edges[edges.len() - 1].1, bottom));
    outline
}

/// A thin line between two areas, so that they part without colour too.
fn separate(canvas: &Canvas<'_>, edges: &[(i32, i32)], heights: &[i32], above: &[i32]) {
    let mut line: Vec<(i32, i32)> = Vec::new();
    let flush = |line: &mut Vec<(i32, i32)>| {
        let line = std::mem::take(line);
        if line.len() > 1 {
            canvas.line(line, BACKGROUND, 1);
        }
    };
    for ((&(from, to), &y), &above) in edges.iter().zip(heights).zip(above) {
        // A sliver would be all line and no area.
        if y - above < 3 {
            flush(&mut line);
            continue;
        }
        if line.last().is_some_and(|last| last.1 == y) {
            line.pop();
        } else {
            line.push((from, y));
        }
        line.push((to, y));
    }
    flush(&mut line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_has_one_step_per_change() {
        let edges = [(0, 10), (10, 20), (20, 30)];
        assert_eq!(
            steps(&edges, &[5, 5, 8], 50),
            [(0, 50), (0, 5), (20, 5), (20, 8), (30, 8), (30, 50)]
        );
    }

    #[test]
    fn a_gap_in_the_samples_is_a_gap_in_the_picture() {
        let some = Some(Shares::default());
        let found = runs(&[some, some, None, some]);
        let places: Vec<_> = found.iter().map(|(at, run)| (*at, run.len())).collect();
        assert_eq!(places, [(0, 2), (3, 1)]);
    }
}
