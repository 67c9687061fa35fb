//! What a run leaves behind, and what it prints.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::backwater::{Folder, SMALL, run_json, stderr, stdout};

/// The files of a finished run.
const FILES: [&str; 9] = [
    "scenario.toml",
    "graph.json",
    "timeline.csv",
    "subtasks.csv",
    "channels.csv",
    "events.csv",
    "latency.hlog",
    "run.json",
    "report.html",
];

fn assert_complete(directory: &Path) -> Value {
    for file in FILES {
        let bytes = fs::metadata(directory.join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}"))
            .len();
        assert!(bytes > 0, "{file} is empty");
    }
    assert!(fs::read_dir(directory.join("charts")).unwrap().count() > 0);
    let run = run_json(directory);
    for key in [
        "schema",
        "name",
        "target",
        "verdict",
        "started_at",
        "host",
        "scenario",
        "records_replayed",
    ] {
        assert!(!run[key].is_null(), "{key}");
    }
    for key in [
        "throughput_per_s",
        "records_in",
        "records_out",
        "harness_cpu",
    ] {
        assert!(run["summary"][key].is_number(), "summary.{key}");
    }
    assert!(run["summary"]["latency_ns"]["service"]["count"].as_u64() > Some(0));
    assert!(!run["operators"].as_array().unwrap().is_empty());
    run
}

/// A second of each, cut out of its middle: warm-up and faults would take longer than the test has.
#[test]
fn every_built_in_scenario_leaves_a_complete_record() {
    for (name, text) in workloads::builtin_scenarios() {
        let folder = Folder::new();
        let out = folder.path().join("out");
        let mut arguments = vec!["run", name, "--out", out.to_str().unwrap()];
        for set in [
            "measure.warmup=200ms",
            "measure.duration=1s",
            "measure.interval=50ms",
        ] {
            arguments.extend(["--set", set]);
        }
        if text.contains("\n[[fault]]") {
            arguments.extend(["--set", "fault.0.at=300ms"]);
        }
        if text.contains("\nfor = ") {
            arguments.extend(["--set", "fault.0.for=100ms"]);
        }
        let output = folder.run(&arguments);
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "{name}: {}",
            stderr(&output)
        );
        let run = assert_complete(&out);
        // A second is too short to be steady, and on a busy machine may be generator-limited; it must
        // never fail or be wrong.
        let verdict = run["verdict"].as_str().unwrap();
        assert!(
            !["failed", "aborted", "wrong", "unjudged"].contains(&verdict),
            "{name}: {run:#}"
        );
        assert_eq!(run["correctness"]["checked"], true, "{name}: {run:#}");
    }
}

