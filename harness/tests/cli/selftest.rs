//! `selftest` as its users meet it. What it claims, and that it fails of a broken instrument, is tested in
//! `harness/tests/measurement/claims.rs`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::backwater::{Folder, stderr, stdout};

fn result(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("result.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

#[test]
fn a_claim_that_does_not_exist_is_refused_with_those_that_do() {
    let folder = Folder::new();
    let output = folder.run(&["selftest", "--only", "dreams"]);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    for claim in ["freeze", "queueing", "time-split", "null-ceiling", "a-a"] {
        assert!(message.contains(claim), "{message}");
    }
    assert!(!folder.path().join("results").exists());
}

/// Whether the claim holds is the machine's affair: what must hold is that the exit status, the message, the table and
/// the JSON say the same.
#[test]
fn a_self_test_answers_alike_in_its_status_its_table_and_its_files() {
    let folder = Folder::new();
    let output = folder.run(&["selftest", "--only", "null-ceiling", "--out", "out"]);
    let out = folder.path().join("out");
    let record = result(&out);
    let finding = &record["claims"][0]["findings"][0];
    let pass = finding["pass"].as_bool().unwrap();
    let (status, word) = match pass {
        true => (0, "passes"),
        false => (1, "fails: null-ceiling"),
    };
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(status), "{message}");
    assert_eq!(
        message.contains("error: does not hold on this machine: null-ceiling"),
        !pass
    );
    assert!(stdout(&output).contains(word), "{}", stdout(&output));
    assert_eq!(
        (&record["finished"], &record["claims"][0]["claim"]),
        (&Value::from(true), &Value::from("null-ceiling"))
    );
    let again = folder.run(&["report", "out"]);
    assert_eq!(stdout(&again), stdout(&output));
    assert!(finding["measured"].as_f64() > Some(0.0));
    let table = fs::read_to_string(out.join("selftest.csv")).unwrap();
    assert!(
        table.starts_with("claim,what,measured,at_least,at_most,unit,pass,attempt\nnull-ceiling,")
    );
    for run in record["claims"][0]["runs"].as_array().unwrap() {
        assert!(out.join(run.as_str().unwrap()).join("run.json").exists());
    }
}

#[test]
fn an_interrupted_self_test_says_that_it_is_not_finished() {
    let folder = Folder::new();
    let child = folder
        .command(&["selftest", "--only", "freeze", "--out", "out", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = folder.path().join("out/runs/freeze-1-freeze/timeline.csv");
    for _ in 0..500 {
        std::thread::sleep(Duration::from_millis(20));
        if begun.exists() {
            break;
        }
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let record: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(record["finished"], false);
    assert_eq!(record, result(&folder.path().join("out")));
}
