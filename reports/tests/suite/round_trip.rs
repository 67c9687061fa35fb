//! What is written is what is read.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use reports::record::{
    ChannelRow, CheckpointRow, EventRow, Graph, KeyRow, RecordError, Row, RunDir, StateRow,
    SubtaskRow, Table, TimelineRow, TradeOffRow, Writer, publish_trade_off,
};

use crate::simulated::Simulation;

fn write<R: Row>(directory: &Path, rows: &[R]) {
    let mut writer = Writer::create(directory, "", &Graph::default(), 0).unwrap();
    for row in rows {
        writer.append(row).unwrap();
    }
    writer.close().unwrap();
}

fn read<R: Row>(directory: &Path) -> Vec<R> {
    let record = RunDir::open(directory).unwrap();
    let mut rows = record.rows();
    let read = rows.by_ref().collect();
    assert_eq!(rows.skipped(), 0);
    read
}

fn round_trip<R: Row + PartialEq + std::fmt::Debug>(rows: &[R]) {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), rows);
    assert_eq!(read::<R>(directory.path()), rows);
}

/// Finite numbers only: others are written as not measured.
fn number() -> impl Strategy<Value = f64> {
    prop::num::f64::NORMAL | prop::num::f64::ZERO
}

prop_compose! {
    fn timeline()(
        t_ms in any::<u64>(), counts in any::<[u64; 2]>(), optional in vec(of(any::<u64>()), 10),
        watermark_lag_ms in of(any::<i64>()), cpu in vec(of(number()), 6)
    ) -> TimelineRow {
        TimelineRow {
            t_ms,
            offered: optional[0],
            admitted: counts[0],
            completed: counts[1],
            backlog: optional[1],
            response_p50_ns: optional[2],
            response_p90_ns: optional[3],
            response_p99_ns: optional[4],
            response_p999_ns: optional[5],
            response_max_ns: optional[6],
            watermark_lag_ms,
            cpu: cpu[0],
            harness_cpu: cpu[1],
            rss: optional[7],
            calibration: optional[8],
            service_p99_ns: optional[9],
            others_cpu: cpu[2],
            stolen_cpu: cpu[3],
            memory_stall: cpu[4],
            io_stall: cpu[5],
        }
    }
}

prop_compose! {
    fn subtask()(
        t_ms in any::<u64>(), task in "\\PC*", subtask in any::<u32>(), attempt in any::<u32>(),
        optional in vec(of(any::<u64>()), 18), in_usage in of(number()), out_usage in of(number()),
        watermark_ms in of(any::<i64>()), event_time_ms in of(any::<i64>())
    ) -> SubtaskRow {
        SubtaskRow {
            t_ms,
            task,
            subtask,
            attempt,
            records_in: optional[0],
            records_out: optional[1],
            idle_ns: optional[2],
            on_cpu_ns: optional[3],
            state_ns: optional[4],
            blocked_ns: optional[5],
            starved_ns: optional[6],
            backpressured_ns: optional[7],
            held_ns: optional[8],
            in_usage,
            out_usage,
            watermark_ms,
            state_bytes: optional[9],
            event_time_ms,
            late_dropped: optional[10],
            late_side_output: optional[11],
            fired_early: optional[12],
            fired_on_time: optional[13],
            fired_late: optional[14],
            timers_fired: optional[15],
            panes_pending: optional[16],
            timers_pending: optional[17],
        }
    }
}

prop_compose! {
    fn channel()(
        t_ms in any::<u64>(), edge in "\\PC*", from in of(any::<u32>()), to in any::<u32>(),
        counts in any::<[u64; 2]>(), capacity in of(number())
    ) -> ChannelRow {
        ChannelRow { t_ms, edge, from, to, enqueued: counts[0], dequeued: counts[1], capacity, bytes: capacity.map(|_| counts[0]), on_link: capacity.map(|_| counts[1]) }
    }
}

prop_compose! {
    fn event()(
        t_ms in any::<u64>(), kind in "\\PC*", task in of("\\PC+"), subtask in of(any::<u32>()),
        attempt in of(any::<u32>()), text in "\\PC*"
    ) -> EventRow {
        EventRow { t_ms, kind, task, subtask, attempt, text }
    }
}

prop_compose! {
    fn key()(
        t_ms in any::<u64>(), task in "\\PC*", key in "\\PC*", counts in any::<[u64; 2]>()
    ) -> KeyRow {
        KeyRow { t_ms, task, key, count: counts[0], error: counts[1] }
    }
}

