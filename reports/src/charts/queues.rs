//! `queues.svg`: how full the queue of each edge was over time.

use super::Subject;
use super::axis::linear_ticks;
use super::canvas::picture;
use super::data::edge_queues;
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{BOTTOM, LINES, PLOT_HEIGHT, TOP, TextSize, WIDTH};
use crate::format;

/// Longer names are shortened.
const MAX_NAME: usize = 32;

pub(super) fn draw(subject: &Subject<'_>) -> String {
    let (queues, more) = edge_queues(subject.record, subject.span);
    let count = queues.len();
    let lines: Vec<Line> = queues
        .into_iter()
        .zip(LINES)
        .enumerate()
        .map(|(at, (queue, color))| Line {
            name: format::shortened(&queue.name, MAX_NAME),
            color,
            // Lines that coincide stay visible, later ones on broader earlier ones.
            width: 2 + (count - 1 - at) as u32 / 2 * 2,
            points: queue.points,
        })
        .collect();
    let widest = lines
        .iter()
        .map(|line| TextSize::Small.width_of(&line.name))
        .max()
        .unwrap_or(0);
    let size = (WIDTH, TOP + PLOT_HEIGHT + BOTTOM);
    picture(
        size,
        "Share of each edge's queue capacity in use over time",
        |canvas| {
            Frame::title(canvas, "Queues", &subject.about, &subtitle(more));
            let frame = usual_frame(subject.span, TOP, PLOT_HEIGHT, 32 + widest);
            let largest = lines
                .iter()
                .flat_map(|line| line.points.iter().filter_map(|(_, value)| *value))
                .fold(0.0, f64::max);
            // Overdraft can take a queue above its capacity.
            let ticks = if largest <= 1.0 {
                vec![0.0, 0.25, 0.5, 0.75, 1.0]
            } else {
                linear_ticks(largest)
            };
            let scale = Scale::linear(ticks, |share| format!("{:.0} %", share * 100.0));
            frame.shade(canvas, &subject.marks);
            frame.value_axis(canvas, &scale);
            frame.time_grid(canvas);
            frame.time_axis(canvas);
            frame.lines(canvas, &scale, &lines);
            frame.strip(canvas, &subject.marks);
            frame.border(canvas);
            if lines.is_empty() {
                frame.nothing(canvas, "no channels: one chain, or no samples");
            }
        },
    )
}

fn subtitle(more: usize) -> String {
    let what = "batches sent and not yet processed over capacity, per edge";
    match more {
        0 => what.to_owned(),
        more => format!("{what}; {more} emptier edges are not shown"),
    }
}
