//! How an engine behaves beyond its capacity, and how it comes back: scores from the rows of a run's
//! timeline and its response times. Nothing here decides which loads or faults a run has.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::record::{EventRow, Phase, RunDir, Series, TimelineRow, event_kind, histogram};

/// The loads at which overload is looked at, times the capacity.
pub const OVERLOADS: [f64; 3] = [1.1, 1.5, 2.0];

/// The backlog before a disturbance is the largest of so many milliseconds: one sample may happen to see
/// none.
const BEFORE_MS: u64 = 1_000;

/// What still comes out of an engine at one load above its capacity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goodput {
    /// The load, times the capacity; `None` with closed-loop load.
    pub load: Option<f64>,
    /// Source records that the job took in per second over the capacity: 1 for an engine that overload does not slow down.
    pub completed: Option<f64>,
    /// The same of only those whose response time was within the objective (goodput as in Breakwater, Cho et
    /// al., OSDI 2020). `None` without an objective.
    pub within_objective: Option<f64>,
}

/// Goodput over one phase at a constant load. `responses` are the response times of all that arrived in the
/// phase, nanoseconds, against `objective_ns`. In an open loop and without shedding, waiting grows as long as
/// the overload lasts, so that scores compare only between runs of one length: whatever was not dropped in
/// time is late.
///
/// Responses are those of results, and a job may make fewer or more of them than it takes in records: the
/// share within the objective is that of responses, and is applied to the records.
pub fn goodput(
    capacity_per_s: f64,
    phase: Phase,
    rows: &[TimelineRow],
    responses: &Histogram<u64>,
    objective_ns: Option<u64>,
) -> Goodput {
    let per_s = |records: u64, seconds: f64| records as f64 / seconds / capacity_per_s;
    let ends = ends(phase, rows).filter(|_| capacity_per_s > 0.0);
    let seconds =
        |(first, last): (&TimelineRow, &TimelineRow)| (last.t_ms - first.t_ms) as f64 / 1e3;
    let completed = ends.map(|(first, last)| {
        let records = last.admitted.saturating_sub(first.admitted);
        per_s(records, seconds((first, last)))
    });
    let load = ends.and_then(|(first, last)| {
        let offered = last.offered?.saturating_sub(first.offered?);
        Some(per_s(offered, seconds((first, last))))
    });
    let share = objective_ns
        .filter(|_| !responses.is_empty())
        .map(|objective_ns| {
            let within = responses.count_between(0, objective_ns);
            (within as f64 / responses.len() as f64).min(1.0)
        });
    Goodput {
        load,
        completed,
        within_objective: completed
            .zip(share)
            .map(|(completed, share)| completed * share),
    }
}

/// First and last row of a phase, some time apart.
fn ends(phase: Phase, rows: &[TimelineRow]) -> Option<(&TimelineRow, &TimelineRow)> {
    let within = |row: &&TimelineRow| (phase.from_ms..=phase.to_ms).contains(&row.t_ms);
    let first = rows.iter().find(within)?;
    let last = rows.iter().rfind(within)?;
    (last.t_ms > first.t_ms).then_some((first, last))
}

/// The response times of what arrived in a phase, or in the drain after it, nanoseconds, without what never
/// arrived.
pub fn responses(record: &RunDir, phase: Phase) -> Histogram<u64> {
    let mut all = histogram();
    let is_of_it = |it: &crate::record::LatencyInterval| {
        it.series == Series::Response && phase.counts_latency(it.from_ms, it.to_ms)
    };
    for interval in record.latency().filter(is_of_it) {
        // A damaged interval is left out; the run's own conclusion notes it.
        let _ = interval.add_to(&mut all);
    }
    all
}

/// When the first freeze of a run began and ended, as the job itself saw it.
pub fn freeze(record: &RunDir) -> Option<Phase> {
    let mut events = record.rows::<EventRow>();
    let begin = events.find(|it| it.kind == event_kind::FAULT && it.text.starts_with("freeze"))?;
    let end = events.find(|it| {
        it.kind == event_kind::FAULT_END && (&it.task, &it.text) == (&begin.task, &begin.text)
    })?;
    Some(Phase {
        from_ms: begin.t_ms,
        to_ms: end.t_ms,
    })
}

