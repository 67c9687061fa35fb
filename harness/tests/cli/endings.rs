//! Runs that do not end as planned still leave what they had.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::backwater::{Folder, SMALL, run_json, stderr, stdout};

/// Long enough to be ended by the test.
const LONG: [&str; 4] = [
    "--set",
    "measure.duration=60s",
    "--set",
    "measure.interval=20ms",
];

fn start(folder: &Folder, more: &[&str]) -> Child {
    let scenario = folder.write("small.toml", SMALL);
    let arguments = [&["run", scenario.as_str(), "--out", "out"][..], &LONG, more].concat();
    folder
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until some samples have been written.
fn wait_for_samples(directory: &Path) {
    for _ in 0..500 {
        std::thread::sleep(Duration::from_millis(20));
        let text = fs::read_to_string(directory.join("timeline.csv")).unwrap_or_default();
        if text.lines().count() > 20 {
            return;
        }
    }
    panic!("no samples within ten seconds");
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn an_interrupted_run_leaves_a_finished_record_with_the_verdict_aborted() {
    let folder = Folder::new();
    let child = start(&folder, &[]);
    wait_for_samples(&folder.path().join("out"));
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let run = run_json(&folder.path().join("out"));
    assert_eq!(run["verdict"], "aborted");
    assert!(run["summary"]["records_in"].as_u64() > Some(0), "{run:#}");
    assert!(stdout(&output).contains("aborted"));
}

#[test]
fn a_killed_run_leaves_a_prefix_that_is_reported_on() {
    let folder = Folder::new();
    let child = start(&folder, &[]);
    let out = folder.path().join("out");
    wait_for_samples(&out);
    signal(&child, "KILL");
    child.wait_with_output().unwrap();
    assert!(!out.join("run.json").exists());
    let output = folder.run(&["report", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("aborted"), "{}", stdout(&output));
    assert!(out.join("report.html").exists());
}

/// A limit on the size of files stands in for a disk that is full: with SIGXFSZ ignored, writing
/// beyond it is an error like any other.
#[test]
fn a_full_disk_ends_the_run_and_keeps_the_readable_prefix() {
    let folder = Folder::new();
    let scenario = folder.write("small.toml", SMALL);
    let command = format!(
        "trap '' XFSZ; ulimit -f 24; exec '{}' run {scenario} --out out {}",
        env!("CARGO_BIN_EXE_backwater"),
        LONG.join(" ")
    );
    let output = Command::new("bash")
        .args(["-c", &command])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{message}");
    let error = message
        .lines()
        .find(|line| line.starts_with("error:"))
        .unwrap_or_default();
    assert!(
        error.contains(".csv") || error.contains(".hlog"),
        "{message}"
    );
    assert!(error.contains("kept in out"), "{message}");
    assert!(!folder.path().join("out/run.json").exists());
    let output = folder.run(&["report", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        fs::read_to_string(folder.path().join("out/timeline.csv"))
            .unwrap()
            .lines()
            .count()
            > 2
    );
}
