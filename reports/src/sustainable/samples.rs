//! From the rows of a run's timeline to the samples that a probe is judged by.

use super::BacklogSample;
use crate::record::{Phase, TimelineRow};

/// A probe is sampled once a second...
const PERIOD_MS: u64 = 1_000;
/// ...and one that is shorter than this many seconds, this many times: of few samples no trend is seen.
/// Proposed, not published; samples that are closer together are less independent, which the slope's interval
/// makes up for.
const SAMPLES: u64 = 40;

/// The samples of a run's measured phase. `rows` are those of the whole run; with closed-loop load there are
/// none.
///
/// Completed is what has come out of the job, where that can be told: where every record gives the same number
/// of results, of the run as a whole. Otherwise it is what the job has taken in. The difference lies in the
/// job's queues: while they fill, a job takes in more than it does.
pub fn backlog_samples(rows: &[TimelineRow], measured: Phase) -> Vec<BacklogSample> {
    let results = results_per_record(rows);
    let length_ms = measured.to_ms.saturating_sub(measured.from_ms);
    let period_ms = (length_ms / SAMPLES).min(PERIOD_MS);
    let mut samples = Vec::new();
    let mut latencies_ms: Vec<f64> = Vec::new();
    let mut due_ms = measured.from_ms;
    let within = |row: &&TimelineRow| (measured.from_ms..=measured.to_ms).contains(&row.t_ms);
    for row in rows.iter().filter(within) {
        let Some(scheduled) = row.offered else {
            continue;
        };
        latencies_ms.extend(row.response_p50_ns.map(|ns| ns as f64 / 1e6));
        if row.t_ms < due_ms {
            continue;
        }
        // A late sample does not make the next one late as well.
        due_ms = row.t_ms.saturating_add(period_ms) / period_ms.max(1) * period_ms.max(1);
        samples.push(BacklogSample {
            t_s: row.t_ms as f64 / 1e3,
            scheduled,
            completed: results.map_or(row.admitted, |results| row.completed / results),
            event_time_latency_ms: median(&mut latencies_ms),
        });
        latencies_ms.clear();
    }
    samples
}

/// How many results every record gives, if that is the same number for all, and if all of them have come out in
/// the end.
fn results_per_record(rows: &[TimelineRow]) -> Option<u64> {
    let last = rows.last().filter(|row| row.admitted > 0)?;
    let is_whole = last.completed > 0 && last.completed.is_multiple_of(last.admitted);
    is_whole.then(|| last.completed / last.admitted)
}

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sustainable::{Probe, judge_probe};

    const MEASURED: Phase = Phase {
        from_ms: 2_000,
        to_ms: 12_000,
    };

    /// 1,100 records a second, of which a job takes in all, and does 1,000: the rest is in its queues. Each
    /// gives `results`.
    fn filling(results: u64, drained: bool) -> Vec<TimelineRow> {
        let row = |at: u64| {
            let t_ms = at * 100;
            let scheduled = t_ms.min(12_000) * 11 / 10;
            TimelineRow {
                t_ms,
                offered: Some(scheduled),
                admitted: scheduled,
                completed: results * t_ms.min(scheduled),
                backlog: Some(0),
                response_p50_ns: Some(1_000_000 * (1 + t_ms / 10)),
                ..TimelineRow::default()
            }
        };
        (0..=if drained { 140 } else { 120 }).map(row).collect()
    }

    #[test]
    fn what_fills_the_queues_of_a_job_is_not_completed() {
        let samples = backlog_samples(&filling(2, true), MEASURED);
        assert_eq!(samples.len(), 41);
        assert_eq!((samples[0].scheduled, samples[0].completed), (2_200, 2_000));
        assert!(samples[1].event_time_latency_ms > samples[0].event_time_latency_ms);
        assert_eq!(judge_probe(1_100.0, &samples).outcome, Probe::Unsustainable);
    }

    #[test]
    fn where_results_cannot_be_counted_rising_latency_tells_that_a_load_is_not_held() {
        let samples = backlog_samples(&filling(1, false), MEASURED);
        assert_eq!((samples[0].scheduled, samples[0].completed), (2_200, 2_200));
        let judged = judge_probe(1_100.0, &samples);
        assert_eq!(
            (judged.outcome, judged.latency_rises),
            (Probe::Undecided, Some(true))
        );
    }

    #[test]
    fn a_long_probe_is_sampled_once_a_second_and_a_closed_loop_never() {
        let rows: Vec<TimelineRow> = filling(1, true);
        let all = Phase {
            from_ms: 0,
            to_ms: 60_000,
        };
        assert_eq!(backlog_samples(&rows, all).len(), 15);
        let unscheduled = rows.into_iter().map(|row| TimelineRow {
            offered: None,
            ..row
        });
        assert!(backlog_samples(&unscheduled.collect::<Vec<_>>(), all).is_empty());
        assert!(backlog_samples(&[], all).is_empty());
    }
}
