//! `backpressure.svg`, the backpressure map: operators from source to sink against time, each cell
//! coloured by what the operator mostly did, the stronger the larger that share was. Read from top
//! to bottom: the bottleneck is the busy row under the backpressured ones.

use plotters::style::RGBColor;

use super::Subject;
use super::canvas::{Align, Canvas, picture};
use super::data::{MapRow, Shares, map_rows};
use super::plot::Frame;
use super::style::{
    BOTTOM, FAINT_INK, FAULT_INK, IDLE, INK, SKY, TOP, TextSize, VERMILLION, WIDTH, tint,
};
use crate::format;
use crate::record::Operator;

const ROW_HEIGHT: i32 = 28;
const LABELS_WIDTH: i32 = 190;
const SHARES_WIDTH: i32 = 148;
const MAX_NAME: usize = 26;
/// Shares are drawn in this many steps, so that equal neighbours become one rectangle.
const STEPS: f64 = 10.0;

/// What an operator mostly did.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Busy,
    Backpressured,
    Idle,
}

impl State {
    const ALL: [State; 3] = [State::Busy, State::Backpressured, State::Idle];

    /// The largest share; among equals the one that hurts more.
    fn dominant(shares: Shares) -> (State, f64) {
        let candidates = [
            (State::Idle, shares.idle),
            (State::Busy, shares.busy),
            (State::Backpressured, shares.backpressured),
        ];
        candidates
            .into_iter()
            .fold((State::Idle, 0.0), |best, next| {
                if next.1 >= best.1 { next } else { best }
            })
    }

    fn color(self) -> RGBColor {
        match self {
            State::Busy => SKY,
            State::Backpressured => VERMILLION,
            State::Idle => IDLE,
        }
    }

    fn name(self) -> &'static str {
        match self {
            State::Busy => "busy",
            State::Backpressured => "backpressured",
            State::Idle => "idle",
        }
    }
}

pub(super) fn draw(subject: &Subject<'_>) -> String {
    let (rows, more) = map_rows(subject.record, subject.run, subject.span);
    let plot_height = ROW_HEIGHT * (rows.len() as i32).max(2);
    let top = TOP + 26;
    let size = (WIDTH, top + plot_height + BOTTOM);
    picture(
        size,
        "Backpressure map: what each operator mostly did over time",
        |canvas| {
            Frame::title(canvas, "Backpressure map", &subject.about, &subtitle(more));
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
            mark_lines(canvas, frame, subject);
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

fn cells(canvas: &Canvas<'_>, frame: Frame, row: &MapRow, top: i32) {
    let look = |shares: &Option<Shares>| {
        shares.map(|shares| {
            let (state, share) = State::dominant(shares);
            (state, (share.min(1.0) * STEPS).round() as i32)
        })
    };
    let mut begin = 0;
    while begin < row.columns.len() {
        let here = look(&row.columns[begin]);
        let same = row.columns[begin..]
            .iter()
            .take_while(|shares| look(shares) == here)
            .count();
        if let Some((state, step)) = here {
            let color = tint(state.color(), intensity(f64::from(step) / STEPS));
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
    let activity = &operator.activity;
    let shares = Shares {
        busy: activity.busy.unwrap_or(0.0),
        backpressured: activity.backpressured.unwrap_or(0.0),
        idle: activity.idle.unwrap_or(0.0),
    };
    let (state, share) = State::dominant(shares);
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

fn mark_lines(canvas: &Canvas<'_>, frame: Frame, subject: &Subject<'_>) {
    let line = |t_ms, color| {
        canvas.line(
            vec![(frame.x(t_ms), frame.top), (frame.x(t_ms), frame.bottom)],
            color,
            1,
        )
    };
    if let Some(end_ms) = subject.marks.warm_up_end_ms {
        line(end_ms, INK);
    }
    for fault in &subject.marks.faults {
        line(fault.from_ms, FAULT_INK);
        line(fault.to_ms, FAULT_INK);
    }
}
