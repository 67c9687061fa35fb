//! `skew.svg`: how evenly the records of each operator were spread over its subtasks: in total,
//! beside how busy they were, and over time, so that a hot key is seen that moves. Nothing if no
//! operator has several subtasks.

use super::Subject;
use super::axis::rate_label;
use super::canvas::{Align, Canvas, picture};
use super::data::{OperatorColumns, Span};
use super::plot::Frame;
use super::style::{BLUE, BOTTOM, FAINT_INK, FRAME, GRID, INK, SKY, TOP, TextSize, WIDTH, tint};
use crate::format;
use crate::record::{Operator, Subtask};

/// Further operators are less skewed and not shown.
const MAX_OPERATORS: usize = 6;
/// Further subtasks of an operator are not shown.
const MAX_ROWS: usize = 128;
const NAMES_RIGHT: i32 = 64;
const RECORDS: (i32, i32) = (72, 250);
const BUSY: (i32, i32) = (320, 430);
const MAP: (i32, i32) = (500, WIDTH - 16);
const HEADER_HEIGHT: i32 = 26;
const GAP: i32 = 12;
/// Cells of all maps together: it bounds the picture's size.
const MAX_CELLS: usize = 6_000;

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let (panels, more) = panels(subject);
    if panels.is_empty() {
        return None;
    }
    let top = TOP + 20;
    let height: i32 = panels.iter().map(Panel::height).sum::<i32>() - GAP;
    let size = (WIDTH, top + height + BOTTOM);
    let about = "Records and busy time of every subtask, in total and over time";
    Some(picture(size, about, |canvas| {
        Frame::title(canvas, "Skew", &subject.about, &subtitle(more));
        legend(canvas);
        let rows: usize = panels.iter().map(|panel| panel.subtasks().len()).sum();
        let cells = (MAX_CELLS / rows.max(1)).max(1);
        let mut panel_top = top;
        for (at, panel) in panels.iter().enumerate() {
            let frame = Frame {
                left: MAP.0,
                top: panel_top + HEADER_HEIGHT,
                right: MAP.1,
                bottom: panel_top + panel.height() - GAP,
                span: subject.span,
            };
            panel.header(canvas, panel_top);
            panel.bars(canvas, frame);
            panel.map(canvas, frame, cells);
            frame.mark_lines(canvas, &subject.marks);
            frame.border(canvas);
            if at + 1 == panels.len() {
                frame.time_axis(canvas);
            }
            panel_top += panel.height();
        }
    }))
}

fn subtitle(more: usize) -> String {
    let what = "skew factor: largest over mean of the records that subtasks took in, over the measured phase and (median) \
                per moment; at the right the records over time";
    match more {
        0 => what.to_owned(),
        more => format!("{what}; {more} less skewed operators are not shown"),
    }
}

/// What the bars and the colours of the maps mean.
fn legend(canvas: &Canvas<'_>) {
    let y = TOP - 10;
    for (text, x) in [("records in, line: mean", RECORDS.0), ("busy", BUSY.0)] {
        canvas.text(text, (x, y), TextSize::Small, Align::Left, INK);
    }
    let text = "no records";
    let width = TextSize::Small.width_of(text);
    canvas.text(text, (MAP.0, y), TextSize::Small, Align::Left, INK);
    for step in 0..10 {
        let left = MAP.0 + width + 6 + 10 * step;
        let color = tint(BLUE, f64::from(step + 1) / 10.0);
        canvas.fill((left, y - 6), (left + 10, y + 6), color);
    }
    let text = "the rate named above each map, or more";
    let at = (MAP.0 + width + 112, y);
    canvas.text(text, at, TextSize::Small, Align::Left, INK);
}

/// One operator.
struct Panel<'a> {
    operator: &'a Operator,
    columns: &'a OperatorColumns,
    /// Records per second and subtask that are drawn darkest.
    darkest_per_s: f64,
}

