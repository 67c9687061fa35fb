//! A comparison for the terminal: the verdict of every variant in words first, then the numbers.

use super::figures;
use super::words::{self, Tone};
use super::{Compared, words::Answer};
use crate::comparison::Estimate;
use crate::format::shortened;
use crate::summary::{Ink, Style, aligned, line, printable};

/// Names are shortened to this.
const MAX_CELL: usize = 34;

/// What the comparison says, at most about 140 columns wide.
pub fn summary(compared: &Compared, style: Style) -> String {
    let mut text = String::new();
    let subject = printable(&words::subject(compared));
    line(&mut text, &style.paint(Ink::Number, &subject));
    if let Some(banner) = words::banner(compared) {
        line(&mut text, &style.paint(Ink::Bad, banner));
    }
    if let Some(failure) = &compared.failure {
        let failure = printable(&format!("ended early: {failure}"));
        line(&mut text, &style.paint(Ink::Bad, &failure));
    }
    line(&mut text, "");
    let answers = words::answers(compared);
    for answer in &answers {
        push_answer(&mut text, answer, style);
    }
    if answers.is_empty() {
        line(&mut text, "there is only one variant: nothing is compared");
    }
    for (at, estimates) in compared.estimates.iter().enumerate() {
        push_table(&mut text, compared, at + 1, estimates, style);
    }
    let banner = words::banner(compared);
    let notes = compared.notes.iter();
    let notes: Vec<&String> = notes.filter(|note| banner != Some(note.as_str())).collect();
    if !notes.is_empty() {
        line(&mut text, "");
    }
    for note in notes {
        let name = style.paint(Ink::Heading, "note");
        line(&mut text, &format!("{name}: {}", printable(note)));
    }
    text
}

fn push_answer(text: &mut String, answer: &Answer, style: Style) {
    let claim = style.paint(ink(answer.tone), &printable(&answer.claim));
    let variant = printable(&answer.variant);
    line(
        text,
        &format!("{}: {claim}", style.paint(Ink::Number, &variant)),
    );
    let besides = answer.besides.iter().map(String::as_str);
    for part in besides.chain([answer.next.as_str()]) {
        line(text, &format!("  {}", printable(part)));
    }
}

fn ink(tone: Tone) -> Ink {
    match tone {
        Tone::Good | Tone::Same => Ink::Good,
        Tone::Bad => Ink::Bad,
        Tone::Open => Ink::Doubtful,
    }
}

fn push_table(
    text: &mut String,
    compared: &Compared,
    variant: usize,
    estimates: &[Estimate],
    style: Style,
) {
    let Some((base, this)) = compared
        .variants
        .first()
        .zip(compared.variants.get(variant))
    else {
        return;
    };
    line(text, "");
    let title = printable(&format!("{} against {}", this.name, base.name));
    let worth = format!(
        "[{}: {}; {}: {}]",
        base.name,
        words::worth(compared, 0),
        this.name,
        words::worth(compared, variant)
    );
    let worth = style.paint(Ink::Faint, &printable(&worth));
    line(
        text,
        &format!("{} {worth}", style.paint(Ink::Heading, &title)),
    );
    let header = [
        "metric",
        "baseline",
        "variant",
        "ratio",
        "p",
        "corrected",
        "pairs",
        "verdict",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let shown = estimates.iter().enumerate();
    // What no run has a number of says nothing.
    for (metric, estimate) in shown.filter(|(_, it)| it.pairs > 0) {
        rows.push(row(compared, variant, metric, estimate));
    }
    for (at, row) in aligned(&rows).iter().enumerate() {
        match at {
            0 => line(text, &style.paint(Ink::Faint, row)),
            _ => line(text, row),
        }
    }
    let missing: Vec<&str> = estimates
        .iter()
        .filter(|it| it.pairs == 0)
        .map(|it| it.metric.as_str())
        .collect();
    if !missing.is_empty() {
        let missing = format!("  no pair of runs has {}", missing.join(", "));
        line(text, &style.paint(Ink::Faint, &printable(&missing)));
    }
}

fn row(compared: &Compared, variant: usize, metric: usize, estimate: &Estimate) -> Vec<String> {
    let name = &estimate.metric;
    let verdict = words::in_short(estimate.verdict);
    let cells = [
        name.clone(),
        figures::value(name, compared.median(0, variant, metric)),
        figures::value(name, compared.median(variant, 0, metric)),
        figures::ratio_with_interval(estimate),
        figures::p(estimate.p),
        figures::p(estimate.p_adjusted),
        estimate.pairs.to_string(),
        verdict,
    ];
    cells
        .iter()
        .map(|cell| shortened(&printable(cell), MAX_CELL))
        .collect()
}
