//! Rates, backlog and CPU of the whole job, from `timeline.csv`.

use super::course::{Course, JudgedCourse};
use super::environment::Surroundings;
use crate::record::{Phase, RunDir, TimelineRow};
use crate::stats::{LeastSquares, Thinned, theil_sen_slope};

/// Differences over the measured phase.
#[derive(Default)]
pub(super) struct Totals {
    /// The phase as far as there are samples.
    pub(super) phase: Option<Phase>,
    /// Samples there are, and none of them says what was offered.
    pub(super) closed_loop: bool,
    pub(super) offered: Option<u64>,
    pub(super) admitted: Option<u64>,
    pub(super) completed: Option<u64>,
    pub(super) backlog_end: Option<u64>,
    /// Seconds of load per second.
    pub(super) backlog_slope: Option<f64>,
    pub(super) harness_cpu_share: Option<f64>,
    /// CPU seconds of the process without the harness's own threads.
    pub(super) engine_cpu_s: Option<f64>,
    /// Most resident bytes.
    pub(super) rss_max: Option<u64>,
    /// Bytes per second.
    pub(super) rss_growth_per_s: Option<f64>,
    /// Whether rates and latencies were steady.
    pub(super) course: JudgedCourse,
    /// What else the machine did.
    pub(super) surroundings: Surroundings,
}

impl Totals {
    pub(super) fn per_second(&self, records: Option<u64>) -> Option<f64> {
        let seconds = self
            .phase
            .map(|phase| (phase.to_ms - phase.from_ms) as f64 / 1e3)?;
        records
            .filter(|_| seconds > 0.0)
            .map(|records| records as f64 / seconds)
    }

    pub(super) fn cpu_per_record_ns(&self) -> Option<f64> {
        let records = self.admitted.filter(|&records| records > 0)?;
        Some(self.engine_cpu_s? * 1e9 / records as f64)
    }

    pub(super) fn admitted_share(&self) -> Option<f64> {
        let offered = self.offered.filter(|&offered| offered > 0)?;
        Some(self.admitted? as f64 / offered as f64)
    }
}

/// Whether the interval belongs to the phase: by its middle.
pub(super) fn is_within(phase: Phase, from_ms: u64, to_ms: u64) -> bool {
    let middle = from_ms + to_ms.saturating_sub(from_ms) / 2;
    (phase.from_ms..phase.to_ms).contains(&middle)
}

pub(super) fn totals(record: &RunDir, phase: Phase, notes: &mut Vec<String>) -> Totals {
    let mut rows = record.rows::<TimelineRow>();
    let mut previous: Option<TimelineRow> = None;
    let mut span: Option<(TimelineRow, TimelineRow)> = None;
    let mut backlog = Thinned::default();
    let mut course = Course::of(record);
    let (mut rss_max, mut rss) = (None, LeastSquares::default());
    let mut surroundings = Surroundings::default();
    for row in rows.by_ref() {
        if previous
            .as_ref()
            .is_some_and(|before| row.t_ms < before.t_ms)
        {
            continue;
        }
        surroundings.calibrate(&row);
        let before = previous.take();
        let measured = before.filter(|before| is_within(phase, before.t_ms, row.t_ms));
        course.feed(&row, measured.is_some());
        if let Some(before) = measured {
            surroundings.feed(&before);
            surroundings.feed(&row);
            let first = span.take().map_or(before, |(first, _)| first);
            if let Some(records) = row.backlog {
                backlog.push((row.t_ms as f64 / 1e3, records as f64));
            }
            if let Some(bytes) = row.rss {
                rss.push((row.t_ms as f64 / 1e3, bytes as f64));
                rss_max = rss_max.max(Some(bytes));
            }
            span = Some((first, row.clone()));
        }
        previous = Some(row);
    }
    if rows.skipped() > 0 {
        notes.push(format!(
            "{} rows of timeline.csv cannot be read",
            rows.skipped()
        ));
    }
    match span {
        Some((first, last)) => Totals {
            rss_max,
            rss_growth_per_s: rss.slope(),
            course: course.judged(),
            surroundings,
            ..between(&first, &last, &backlog)
        },
        None => {
            notes.push("timeline.csv has no interval in the measured phase".to_owned());
            Totals {
                surroundings,
                ..Totals::default()
            }
        }
    }
}

fn between(first: &TimelineRow, last: &TimelineRow, backlog: &Thinned) -> Totals {
    let difference = |now: Option<u64>, then: Option<u64>| {
        now.zip(then).map(|(now, then)| now.saturating_sub(then))
    };
    let seconds = |now: Option<f64>, then: Option<f64>| now.zip(then).map(|(now, then)| now - then);
    let mut totals = Totals {
        phase: Some(Phase {
            from_ms: first.t_ms,
            to_ms: last.t_ms,
        }),
        closed_loop: first.offered.is_none() && last.offered.is_none(),
        offered: difference(last.offered, first.offered),
        admitted: difference(Some(last.admitted), Some(first.admitted)),
        completed: difference(Some(last.completed), Some(first.completed)),
        backlog_end: last.backlog,
        ..Totals::default()
    };
    let cpu = seconds(last.cpu, first.cpu).filter(|&cpu| cpu > 0.0);
    let harness_cpu = seconds(last.harness_cpu, first.harness_cpu);
    let both = harness_cpu.zip(cpu);
    totals.harness_cpu_share = both.map(|(harness, cpu)| harness / cpu);
    totals.engine_cpu_s = both.map(|(harness, cpu)| (cpu - harness).max(0.0));
    let rate = totals.per_second(totals.offered).filter(|&rate| rate > 0.0);
    totals.backlog_slope = theil_sen_slope(backlog.points())
        .zip(rate)
        .map(|(slope, rate)| slope / rate);
    totals
}
