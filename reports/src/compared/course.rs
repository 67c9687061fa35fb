//! How the runs of each variant went: throughput and response time over time, as the median over its
//! runs and their range, and the distribution of all their response times. Read from the run
//! directories; a run that is gone, or does not count, is left out.

use std::path::Path;

use hdrhistogram::Histogram;

use super::quantities::is_usable;
use super::settings::{Settings, settings};
use super::{Compared, ComparedRun};
use crate::conclude::conclusion;
use crate::record::{Run, RunDir, Series, TimelineRow, histogram};
use crate::stats::median_of;

/// More columns than this cannot be told apart in a picture.
const MAX_COLUMNS: u64 = 300;

/// What is known of all runs of a comparison beyond their numbers.
pub(crate) struct Courses {
    /// Milliseconds from the left end to the begin of the measured phase of every run. Runs are laid
    /// over each other there: their warm-ups may differ in length.
    pub(crate) measured_ms: u64,
    /// Length of the longest run, milliseconds.
    pub(crate) end_ms: u64,
    /// By variant.
    pub(crate) variants: Vec<Course>,
    /// The whole scenario of the baseline, as it was written.
    pub(crate) scenario: Option<String>,
}

/// The runs of one variant that count.
pub(crate) struct Course {
    pub(crate) name: String,
    /// Records admitted per second.
    pub(crate) throughput: Vec<Point>,
    /// 99th percentile of the response times of each interval, nanoseconds.
    pub(crate) p99: Vec<Point>,
    /// Of all records of all runs, over their measured phases.
    pub(crate) response: Histogram<u64>,
    /// The same of the service times.
    pub(crate) service: Histogram<u64>,
    /// The effective scenario; empty if no run is left.
    pub(crate) settings: Settings,
}

/// What the runs had at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) t_ms: u64,
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

/// A run whose record is there.
struct Opened {
    record: RunDir,
    run: Run,
    measured_ms: u64,
    end_ms: u64,
    samples: u64,
}

/// Columns of the same width; each run adds at most one value to each.
struct Grid {
    column_ms: u64,
    columns: usize,
}

impl Courses {
    pub(crate) fn read(directory: &Path, compared: &Compared) -> Courses {
        let variants = 0..compared.variants.len();
        let opened = variants.map(|variant| {
            let runs = compared.runs(variant).map(|(_, run)| run);
            let runs = runs.filter(|run| is_usable(run.verdict));
            let opened: Vec<Opened> = runs.filter_map(|run| Opened::of(directory, run)).collect();
            opened
        });
        let opened: Vec<Vec<Opened>> = opened.collect();
        let all = || opened.iter().flatten();
        let measured_ms = all().map(|it| it.measured_ms).max().unwrap_or(0);
        // Where a run ends whose measured phase begins at the common place.
        let ends = all().map(|it| it.end_ms.saturating_add(measured_ms - it.measured_ms));
        let end_ms = ends.max().unwrap_or(0);
        let samples = all().map(|it| it.samples).max().unwrap_or(0);
        let grid = Grid::new(end_ms, samples);
        let baseline = opened.first().and_then(|runs| runs.first());
        Courses {
            scenario: baseline.and_then(|it| it.record.scenario_toml().map(str::to_owned)),
            variants: compared
                .variants
                .iter()
                .zip(&opened)
                .map(|(variant, runs)| Course::of(&variant.name, runs, &grid, measured_ms))
                .collect(),
            measured_ms,
            end_ms,
        }
    }
}

impl Opened {
    fn of(directory: &Path, run: &ComparedRun) -> Option<Opened> {
        let record = RunDir::open(&directory.join(&run.directory)).ok()?;
        let run = conclusion(&record);
        let (mut end_ms, mut samples) = (0, 0);
        for row in record.rows::<TimelineRow>() {
            end_ms = row.t_ms.max(end_ms);
            samples += 1;
        }
        let measured_ms = run.measured.map_or(0, |phase| phase.from_ms);
        Some(Opened {
            record,
            run,
            measured_ms,
            end_ms: end_ms.max(measured_ms),
            samples,
        })
    }
}

