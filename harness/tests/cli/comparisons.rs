//! `compare` as its users meet it: interleaved blocks, ended half-way and gone on with, and finished runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::backwater::{Folder, SMALL, stderr, stdout};

/// Half a second, with a variant that takes five times as long for each record.
const SCENARIO: &str = r#"
name = "one"
[workload]
kind = "slow-operator"
cost = { kind = "blocking", mean = "200us" }
[load]
shape = { kind = "max" }
[job]
parallelism = 1
[measure]
warmup = "100ms"
duration = "400ms"
interval = "50ms"
[[variant]]
name = "slower"
set = { "workload.cost.mean" = "1ms" }
"#;

fn result(directory: &Path) -> Value {
    let text = fs::read_to_string(directory.join("result.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The directories of the runs there are, in the order in which they ran.
fn runs(result: &Value) -> Vec<String> {
    let blocks = result["blocks"].as_array().unwrap().iter();
    let of_block = |block: &Value| -> Vec<String> {
        let order = block["order"].as_array().unwrap().iter();
        let runs = order.map(|variant| &block["runs"][variant.as_u64().unwrap() as usize]);
        let runs = runs.filter_map(|run| run["directory"].as_str());
        runs.map(str::to_owned).collect()
    };
    blocks.flat_map(of_block).collect()
}

fn written_at(directory: &Path, runs: &[String]) -> Vec<std::time::SystemTime> {
    let modified = |run: &String| {
        let file = directory.join(run).join("run.json");
        fs::metadata(file).unwrap().modified().unwrap()
    };
    runs.iter().map(modified).collect()
}

#[test]
fn a_comparison_that_was_interrupted_goes_on_and_says_which_variant_is_worse() {
    let folder = Folder::new();
    let scenario = folder.write("one.toml", SCENARIO);
    let arguments = ["compare", &scenario, "--blocks", "8", "--out", "out"];
    let out = folder.path().join("out");
    let mut child = folder
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let has_some = || out.join("result.json").exists() && runs(&result(&out)).len() >= 3;
    for _ in 0..3_000 {
        if has_some() || child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let before = result(&out);
    assert_eq!(before["finished"], false);
    let kept = runs(&before);
    assert!((3..16).contains(&kept.len()), "{kept:?}");
    assert!(out.join("comparison.html").exists());
    let written = written_at(&out, &kept);

    let other = folder.run(&[&arguments[..], &["--set", "measure.duration=300ms"]].concat());
    assert_eq!(other.status.code(), Some(2));
    assert!(
        stderr(&other).contains("holds another comparison"),
        "{}",
        stderr(&other)
    );

    let other = folder.run(&[&arguments[..], &["--margin", "2%"]].concat());
    assert!(
        stderr(&other).contains("--margin differs"),
        "{}",
        stderr(&other)
    );

    let output = folder.run(&[&arguments[..], &["--json"]].concat());
    let message = stderr(&output);
    let found = stdout(&output);
    // On a busy machine a run or two may be of no use: six pairs that agree are enough.
    assert_eq!(output.status.code(), Some(1), "{message}{found}");
    let after = result(&out);
    assert_eq!(serde_json::from_str::<Value>(&found).unwrap(), after);
    assert_eq!(after["finished"], true);
    let all = runs(&after);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 16);
    assert_eq!(all[..kept.len()], kept);
    assert_eq!(written_at(&out, &kept), written, "nothing runs twice");
    let throughput = &after["estimates"][0][0];
    assert_eq!(throughput["verdict"]["kind"], "worse", "{throughput:#}");
    assert!(throughput["ratio"].as_f64() < Some(0.9), "{throughput:#}");
    let rows = fs::read_to_string(out.join("blocks.csv")).unwrap();
    assert_eq!(rows.lines().count(), 17);
    let page = fs::read_to_string(out.join("comparison.html")).unwrap();
    let page = page.replace("&#x2f;", "/");
    for run in &all {
        assert!(page.contains(&format!("{run}/report.html")), "{run}");
        assert!(out.join(run).join("report.html").exists());
    }

    let finished = folder.run(&arguments);
    assert_eq!(finished.status.code(), Some(2));
    assert!(stderr(&finished).contains("is a finished comparison"));

    let page_again = folder.run(&["report", "out"]);
    assert_eq!(page_again.status.code(), Some(0), "{}", stderr(&page_again));
    assert!(stdout(&page_again).contains("slower: throughput worse"));

    let finished = [&all[0], &all[1]].map(|run| PathBuf::from("out").join(run));
    let finished = finished.map(|run| run.to_str().unwrap().to_owned());
    let side_by_side = folder.run(&["compare", &finished[0], &finished[1], "--out", "two"]);
    let text = stdout(&side_by_side);
    assert_eq!(
        side_by_side.status.code(),
        Some(0),
        "{}",
        stderr(&side_by_side)
    );
    assert!(text.contains("not interleaved"), "{text}");
}

/// Checkpoints into a folder that cannot be made: a variant that starts, and leaves no record.
#[test]
fn a_variant_that_cannot_run_ends_the_comparison_and_what_was_found_stays() {
    let folder = Folder::new();
    let text = SCENARIO.replace(
        r#"set = { "workload.cost.mean" = "1ms" }"#,
        r#"set = { "job.checkpoint" = { directory = "/proc/nowhere" } }"#,
    );
    let scenario = folder.write("one.toml", &text);
    let output = folder.run(&["compare", &scenario, "--blocks", "6", "--out", "out"]);
    let (message, text) = (stderr(&output), stdout(&output));
    assert_eq!(output.status.code(), Some(3), "{message}{text}");
    assert!(
        text.contains("ended early: variant slower cannot be run"),
        "{text}"
    );
    let result = result(&folder.path().join("out"));
    assert_eq!(result["finished"], false);
    assert!(runs(&result).len() <= 1);
    assert!(folder.path().join("out/comparison.html").exists());
}

/// Whatever ends a comparison, its run does not go on alone; and nobody works beside it in its folder.
#[test]
fn a_comparison_that_is_killed_takes_its_run_along() {
    let folder = Folder::new();
    let long = SCENARIO.replace("400ms", "60s");
    let scenario = folder.write("one.toml", &long);
    let arguments = ["compare", &scenario, "--blocks", "6", "--out", "out"];
    let mut child = folder
        .command(&arguments)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let runs = folder.path().join("out/runs");
    let begun = (0..3_000).find(|_| {
        std::thread::sleep(Duration::from_millis(20));
        let mut entries = fs::read_dir(&runs).into_iter().flatten().flatten();
        entries.any(|it| it.path().join("timeline.csv").exists())
    });
    assert!(
        begun.is_some() && processes_in(folder.path()) == 2,
        "a run begins"
    );
    let beside = folder.run(&arguments);
    assert_eq!(beside.status.code(), Some(3));
    assert!(
        stderr(&beside).contains("another process is at work"),
        "{}",
        stderr(&beside)
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let alone = (0..3_000).find(|_| {
        std::thread::sleep(Duration::from_millis(20));
        processes_in(folder.path()) == 0
    });
    assert!(alone.is_some(), "its run goes on");
}

/// Processes whose working directory is this one.
fn processes_in(folder: &Path) -> usize {
    let folder = fs::canonicalize(folder).unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let is_in =
        |it: &fs::DirEntry| fs::read_link(it.path().join("cwd")).is_ok_and(|cwd| cwd == folder);
    processes.filter(is_in).count()
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_runs() {
    let folder = Folder::new();
    let scenario = folder.write("one.toml", SCENARIO);
    let alone = folder.write("alone.toml", SCENARIO.split("[[variant]]").next().unwrap());
    let refused = |arguments: &[&str], reason: &str| {
        let output = folder.run(&[&["compare"], arguments].concat());
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(reason), "{message}");
        assert!(!folder.path().join("results").exists());
    };
    refused(&[&alone], "has no variants");
    refused(&["nowhere"], "nowhere");
    refused(&[&scenario, "nowhere"], "expected one scenario");
    refused(
        &[&scenario, "--variant", "x:job.parallelism=0"],
        "parallelism",
    );
    refused(&[&scenario, "--variant", "slower"], "slower");
    refused(&[&scenario, "--variant", "x:nothing=1"], "nothing");
    refused(
        &[&scenario, "--targets", "embedded,embedded"],
        "each target once",
    );
    refused(&["a", "b"], "expected one scenario");
    refused(&[&scenario, "--blocks", "5"], "6..=1000");
    refused(&[&scenario, "--margin", "0"], "above 0");
}

#[test]
fn finished_runs_are_put_side_by_side_and_rendered_again_to_the_byte() {
    let folder = Folder::new();
    let scenario = folder.write("small.toml", SMALL);
    for (out, rate) in [("slow", "2000"), ("fast", "8000")] {
        let rate = format!("load.shape.rate_per_s={rate}");
        let output = folder.run(&["run", &scenario, "--set", &rate, "--out", out]);
        assert_ne!(output.status.code(), Some(2), "{}", stderr(&output));
    }
    let compared = folder.run(&["compare", "slow", "fast", "--out", "both"]);
    let text = stdout(&compared);
    let refused = folder.run(&["compare", "slow", "fast", "--blocks", "8"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--blocks is for a scenario"));
    // Two runs show nothing: not even that one is worse.
    assert_eq!(compared.status.code(), Some(0), "{}", stderr(&compared));
    assert!(text.contains("not interleaved"), "{text}");
    let page = folder.path().join("both/comparison.html");
    let first = fs::read(&page).unwrap();
    fs::remove_file(&page).unwrap();
    let again = folder.run(&["report", "both"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    let (again, line) = (stdout(&again), "report: both/comparison.html\n");
    assert_eq!(again.strip_suffix(line), Some(text.as_str()));
    assert_eq!(fs::read(&page).unwrap(), first);
}
