//! How checkpoints went, from `checkpoint_outcomes.csv` and `checkpoints.csv`.

use std::collections::BTreeMap;

use crate::record::{
    CheckpointDuration, CheckpointOutcome, CheckpointParts, CheckpointRow, Checkpoints, OutcomeRow,
    Phase, RunDir,
};

/// A 99th percentile of fewer samples would say what the longest does.
const LEAST_FOR_P99: usize = 1_000;

/// Checkpoints that were triggered in the phase; `None` for a job that takes none.
pub(super) fn checkpoints(
    record: &RunDir,
    phase: Phase,
    notes: &mut Vec<String>,
) -> Option<Checkpoints> {
    let mut outcomes = record.rows::<OutcomeRow>();
    let is_within = |row: &OutcomeRow| (phase.from_ms..phase.to_ms).contains(&row.triggered_ms);
    let (mut failed, mut any) = (0, false);
    let mut complete: BTreeMap<u64, Complete> = BTreeMap::new();
    for row in outcomes.by_ref() {
        any = true;
        match row.outcome {
            _ if !is_within(&row) => {}
            CheckpointOutcome::Failed => failed += 1,
            CheckpointOutcome::Complete | CheckpointOutcome::Final => {
                let duration_ms = row.duration_ns as f64 / 1e6;
                complete.insert(row.checkpoint, Complete::new(duration_ms));
            }
        }
    }
    let mut rows = record.rows::<CheckpointRow>();
    for row in rows.by_ref() {
        if let Some(complete) = complete.get_mut(&row.checkpoint) {
            complete.add(&row);
        }
    }
    for (file, skipped) in [
        ("checkpoint_outcomes.csv", outcomes.skipped()),
        ("checkpoints.csv", rows.skipped()),
    ] {
        if skipped > 0 {
            notes.push(format!("{skipped} rows of {file} cannot be read"));
        }
    }
    any.then(|| concluded(&complete, failed))
}

/// A complete checkpoint, its subtasks taken together.
#[derive(Default)]
struct Complete {
    duration_ms: f64,
    bytes: Option<u64>,
    written_bytes: Option<u64>,
    in_flight_bytes: Option<u64>,
    unaligned: bool,
    /// Of the subtask that was finished last.
    last: CheckpointRow,
}

impl Complete {
    fn new(duration_ms: f64) -> Self {
        Complete {
            duration_ms,
            ..Complete::default()
        }
    }

    fn add(&mut self, row: &CheckpointRow) {
        add(&mut self.bytes, row.bytes);
        add(&mut self.written_bytes, row.written_bytes);
        if row.unaligned == Some(true) {
            add(&mut self.in_flight_bytes, row.in_flight_bytes);
        }
        self.unaligned |= row.unaligned == Some(true);
        if row.t_ms >= self.last.t_ms {
            self.last = row.clone();
        }
    }
}

fn add(sum: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}

fn concluded(complete: &BTreeMap<u64, Complete>, failed: u64) -> Checkpoints {
    let all = complete.values();
    let mut durations_ms: Vec<f64> = all.clone().map(|it| it.duration_ms).collect();
    durations_ms.sort_by(f64::total_cmp);
    let part = |of: fn(&CheckpointRow) -> Option<u64>| {
        let parts = all.clone().filter_map(|it| of(&it.last));
        median(parts.map(|ns| ns as f64 / 1e6).collect())
    };
    let written = all.clone().filter_map(|it| it.written_bytes);
    Checkpoints {
        completed: complete.len() as u64,
        failed,
        unaligned: all.clone().filter(|it| it.unaligned).count() as u64,
        duration_ms: CheckpointDuration {
            p50: median(durations_ms.clone()),
            p99: p99(&durations_ms),
            max: durations_ms.last().copied(),
        },
        parts_ms: CheckpointParts {
            start_delay: part(|row| row.start_delay_ns),
            alignment: part(|row| row.alignment_ns),
            sync: part(|row| row.sync_ns),
            flush: part(|row| row.flush_ns),
            link: part(|row| row.link_ns),
            asynchronous: part(|row| row.async_ns),
        },
        bytes: all.clone().next_back().and_then(|it| it.bytes),
        written_bytes: median(written.map(|bytes| bytes as f64).collect())
            .map(|bytes| bytes as u64),
        in_flight_bytes_max: all.filter_map(|it| it.in_flight_bytes).max(),
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (middle, even) = (values.len() / 2, values.len().is_multiple_of(2));
    match values.get(middle) {
        Some(upper) if even => Some((values[middle - 1] + upper) / 2.0),
        found => found.copied(),
    }
}

/// Of sorted values: the smallest that 99 % do not exceed.
fn p99(sorted: &[f64]) -> Option<f64> {
    let rank = (sorted.len() * 99).div_ceil(100);
    (sorted.len() >= LEAST_FOR_P99).then(|| sorted[rank - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_values() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 8.0]), Some(3.0));
        let values: Vec<f64> = (1..=1_000).map(f64::from).collect();
        assert_eq!((p99(&values), p99(&values[..999])), (Some(990.0), None));
    }
}
