//! The summary that a terminal shows: three numbers first, then what they are worth and where it
//! hurts, then the tables, each with the verdict.

mod answer;
mod selftest;

use std::fmt::Write as _;

use crate::format;
use crate::record::{Run, Verdict};
use crate::view::{self, Table};
pub use answer::{search_text, sweep_text};
pub use selftest::selftest_text;

/// Names and keys are shortened to this; what a sound record has of numbers is shorter.
const MAX_CELL: usize = 34;

/// Whether a text may hold colours. The caller knows: only a terminal shows them, and `NO_COLOR`
/// forbids them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text only.
    Plain,
    /// With ANSI escape sequences: bold, faint and the eight basic colours, which every terminal's
    /// theme keeps readable.
    Colored,
}

/// What a part of the text is.
#[derive(Clone, Copy)]
pub(crate) enum Ink {
    Number,
    Heading,
    Faint,
    Good,
    Doubtful,
    Bad,
    Verdict(Verdict),
}

impl Style {
    pub(crate) fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Number => "1",
            Ink::Heading => "1;36",
            Ink::Faint => "2",
            Ink::Good | Ink::Verdict(Verdict::Steady | Verdict::Unjudged) => "1;32",
            Ink::Doubtful
            | Ink::Verdict(
                Verdict::Overloaded
                | Verdict::Degrading
                | Verdict::Drifting
                | Verdict::Insufficient
                | Verdict::Noisy,
            ) => "1;33",
            Ink::Bad | Ink::Verdict(_) => "1;31",
        };
        match self {
            Style::Colored if !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }
}

/// A finished run for the terminal, at most about 140 columns wide, without colours.
pub fn summary_text(run: &Run) -> String {
    styled_summary(run, Style::Plain)
}

/// The same with colours if `style` says so.
pub fn styled_summary(run: &Run, style: Style) -> String {
    let mut text = String::new();
    let subject = printable(&view::subject(run));
    line(&mut text, &style.paint(Ink::Number, &subject));
    line(&mut text, "");
    push_headlines(&mut text, run, style);
    for table in [
        view::latency_table(run),
        view::operator_table(run),
        view::state_table(run),
        view::rocksdb_table(run),
        view::key_table(run),
        view::cost_table(run),
    ] {
        push_table(&mut text, &table, run.verdict, style);
    }
    push_basis(&mut text, run, style);
    text
}

/// The three numbers, the verdict and where it hurts, their names aligned.
fn push_headlines(text: &mut String, run: &Run, style: Style) {
    let headlines = view::headlines(run);
    let labels = headlines.iter().map(|it| it.label.len());
    let label_width = labels.max().unwrap_or(0);
    let values = headlines.iter().map(|it| it.value.chars().count());
    let value_width = values.max().unwrap_or(0);
    for it in &headlines {
        let label = format!("{:label_width$}", it.label);
        // Escape sequences have no width, so that what follows is aligned by hand.
        let padding = " ".repeat(value_width - it.value.chars().count());
        let value = style.paint(Ink::Number, &it.value);
        let detail = style.paint(Ink::Faint, &printable(&it.detail));
        line(
            text,
            format!("  {label}  {value}{padding}  {detail}").trim_end(),
        );
    }
    let verdict = style.paint(Ink::Verdict(run.verdict), run.verdict.as_str());
    let meaning = printable(&view::meaning(run));
    line(
        text,
        &format!("  {:label_width$}  {verdict}: {meaning}", "verdict"),
    );
    if let Some(hurts) = view::where_it_hurts(run) {
        let hurts = printable(&hurts);
        line(text, &format!("  {:label_width$}  {hurts}", "where"));
    }
    for (label, sentence) in view::sentences(run) {
        let sentence = printable(&sentence);
        line(text, &format!("  {label:label_width$}  {sentence}"));
    }
}

/// What the verdict rests on, and what else a reader should know.
fn push_basis(text: &mut String, run: &Run, style: Style) {
    let verdict = run.verdict;
    let named = |name: &str| {
        let worth = style.paint(Ink::Faint, &format!("[{verdict}]"));
        format!("{} {worth}", style.paint(Ink::Heading, name))
    };
    line(text, "");
    let results = view::correctness(&run.correctness);
    line(text, &format!("{}: {results}", named("results")));
    let evidence = view::evidence(run);
    if !evidence.is_empty() {
        line(text, &format!("{}: {evidence}", named("evidence")));
    }
    let steadiness = view::steadiness(run);
    if !steadiness.is_empty() {
        line(text, &format!("{}: {steadiness}", named("steadiness")));
    }
    for note in &run.notes {
        let name = style.paint(Ink::Heading, "note");
        line(text, &format!("{name}: {}", printable(note)));
    }
}

fn push_table(text: &mut String, table: &Table, verdict: Verdict, style: Style) {
    if table.rows.is_empty() {
        return;
    }
    line(text, "");
    let title = style.paint(Ink::Heading, table.title);
    let worth = style.paint(Ink::Faint, &format!("[{verdict}]"));
    line(text, &format!("{title} {worth}"));
    let header = table.header.iter().map(|&name| name.to_owned()).collect();
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter();
        cells
            .map(|cell| format::shortened(&printable(&cell.text), MAX_CELL))
            .collect()
    });
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    for (at, row) in aligned(&rows).iter().enumerate() {
        match at {
            0 => line(text, &style.paint(Ink::Faint, row)),
            _ => line(text, row),
        }
    }
}

/// The first column to the left, all others to the right.
pub(crate) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let aligned = rows.iter().map(|row| {
        let mut text = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let written = match column {
                0 => write!(text, "  {cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
            written.expect("writing to a String cannot fail");
        }
        text.truncate(text.trim_end().len());
        text
    });
    aligned.collect()
}

/// Names and keys come from a record: they must not steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

pub(crate) fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
