//! A self-test for a terminal: claim, measured, bound, pass.

use super::{Ink, Style, aligned, line, printable};
use crate::format::{count, duration_ns, or_na, share};
use crate::record::{Examined, Finding, FindingUnit, SelfTestRecord};

/// What is measured comes last, so that the numbers stand together however long it is.
const HEADER: [&str; 5] = ["claim", "measured", "bound", "pass", "what"];

/// A self-test, finished or not: every finding, what the claims say, and which do not hold.
pub fn selftest_text(record: &SelfTestRecord, style: Style) -> String {
    let mut text = String::new();
    let subject = format!(
        "selftest · backwater {} · {}",
        record.version, record.started_at
    );
    line(&mut text, &style.paint(Ink::Number, &printable(&subject)));
    line(&mut text, "");
    push_table(&mut text, record, style);
    line(&mut text, "");
    for examined in &record.claims {
        push_claim(&mut text, examined, style);
    }
    line(&mut text, "");
    line(&mut text, &answer(record, style));
    text
}

/// Words to the left, numbers to the right; the last column is not padded.
fn push_table(text: &mut String, record: &SelfTestRecord, style: Style) {
    let header = HEADER[..4].iter().map(|&it| it.to_owned()).collect();
    let findings = record.claims.iter().flat_map(|examined| {
        let findings = examined.findings.iter();
        findings.map(move |finding| (examined, finding))
    });
    let mut cells: Vec<Vec<String>> = vec![header];
    let mut last = vec![HEADER[4].to_owned()];
    for (examined, finding) in findings {
        cells.push(vec![
            printable(&examined.claim),
            or_na(finding.measured, |it| formatted(it, finding.unit)),
            bound(finding),
            yes(finding.pass).to_owned(),
        ]);
        last.push(printable(&finding.what));
    }
    for (at, (row, what)) in aligned(&cells).iter().zip(&last).enumerate() {
        let row = format!("{row}  {what}");
        let is_good = at == 0 || row_passes(record, at - 1);
        line(
            text,
            &match (at, is_good) {
                (0, _) => style.paint(Ink::Faint, &row),
                (_, true) => row,
                (_, false) => style.paint(Ink::Bad, &row),
            },
        );
    }
}

fn row_passes(record: &SelfTestRecord, at: usize) -> bool {
    let mut findings = record.claims.iter().flat_map(|it| &it.findings);
    findings.nth(at).is_some_and(|finding| finding.pass)
}

/// What it claims, and whether it took more than one attempt.
fn push_claim(text: &mut String, examined: &Examined, style: Style) {
    let name = style.paint(Ink::Heading, &printable(&examined.claim));
    let attempts = match examined.attempts {
        0 | 1 => String::new(),
        more => format!(" ({more} attempts)"),
    };
    line(
        text,
        &format!("{name}: {}{attempts}", printable(&examined.about)),
    );
    if let Some(failure) = &examined.failure {
        let failed = style.paint(Ink::Bad, "not judged");
        line(text, &format!("  {failed}: {}", printable(failure)));
    }
}

fn answer(record: &SelfTestRecord, style: Style) -> String {
    let failed = record.failed();
    let examined = record.claims.len();
    if !failed.is_empty() {
        let names = printable(&failed.join(", "));
        let painted = style.paint(Ink::Bad, "fails");
        return format!(
            "{painted}: {names} ({} of {examined} claims examined)",
            failed.len()
        );
    }
    match record.finished {
        true => format!(
            "{}: every claim that was examined holds on this machine",
            style.paint(Ink::Good, "passes")
        ),
        false => format!(
            "{}: it was ended after {examined} claims",
            style.paint(Ink::Doubtful, "not finished")
        ),
    }
}

fn yes(pass: bool) -> &'static str {
    match pass {
        true => "yes",
        false => "NO",
    }
}

fn bound(finding: &Finding) -> String {
    let shown = |it: f64| formatted(it, finding.unit);
    match (finding.at_least, finding.at_most) {
        (Some(least), Some(most)) => format!("{} to {}", shown(least), shown(most)),
        (Some(least), None) => format!(">= {}", shown(least)),
        (None, Some(most)) => format!("<= {}", shown(most)),
        (None, None) => String::new(),
    }
}

fn formatted(value: f64, unit: FindingUnit) -> String {
    match unit {
        FindingUnit::Ratio | FindingUnit::Probability => format!("{value:.3}"),
        FindingUnit::Share => share(value),
        FindingUnit::Nanoseconds => duration_ns(value),
        FindingUnit::Count => count(value.round().max(0.0) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(measured: &[f64], failure: Option<&str>) -> SelfTestRecord {
        let bounds = (Some(0.98), Some(1.02));
        let findings = measured.iter();
        let findings = findings
            .map(|&it| Finding::new("p99 over theory", FindingUnit::Ratio, Some(it), bounds));
        let mut record = SelfTestRecord::new("0.1.0", "2026-11-22T18:00:00Z".to_owned());
        record.finished = true;
        record.claims.push(Examined {
            claim: "freeze".to_owned(),
            about: "what waits is seen".to_owned(),
            attempts: 2,
            findings: findings.collect(),
            failure: failure.map(str::to_owned),
            runs: Vec::new(),
        });
        record
    }

    #[test]
    fn a_self_test_reads_as_a_table_and_names_what_fails() {
        let text = selftest_text(&record(&[1.001, 0.5], None), Style::Plain);
        insta::assert_snapshot!(text, @r"
        selftest · backwater 0.1.0 · 2026-11-22T18:00:00Z

          claim   measured           bound  pass  what
          freeze     1.001  0.980 to 1.020   yes  p99 over theory
          freeze     0.500  0.980 to 1.020    NO  p99 over theory

        freeze: what waits is seen (2 attempts)

        fails: freeze (1 of 1 claims examined)
        ");
    }

    #[test]
    fn one_without_a_record_says_so_and_one_that_holds_passes() {
        let text = selftest_text(&record(&[], Some("no memory")), Style::Plain);
        assert!(text.contains("  not judged: no memory\n") && text.contains("fails: freeze"));
        let text = selftest_text(&record(&[1.0], None), Style::Plain);
        assert!(text.contains("\npasses: "), "{text}");
        let mut unfinished = record(&[1.0], None);
        unfinished.finished = false;
        assert!(selftest_text(&unfinished, Style::Plain).contains("\nnot finished: "));
    }
}