/// The most skewed operators, from sources to sinks, and how many more there are.
fn panels<'a>(subject: &'a Subject<'_>) -> (Vec<Panel<'a>>, usize) {
    let operators = subject.activity.operators.iter();
    let mut panels: Vec<Panel<'a>> = operators
        .filter(|columns| columns.subtasks.len() > 1)
        .map(|columns| Panel {
            operator: &subject.run.operators[columns.operator],
            columns,
            darkest_per_s: darkest_per_s(columns, subject.span),
        })
        .filter(|panel| panel.darkest_per_s > 0.0 && !panel.operator.subtasks.is_empty())
        .collect();
    let more = panels.len().saturating_sub(MAX_OPERATORS);
    let skew = |panel: &Panel<'_>| panel.operator.skew_factor.unwrap_or(0.0);
    panels.sort_by(|one, other| skew(other).total_cmp(&skew(one)));
    panels.truncate(MAX_OPERATORS);
    panels.sort_by_key(|panel| panel.columns.operator);
    (panels, more)
}

/// The rate that one cell in fifty exceeds: a single burst must not make all others pale.
fn darkest_per_s(columns: &OperatorColumns, span: Span) -> f64 {
    let cells = columns.subtasks.iter().flat_map(|(_, columns)| columns);
    let mut cells: Vec<f64> = cells.copied().filter(|&records| records > 0.0).collect();
    cells.sort_by(f64::total_cmp);
    let records = cells.get(cells.len().saturating_sub(1 + cells.len() / 50));
    records.map_or(0.0, |records| records / span.column_s())
}

