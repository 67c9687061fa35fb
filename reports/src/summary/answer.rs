//! What a search or a sweep found, for a terminal.

use super::{Ink, Style, line, printable, push_table};
use crate::record::{Heading, ProbeRow, SearchRecord, SweepRecord, SweepRow};
use crate::view::{self, Headline};

/// Of the longest label.
const LABEL: usize = "sustainable throughput".len();

/// A search, finished or not: the estimate with its interval, what was held and what was not, why it ended, and
/// every probe.
pub fn search_text(record: &SearchRecord, rows: &[ProbeRow], style: Style) -> String {
    let heading = &record.heading;
    let mut text = String::new();
    push_headlines(&mut text, heading, &view::search_headlines(record), style);
    push_verdict(&mut text, heading, &view::search_meaning(record), style);
    push_sentences(&mut text, &view::search_sentences(record));
    push_table(&mut text, &view::probe_table(rows), heading.verdict, style);
    push_notes(&mut text, &view::search_notes(record), style);
    text
}

/// A sweep, finished or not: capacity, knee, scores above the capacity, and every load.
pub fn sweep_text(record: &SweepRecord, rows: &[SweepRow], style: Style) -> String {
    let heading = &record.heading;
    let mut text = String::new();
    push_headlines(&mut text, heading, &view::sweep_headlines(record), style);
    push_verdict(&mut text, heading, &view::sweep_meaning(record), style);
    push_sentences(&mut text, &view::scores(record));
    push_table(&mut text, &view::load_table(rows), heading.verdict, style);
    push_notes(&mut text, &heading.notes, style);
    text
}

fn push_headlines(text: &mut String, heading: &Heading, headlines: &[Headline], style: Style) {
    let subject = printable(&view::answer_subject(heading));
    line(text, &style.paint(Ink::Number, &subject));
    line(text, "");
    let widths = headlines.iter().map(|it| it.value.chars().count());
    let width = widths.max().unwrap_or(0);
    let worth = style.paint(Ink::Faint, &format!("[{}]", heading.verdict));
    for it in headlines {
        // Escape sequences have no width, so that what follows is aligned by hand.
        let padding = " ".repeat(width - it.value.chars().count());
        let value = style.paint(Ink::Number, &it.value);
        let detail = style.paint(Ink::Faint, &printable(&it.detail));
        let label = it.label;
        line(
            text,
            &format!("  {label:LABEL$}  {value}{padding}  {worth} {detail}"),
        );
    }
}

fn push_verdict(text: &mut String, heading: &Heading, meaning: &str, style: Style) {
    let verdict = style.paint(Ink::Verdict(heading.verdict), heading.verdict.as_str());
    let meaning = printable(meaning);
    line(
        text,
        &format!("  {:LABEL$}  {verdict}: {meaning}", "verdict"),
    );
}

fn push_sentences(text: &mut String, sentences: &[(&'static str, String)]) {
    for (label, sentence) in sentences {
        line(text, &format!("  {label:LABEL$}  {}", printable(sentence)));
    }
}

fn push_notes(text: &mut String, notes: &[String], style: Style) {
    if !notes.is_empty() {
        line(text, "");
    }
    for note in notes {
        let name = style.paint(Ink::Heading, "note");
        line(text, &format!("{name}: {}", printable(note)));
    }
}