impl Course {
    fn of(name: &str, runs: &[Opened], grid: &Grid, measured_ms: u64) -> Course {
        let mut throughput = vec![Vec::new(); grid.columns];
        let mut p99 = vec![Vec::new(); grid.columns];
        let (mut response, mut service) = (histogram(), histogram());
        for run in runs {
            grid.add(run, measured_ms, &mut throughput, &mut p99);
            for interval in run.record.latency() {
                let phase = run.run.measured;
                if !phase.is_none_or(|it| it.counts_latency(interval.from_ms, interval.to_ms)) {
                    continue;
                }
                // A damaged interval leaves the total as it is; the run's own report says so.
                match interval.series {
                    Series::Response => interval.add_to(&mut response),
                    Series::Service => interval.add_to(&mut service),
                    Series::ScheduleLag | Series::EngineLag | Series::OwnLag => None,
                };
            }
        }
        let scenario = runs.first().map(|run| settings(&run.run.scenario));
        Course {
            name: name.to_owned(),
            throughput: grid.points(throughput),
            p99: grid.points(p99),
            response,
            service,
            settings: scenario.unwrap_or_default(),
        }
    }
}

impl Grid {
    fn new(end_ms: u64, samples: u64) -> Grid {
        // Two samples each, so that every run has one in every column.
        let most = (samples.saturating_sub(1) / 2).clamp(1, MAX_COLUMNS);
        let column_ms = end_ms.div_ceil(most).max(1);
        Grid {
            columns: usize::try_from(end_ms.div_ceil(column_ms))
                .map_or(0, |it| it.min(MAX_COLUMNS as usize)),
            column_ms,
        }
    }

    /// Adds one run's value to every column that one of its intervals ends in: the mean rate since the
    /// last such column, and the worst p99 since then, as percentiles cannot be averaged.
    fn add(
        &self,
        run: &Opened,
        measured_ms: u64,
        throughput: &mut [Vec<f64>],
        p99: &mut [Vec<f64>],
    ) {
        let shift_ms = measured_ms - run.measured_ms;
        let mut begin: Option<TimelineRow> = None;
        let mut last: Option<TimelineRow> = None;
        let mut worst: Option<u64> = None;
        let mut place = None;
        let mut close = |begin: &TimelineRow, end: &TimelineRow, worst: Option<u64>, at: usize| {
            let ms = end.t_ms.saturating_sub(begin.t_ms);
            // What is sampled twice within a moment gives no rate.
            if ms * 4 >= self.column_ms
                && let Some(column) = throughput.get_mut(at)
            {
                let records = end.admitted.saturating_sub(begin.admitted);
                column.push(records as f64 * 1e3 / ms as f64);
            }
            if let Some((column, ns)) = p99.get_mut(at).zip(worst) {
                column.push(ns.max(1) as f64);
            }
        };
        for row in run.record.rows::<TimelineRow>() {
            let at = self.column(row.t_ms.saturating_add(shift_ms));
            if let (Some(from), Some(to), Some(before)) = (&begin, &last, place)
                && at != before
                && to.t_ms > from.t_ms
            {
                close(from, to, worst.take(), before);
                begin = Some(to.clone());
            }
            place = Some(at);
            worst = worst.max(row.response_p99_ns);
            begin.get_or_insert_with(|| row.clone());
            last = Some(row);
        }
        if let (Some(from), Some(to), Some(at)) = (&begin, &last, place) {
            close(from, to, worst, at);
        }
    }

    /// The column that ends with a sample at this time.
    fn column(&self, t_ms: u64) -> usize {
        let at = t_ms.div_ceil(self.column_ms).saturating_sub(1);
        usize::try_from(at).unwrap_or(usize::MAX)
    }

    fn points(&self, columns: Vec<Vec<f64>>) -> Vec<Point> {
        let points = columns
            .into_iter()
            .enumerate()
            .filter_map(|(at, mut values)| {
                let low = values.iter().copied().reduce(f64::min)?;
                let high = values.iter().copied().reduce(f64::max)?;
                Some(Point {
                    t_ms: (at as u64 + 1).saturating_mul(self.column_ms),
                    low,
                    median: median_of(&mut values),
                    high,
                })
            });
        points.collect()
    }
}
