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

/// Slow enough to be killed and gone on with.
const PRESSED: &str = r#"
name = "pressed"
[workload]
kind = "checkpoint-pressure"
keys = 2_000
cost = { kind = "blocking", mean = "20us" }
[load]
shape = { kind = "constant", rate_per_s = 10_000 }
[job]
parallelism = 2
checkpoint = { interval = "100ms" }
output = { kind = "files" }
restart = { strategy = "fixed-delay", attempts = 3, delay = "50ms" }
[measure]
warmup = "200ms"
duration = "3s"
interval = "50ms"
[[fault]]
kind = "kill"
operator = "profile"
at = "2s"
"#;

#[test]
fn a_run_whose_process_was_killed_goes_on_from_its_checkpoint_and_its_results_are_right() {
    let folder = Folder::new();
    let scenario = folder.write("pressed.toml", PRESSED);
    let started = folder.command(&["run", &scenario, "--out", "out"]).spawn();
    let mut child = started.unwrap();
    let checkpoints = folder.path().join("out/checkpoint_outcomes.csv");
    let complete = || fs::read_to_string(&checkpoints).unwrap_or_default();
    while complete().lines().count() < 6 {
        assert_eq!(
            child.try_wait().unwrap(),
            None,
            "it ended before it was killed"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "KILL");
    child.wait().unwrap();
    // At another parallelism, and through a failure of its own.
    let set = "job.parallelism=3";
    let again = [
        "run",
        &scenario,
        "--restore",
        "out",
        "--set",
        set,
        "--out",
        "again",
    ];
    let output = folder.run(&again);
    // On a busy machine the driver may be late; results are right all the same.
    let status = output.status.code();
    assert!(matches!(status, Some(0 | 3)), "{}", stderr(&output));
    let run = run_json(&folder.path().join("again"));
    let found = &run["correctness"];
    assert_eq!(
        (found["missing"].as_u64(), found["duplicated"].as_u64()),
        (Some(0), Some(0))
    );
    assert_eq!(
        (found["expected"].as_u64(), found["wrong"].as_u64()),
        (Some(32_000), Some(0))
    );
    let from = run["restored_from"].as_str().unwrap_or_default();
    assert!(from.contains("out/checkpoints/chk-"), "{from}");
    assert_eq!(run["attempts"], 2);
    // All its subtasks were; one was the first to end.
    let cause = run["recoveries"][0]["cause"].as_str().unwrap_or_default();
    assert!(
        cause.starts_with("profile (") && cause.ends_with("): killed"),
        "{cause}"
    );
    assert!(
        run["recoveries"][0]["restored_checkpoint"].is_u64(),
        "{run:#}"
    );
    assert!(run["records_replayed"].as_u64() > Some(0));
    assert!(run["checkpoints"]["completed"].as_u64() > Some(3));
    // What the first process had made visible is not shown again, and nothing is missing.
    let mut records = written(&folder.path().join("out/output/sink"));
    records.sort_unstable();
    assert_eq!(records, (0..32_000).collect::<Vec<u64>>());
}

/// The first cell of every row in the files of a sink.
fn written(directory: &Path) -> Vec<u64> {
    let files = fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path());
    let visible = files.filter(|path| path.extension().is_some_and(|it| it == "csv"));
    let rows = visible.flat_map(|path| {
        let text = fs::read_to_string(path).unwrap();
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    });
    rows.map(|row| row.split(',').next().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn a_checkpoint_of_other_records_is_refused_and_nothing_is_left() {
    let folder = Folder::new();
    let scenario = folder.write("pressed.toml", PRESSED);
    let short = [
        "--set",
        "measure.duration=300ms",
        "--set",
        "fault.0.at=100ms",
    ];
    let first = [&["run", &scenario, "--out", "out"][..], &short].concat();
    let status = folder.run(&first).status.code();
    assert!(matches!(status, Some(0 | 3)), "{status:?}");
    let changed = ["--restore", "out", "--set", "seed=2", "--out", "again"];
    let output = folder.run(&[&["run", &scenario][..], &changed, &short].concat());
    assert_eq!(output.status.code(), Some(2));
    let message = stderr(&output);
    assert!(
        message.contains("error: --restore: seed: found 2"),
        "{message}"
    );
    assert!(!folder.path().join("again").exists());
}
