//! `queues.svg`: how full the queue of each edge was over time.

use super::Subject;
use super::axis::linear_ticks;
use super::canvas::picture;
use super::data::EdgeQueue;
use super::plot::{Frame, Line, Scale, usual_frame};
use super::style::{BOTTOM, LINES, PLOT_HEIGHT, TOP, TextSize, WIDTH};
use crate::format;

/// Longer names are shortened.
const MAX_NAME: usize = 32;
/// More lines than this cannot be told apart; the fullest edges are shown.
const MAX_EDGES: usize = LINES.len();

pub(super) fn draw(subject: &Subject<'_>) -> String {
    let lines = lines(subject);
    let more = subject.queues.len() - lines.len();
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

/// Share of the capacity in use, of the fullest edges.
pub(super) fn lines(subject: &Subject<'_>) -> Vec<Line> {
    let queues = fullest(&subject.queues);
    let count = queues.len();
    let queues = queues.into_iter().zip(LINES).enumerate();
    queues
        .map(|(at, (queue, color))| Line {
            name: format::shortened(&queue.name, MAX_NAME),
            color,
            // Lines that coincide stay visible, later ones on broader earlier ones.
            width: 2 + (count - 1 - at) as u32 / 2 * 2,
            points: queue.points.clone(),
        })
        .collect()
}

/// The fullest edges, in the graph's order.
fn fullest(queues: &[EdgeQueue]) -> Vec<&EdgeQueue> {
    let mut fullest: Vec<(usize, &EdgeQueue)> = queues.iter().enumerate().collect();
    let mean = |queue: &EdgeQueue| queue.mean.unwrap_or(0.0);
    fullest.sort_by(|one, other| mean(other.1).total_cmp(&mean(one.1)));
    fullest.truncate(MAX_EDGES);
    fullest.sort_by_key(|(at, _)| *at);
    fullest.into_iter().map(|(_, queue)| queue).collect()
}

fn subtitle(more: usize) -> String {
    let what = "batches sent and not yet processed over capacity, per edge";
    match more {
        0 => what.to_owned(),
        more => format!("{what}; {more} emptier edges are not shown"),
    }
}
