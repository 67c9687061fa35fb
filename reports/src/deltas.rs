//! The one place where cumulative counters of subtasks become differences.
//!
//! Counters begin anew with each attempt, so a difference never spans two attempts: the time
//! between the last sample of one and the first sample of the next belongs to nobody.

use std::collections::HashMap;
use std::ops::Index;

use crate::record::SubtaskRow;

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

/// One value per [`Counter`]; `None` where it is not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters([Option<u64>; COUNTERS]);

impl Counters {
    fn of(row: &SubtaskRow) -> Self {
        Counters([
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

    /// A counter that went back within an attempt (a damaged file) counts as standing still.
    fn since(&self, earlier: &Counters) -> Self {
        let pairs: [_; COUNTERS] = std::array::from_fn(|at| self.0[at].zip(earlier.0[at]));
        Counters(pairs.map(|pair| pair.map(|(now, then)| now.saturating_sub(then))))
    }

    /// Adds what is measured; a counter stays `None` only if it is in both.
    pub(crate) fn add(&mut self, more: &Counters) {
        for (total, more) in self.0.iter_mut().zip(more.0) {
            if let Some(more) = more {
                *total = Some(total.unwrap_or(0).saturating_add(more));
            }
        }
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
        &self.0[counter as usize]
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
    tasks: HashMap<String, usize>,
    previous: HashMap<(usize, u32), Sample>,
}

#[derive(Clone, Copy)]
struct Sample {
    t_ms: u64,
    attempt: u32,
    counters: Counters,
}

impl Differences {
    /// Names are known beforehand where a plan is.
    pub(crate) fn new<'a>(tasks: impl Iterator<Item = &'a str>) -> Self {
        let tasks = tasks
            .enumerate()
            .map(|(at, name)| (name.to_owned(), at))
            .collect();
        Differences {
            tasks,
            previous: HashMap::new(),
        }
    }

    /// The difference to the subtask's previous row; `None` for the first row of an attempt and
    /// for rows that are out of order.
    pub(crate) fn feed(&mut self, row: &SubtaskRow) -> Option<Delta> {
        let task = self.position(&row.task);
        let now = Sample {
            t_ms: row.t_ms,
            attempt: row.attempt,
            counters: Counters::of(row),
        };
        let before = self.previous.insert((task, row.subtask), now)?;
        let comparable = before.attempt == now.attempt && before.t_ms <= now.t_ms;
        comparable.then(|| Delta {
            task,
            subtask: row.subtask,
            from_ms: before.t_ms,
            to_ms: now.t_ms,
            counters: now.counters.since(&before.counters),
            in_usage: row.in_usage,
            out_usage: row.out_usage,
        })
    }

    /// Names of all tasks seen or known, by position.
    pub(crate) fn into_task_names(self) -> Vec<String> {
        let mut names = vec![String::new(); self.tasks.len()];
        for (name, at) in self.tasks {
            names[at] = name;
        }
        names
    }

    /// Position of a task's name, which is known from then on.
    pub(crate) fn position(&mut self, task: &str) -> usize {
        if let Some(&at) = self.tasks.get(task) {
            return at;
        }
        let at = self.tasks.len();
        self.tasks.insert(task.to_owned(), at);
        at
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
