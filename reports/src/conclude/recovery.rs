//! How the job came back after failures, from `events.csv` and `timeline.csv`.
//!
//! A recovery begins with the failure of an attempt and is worked off in two steps: the job is down until the
//! next attempt has restored what it goes on from, and behind until its backlog is no larger than before.
//! How long it is behind says whether the engine has capacity to spare, more than how fast it restarts.

use crate::record::{EventRow, Recovery, RunDir, TimelineRow, event_kind, restored_checkpoint};

/// The largest backlog in so many milliseconds before a failure is what is usual: one sample may happen to
/// see none.
const BEFORE_MS: u64 = 1_000;
/// Further failures are not followed.
const MAX_RECOVERIES: usize = 1_000;

/// Every failure after which the job was started again, over the whole run.
pub(crate) fn recoveries(record: &RunDir) -> Vec<Recovery> {
    let mut failures = Failures::default();
    record.rows().for_each(|event| failures.feed(&event));
    let mut recoveries = failures.finish();
    catch_up(record, &mut recoveries);
    recoveries
}

#[derive(Default)]
struct Failures {
    /// The last one may not be over yet.
    found: Vec<(Recovery, Stage)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Down,
    Restarted,
}

impl Failures {
    fn feed(&mut self, event: &EventRow) {
        let has_room = self.found.len() < MAX_RECOVERIES;
        let open = self.found.last_mut();
        match (event.kind.as_str(), open) {
            // What fails while an attempt fails is of the same failure.
            (event_kind::FAILURE, Some((_, Stage::Down))) => {}
            (event_kind::FAILURE, _) if has_room => {
                let failed = Recovery {
                    failed_at_ms: event.t_ms,
                    cause: cause(event),
                    ..Recovery::default()
                };
                self.found.push((failed, Stage::Down));
            }
            (event_kind::RESTART, Some((recovery, stage @ Stage::Down))) => {
                recovery.restarted_at_ms = event.t_ms;
                recovery.restored_checkpoint = restored_checkpoint(&event.text);
                *stage = Stage::Restarted;
            }
            _ => {}
        }
    }

    /// Without the failure that ended the job.
    fn finish(self) -> Vec<Recovery> {
        let found = self.found.into_iter();
        let restarted = found.filter(|(_, stage)| *stage == Stage::Restarted);
        restarted.map(|(recovery, _)| recovery).collect()
    }
}

fn cause(event: &EventRow) -> String {
    let task = event.task.as_deref().unwrap_or_default();
    let place = match event.subtask {
        Some(subtask) if !task.is_empty() => format!("{task} ({subtask}): "),
        _ => String::new(),
    };
    format!("{place}{}", event.text)
}

/// Looks for the sample at which each was caught up. Recoveries are in order of time, and each is over at the latest
/// when the next begins.
fn catch_up(record: &RunDir, recoveries: &mut [Recovery]) {
    let mut usual = vec![None; recoveries.len()];
    let ends_ms: Vec<u64> = (1..=recoveries.len())
        .map(|next| recoveries.get(next).map_or(u64::MAX, |it| it.failed_at_ms))
        .collect();
    let mut first = 0;
    for row in record.rows::<TimelineRow>() {
        let Some(backlog) = row.backlog else { continue };
        while ends_ms.get(first).is_some_and(|end_ms| row.t_ms >= *end_ms) {
            first += 1;
        }
        // The next failure's second before it may begin while this one is not caught up.
        for at in first..recoveries.len() {
            let recovery = &mut recoveries[at];
            if row.t_ms.saturating_add(BEFORE_MS) < recovery.failed_at_ms {
                break;
            }
            if row.t_ms <= recovery.failed_at_ms {
                usual[at] = usual[at].max(Some(backlog));
            } else if row.t_ms >= recovery.restarted_at_ms
                && recovery.caught_up_at_ms.is_none()
                && usual[at].is_some_and(|usual| backlog <= usual)
            {
                recovery.caught_up_at_ms = Some(row.t_ms);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Graph, Row, Writer, restored_text};

    fn event(t_ms: u64, kind: &str, text: &str) -> EventRow {
        EventRow {
            t_ms,
            kind: kind.to_owned(),
            task: Some("count".to_owned()),
            subtask: Some(1),
            text: text.to_owned(),
            ..EventRow::default()
        }
    }

    fn recovered(events: &[EventRow], backlog: impl Fn(u64) -> u64) -> Vec<Recovery> {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(directory.path(), "", &Graph::default(), 0).unwrap();
        append(&mut writer, events);
        let samples = (0..100).map(|at| TimelineRow {
            t_ms: at * 100,
            backlog: Some(backlog(at * 100)),
            ..TimelineRow::default()
        });
        append(&mut writer, &samples.collect::<Vec<_>>());
        writer.close().unwrap();
        recoveries(&RunDir::open(directory.path()).unwrap())
    }

    fn append<R: Row>(writer: &mut Writer, rows: &[R]) {
        rows.iter().for_each(|row| writer.append(row).unwrap());
    }

    #[test]
    fn a_job_is_down_until_it_is_restored_and_behind_until_its_backlog_is_as_before() {
        let events = [
            event(3_000, event_kind::KILL, ""),
            event(3_001, event_kind::FAILURE, "killed"),
            event(3_002, event_kind::FAILURE, "its channels are closed"),
            event(4_050, event_kind::RESTART, &restored_text(Some(7))),
        ];
        let backlog = |t_ms| match t_ms {
            0..2_500 => 20,
            // The last sample before the failure happens to see nothing.
            2_500..=3_000 => 0,
            3_001..5_600 => 9_000,
            _ => 19,
        };
        let expected = Recovery {
            failed_at_ms: 3_001,
            restarted_at_ms: 4_050,
            caught_up_at_ms: Some(5_600),
            restored_checkpoint: Some(7),
            cause: "count (1): killed".to_owned(),
        };
        assert_eq!(recovered(&events, backlog), [expected]);
    }

    #[test]
    fn a_recovery_ends_with_the_next_failure_and_the_last_failure_is_none() {
        let events = [
            event(0, event_kind::RESTORED, &restored_text(Some(2))),
            event(3_000, event_kind::FAILURE, "a"),
            event(4_000, event_kind::RESTART, ""),
            event(5_000, event_kind::FAILURE, "b"),
            event(6_000, event_kind::RESTART, &restored_text(None)),
            event(8_000, event_kind::FAILURE, "c"),
        ];
        let backlog = |t_ms| match t_ms {
            0..=3_000 => 10,
            3_001..=7_000 => 500,
            _ => 10,
        };
        let found: Vec<_> = recovered(&events, backlog)
            .into_iter()
            .map(|it| (it.failed_at_ms, it.caught_up_at_ms, it.restored_checkpoint))
            .collect();
        // At the second failure 500 were usual.
        assert_eq!(found, [(3_000, None, None), (5_000, Some(6_000), None)]);
    }
}