#[test]
fn a_run_prints_its_summary_and_two_runs_in_one_second_do_not_collide() {
    let folder = Folder::new();
    let scenario = folder.write("small.toml", SMALL);
    let output = folder.run(&["run", &scenario]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("verdict"), "{}", stdout(&output));
    let directory = folder.only_result();
    let name = directory.file_name().unwrap().to_str().unwrap();
    assert!(
        name.ends_with("Z-small-embedded") && name.len() == "20261122T154500Z-small-embedded".len(),
        "{name}"
    );
    assert!(
        stderr(&output).contains(&format!("report: results/{name}/report.html")),
        "{}",
        stderr(&output)
    );
    let children: Vec<_> = (0..3)
        .map(|_| {
            folder
                .command(&["run", &scenario, "--target", "null"])
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        child.wait().unwrap();
    }
    assert_eq!(
        fs::read_dir(folder.path().join("results")).unwrap().count(),
        4
    );
}

#[test]
fn json_on_standard_output_is_run_json_to_the_byte() {
    let folder = Folder::new();
    let scenario = folder.write("small.toml", SMALL);
    let output = folder.run(&["run", &scenario, "--json", "--out", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        fs::read_to_string(folder.path().join("out/run.json")).unwrap()
    );
}

#[test]
fn the_effective_scenario_runs_again_unchanged() {
    let folder = Folder::new();
    let scenario = folder.write("small.toml", SMALL);
    folder.run(&["run", &scenario, "--set", "seed=7", "--out", "first"]);
    let output = folder.run(&["run", "first/scenario.toml", "--out", "second"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let effective =
        |run: &str| fs::read_to_string(folder.path().join(run).join("scenario.toml")).unwrap();
    assert_eq!(effective("first"), effective("second"));
    assert!(effective("first").contains("seed = 7"));
}

#[test]
fn the_null_target_measures_the_harness_alone() {
    let folder = Folder::new();
    let scenario = folder.write("small.toml", SMALL);
    let set = ["--set", "load.shape={ kind = \"max\" }"];
    let output = folder.run(
        &[
            &["run", &scenario, "--target", "null", "--out", "out"][..],
            &set,
        ]
        .concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let run = assert_complete(&folder.path().join("out"));
    assert_eq!(run["target"]["kind"], "null");
    assert!(run["summary"]["offered_per_s"].is_null());
    assert!(run["summary"]["latency_ns"]["response"].is_null());
    assert_eq!(run["correctness"]["checked"], false);
    assert!(run["ceiling"].is_null(), "it is one");
    let records = |key: &str| run["summary"][key].as_f64().unwrap();
    assert!((records("records_out") / records("records_in") - 1.0).abs() < 0.01);
    assert!(
        run["operators"][0]["busy"].is_null(),
        "no engine, no time split"
    );
}

#[test]
fn a_closed_loop_run_says_what_the_harness_reaches_alone_and_others_do_not() {
    let folder = Folder::new();
    let scenario = folder.write("small.toml", SMALL);
    let closed = "load.shape={ kind = \"max\" }";
    let output = folder.run(&["run", &scenario, "--set", closed, "--out", "closed"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("harness ceiling"),
        "{}",
        stdout(&output)
    );
    let run = run_json(&folder.path().join("closed"));
    let ceiling = |key: &str| run["ceiling"][key].as_f64().unwrap();
    let throughput = run["summary"]["throughput_per_s"].as_f64().unwrap();
    // At least 1 us per record with the engine, no cost without it.
    assert!(ceiling("generated_per_s") > throughput, "{run:#}");
    let share = throughput / ceiling("generated_per_s");
    assert!((ceiling("generation_share") - share).abs() < 1e-9);
    folder.run(&["run", &scenario, "--out", "open"]);
    assert!(run_json(&folder.path().join("open"))["ceiling"].is_null());
}

#[test]
fn lists_name_every_workload_scenario_and_parameter() {
    let folder = Folder::new();
    let overview = stdout(&folder.run(&["list"]));
    for (name, text) in workloads::builtin_scenarios() {
        assert!(overview.contains(name), "{overview}");
        assert!(stdout(&folder.run(&["list", name])).contains(text));
    }
    for family in workloads::families() {
        assert!(
            overview.contains(family.name) && overview.contains(family.summary),
            "{overview}"
        );
        let explained = stdout(&folder.run(&["list", family.name]));
        for parameter in family
            .parameters
            .iter()
            .chain(workloads::parameters_of_load())
        {
            assert!(
                explained.contains(parameter.name) && explained.contains(parameter.help),
                "{explained}"
            );
        }
    }
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let folder = Folder::new();
    let mut child = folder
        .command(&["list", "slow-operator"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Every kind of fault at once: each is in the record with its begin (and its end, if it has one),
/// the answer stays right, and what a paused split holds back is never called the driver's lag.
#[test]
fn every_kind_of_fault_is_recorded_and_leaves_the_answer_right() {
    let folder = Folder::new();
    let scenario = folder.write(
        "faults.toml",
        r#"
        name = "faults"
        [workload]
        kind = "hot-keys"
        distribution = { kind = "hot", share = 0.5 }
        cost = { kind = "cpu", mean = "1us" }
        [load]
        shape = { kind = "constant", rate_per_s = 5_000 }
        splits = 4
        [job]
        parallelism = 2
        [measure]
        warmup = "100ms"
        duration = "1s"
        interval = "50ms"
        [[fault]]
        kind = "pause-split"
        split = 1
        at = "100ms"
        for = "300ms"
        [[fault]]
        kind = "skew-shift"
        at = "200ms"
        [[fault]]
        kind = "slow-subtask"
        operator = "aggregate"
        subtask = 1
        extra = "10us"
        at = "300ms"
        for = "200ms"
        [[fault]]
        kind = "freeze"
        operator = "aggregate"
        at = "600ms"
        for = "100ms"
        "#,
    );
    let output = folder.run(&["run", &scenario, "--out", "run"]);
    let run = run_json(&folder.path().join("run"));
    let correctness = &run["correctness"];
    assert_eq!(correctness["checked"], true, "{}", stderr(&output));
    for count in ["missing", "duplicated", "wrong"] {
        assert_eq!(correctness[count], 0, "{count}");
    }
    let events = fs::read_to_string(folder.path().join("run/events.csv")).unwrap();
    let count = |kind: &str, text: &str| {
        let is_meant = |line: &&str| {
            let columns: Vec<&str> = line.split(',').collect();
            columns[1] == kind && columns[5].starts_with(text)
        };
        events.lines().filter(is_meant).count()
    };
    assert_eq!(
        (
            count("fault", "pause split 1"),
            count("fault-end", "pause split 1")
        ),
        (1, 1),
        "{events}"
    );
    assert_eq!(
        (
            count("fault", "skew shift"),
            count("fault-end", "skew shift")
        ),
        (1, 0),
        "{events}"
    );
    assert_eq!(
        (
            count("fault", "slow aggregate 1"),
            count("fault-end", "slow aggregate 1")
        ),
        (1, 1),
        "{events}"
    );
    // Both subtasks of the operator stand still.
    assert_eq!(
        (count("fault", "freeze"), count("fault-end", "freeze")),
        (2, 2),
        "{events}"
    );
    assert!(
        !run["operators"]
            .as_array()
            .unwrap()
            .iter()
            .all(|task| task["top_keys"].as_array().unwrap().is_empty())
    );
}
