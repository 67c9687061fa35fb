//! The one place where cumulative counters of subtasks become differences.
//!
//! Counters begin anew with each attempt, so a difference never spans two attempts: the time
//! between the last sample of one and the first sample of the next belongs to nobody.

mod counts;
mod state;

use std::ops::Index;

use crate::record::SubtaskRow;
use counts::{Counts, Place, Samples};
pub(crate) use state::{STATE_COUNTERS, StateCounter, StateCounts, StateDelta, StateDifferences};

/// A cumulative counter of a subtask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    RecordsIn,
    RecordsOut,
    Idle,
    OnCpu,
    State,
    Blocked,
    Starved,
    Backpressured,
    Held,
    LateDropped,
    LateSideOutput,
    FiredEarly,
    FiredOnTime,
    FiredLate,
    TimersFired,
}

/// How many there are.
const COUNTERS: usize = Counter::TimersFired as usize + 1;

/// The parts of busy time.
pub(crate) const BUSY: [Counter; 4] = [
    Counter::OnCpu,
    Counter::State,
    Counter::Blocked,
    Counter::Starved,
];

/// One value per [`Counter`].
pub(crate) type Counters = Counts<Counter, COUNTERS>;

impl Counters {
    fn of(row: &SubtaskRow) -> Self {
        Counts::new([
            row.records_in,
            row.records_out,
            row.idle_ns,
            row.on_cpu_ns,
            row.state_ns,
            row.blocked_ns,
            row.starved_ns,
            row.backpressured_ns,
            row.held_ns,
            row.late_dropped,
            row.late_side_output,
            row.fired_early,
            row.fired_on_time,
            row.fired_late,
            row.timers_fired,
        ])
    }

    /// Sum of those among `counters` that are measured.
    pub(crate) fn sum(&self, counters: &[Counter]) -> Option<u64> {
        let measured = counters.iter().filter_map(|&counter| self[counter]);
        measured.fold(None, |sum: Option<u64>, more| {
            Some(sum.unwrap_or(0).saturating_add(more))
        })
    }
}

impl Index<Counter> for Counters {
    type Output = Option<u64>;

    fn index(&self, counter: Counter) -> &Option<u64> {
        &self.values[counter as usize]
    }
}

/// What one subtask did between two consecutive samples of one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delta {
    /// Position of the task's name, in the order of first appearance.
    pub(crate) task: usize,
    pub(crate) subtask: u32,
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    pub(crate) counters: Counters,
    /// Gauges of the later sample.
    pub(crate) in_usage: Option<f64>,
    pub(crate) out_usage: Option<f64>,
}

impl Delta {
    pub(crate) fn length_ms(&self) -> u64 {
        self.to_ms - self.from_ms
    }

    /// Share of the interval; `None` if not measured or the interval is empty.
    pub(crate) fn share(&self, counters: &[Counter]) -> Option<f64> {
        let wall_ns = self.length_ms() as f64 * 1e6;
        let spent_ns = self.counters.sum(counters)?;
        (wall_ns > 0.0).then(|| spent_ns as f64 / wall_ns)
    }
}

/// Turns the rows of `subtasks.csv`, in the file's order, into [`Delta`]s.
#[derive(Default)]
pub(crate) struct Differences {
    samples: Samples<Counter, COUNTERS>,
}

impl Differences {
    /// Names are known beforehand where a plan is.
    pub(crate) fn new<'a>(tasks: impl Iterator<Item = &'a str>) -> Self {
        Differences {
            samples: Samples::new(tasks),
        }
    }

    /// The difference to the subtask's previous row; `None` for the first row of an attempt and
    /// for rows that are out of order.
    pub(crate) fn feed(&mut self, row: &SubtaskRow) -> Option<Delta> {
        let place = Place {
            task: &row.task,
            subtask: row.subtask,
            attempt: row.attempt,
            t_ms: row.t_ms,
        };
        let counted = self.samples.feed(&place, Counters::of(row))?;
        Some(Delta {
            task: counted.task,
            subtask: row.subtask,
            from_ms: counted.from_ms,
            to_ms: row.t_ms,
            counters: counted.counts,
            in_usage: row.in_usage,
            out_usage: row.out_usage,
        })
    }

    /// Names of all tasks seen or known, by position.
    pub(crate) fn into_task_names(self) -> Vec<String> {
        self.samples.into_task_names()
    }

    /// Position of a task's name, which is known from then on.
    pub(crate) fn position(&mut self, task: &str) -> usize {
        self.samples.position(task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(t_ms: u64, attempt: u32, records_in: u64) -> SubtaskRow {
        SubtaskRow {
            t_ms,
            task: "a".into(),
            attempt,
            records_in: Some(records_in),
            ..SubtaskRow::default()
        }
    }

    #[test]
    fn a_difference_never_spans_two_attempts() {
        let mut differences = Differences::default();
        let rows = [
            row(0, 0, 0),
            row(100, 0, 50),
            row(200, 1, 3),
            row(300, 1, 10),
        ];
        let records: Vec<_> = rows
            .iter()
            .filter_map(|row| differences.feed(row))
            .map(|delta| delta.counters[Counter::RecordsIn])
            .collect();
        assert_eq!(records, [Some(50), Some(7)]);
    }

    #[test]
    fn what_is_not_measured_stays_unknown() {
        let mut differences = Differences::default();
        differences.feed(&row(0, 0, 0));
        let delta = differences.feed(&row(100, 0, 50)).unwrap();
        assert_eq!(delta.counters[Counter::Idle], None);
        assert_eq!(delta.share(&BUSY), None);
    }
}
