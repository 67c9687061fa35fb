//! What a setting makes of the pairs of key and window of a stream.
//!
//! Let `past` be how far the highest event time lies past the end of a window when a record comes. The watermark
//! before the record is the highest event time minus the delay minus 1 ms, so the window is complete then if
//! `past >= delay`, and the record is late for it if `past >= delay + lateness`. Among the records of a pair `past`
//! never falls. Therefore:
//!
//! | what becomes of the pair | if |
//! |---|---|
//! | it never fires (missing) | its first record is late |
//! | it fires first with all its records | its last record came before completion, or it has one record, not late |
//! | refined | otherwise, if its last record is not late |
//! | incomplete for ever | otherwise |
//!
//! It fires first with the record that brings the watermark to completion (the end of the stream, if none does), or
//! with its own first record if that came later.

use super::stream::{Looked, Pair};
use super::{Setting, Sweep};

/// What one setting gives. Pairs are those of a key and a window that has at least one record of it in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The setting.
    pub setting: Setting,
    /// Whether it is the one that the run had.
    pub configured: bool,
    /// Records looked at.
    pub records: u64,
    /// Records that were late for all their windows.
    pub late: u64,
    /// Pairs; the sum of the next four.
    pub results: u64,
    /// Pairs that were complete when they first fired.
    pub right_at_first: u64,
    /// Pairs that were not, and were after their last firing.
    pub refined: u64,
    /// Pairs that fired and never were.
    pub incomplete: u64,
    /// Pairs that never fired, all their records being late.
    pub missing: u64,
    /// Median over the pairs that fired: from the end of the window to the first firing, on the stream's clock, in
    /// milliseconds. Negative where event times are ahead of the clock. Nearest rank.
    pub first_delay_p50_ms: Option<i64>,
    /// 99th percentile of the same.
    pub first_delay_p99_ms: Option<i64>,
}

/// The outcomes of all settings of a sweep, in its order.
pub(super) fn all(looked: &Looked, sweep: &Sweep) -> Vec<Outcome> {
    let mut delays_ms = Vec::new();
    let outcome = |&setting: &Setting| Outcome {
        configured: setting == sweep.configured,
        ..one(looked, setting, &mut delays_ms)
    };
    sweep.settings.iter().map(outcome).collect()
}

/// The outcome of one setting; `first_delays_ms` is room to work in.
fn one(looked: &Looked, setting: Setting, first_delays_ms: &mut Vec<i64>) -> Outcome {
    let complete_ms = i64::try_from(setting.delay_ms).unwrap_or(i64::MAX);
    let late_ms = i64::try_from(setting.lateness_ms)
        .unwrap_or(i64::MAX)
        .saturating_add(complete_ms);
    let (mut right_at_first, mut refined, mut incomplete, mut missing) = (0, 0, 0, 0);
    first_delays_ms.clear();
    // Pairs are sorted by their end, and the later a window ends, the later it is complete.
    let mut rise = 0;
    for pair in &looked.pairs {
        if pair.first_past_ms >= late_ms {
            missing += 1;
            continue;
        }
        match pair {
            Pair { last_past_ms, .. } if *last_past_ms < complete_ms => right_at_first += 1,
            Pair { records: 1, .. } => right_at_first += 1,
            Pair { last_past_ms, .. } if *last_past_ms < late_ms => refined += 1,
            Pair { .. } => incomplete += 1,
        }
        let fired_ms = if pair.first_past_ms < complete_ms {
            let completes_ms = pair.end_ms.saturating_add(complete_ms);
            let rises = &looked.rises[rise..];
            rise += rises.partition_point(|rise| rise.highest_ms < completes_ms);
            looked
                .rises
                .get(rise)
                .map_or(looked.last_clock_ms, |rise| rise.clock_ms)
        } else {
            pair.first_clock_ms
        };
        first_delays_ms.push(fired_ms.saturating_sub(pair.end_ms));
    }
    let on_time = looked.past_all_ms.partition_point(|&past| past < late_ms);
    Outcome {
        setting,
        configured: false,
        records: looked.records,
        late: (looked.past_all_ms.len() - on_time) as u64,
        results: looked.pairs.len() as u64,
        right_at_first,
        refined,
        incomplete,
        missing,
        first_delay_p50_ms: nearest_rank(first_delays_ms, 50),
        first_delay_p99_ms: nearest_rank(first_delays_ms, 99),
    }
}

/// The smallest value that at least so many percent of all do not exceed. Reorders the values.
fn nearest_rank(values: &mut [i64], percent: usize) -> Option<i64> {
    let rank = (values.len() * percent).div_ceil(100);
    let at = rank.checked_sub(1)?;
    Some(*values.select_nth_unstable(at).1)
}
