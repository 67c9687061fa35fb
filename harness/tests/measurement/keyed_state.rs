//! Keyed state in the record: what was counted, what a fault costs, what is said of it all.

use std::collections::BTreeMap;

use reports::record::{Backend, EventRow, StateRow, SubtaskRow, event_kind};

use crate::bench::{Finished, alone_on_the_machine, in_one_of_three_attempts, is_within, run};

fn scenario(faults: &str) -> String {
    format!(
        "[workload]
         kind = 'hot-keys'
         keys = 20_000
         distribution = {{ kind = 'uniform' }}
         [load]
         shape = {{ kind = 'constant', rate_per_s = 5_000 }}
         [job]
         parallelism = 2
         state = {{ backend = 'rocksdb', write_buffer_size = '1MiB' }}
         [measure]
         warmup = '500ms'
         duration = '3s'
         interval = '50ms'
         {faults}"
    )
}

/// The last row of every subtask.
fn last<R>(rows: impl Iterator<Item = R>, subtask: impl Fn(&R) -> u32) -> Vec<R> {
    let last: BTreeMap<u32, R> = rows.map(|row| (subtask(&row), row)).collect();
    last.into_values().collect()
}

fn events(run: &Finished) -> Vec<(String, String)> {
    let events = run.record().rows::<EventRow>();
    let faults = events
        .filter(|event| [event_kind::FAULT, event_kind::FAULT_END].contains(&event.kind.as_str()));
    faults.map(|event| (event.kind, event.text)).collect()
}

#[test]
fn state_in_rocksdb_is_in_the_record_and_in_its_conclusion() {
    let _alone = alone_on_the_machine();
    let run = run(&scenario(
        "[[fault]]
         kind = 'throttle-disk'
         rate_per_s = '8MiB'
         at = '1s'
         for = '500ms'",
    ));
    let record = run.record();
    let states = last(record.rows::<StateRow>(), |row| row.subtask);
    let subtasks = record.rows::<SubtaskRow>();
    let subtasks = last(subtasks.filter(|row| row.task == "aggregate"), |row| {
        row.subtask
    });
    assert_eq!((states.len(), subtasks.len()), (2, 2));
    for (state, subtask) in states.iter().zip(&subtasks) {
        // Every record reads its key's aggregate and writes it back.
        assert_eq!(
            (state.reads, state.writes),
            (subtask.records_in, subtask.records_in)
        );
        assert_eq!(state.bytes, subtask.state_bytes);
        assert!(state.bytes > Some(0) && state.block_cache_capacity == Some(8 << 20));
    }
    let aggregate = run.run.operators.iter().find(|it| it.id == "aggregate");
    let state = aggregate.and_then(|it| it.state_backend).unwrap();
    assert_eq!(state.backend, Backend::RocksDb);
    assert!((state.reads_per_record.unwrap() - 1.0).abs() < 0.01);
    assert!(state.read_ns > Some(0.0) && state.write_ns > Some(0.0));
    // A block cache for all, two write buffers for each of the two subtasks.
    assert_eq!(
        run.run.summary.memory.configured,
        Some((8 << 20) + 4 * (1 << 20))
    );
    let throttled = |kind: &str| (kind.to_owned(), "throttle disk".to_owned());
    let [begin, end] = [event_kind::FAULT, event_kind::FAULT_END].map(throttled);
    assert_eq!(events(&run), [begin.clone(), begin, end.clone(), end]);
}

/// What a fault adds is time in the state of its subtask, and of no other.
#[test]
fn slow_state_is_time_in_the_state_of_its_subtask() {
    in_one_of_three_attempts(|| {
        let run = run(&scenario(
            "[[fault]]
             kind = 'slow-state'
             operator = 'aggregate'
             subtask = 1
             extra = '100us'
             at = '500ms'
             for = '2s'",
        ));
        let rows: Vec<EventRow> = run.record().rows().collect();
        let at = |kind: &str| rows.iter().find(|row| row.kind == kind).unwrap().t_ms;
        let (from_ms, to_ms) = (at(event_kind::FAULT) + 100, at(event_kind::FAULT_END) - 100);
        let is_within_it = |t_ms: u64| (from_ms..=to_ms).contains(&t_ms);
        let states: Vec<StateRow> = run.record().rows().collect();
        let subtasks: Vec<SubtaskRow> = run.record().rows().collect();
        for subtask in 0..2 {
            let mut states = states
                .iter()
                .filter(|row| row.subtask == subtask && is_within_it(row.t_ms));
            let mut times = subtasks.iter().filter(|row| {
                row.task == "aggregate" && row.subtask == subtask && is_within_it(row.t_ms)
            });
            let (first, last) = (states.next().unwrap(), states.next_back().unwrap());
            let (begin, end) = (times.next().unwrap(), times.next_back().unwrap());
            let grown = |of: fn(&StateRow) -> Option<u64>| of(last).unwrap() - of(first).unwrap();
            let accesses = grown(|row| row.reads) + grown(|row| row.writes);
            let in_database_ns = grown(|row| row.read_ns) + grown(|row| row.write_ns);
            let injected_ns = if subtask == 1 { accesses * 100_000 } else { 0 };
            let state_ns = end.state_ns.unwrap() - begin.state_ns.unwrap();
            let expected_ns = injected_ns + in_database_ns;
            println!(
                "subtask {subtask}: {accesses} accesses, {state_ns} ns, expected {expected_ns} ns"
            );
            assert!(accesses > 1_000 && is_within(10.0, state_ns as f64, expected_ns as f64));
        }
    });
}