impl Panel<'_> {
    fn subtasks(&self) -> &[Subtask] {
        &self.operator.subtasks[..self.operator.subtasks.len().min(MAX_ROWS)]
    }

    fn row_height(&self) -> i32 {
        (200 / self.subtasks().len().max(1) as i32).clamp(3, 16)
    }

    fn height(&self) -> i32 {
        HEADER_HEIGHT + self.row_height() * self.subtasks().len() as i32 + GAP
    }

    fn header(&self, canvas: &Canvas<'_>, top: i32) {
        let y = top + 12;
        let skew = self.operator.skew_factor;
        let skew = format::or_na(skew, |skew| format!("{skew:.2}"));
        let name = format::shortened(&self.operator.name, 32);
        let momentary = self.momentary_skew();
        let momentary = format::or_na(momentary, |skew| format!("{skew:.2}"));
        let text = format!("{name}: skew factor {skew} in all, {momentary} at a time");
        canvas.text(&text, (16, y), TextSize::Normal, Align::Left, INK);
        let text = format!(
            "records per second and subtask, up to {}",
            rate_label(self.darkest_per_s)
        );
        canvas.text(&text, (MAP.0, y), TextSize::Small, Align::Left, FAINT_INK);
    }

    /// Median over time of the skew factor within a column: a hot key that moves is no skew in
    /// all, but at any time.
    fn momentary_skew(&self) -> Option<f64> {
        let subtasks = &self.columns.subtasks;
        let columns = subtasks.iter().map(|(_, columns)| columns.len()).min()?;
        let skew = |at: usize| {
            let records = subtasks.iter().map(|(_, columns)| columns[at]);
            let mean = records.clone().sum::<f64>() / f64::from(self.operator.parallelism);
            (mean > 0.0).then(|| records.fold(0.0, f64::max) / mean)
        };
        let mut skews: Vec<f64> = (0..columns).filter_map(skew).collect();
        skews.sort_by(f64::total_cmp);
        skews.get(skews.len() / 2).copied()
    }

    /// Records and busy share of every subtask.
    fn bars(&self, canvas: &Canvas<'_>, frame: Frame) {
        let records = |subtask: &Subtask| subtask.activity.records_in.unwrap_or(0) as f64;
        let largest = self.subtasks().iter().map(records).fold(1.0, f64::max);
        let height = self.row_height();
        for (at, subtask) in self.subtasks().iter().enumerate() {
            let top = frame.top + height * at as i32;
            let bar = |(left, right): (i32, i32), share: f64, color| {
                let length = f64::from(right - left) * share.clamp(0.0, 1.0);
                let inset = i32::from(height > 5);
                let to = left + length.round() as i32;
                canvas.fill((left, top + inset), (to, top + height - inset), color);
                to
            };
            let records_to = bar(RECORDS, records(subtask) / largest, BLUE);
            let busy_to = bar(BUSY, subtask.activity.busy.unwrap_or(0.0), SKY);
            if height < 11 {
                continue;
            }
            let middle = top + height / 2;
            let label = |text: &str, x: i32, align| {
                canvas.text(text, (x, middle), TextSize::Small, align, INK);
            };
            label(&format!("#{}", subtask.subtask), NAMES_RIGHT, Align::Right);
            let count = |records: u64| format::short_count(records as f64);
            let records = format::or_na(subtask.activity.records_in, count);
            label(&records, records_to + 4, Align::Left);
            let busy = format::or_na(subtask.activity.busy, format::share);
            label(&busy, busy_to + 4, Align::Left);
        }
        if height < 11 {
            let text = format!("#0 to #{}", self.subtasks().len() - 1);
            let at = (NAMES_RIGHT, (frame.top + frame.bottom) / 2);
            canvas.text(&text, at, TextSize::Small, Align::Right, INK);
        }
        self.guides(canvas, frame, largest);
    }

    /// Axes of the bars: their zero, the mean of the records, and 100 % busy.
    fn guides(&self, canvas: &Canvas<'_>, frame: Frame, largest: f64) {
        let line = |x: i32, color| {
            canvas.line(vec![(x, frame.top), (x, frame.bottom)], color, 1);
        };
        line(RECORDS.0, FRAME);
        line(BUSY.0, FRAME);
        line(BUSY.1, GRID);
        let total = self.operator.activity.records_in.unwrap_or(0) as f64;
        let mean = total / f64::from(self.operator.parallelism.max(1));
        let length = f64::from(RECORDS.1 - RECORDS.0) * (mean / largest).min(1.0);
        line(RECORDS.0 + length.round() as i32, INK);
    }

    /// One row per subtask, darker where more records came in.
    fn map(&self, canvas: &Canvas<'_>, frame: Frame, cells: usize) {
        let mut stretches = Vec::new();
        for (at, subtask) in self.subtasks().iter().enumerate() {
            let rows = self.columns.subtasks.iter();
            let mut rows = rows.filter(|(index, _)| *index == subtask.subtask);
            let Some((_, columns)) = rows.next() else {
                continue;
            };
            let top = frame.top + self.row_height() * at as i32;
            let row = self.row(columns, frame, cells).into_iter();
            stretches.extend(row.map(|(from, to, shade)| (shade, top, from, to)));
        }
        // Stretches of one shade follow each other and become one path.
        stretches.sort_unstable();
        for (shade, top, from, to) in stretches {
            let bottom = top + self.row_height();
            canvas.fill(
                (from, top),
                (to, bottom),
                tint(BLUE, f64::from(shade) / 10.0),
            );
        }
    }

    /// Stretches of one shade, 0 to 10.
    fn row(&self, columns: &[f64], frame: Frame, cells: usize) -> Vec<(i32, i32, u32)> {
        let width = columns.len().div_ceil(cells);
        let mut row: Vec<(i32, i32, u32)> = Vec::new();
        for (at, chunk) in columns.chunks(width).enumerate() {
            let seconds = frame.span.column_s() * chunk.len() as f64;
            let rate = chunk.iter().sum::<f64>() / seconds;
            let shade = (rate / self.darkest_per_s * 10.0).ceil().min(10.0) as u32;
            let column = |at: usize| frame.x(frame.span.column_ms(at * width));
            match row.last_mut() {
                Some(last) if last.2 == shade => last.1 = column(at + 1),
                _ => row.push((column(at), column(at + 1), shade)),
            }
        }
        row
    }
}