/// How fast the backlog of a disturbance was worked off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drain {
    /// Records that waited at the end of the disturbance, more than before it.
    pub backlog: u64,
    /// Seconds from the end of the disturbance until no more waited than before it; `None` if that did not
    /// happen.
    pub measured_s: Option<f64>,
    /// backlog / (capacity - offered rate), seconds: what a queue of this capacity takes. `None` if the rate
    /// leaves nothing to spare.
    pub expected_s: Option<f64>,
}

impl Drain {
    /// Measured over expected time: 1 for an engine that works off a backlog as fast as it works.
    pub fn score(&self) -> Option<f64> {
        let expected_s = self.expected_s.filter(|it| *it > 0.0)?;
        Some(self.measured_s? / expected_s)
    }
}

/// The drain after a disturbance, for example a freeze; `None` with closed-loop load or without rows of it.
/// The offered rate is that from its end on, so that other loads after it are no part of the score only as
/// far as rows end with the drain.
pub fn drain(capacity_per_s: f64, disturbance: Phase, rows: &[TimelineRow]) -> Option<Drain> {
    let before = rows.iter().filter(|row| row.t_ms <= disturbance.from_ms);
    let recent = before.filter(|row| row.t_ms.saturating_add(BEFORE_MS) >= disturbance.from_ms);
    let usual = recent.filter_map(|row| row.backlog).max()?;
    let after = rows.iter().filter(|row| row.t_ms >= disturbance.to_ms);
    let mut after = after.filter_map(|row| Some((row, row.backlog?)));
    let (end, at_end) = after.next()?;
    let backlog = at_end.saturating_sub(usual);
    let drained = match backlog {
        0 => Some(end),
        _ => after
            .find(|(_, backlog)| *backlog <= usual)
            .map(|(row, _)| row),
    };
    let until = drained
        .or(rows.last())
        .filter(|until| until.t_ms > end.t_ms);
    let offered = until.and_then(|until| {
        let records = until.offered?.saturating_sub(end.offered?);
        Some(records as f64 * 1e3 / (until.t_ms - end.t_ms) as f64)
    });
    let spare = offered
        .map(|rate| capacity_per_s - rate)
        .filter(|spare| *spare > 0.0);
    Some(Drain {
        backlog,
        measured_s: drained.map(|row| (row.t_ms - end.t_ms) as f64 / 1e3),
        expected_s: spare.map(|spare| backlog as f64 / spare),
    })
}

/// How long and how far the 99th percentile of the response time was above its objective (as the elasticity
/// metrics of Herbst et al., ICAC 2013, which integrate what is missing over time).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// Seconds with p99 above the objective.
    pub above_s: f64,
    /// Seconds looked at: intervals of the phase in which anything arrived.
    pub judged_s: f64,
    /// Integral over time of what p99 was above the objective by: seconds of response time times seconds.
    pub area_s2: f64,
}

