//! A record that was left at any moment, or damaged anywhere, is read as far as it goes.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use reports::record::{
    Backend, ChannelRow, EventRow, KeyRow, Row, RunDir, StateRow, SubtaskRow, TimelineRow,
    TradeOffRow, Verdict,
};
use reports::{open_run, render};

use crate::simulated::Simulation;

const FILES: [&str; 13] = [
    "scenario.toml",
    "graph.json",
    "timeline.csv",
    "subtasks.csv",
    "channels.csv",
    "checkpoints.csv",
    "events.csv",
    "latency.hlog",
    "run.json",
    "keys.csv",
    "trade_off.csv",
    "state.csv",
    "checkpoint_outcomes.csv",
];

fn short_run(directory: &Path) {
    let run = Simulation {
        length_ms: 1_500,
        freeze_ms: Some((1_100, 1_200)),
        has_event_time: true,
        state: Some(Backend::RocksDb),
        has_checkpoints: true,
        ..Simulation::default()
    };
    run.finish(directory);
}

fn rows<R: Row>(directory: &Path) -> Vec<R> {
    RunDir::open(directory).unwrap().rows().collect()
}

/// The rows of every table and the latency intervals, as text.
fn everything(directory: &Path) -> Vec<Vec<String>> {
    fn lines<T: std::fmt::Debug>(rows: impl IntoIterator<Item = T>) -> Vec<String> {
        rows.into_iter().map(|row| format!("{row:?}")).collect()
    }
    vec![
        lines(rows::<TimelineRow>(directory)),
        lines(rows::<SubtaskRow>(directory)),
        lines(rows::<ChannelRow>(directory)),
        lines(rows::<EventRow>(directory)),
        lines(rows::<KeyRow>(directory)),
        lines(rows::<TradeOffRow>(directory)),
        lines(rows::<StateRow>(directory)),
        lines(RunDir::open(directory).unwrap().latency()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_cut_at_any_byte_leaves_a_prefix_that_can_be_rendered(
        file in 0..FILES.len(), cut in any::<prop::sample::Index>()
    ) {
        let directory = tempfile::tempdir().unwrap();
        short_run(directory.path());
        let whole = everything(directory.path());
        let path = directory.path().join(FILES[file]);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..cut.index(bytes.len())]).unwrap();
        for (part, whole) in everything(directory.path()).iter().zip(&whole) {
            prop_assert!(whole.starts_with(part));
        }
        render(directory.path()).unwrap();
    }

    #[test]
    fn a_file_with_damaged_bytes_never_panics(
        file in 0..FILES.len(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)
    ) {
        let directory = tempfile::tempdir().unwrap();
        short_run(directory.path());
        let path = directory.path().join(FILES[file]);
        let mut bytes = fs::read(&path).unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fs::write(&path, bytes).unwrap();
        fs::remove_file(directory.path().join("run.json")).unwrap();
        render(directory.path()).unwrap();
    }

    #[test]
    fn any_numbers_in_the_tables_never_panic(
        times in prop::collection::vec(any::<(u64, u32, u64, Option<u64>)>(), 0..30)
    ) {
        let directory = tempfile::tempdir().unwrap();
        let cell = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
        let mut timeline = "t_ms,offered,admitted,completed,backlog,response_p50_ns\n".to_owned();
        let mut subtasks = "t_ms,task,subtask,attempt,idle_ns,backpressured_ns\n".to_owned();
        let mut state = "t_ms,task,subtask,attempt,reads,bytes,read_samples,read_ns,block_cache_capacity,stall_ns,level0_files\n".to_owned();
        let mut channels = "t_ms,edge,to,enqueued,dequeued,capacity\n".to_owned();
        for (t_ms, subtask, number, optional) in times {
            let optional = cell(optional);
            timeline += &format!("{t_ms},{optional},{number},{number},{optional},{optional}\n");
            subtasks += &format!("{t_ms},a,{subtask},0,{number},{optional}\n");
            state += &format!("{t_ms},a,{subtask},0,{number},{optional},{number},{number},{optional},{number},{subtask}\n");
            channels += &format!("{t_ms},a,{subtask},{number},{number},{optional}\n");
        }
        fs::write(directory.path().join("timeline.csv"), timeline).unwrap();
        fs::write(directory.path().join("subtasks.csv"), subtasks).unwrap();
        fs::write(directory.path().join("state.csv"), state).unwrap();
        fs::write(directory.path().join("channels.csv"), channels).unwrap();
        render(directory.path()).unwrap();
    }
}

#[test]
fn a_record_without_any_one_file_is_reported_on_and_says_what_is_missing() {
    // Records need not have the last four.
    for file in &FILES[..FILES.len() - 4] {
        let directory = tempfile::tempdir().unwrap();
        short_run(directory.path());
        fs::remove_file(directory.path().join(file)).unwrap();
        render(directory.path()).unwrap();
        let notes = RunDir::open(directory.path()).unwrap().notes().join("; ");
        assert!(notes.contains(&format!("{file} is missing")), "{notes}");
    }
}

#[test]
fn a_run_that_was_killed_is_aborted_and_has_the_numbers_of_its_prefix() {
    let directory = tempfile::tempdir().unwrap();
    let simulation = Simulation {
        length_ms: 4_000,
        freeze_ms: None,
        ..Simulation::default()
    };
    simulation.write(directory.path());
    let run = open_run(directory.path()).unwrap();
    assert_eq!(
        (run.name.as_str(), run.verdict),
        ("simulated", Verdict::Aborted)
    );
    assert_eq!(run.summary.throughput_per_s, Some(15_000.0));
    assert_eq!(run.summary.records_in, Some(45_000));
    assert!(run.notes[0].contains("did not finish"), "{:?}", run.notes);
}
