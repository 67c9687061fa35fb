//! What a run is asked for, and when it begins to count.

use serde_json::Value;

use crate::backwater::{Folder, SMALL, run_json, stderr, stdout};

/// Verdicts of runs that say nothing: they can happen on any busy machine.
fn is_invalid(run: &Value) -> bool {
    ["generator-limited", "failed"].contains(&run["verdict"].as_str().unwrap())
}

#[test]
fn a_missed_objective_is_exit_status_1_whatever_the_verdict_and_a_met_one_0() {
    let folder = Folder::new();
    let scenario = folder.write("small.toml", SMALL);
    let asked = |out: &str, objective: &str, rate: &str| {
        let sets = ["--set", objective, "--set", rate];
        let output = folder.run(&[&["run", &scenario, "--out", out][..], &sets].concat());
        let run = run_json(&folder.path().join(out));
        (output, run)
    };
    for (out, objective, rate, met, status) in [
        ("met", "slo.p99=1h", "load.shape.rate_per_s=5000", true, 0),
        (
            "missed",
            "slo.min_throughput_per_s=5e8",
            "load.shape.rate_per_s=5000",
            false,
            1,
        ),
        (
            "overloaded",
            "slo.p99=1us",
            "load.shape.rate_per_s=5000000",
            false,
            1,
        ),
    ] {
        let (output, run) = asked(out, objective, rate);
        assert_eq!(run["slo"]["met"], met, "{}", run["slo"]);
        assert!(stdout(&output).contains("objectives"));
        let expected = if is_invalid(&run) { 3 } else { status };
        assert_eq!(output.status.code(), Some(expected), "{}", stderr(&output));
    }
}

#[test]
fn a_warm_up_ends_by_itself_and_the_record_says_when() {
    let folder = Folder::new();
    let scenario = folder.write("small.toml", SMALL);
    let sets = [
        "measure.warmup=auto",
        "measure.warmup_max=3s",
        "measure.interval=10ms",
    ];
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let arguments: Vec<&str> = ["run", &scenario, "--out", "out"]
        .into_iter()
        .chain(sets)
        .collect();
    let output = folder.run(&arguments);
    let run = run_json(&folder.path().join("out"));
    let measured = |end: &str| run["measured"][end].as_u64().unwrap();
    let (from_ms, to_ms) = (measured("from_ms"), measured("to_ms"));
    assert!((500..=3_100).contains(&from_ms), "{}", stderr(&output));
    assert!(
        (300..=500).contains(&(to_ms - from_ms)),
        "{from_ms} to {to_ms}"
    );
    let said = stderr(&output);
    assert!(
        said.contains("warm after") || said.contains("not steady after"),
        "{said}"
    );
}