prop_compose! {
    fn state()(
        place in any::<(u64, u32, u32)>(), task in "\\PC*", counts in vec(of(any::<u64>()), 32),
        small in vec(of(any::<u32>()), 9), write_stopped in of(any::<bool>())
    ) -> StateRow {
        let (t_ms, subtask, attempt) = place;
        StateRow {
            t_ms,
            task,
            subtask,
            attempt,
            reads: counts[0],
            writes: counts[1],
            read_samples: counts[2],
            read_ns: counts[3],
            write_samples: counts[4],
            write_ns: counts[5],
            entries: counts[6],
            bytes: counts[7],
            write_back_hits: counts[8],
            write_back_misses: counts[9],
            write_back_bytes: counts[10],
            write_back_capacity: counts[11],
            block_cache_hits: counts[12],
            block_reads: counts[13],
            block_read_bytes: counts[14],
            data_misses: counts[15],
            index_misses: counts[16],
            filter_misses: counts[17],
            flushed_bytes: counts[18],
            compaction_read_bytes: counts[19],
            compacted_bytes: counts[20],
            stall_ns: counts[21],
            write_stops: counts[22],
            block_cache_bytes: counts[23],
            block_cache_pinned_bytes: counts[24],
            block_cache_capacity: counts[25],
            memory_budget: counts[26],
            memtable_bytes: counts[27],
            write_buffer_capacity: counts[28],
            file_bytes: counts[29],
            pending_compaction_bytes: counts[30],
            delayed_write_rate: counts[31],
            running_compactions: small[0],
            running_flushes: small[1],
            write_stopped,
            level0_files: small[2],
            level1_files: small[3],
            level2_files: small[4],
            level3_files: small[5],
            level4_files: small[6],
            level5_files: small[7],
            level6_files: small[8],
        }
    }
}

prop_compose! {
    fn setting()(
        times in any::<[u64; 2]>(), configured in any::<bool>(), counts in any::<[u64; 7]>(),
        delays in any::<[Option<i64>; 2]>()
    ) -> TradeOffRow {
        TradeOffRow {
            delay_ms: times[0],
            lateness_ms: times[1],
            configured,
            records: counts[0],
            late: counts[1],
            results: counts[2],
            right_at_first: counts[3],
            refined: counts[4],
            incomplete: counts[5],
            missing: counts[6],
            first_delay_p50_ms: delays[0],
            first_delay_p99_ms: delays[1],
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_row_is_read_as_it_was_written(
        timeline in vec(timeline(), 0..20), subtasks in vec(subtask(), 0..20),
        channels in vec(channel(), 0..20), events in vec(event(), 0..20),
        keys in vec(key(), 0..20), states in vec(state(), 0..20), settings in vec(setting(), 0..20)
    ) {
        round_trip(&timeline);
        round_trip(&subtasks);
        round_trip(&channels);
        round_trip(&events);
        round_trip(&keys);
        round_trip(&states);
        let directory = tempfile::tempdir().unwrap();
        publish_trade_off(directory.path(), &settings).unwrap();
        write::<EventRow>(directory.path(), &[]);
        prop_assert_eq!(read::<TradeOffRow>(directory.path()), settings);
    }
}

#[test]
fn line_breaks_in_a_text_become_spaces_so_that_one_row_is_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let text = "thread panicked:\n\"no\",\r\nreason".to_owned();
    write(
        directory.path(),
        &[EventRow {
            text,
            ..EventRow::default()
        }],
    );
    let written = fs::read_to_string(directory.path().join("events.csv")).unwrap();
    assert_eq!(written.lines().count(), 2);
    assert_eq!(
        read::<EventRow>(directory.path())[0].text,
        "thread panicked: \"no\",  reason"
    );
}

#[test]
fn columns_are_found_by_name_and_unknown_ones_are_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let table = "gpu,completed,t_ms,admitted\n7,20,100,30\nx,21,200,31\n";
    fs::write(directory.path().join(Table::Timeline.file_name()), table).unwrap();
    let rows = read::<TimelineRow>(directory.path());
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.t_ms, row.admitted, row.completed))
        .collect();
    assert_eq!(found, [(100, 30, 20), (200, 31, 21)]);
    let notes = RunDir::open(directory.path()).unwrap().notes().join("; ");
    assert!(
        notes.contains("timeline.csv lacks the columns offered, backlog"),
        "{notes}"
    );
}

#[test]
fn rows_that_cannot_be_read_are_left_out_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let table = "t_ms,admitted,completed,cpu\n100,1,1,0.5\n200,-1,1,0.5\n300,3,3,NaN\n400,4,4,\n";
    fs::write(directory.path().join(Table::Timeline.file_name()), table).unwrap();
    let record = RunDir::open(directory.path()).unwrap();
    let mut rows = record.rows::<TimelineRow>();
    let times: Vec<_> = rows.by_ref().map(|row| row.t_ms).collect();
    assert_eq!((times, rows.skipped()), (vec![100, 400], 2));
}

#[test]
fn a_record_is_never_written_over_another() {
    let directory = tempfile::tempdir().unwrap();
    write::<CheckpointRow>(directory.path(), &[]);
    let again = Writer::create(directory.path(), "", &Graph::default(), 0);
    assert!(matches!(
        again,
        Err(RecordError::Io {
            action: "create",
            ..
        })
    ));
}

#[test]
fn a_folder_without_a_record_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(
        RunDir::open(directory.path()),
        Err(RecordError::NotARecord { .. })
    ));
    let absent = directory.path().join("absent");
    assert!(matches!(
        RunDir::open(&absent),
        Err(RecordError::Io { action: "open", .. })
    ));
}

#[test]
fn a_run_that_is_published_is_read_back_equal() {
    let directory = tempfile::tempdir().unwrap();
    let run = Simulation {
        length_ms: 2_000,
        ..Simulation::default()
    }
    .finish(directory.path());
    assert_eq!(reports::open_run(directory.path()).unwrap(), run);
    assert_eq!(
        RunDir::open(directory.path()).unwrap().notes(),
        [] as [String; 0]
    );
}
