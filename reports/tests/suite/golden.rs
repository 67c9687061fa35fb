//! What programs and people read, word for word.

use reports::record::Verdict;
use reports::{Facts, Objectives, Style, conclude, styled_summary, summary_text};

use crate::simulated::Simulation;

#[test]
fn run_json_has_the_keys_of_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    Simulation {
        length_ms: 3_000,
        freeze_ms: Some((1_500, 1_700)),
        ..Simulation::default()
    }
    .finish(directory.path());
    insta::assert_snapshot!(std::fs::read_to_string(directory.path().join("run.json")).unwrap());
}

#[test]
fn the_terminal_summary_of_an_open_loop_run() {
    let directory = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(summary_text(
        &Simulation::default().finish(directory.path())
    ));
}

#[test]
fn the_terminal_summary_of_a_run_with_event_time() {
    let directory = tempfile::tempdir().unwrap();
    let with_windows = Simulation {
        has_event_time: true,
        ..Simulation::default()
    };
    let run = with_windows.finish(directory.path());
    insta::assert_snapshot!(summary_text(&run));
    let found: Vec<_> = run
        .operators
        .iter()
        .map(|operator| (operator.id.as_str(), operator.event_time))
        .collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&found).unwrap());
}

#[test]
fn the_terminal_summary_of_an_overloaded_run() {
    let directory = tempfile::tempdir().unwrap();
    let overloaded = Simulation {
        offered_per_s: Some(25_000),
        freeze_ms: None,
        ..Simulation::default()
    };
    let run = overloaded.finish(directory.path());
    assert_eq!(run.verdict, Verdict::Overloaded);
    insta::assert_snapshot!(summary_text(&run));
}

#[test]
fn the_terminal_summary_of_a_run_on_a_machine_that_was_not_quiet() {
    let directory = tempfile::tempdir().unwrap();
    let disturbed = Simulation {
        freeze_ms: None,
        is_disturbed: true,
        ..Simulation::default()
    };
    let run = disturbed.finish(directory.path());
    assert_eq!(run.verdict, Verdict::Noisy);
    insta::assert_snapshot!(summary_text(&run));
    insta::assert_snapshot!(serde_json::to_string_pretty(&run.environment).unwrap());
}

#[test]
fn colours_change_nothing_but_colours() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = Simulation::default().finish(directory.path());
    run.operators[2].name = "\u{1b}[2Jslow".to_owned();
    let colored = styled_summary(&run, Style::Colored);
    let mut parts = colored.split('\u{1b}');
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, text) = part.split_once('m').unwrap();
        assert!(
            code.starts_with('[') && code[1..].chars().all(|it| it.is_ascii_digit() || it == ';')
        );
        plain += text;
    }
    assert_eq!(plain, styled_summary(&run, Style::Plain));
    assert!(plain.contains("\u{fffd}[2Jslow"));
}

#[test]
fn a_name_of_any_length_leaves_the_tables_readable() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = Simulation::default().finish(directory.path());
    let whole = summary_text(&run).lines().count();
    // Wider than a formatting width can be.
    run.operators[3].name = "x".repeat(100_000);
    let text = summary_text(&run);
    assert_eq!(text.lines().count(), whole);
    assert!(text.lines().all(|line| line.chars().count() < 400));
}

#[test]
fn the_terminal_summary_of_a_closed_loop_run() {
    let directory = tempfile::tempdir().unwrap();
    let closed = Simulation {
        offered_per_s: None,
        freeze_ms: None,
        length_ms: 3_000,
        ..Simulation::default()
    };
    closed.write(directory.path());
    let objectives = Objectives {
        p99_ns: Some(5e6),
        p999_ns: None,
        min_throughput_per_s: Some(25_000.0),
    };
    let facts = Facts {
        ceiling_per_s: Some(30_000.0),
        objectives,
        ..closed.facts()
    };
    let run = conclude(directory.path(), &facts).unwrap();
    assert_eq!(
        (run.summary.offered_per_s, &run.summary.latency_ns.response),
        (None, &None)
    );
    insta::assert_snapshot!(summary_text(&run));
    insta::assert_snapshot!(serde_json::to_string_pretty(&run.slo).unwrap());
}

#[test]
fn the_terminal_summary_of_a_run_of_which_only_the_plan_is_left() {
    let directory = tempfile::tempdir().unwrap();
    Simulation {
        length_ms: 1_000,
        ..Simulation::default()
    }
    .write(directory.path());
    for file in [
        "timeline.csv",
        "subtasks.csv",
        "channels.csv",
        "checkpoints.csv",
        "events.csv",
        "latency.hlog",
    ] {
        std::fs::remove_file(directory.path().join(file)).unwrap();
    }
    insta::assert_snapshot!(summary_text(&reports::open_run(directory.path()).unwrap()));
}