/// Of the rows of a phase. Each row's percentile stands for the time since the row before it. In intervals
/// in which nothing arrives there is no percentile: an engine that stands still is charged when what waited
/// comes out, with all of its waiting.
pub fn violation(objective_ns: u64, phase: Phase, rows: &[TimelineRow]) -> Violation {
    let (mut above_ms, mut judged_ms, mut area_ms_ns) = (0, 0, 0.0);
    for pair in rows.windows(2) {
        let from_ms = pair[0].t_ms.max(phase.from_ms);
        let to_ms = pair[1].t_ms.min(phase.to_ms);
        let Some(p99_ns) = pair[1].response_p99_ns.filter(|_| to_ms > from_ms) else {
            continue;
        };
        let above_ns = p99_ns.saturating_sub(objective_ns);
        judged_ms += to_ms - from_ms;
        area_ms_ns += (to_ms - from_ms) as f64 * above_ns as f64;
        if above_ns > 0 {
            above_ms += to_ms - from_ms;
        }
    }
    Violation {
        above_s: above_ms as f64 / 1e3,
        judged_s: judged_ms as f64 / 1e3,
        area_s2: area_ms_ns / 1e12,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Phase = Phase {
        from_ms: 0,
        to_ms: 60_000,
    };

    /// An engine that does 1,000 records a second, offered `rate` of them, and frozen for a while. A row every
    /// 100 ms.
    fn rows(rate_per_s: u64, frozen: std::ops::Range<u64>) -> Vec<TimelineRow> {
        let mut admitted = 0;
        let rows = (0..=600u64).map(|at| {
            let t_ms = at * 100;
            let offered = t_ms * rate_per_s / 1_000;
            if at > 0 && !frozen.contains(&t_ms) {
                admitted = offered.min(admitted + 100);
            }
            let backlog = offered - admitted;
            TimelineRow {
                t_ms,
                offered: Some(offered),
                admitted,
                backlog: Some(backlog),
                response_p99_ns: Some(1_000_000 * (1 + backlog)),
                ..TimelineRow::default()
            }
        });
        rows.collect()
    }

    #[test]
    fn an_engine_that_overload_does_not_slow_down_does_its_capacity() {
        let mut responses = histogram();
        (1..=100u64).for_each(|ms| responses.record(ms * 1_000_000).unwrap());
        let found = goodput(
            1_000.0,
            ALL,
            &rows(1_500, 0..0),
            &responses,
            Some(30_100_000),
        );
        assert_eq!((found.load, found.completed), (Some(1.5), Some(1.0)));
        assert!((found.within_objective.unwrap() - 0.3).abs() < 1e-9);
        let found = goodput(2_000.0, ALL, &rows(3_000, 0..0), &responses, None);
        assert_eq!(
            (found.load, found.completed, found.within_objective),
            (Some(1.5), Some(0.5), None)
        );
        let nothing = goodput(1_000.0, ALL, &[], &histogram(), Some(1));
        assert_eq!((nothing.completed, nothing.within_objective), (None, None));
    }

    #[test]
    fn a_backlog_is_drained_by_what_the_capacity_leaves() {
        let freeze = Phase {
            from_ms: 10_000,
            to_ms: 12_000,
        };
        let found = drain(1_000.0, freeze, &rows(800, 10_001..12_001)).unwrap();
        assert_eq!(
            (found.backlog, found.measured_s, found.expected_s),
            (1_600, Some(8.0), Some(8.0))
        );
        assert_eq!(found.score(), Some(1.0));
        // An engine that was estimated at twice of what it does takes five times as long.
        let twice = drain(1_800.0, freeze, &rows(800, 10_001..12_001)).unwrap();
        assert!((twice.score().unwrap() - 5.0).abs() < 1e-9);
        let never = drain(1_000.0, freeze, &rows(1_000, 10_001..12_001)).unwrap();
        assert_eq!(
            (never.measured_s, never.expected_s, never.score()),
            (None, None, None)
        );
        let nothing = drain(1_000.0, freeze, &rows(800, 0..0)).unwrap();
        assert_eq!(
            (nothing.backlog, nothing.measured_s, nothing.score()),
            (0, Some(0.0), None)
        );
        assert_eq!(drain(1_000.0, freeze, &[]), None);
    }

    #[test]
    fn the_area_above_the_objective_is_its_integral() {
        // p99 rises by 0.8 s per second for 2 s, then falls by 0.2 s per second for 8 s: a triangle.
        let found = violation(1_000_000, ALL, &rows(800, 10_001..12_001));
        assert!((found.area_s2 - 0.5 * 1.6 * 10.0).abs() < 0.1, "{found:?}");
        assert!(
            (found.above_s - 10.0).abs() < 0.3 && found.judged_s == 60.0,
            "{found:?}"
        );
        let part = Phase {
            from_ms: 0,
            to_ms: 9_950,
        };
        let before = violation(1_000_000, part, &rows(800, 10_001..12_001));
        assert_eq!(
            (before.area_s2, before.above_s, before.judged_s),
            (0.0, 0.0, 9.95)
        );
    }
}
