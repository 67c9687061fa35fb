//! The summary that a terminal shows: three numbers first, then the tables, each with the verdict.

use std::fmt::Write as _;

use crate::format;
use crate::record::Run;
use crate::view::{self, Table};

/// Names of operators are shortened to this.
const MAX_NAME: usize = 34;

/// A finished run for the terminal, at most about 140 columns wide, without colours.
pub fn summary_text(run: &Run) -> String {
    let mut text = String::new();
    let verdict = run.verdict;
    line(&mut text, &view::subject(run));
    line(
        &mut text,
        &format!("verdict: {verdict} ({})", view::meaning(run)),
    );
    line(&mut text, "");
    let headlines = view::headlines(run);
    let headlines = headlines
        .into_iter()
        .map(|it| vec![it.label.to_owned(), it.value, it.detail]);
    text.push_str(&aligned(&headlines.collect::<Vec<_>>(), Alignment::Left));
    for table in [
        view::latency_table(run),
        view::operator_table(run),
        view::cost_table(run),
    ] {
        push_table(&mut text, &table, verdict.as_str());
    }
    line(&mut text, "");
    line(
        &mut text,
        &format!(
            "results [{verdict}]: {}",
            view::correctness(&run.correctness)
        ),
    );
    let evidence = view::evidence(run);
    if !evidence.is_empty() {
        line(&mut text, &format!("evidence [{verdict}]: {evidence}"));
    }
    for note in &run.notes {
        line(&mut text, &format!("note: {note}"));
    }
    text
}

fn push_table(text: &mut String, table: &Table, verdict: &str) {
    if table.rows.is_empty() {
        return;
    }
    line(text, "");
    line(text, &format!("{} [{verdict}]", table.title));
    let header = table.header.iter().map(|&name| name.to_owned()).collect();
    let rows = table.rows.iter().map(|row| {
        let mut row = row.clone();
        row[0] = format::shortened(&row[0], MAX_NAME);
        row
    });
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    text.push_str(&aligned(&rows, Alignment::Right));
}

/// How every column but the first is aligned.
#[derive(Clone, Copy, PartialEq)]
enum Alignment {
    Left,
    Right,
}

fn aligned(rows: &[Vec<String>], alignment: Alignment) -> String {
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
    let mut text = String::new();
    for row in rows {
        let mut row_text = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let written = match alignment {
                Alignment::Right if column > 0 => write!(row_text, "  {cell:>width$}"),
                _ => write!(row_text, "  {cell:<width$}"),
            };
            written.expect("writing to a String cannot fail");
        }
        line(&mut text, row_text.trim_end());
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
