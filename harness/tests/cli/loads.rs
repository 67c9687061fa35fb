//! `search` and `sweep` as their users meet them: a short one of a job whose capacity is known, and what is
//! refused. How they search is tested without an engine, in `harness/src/search/tests.rs`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::backwater::{Folder, stderr, stdout};

/// One subtask that waits 1 ms for each record: 1,000 a second.
const SLOW: &str = r#"
name = "slow"
[workload]
kind = "slow-operator"
cost = { kind = "blocking", mean = "1ms" }
[load]
shape = { kind = "constant", rate_per_s = 500 }
[job]
parallelism = 1
chaining = ["slow", "sum"]
channels = { batch = 8 }
[measure]
warmup = "200ms"
duration = "2s"
interval = "50ms"
"#;

fn result(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("result.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// On a busy machine a few seconds may give no estimate: what must hold then is that this is said.
#[test]
fn a_search_leaves_a_folder_that_a_sweep_and_a_report_can_go_on_with() {
    let folder = Folder::new();
    let scenario = folder.write("slow.toml", SLOW);
    let arguments = [
        "search",
        &scenario,
        "--out",
        "found",
        "--max-probes",
        "4",
        "--json",
    ];
    let output = folder.run(&arguments);
    let found = folder.path().join("found");
    let message = stderr(&output);
    let record = result(&found);
    assert_eq!(
        serde_json::from_str::<Value>(&stdout(&output)).unwrap(),
        record,
        "{message}"
    );
    assert_eq!(record["heading"]["finished"], true, "{message}");
    let capacity = &record["answer"]["capacity"];
    let expected = if capacity.is_null() { 3 } else { 0 };
    assert_eq!(output.status.code(), Some(expected), "{message}");
    if let Some(median) = capacity["median_per_s"].as_f64() {
        assert!((500.0..1_500.0).contains(&median), "{record:#}");
    }
    let probes = fs::read_to_string(found.join("search.csv")).unwrap();
    let page = fs::read_to_string(found.join("search.html")).unwrap();
    for line in probes.lines().skip(1) {
        let run = line.rsplit(',').next().unwrap();
        assert!(
            found.join("runs").join(run).join("report.html").exists(),
            "{line}"
        );
        assert!(page.contains(&format!("runs/{run}/report.html")));
    }
    assert!(found.join("runs/00-max/run.json").exists());
    assert!(!folder.path().join("results").exists());

    let again = folder.run(&["search", &scenario, "--out", "found"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(
        stderr(&again).contains("is a finished search"),
        "{}",
        stderr(&again)
    );

    fs::remove_file(found.join("search.html")).unwrap();
    let report = folder.run(&["report", "found"]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    assert_eq!(fs::read_to_string(found.join("search.html")).unwrap(), page);
    assert!(stdout(&report).contains("sustainable throughput"));
}

#[test]
fn what_cannot_be_searched_or_swept_is_refused_before_anything_runs() {
    let folder = Folder::new();
    let scenario = folder.write("slow.toml", SLOW);
    let refused = |arguments: &[&str], reason: &str| {
        let output = folder.run(arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(reason), "{message}");
        assert!(!folder.path().join("results").exists());
    };
    refused(&["search", "flights"], "found kind = \"replay\"");
    refused(
        &["sweep", &scenario, "--capacity", "nowhere"],
        "neither a rate nor",
    );
    refused(&["sweep", &scenario, "--capacity", "-3"], "");
    refused(&["search", &scenario, "--max-probes", "1"], "2..=100");
    folder.write("other.txt", "");
    refused(&["search", &scenario, "--out", "."], "is not empty");
}
