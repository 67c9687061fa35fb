//! What is concluded of checkpoints and failures, and what a reader sees of them.

use std::fs;

use reports::record::{Backend, Recovery, Run};
use reports::{render, summary_text};

use crate::simulated::Simulation;
use crate::simulated::checkpoints::{FAILED_MS, RESTARTED_MS};

fn with_checkpoints() -> Simulation {
    Simulation {
        has_checkpoints: true,
        state: Some(Backend::RocksDb),
        ..Simulation::default()
    }
}

fn finished() -> (tempfile::TempDir, Run) {
    let directory = tempfile::tempdir().unwrap();
    let run = with_checkpoints().finish(directory.path());
    (directory, run)
}

#[test]
fn the_terminal_summary_of_a_run_with_checkpoints_and_a_failure() {
    let (_directory, run) = finished();
    insta::assert_snapshot!(summary_text(&run));
    insta::assert_snapshot!(serde_json::to_string_pretty(&run.checkpoints).unwrap());
    let expected = Recovery {
        failed_at_ms: FAILED_MS,
        restarted_at_ms: RESTARTED_MS,
        // 20,500 records had to wait, and 5,000 more are processed than come per second.
        caught_up_at_ms: Some(18_600),
        restored_checkpoint: Some(12),
        cause: "sum (0): killed".to_owned(),
    };
    assert_eq!((run.recoveries, run.attempts), (vec![expected], 2));
}

#[test]
fn checkpoints_are_drawn_and_the_time_without_the_job_is_marked_in_every_chart() {
    let (directory, _) = finished();
    let rendered = render(directory.path()).unwrap();
    let chart =
        |name: &str| fs::read_to_string(directory.path().join("charts").join(name)).unwrap();
    assert_eq!(rendered.charts.len(), 19);
    insta::assert_snapshot!(chart("checkpoints.svg"));
    for name in ["rate.svg", "stalls.svg", "recovery.svg", "checkpoints.svg"] {
        assert!(chart(name).contains("down: "), "{name}");
    }
}

#[test]
fn a_job_without_checkpoints_has_no_charts_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let run = Simulation::default().finish(directory.path());
    assert_eq!((run.checkpoints, run.attempts), (None, 1));
    let rendered = render(directory.path()).unwrap();
    let names = rendered.charts.iter().filter_map(|path| path.file_stem());
    let of_checkpoints = ["checkpoints", "stalls", "recovery"];
    assert!(
        !names
            .into_iter()
            .any(|name| of_checkpoints.contains(&&*name.to_string_lossy()))
    );
}
