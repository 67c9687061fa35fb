//! Keyed state from `state.csv` to what people read.

use std::fs;

use reports::record::{Backend, Memory, Run, RunDir, StateRow, Writer};
use reports::{conclude, render, summary_text};

use crate::simulated::Simulation;

fn finished(state: Backend, directory: &std::path::Path) -> Run {
    let simulation = Simulation {
        state: Some(state),
        ..Simulation::default()
    };
    simulation.finish(directory)
}

#[test]
fn the_terminal_summary_of_a_run_with_state_in_rocksdb() {
    let directory = tempfile::tempdir().unwrap();
    let run = finished(Backend::RocksDb, directory.path());
    insta::assert_snapshot!(summary_text(&run));
    let found = (&run.summary.memory, &run.operators[3].state_backend);
    insta::assert_snapshot!(serde_json::to_string_pretty(&found).unwrap());
}

#[test]
fn the_terminal_summary_of_a_run_with_state_on_the_heap() {
    let directory = tempfile::tempdir().unwrap();
    let run = finished(Backend::Heap, directory.path());
    insta::assert_snapshot!(summary_text(&run));
    assert_eq!(run.summary.memory.configured, None);
    assert_eq!(run.operators[3].state_backend.unwrap().block_cache, None);
}

#[test]
fn charts_are_drawn_as_far_as_there_is_something_to_show() {
    for (state, charts) in [
        (None, 9),
        (Some(Backend::Heap), 11),
        (Some(Backend::RocksDb), 16),
    ] {
        let directory = tempfile::tempdir().unwrap();
        Simulation {
            state,
            ..Simulation::default()
        }
        .finish(directory.path());
        assert_eq!(
            render(directory.path()).unwrap().charts.len(),
            charts,
            "{state:?}"
        );
    }
}

/// What the growing file has at some sample, bytes by subtask.
fn growing(samples: &[(u64, [Option<u64>; 2])]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let simulation = Simulation::default();
    let mut writer = Writer::create(directory.path(), "", &simulation.graph(), 0).unwrap();
    for (t_ms, bytes) in samples {
        for (subtask, bytes) in bytes.iter().enumerate() {
            let row = StateRow {
                t_ms: *t_ms,
                task: "sum".to_owned(),
                subtask: subtask as u32,
                bytes: *bytes,
                ..StateRow::default()
            };
            writer.append(&row).unwrap();
        }
    }
    writer.close().unwrap();
    conclude(directory.path(), &simulation.facts()).unwrap()
}

#[test]
fn growth_is_that_of_all_subtasks_together_in_the_measured_phase() {
    // 100 B/s each; the jump lies in the warm-up of one second.
    let at = |s: u64| (s * 1_000, [Some(7_000 + 100 * s), Some(100 * s)]);
    let mut samples = vec![(0, [Some(1_000_000), Some(0)])];
    samples.extend((1..=20).map(at));
    let state = growing(&samples).operators[3].state_backend.unwrap();
    assert!((state.growth_bytes_per_s.unwrap() - 200.0).abs() < 1e-6);
    assert_eq!(state.bytes, Some(7_000 + 2_000 + 2_000));
    assert_eq!(
        (state.entries, state.read_ns, state.block_cache),
        (None, None, None)
    );
}

#[test]
fn a_subtask_whose_size_is_not_known_for_a_while_keeps_its_last() {
    let mut samples: Vec<_> = (0..20)
        .map(|s| (s * 1_000, [Some(5_000), Some(900)]))
        .collect();
    samples[19].1[1] = None;
    let state = growing(&samples).operators[3].state_backend.unwrap();
    assert_eq!(
        (state.bytes, state.growth_bytes_per_s),
        (Some(5_900), Some(0.0))
    );
}

#[test]
fn records_from_before_there_was_state_are_read_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let run = Simulation::default().finish(directory.path());
    fs::remove_file(directory.path().join("state.csv")).unwrap();
    let path = directory.path().join("run.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    json["summary"].as_object_mut().unwrap().remove("memory");
    for operator in json["operators"].as_array_mut().unwrap() {
        operator.as_object_mut().unwrap().remove("state_backend");
    }
    fs::write(&path, json.to_string()).unwrap();
    let old = reports::open_run(directory.path()).unwrap();
    assert_eq!(old.summary.memory, Memory::default());
    assert_eq!(old.operators.len(), run.operators.len());
    assert!(old.operators.iter().all(|it| it.state_backend.is_none()));
    let notes = RunDir::open(directory.path()).unwrap().notes().to_vec();
    assert_eq!(notes, [] as [String; 0]);
    render(directory.path()).unwrap();
}
