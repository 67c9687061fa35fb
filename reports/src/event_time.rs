//! Where operators are in event time, moment by moment: the rows that `subtasks.csv` has of one
//! sample, brought together per operator.
//!
//! An operator is where the lowest watermark of its subtasks is. The file has an empty cell before a
//! subtask's first watermark and after its final one, and only the rows before tell the two apart:
//! without a first one nothing is known, and what is final holds nothing back. A subtask that has
//! taken in nothing and has no watermark (a source without a split) is left out.

use std::collections::HashMap;

use crate::record::SubtaskRow;

/// Further operators, which only a damaged file has, are not looked at: a moment has a place for each.
const MAX_OPERATORS: usize = 1_024;

/// All operators at one sample.
#[derive(Debug, Default)]
pub(crate) struct Moment {
    pub(crate) t_ms: u64,
    /// Highest event time that any source has emitted by now.
    highest_ms: Option<i64>,
    operators: Vec<Place>,
}

/// One operator at one sample.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    lowest_ms: Option<i64>,
    /// Some subtask's watermark is not known yet.
    is_open: bool,
    panes_pending: Option<u64>,
    timers_pending: Option<u64>,
}

impl Moment {
    /// Highest event time of the sources minus the lowest watermark of an operator, milliseconds.
    pub(crate) fn lag_ms(&self, operator: usize) -> Option<i64> {
        let place = self.operators.get(operator).filter(|it| !it.is_open)?;
        Some(self.highest_ms?.saturating_sub(place.lowest_ms?))
    }

    /// Pairs of key and window that an operator holds.
    pub(crate) fn panes_pending(&self, operator: usize) -> Option<u64> {
        self.operators.get(operator)?.panes_pending
    }

    /// Timers that wait at an operator.
    pub(crate) fn timers_pending(&self, operator: usize) -> Option<u64> {
        self.operators.get(operator)?.timers_pending
    }

    /// Operators that have had rows so far.
    pub(crate) fn operators(&self) -> usize {
        self.operators.len()
    }
}

/// Collects rows, in the file's order, into [`Moment`]s.
#[derive(Default)]
pub(crate) struct Moments {
    now: Option<Moment>,
    /// Subtasks that have had a watermark, and in which attempt.
    marked: HashMap<(usize, u32), u32>,
}

impl Moments {
    /// Takes a row of an operator; gives the moment before if the row belongs to a new one.
    pub(crate) fn feed(&mut self, operator: usize, row: &SubtaskRow) -> Option<Moment> {
        let is_new = self.now.as_ref().is_none_or(|now| now.t_ms != row.t_ms);
        let before = if is_new { self.now.take() } else { None };
        let highest_ms = before.as_ref().and_then(|before| before.highest_ms);
        let now = self.now.get_or_insert_with(|| Moment {
            t_ms: row.t_ms,
            highest_ms,
            operators: Vec::new(),
        });
        if operator >= MAX_OPERATORS {
            return before;
        }
        if now.operators.len() <= operator {
            now.operators.resize(operator + 1, Place::default());
        }
        now.highest_ms = now.highest_ms.max(row.event_time_ms);
        let place = &mut now.operators[operator];
        add(&mut place.panes_pending, row.panes_pending);
        add(&mut place.timers_pending, row.timers_pending);
        let subtask = (operator, row.subtask);
        match row.watermark_ms {
            Some(watermark_ms) => {
                self.marked.insert(subtask, row.attempt);
                let lowest_ms = place.lowest_ms.unwrap_or(watermark_ms);
                place.lowest_ms = Some(lowest_ms.min(watermark_ms));
            }
            None => {
                let is_final = self.marked.get(&subtask) == Some(&row.attempt);
                place.is_open |= !is_final && row.records_in != Some(0);
            }
        }
        before
    }

    /// The last moment.
    pub(crate) fn finish(self) -> Option<Moment> {
        self.now
    }
}

fn add(total: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *total = Some(total.unwrap_or(0).saturating_add(more));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(t_ms: u64, subtask: u32, watermark_ms: Option<i64>) -> SubtaskRow {
        SubtaskRow {
            t_ms,
            subtask,
            watermark_ms,
            records_in: Some(5),
            panes_pending: Some(2),
            ..SubtaskRow::default()
        }
    }

    fn source(t_ms: u64, event_time_ms: i64) -> SubtaskRow {
        SubtaskRow {
            t_ms,
            event_time_ms: Some(event_time_ms),
            ..SubtaskRow::default()
        }
    }

    /// Lag and panes of operator 1 at each moment.
    fn seen(rows: &[(usize, SubtaskRow)]) -> Vec<(Option<i64>, Option<u64>)> {
        let mut moments = Moments::default();
        let mut seen: Vec<Moment> = rows
            .iter()
            .filter_map(|(operator, row)| moments.feed(*operator, row))
            .collect();
        seen.extend(moments.finish());
        seen.iter()
            .map(|it| (it.lag_ms(1), it.panes_pending(1)))
            .collect()
    }

    #[test]
    fn an_operator_lags_by_its_slowest_subtask_and_a_final_watermark_holds_nothing_back() {
        let rows = [
            (0, source(100, 5_000)),
            (1, row(100, 0, Some(1_000))),
            (1, row(100, 1, None)),
            (1, row(200, 0, Some(2_000))),
            (1, row(200, 1, Some(1_500))),
            // A second source comes last and counts for the whole moment.
            (0, source(200, 9_000)),
            (0, source(300, 9_500)),
            (1, row(300, 0, None)),
            (1, row(300, 1, Some(9_000))),
            (1, row(400, 0, None)),
            (1, row(400, 1, None)),
        ];
        let panes = Some(4);
        assert_eq!(
            seen(&rows),
            [
                (None, panes),
                (Some(7_500), panes),
                (Some(500), panes),
                (None, panes)
            ]
        );
    }

    #[test]
    fn a_subtask_without_records_and_watermark_is_left_out_and_a_restart_begins_anew() {
        let empty = SubtaskRow {
            records_in: Some(0),
            ..row(100, 1, None)
        };
        let restarted = SubtaskRow {
            attempt: 1,
            ..row(200, 0, None)
        };
        let rows = [
            (0, source(100, 3_000)),
            (1, row(100, 0, Some(1_000))),
            (1, empty),
            (1, restarted),
            (1, row(200, 1, Some(2_000))),
        ];
        let lags: Vec<_> = seen(&rows).iter().map(|(lag, _)| *lag).collect();
        assert_eq!(lags, [Some(2_000), None]);
    }
}
