//! Late records and firings of windows, counted once by the engine while it runs and once by a plain
//! loop over the same records when it is over. With one split and a mark after every record both
//! must come to the same, whatever the machine does meanwhile.

use std::collections::BTreeMap;

use reports::record::{SubtaskRow, TimelineRow, TradeOffRow};

use crate::bench::{alone_on_the_machine, run};

const DELAY_MS: i64 = 30 * 60_000;

#[test]
fn the_record_counts_late_records_and_firings_as_a_plain_loop_does() {
    let _alone = alone_on_the_machine();
    let run = run("[workload]
         kind = 'flights'
         window = '1h'
         watermark_delay = '30m'
         allowed_lateness = '1h'
         watermarks = 'per-record'
         [load]
         shape = { kind = 'replay', compression = 17_280_000.0 }
         splits = 1
         [job]
         parallelism = 2
         [measure]
         warmup = '500ms'
         duration = '1s'
         interval = '100ms'");
    let record = run.record();
    let settings = record.rows::<TradeOffRow>();
    let truth = settings.into_iter().find(|row| row.configured).unwrap();
    let rows = record.rows::<SubtaskRow>();
    let last: BTreeMap<(String, u32), SubtaskRow> = rows
        .map(|row| ((row.task.clone(), row.subtask), row))
        .collect();
    let sum =
        |column: fn(&SubtaskRow) -> Option<u64>| -> u64 { last.values().filter_map(column).sum() };
    println!("{truth:?}");
    assert!(truth.records > 100_000 && truth.late > 0 && truth.refined > 0);
    assert_eq!(sum(|row| row.late_side_output), truth.late);
    assert_eq!(sum(|row| row.late_dropped), 0);
    assert_eq!(sum(|row| row.fired_on_time), truth.results - truth.missing);
    assert!(sum(|row| row.fired_late) >= truth.refined);
    assert_eq!(
        (sum(|row| row.fired_early), sum(|row| row.panes_pending)),
        (0, 0)
    );
    assert!(last.values().all(|row| row.watermark_ms.is_none()));
    // What is measured is a part of it.
    let late = run.run.summary.late;
    assert_eq!(late.dropped, Some(0));
    assert!(late.side_output > Some(0) && late.side_output <= Some(truth.late));
    let lags = record.rows::<TimelineRow>();
    let largest = lags.filter_map(|row| row.watermark_lag_ms).max();
    assert!(largest > Some(DELAY_MS), "{largest:?}");
}
