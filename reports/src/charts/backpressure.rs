//! `backpressure.svg`, the backpressure map: operators from source to sink against time, each cell
//! coloured by what the operator mostly did, the stronger the larger that share was. Read from top
//! to bottom: the bottleneck is the busy row under the backpressured ones.

use super::Subject;
use super::canvas::{Align, Canvas, picture};
use super::data::{OperatorColumns, Shares};
use super::plot::Frame;
use super::state::State;
use super::style::{BOTTOM, FAINT_INK, INK, TOP, TextSize, WIDTH, tint};
use crate::format;
use crate::record::Operator;

const ROW_HEIGHT: i32 = 28;
const LABELS_WIDTH: i32 = 190;
const SHARES_WIDTH: i32 = 148;
const MAX_NAME: usize = 26;

pub(super) fn draw(subject: &Subject<'_>) -> String {
    let rows = &subject.activity.operators;
    let plot_height = ROW_HEIGHT * (rows.len() as i32).max(2);
    let top = TOP + 26;
    let size = (WIDTH, top + plot_height + BOTTOM);
    picture(
        size,
        "Backpressure map: what each operator mostly did over time",
        |canvas| {
            Frame::title(
                canvas,
                "Backpressure map",
                &subject.about,
                &subtitle(subject.activity.more),
            );
            legend(canvas);
            let frame = Frame {
                left: LABELS_WIDTH,
                top,
                right: WIDTH - SHARES_WIDTH,
                bottom: top + plot_height,
                span: subject.span,
            };
            frame.time_axis(canvas);
            for (at, row) in rows.iter().enumerate() {
                let operator = &subject.run.operators[row.operator];
                let row_top = top + ROW_HEIGHT * at as i32;
                cells(canvas, frame, row, row_top);
                labels(canvas, frame, operator, row_top + ROW_HEIGHT / 2);
            }
            frame.mark_lines(canvas, &subject.marks);
            frame.strip(canvas, &subject.marks);
            if rows.is_empty() {
                frame.nothing(canvas, "no samples of subtasks");
            }
            frame.border(canvas);
        },
    )
}

fn subtitle(more: usize) -> String {
    let what = "what each operator mostly did, sources on top; at the right its share over the measured phase";
    match more {
        0 => what.to_owned(),
        more => format!("{what}; {more} more operators are not shown"),
    }
}

/// One ramp per state, from the weakest to the strongest dominance.
fn legend(canvas: &Canvas<'_>) {
    const SWATCH: i32 = 16;
    let mut x = LABELS_WIDTH;
    let y = 62;
    for state in State::ALL {
        for (at, share) in [0.4, 0.6, 0.8, 1.0].into_iter().enumerate() {
            let left = x + SWATCH * at as i32;
            canvas.fill(
                (left, y - 6),
                (left + SWATCH, y + 6),
                tint(state.color(), intensity(share)),
            );
        }
        x += 4 * SWATCH + 6;
        let text = format!("{} 40 to 100 %", state.name());
        canvas.text(&text, (x, y), TextSize::Small, Align::Left, INK);
        x += TextSize::Small.width_of(&text) + 22;
    }
}

/// Dominance of less than a third is hardly possible; it starts at a tint that can still be seen.
fn intensity(share: f64) -> f64 {
    (0.15 + 0.85 * (share - 0.3) / 0.7).clamp(0.15, 1.0)
}

fn cells(canvas: &Canvas<'_>, frame: Frame, row: &OperatorColumns, top: i32) {
    let look = |shares: &Option<Shares>| {
        shares.map(|shares| {
            let (state, share) = State::dominant(shares);
            // What looks the same is one rectangle.
            tint(state.color(), intensity((share * 10.0).round() / 10.0))
        })
    };
    let mut begin = 0;
    while begin < row.shares.len() {
        let here = look(&row.shares[begin]);
        let same = row.shares[begin..]
            .iter()
            .take_while(|shares| look(shares) == here)
            .count();
        if let Some(color) = here {
            let (left, right) = (
                frame.x(frame.span.column_ms(begin)),
                frame.x(frame.span.column_ms(begin + same)),
            );
            canvas.fill((left, top + 1), (right, top + ROW_HEIGHT - 1), color);
        }
        begin += same;
    }
}

fn labels(canvas: &Canvas<'_>, frame: Frame, operator: &Operator, middle: i32) {
    let times = if operator.parallelism > 1 {
        format!(" ×{}", operator.parallelism)
    } else {
        String::new()
    };
    let room = MAX_NAME - times.chars().count().min(MAX_NAME / 2);
    let name = format!("{}{times}", format::shortened(&operator.name, room));
    canvas.text(
        &name,
        (frame.left - 8, middle),
        TextSize::Normal,
        Align::Right,
        INK,
    );
    let (state, share) = State::of(operator);
    if share > 0.0 {
        let text = format!("{} {}", format::share(share), state.name());
        canvas.text(
            &text,
            (frame.right + 8, middle),
            TextSize::Small,
            Align::Left,
            FAINT_INK,
        );
    }
}
