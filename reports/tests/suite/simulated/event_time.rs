//! Event time of the made-up run, all by hand: it goes as fast as job time, watermarks are half a
//! second behind, `sum` has windows of a second over a hundred keys, a split is idle for a while.

use std::path::Path;

use reports::record::{SubtaskRow, TradeOffRow, publish_trade_off};

use super::{Simulation, State};

/// Event time at job time 0, milliseconds.
const EPOCH_MS: i64 = 1_600_000_000_000;
const DELAY_MS: i64 = 500;
const WINDOW_MS: i64 = 1_000;
const KEYS: u64 = 100;
/// One of the source's splits gives nothing, and is not idle to the engine.
pub const STALL_MS: (u64, u64) = (12_000, 15_000);

impl Simulation {
    /// How far the sink lags; nothing once the last watermark is there.
    pub(super) fn watermark_lag_ms(&self, t_ms: u64) -> Option<i64> {
        let lag_ms = t_ms as i64 - self.watermark_ms(t_ms, 4);
        (self.has_event_time && t_ms > 0 && t_ms < self.length_ms).then_some(lag_ms)
    }

    /// Adds the columns of event time to a row of the task at this position.
    pub(super) fn add_event_time(&self, row: &mut SubtaskRow, at: usize, state: &State) {
        let t_ms = row.t_ms;
        let (watermark_ms, is_under_way) = (
            self.watermark_ms(t_ms, at),
            t_ms > 0 && t_ms < self.length_ms,
        );
        row.watermark_ms = is_under_way.then_some(EPOCH_MS + watermark_ms);
        row.event_time_ms = (at == 0 && t_ms > 0).then_some(EPOCH_MS + t_ms as i64);
        if at == 3 {
            self.add_windows(row, watermark_ms, state);
        }
    }

    fn add_windows(&self, row: &mut SubtaskRow, watermark_ms: i64, state: &State) {
        let subtasks = u64::from(self.parallelism[3]);
        let keys = KEYS / subtasks;
        let fired = (watermark_ms + 1).max(0) / WINDOW_MS;
        let open = row.t_ms as i64 / WINDOW_MS + 1 - fired;
        row.late_dropped = Some(state.completed / 200 / subtasks);
        row.late_side_output = Some(state.completed / 1_000 / subtasks);
        row.fired_early = Some(keys * (row.t_ms / 500));
        row.fired_on_time = Some(keys * fired.unsigned_abs());
        row.fired_late = Some(state.completed / 400 / subtasks);
        row.timers_fired = row.fired_on_time;
        row.panes_pending = Some(keys * open.unsigned_abs());
        row.timers_pending = Some(2 * keys * open.unsigned_abs());
    }

    /// The watermark of a task, milliseconds after the epoch: a tenth of a second later at each task,
    /// and behind the frozen one as it was before.
    fn watermark_ms(&self, t_ms: u64, at: usize) -> i64 {
        let mut seen_ms = t_ms;
        if let Some((from, to)) = self.freeze_ms.filter(|_| at >= 2)
            && (from..=to).contains(&seen_ms)
        {
            seen_ms = from;
        }
        let sent_ms = seen_ms.saturating_sub(100 * at as u64);
        let (from, to) = STALL_MS;
        let sent_ms = if (from..=to).contains(&sent_ms) {
            from
        } else {
            sent_ms
        };
        sent_ms as i64 - DELAY_MS - 1
    }
}

/// What other settings would have given: a longer delay makes more right at first, lateness corrects
/// what its length reaches.
pub(super) fn write_trade_off(directory: &Path) {
    const RESULTS: u64 = 2_000;
    let delays_ms = [0, 250, DELAY_MS.unsigned_abs(), 1_000, 2_000];
    let settings = delays_ms.into_iter().flat_map(|delay_ms| {
        [0, 1_000, 10_000].map(|lateness_ms| {
            let wrong = 600 * 250 / (250 + delay_ms);
            let refined = wrong * lateness_ms / (lateness_ms + 500);
            let missing = (wrong - refined) / 10;
            TradeOffRow {
                delay_ms,
                lateness_ms,
                configured: (delay_ms, lateness_ms) == (DELAY_MS.unsigned_abs(), 1_000),
                records: 300_000,
                late: 10 * (wrong - refined),
                results: RESULTS,
                right_at_first: RESULTS - wrong,
                refined,
                incomplete: wrong - refined - missing,
                missing,
                first_delay_p50_ms: Some(delay_ms as i64 + 20),
                first_delay_p99_ms: Some(delay_ms as i64 + 90),
            }
        })
    });
    let rows: Vec<TradeOffRow> = settings.collect();
    publish_trade_off(directory, &rows).unwrap();
}
