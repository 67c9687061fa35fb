//! When a run was disturbed on purpose or by a failure: nothing there says whether it is steady.

use crate::record::{EventRow, RunDir, TimelineRow, event_kind};

/// Faults that were put in, from begin to end, and failures until the next attempt begins; and the time
/// after each until backlog and response time are no larger than they were without.
#[derive(Default)]
pub(super) struct Disturbances {
    /// Milliseconds, both ends included.
    spans: Vec<(u64, u64)>,
    is_behind: bool,
    /// Backlog and 99th percentile of the response time, the largest of undisturbed intervals.
    calm: (u64, u64),
}

impl Disturbances {
    /// A fault without an end is a change of the job from its begin on, and no disturbance after it.
    pub(super) fn of(record: &RunDir) -> Disturbances {
        let mut open: Vec<(EventRow, usize)> = Vec::new();
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for event in record.rows::<EventRow>() {
            let is_same = |begin: &EventRow| match event.kind.as_str() {
                event_kind::FAULT_END => {
                    begin.kind == event_kind::FAULT
                        && (&begin.task, &begin.text) == (&event.task, &event.text)
                }
                event_kind::RESTART => begin.kind == event_kind::FAILURE,
                _ => false,
            };
            for (_, at) in open.extract_if(.., |(begin, _)| is_same(begin)) {
                spans[at].1 = event.t_ms.max(spans[at].1);
            }
            let begins = [event_kind::FAULT, event_kind::KILL, event_kind::FAILURE];
            // Every subtask may say the same: once is enough.
            let is_open = open.iter().any(|(begin, _)| {
                (&begin.kind, &begin.task, &begin.text) == (&event.kind, &event.task, &event.text)
            });
            if begins.contains(&event.kind.as_str()) && !is_open && spans.len() < MOST {
                spans.push((event.t_ms, event.t_ms));
                open.push((event, spans.len() - 1));
            }
        }
        Disturbances {
            spans,
            ..Disturbances::default()
        }
    }

    /// Whether backlog or response time are still larger than without.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Whether the interval up to `row`, the next, is disturbed.
    pub(super) fn reach(&mut self, from_ms: u64, row: &TimelineRow) -> bool {
        let hit = |(begin, end): &(u64, u64)| *begin <= row.t_ms && from_ms <= *end;
        let (backlog, response) = (row.backlog.unwrap_or(0), row.response_p99_ns.unwrap_or(0));
        if self.spans.iter().any(hit) {
            self.is_behind = true;
            return true;
        }
        self.is_behind &= backlog > self.calm.0 || response > self.calm.1;
        if !self.is_behind {
            self.calm = (self.calm.0.max(backlog), self.calm.1.max(response));
        }
        self.is_behind
    }
}

/// More disturbances than this are not kept: such a run is judged with them.
const MOST: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_disturbs_until_backlog_and_response_time_are_what_they_were() {
        let mut disturbances = Disturbances {
            spans: vec![(250, 450)],
            ..Disturbances::default()
        };
        let mut reach = |t_ms: u64, backlog, response_ns| {
            let row = TimelineRow {
                t_ms,
                backlog: Some(backlog),
                response_p99_ns: Some(response_ns),
                ..TimelineRow::default()
            };
            disturbances.reach(t_ms - 100, &row)
        };
        assert!(!reach(100, 5, 40) && !reach(200, 3, 30));
        assert!(reach(300, 80, 40) && reach(400, 900, 99) && reach(500, 700, 99));
        assert!(reach(600, 6, 99) && reach(700, 0, 41));
        assert!(!reach(800, 5, 40) && !reach(900, 9, 90));
    }
}
