//! What the charts show, binned while the tables stream by: at most [`MAX_COLUMNS`] columns
//! however long the run was, so that memory and picture stay small.

mod activity;
mod checkpoints;
mod event_time;
mod gauge;
mod latency;
mod queues;
mod state;
mod timeline;

pub(super) use activity::{Activity, KINDS, OperatorColumns, Shares, activity};
pub(super) use checkpoints::{Checkpoint, checkpoints};
pub(super) use event_time::{EventTime, OperatorLag, event_time};
pub(super) use latency::{Latency, Points, latency};
pub(super) use queues::{EdgeQueue, edge_queues};
pub(super) use state::{State, state};
pub(super) use timeline::{Moment, moments};

use crate::deltas::{Counter, Delta};
use crate::record::{EventRow, Run, RunDir, TimelineRow, event_kind};

/// More columns than this cannot be told apart in a picture.
const MAX_COLUMNS: u64 = 400;
/// Further faults are not marked.
const MAX_FAULTS: usize = 200;

/// The time that a chart shows, milliseconds of job time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    /// Samples of the timeline.
    pub(super) samples: u64,
}

impl Span {
    /// From the first to the last sample.
    pub(super) fn of(record: &RunDir) -> Span {
        let mut span: Option<Span> = None;
        for row in record.rows::<TimelineRow>() {
            let known = span.get_or_insert(Span {
                from_ms: row.t_ms,
                to_ms: row.t_ms,
                samples: 0,
            });
            known.from_ms = known.from_ms.min(row.t_ms);
            known.to_ms = known.to_ms.max(row.t_ms);
            known.samples += 1;
        }
        span.unwrap_or_default()
    }

    pub(super) fn length_ms(&self) -> u64 {
        self.to_ms - self.from_ms
    }

    /// Columns into which samples are binned: one per sampling interval while that can be seen.
    fn columns(&self) -> usize {
        self.samples
            .saturating_sub(1)
            .clamp(1, MAX_COLUMNS)
            .min(self.length_ms().max(1)) as usize
    }

    /// What is sampled twice within this time, milliseconds, gives no rate: the last sample of a
    /// run may follow the one before it at once.
    pub(super) fn least_interval_ms(&self) -> u64 {
        (self.length_ms() / self.samples.max(1) / 4).max(1)
    }

    /// How many consecutive samples make one point of a line.
    pub(super) fn samples_per_point(&self) -> u64 {
        self.samples.div_ceil(MAX_COLUMNS).max(1)
    }

    /// Where a moment lies, in columns from the left.
    fn position(&self, t_ms: u64) -> f64 {
        let since = t_ms.clamp(self.from_ms, self.to_ms) - self.from_ms;
        since as f64 / self.length_ms().max(1) as f64 * self.columns() as f64
    }

    /// Which columns a time covers, and how much of each, 0..1.
    fn covered(&self, from_ms: u64, to_ms: u64) -> impl Iterator<Item = (usize, f64)> + use<> {
        let (from, to) = (self.position(from_ms), self.position(to_ms));
        (from as usize..to.ceil() as usize).filter_map(move |at| {
            let weight = to.min(at as f64 + 1.0) - from.max(at as f64);
            (weight > 0.0).then_some((at, weight))
        })
    }

    /// Adds what was counted in an interval evenly to the columns that it covers; false if that was
    /// not measured.
    fn spread(&self, delta: &Delta, counter: Counter, columns: &mut [f64]) -> bool {
        let time = (delta.from_ms, delta.to_ms);
        self.spread_count(time, delta.counters[counter], columns)
    }

    /// The same of a count on its own.
    fn spread_count(
        &self,
        (from_ms, to_ms): (u64, u64),
        counted: Option<u64>,
        columns: &mut [f64],
    ) -> bool {
        let Some(counted) = counted else {
            return false;
        };
        let width = self.position(to_ms) - self.position(from_ms);
        for (at, weight) in self.covered(from_ms, to_ms) {
            columns[at] += counted as f64 * weight / width;
        }
        true
    }

    /// The column that ends with a sample at this moment.
    fn column_of(&self, t_ms: u64) -> usize {
        let last = self.columns() - 1;
        (self.position(t_ms).ceil() as usize)
            .saturating_sub(1)
            .min(last)
    }

    /// Seconds that a column stands for.
    pub(super) fn column_s(&self) -> f64 {
        self.length_ms().max(1) as f64 / 1e3 / self.columns() as f64
    }

    /// Begin of a column.
    pub(super) fn column_ms(&self, column: usize) -> u64 {
        let share = (column as f64 / self.columns() as f64).min(1.0);
        let since = (share * self.length_ms() as f64).round() as u64;
        self.from_ms + since.min(self.length_ms())
    }
}

/// What is marked in every chart.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    pub(super) warm_up_end_ms: Option<u64>,
    pub(super) faults: Vec<Fault>,
}

/// An injected fault; one, however many subtasks suffer it. Or a time without the job, from a failure to its restart.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    pub(super) name: String,
    /// Subtasks that suffer it and have not yet said that it is over.
    running: u32,
}

impl Fault {
    /// One subtask less; over with the last.
    fn end(&mut self, t_ms: u64) {
        self.running -= 1;
        if self.running == 0 {
            self.to_ms = t_ms;
        }
    }
}

impl Marks {
    pub(super) fn of(record: &RunDir, run: &Run, span: Span) -> Marks {
        let begin = run
            .measured
            .map(|phase| phase.from_ms)
            .filter(|&begin| begin > span.from_ms);
        let outages = run.recoveries.iter().take(MAX_FAULTS);
        let mut marks = Marks {
            warm_up_end_ms: begin,
            faults: outages
                .map(|it| Fault {
                    from_ms: it.failed_at_ms,
                    to_ms: it.restarted_at_ms,
                    name: format!("down: {}", it.cause),
                    running: 0,
                })
                .collect(),
        };
        for event in record.rows::<EventRow>() {
            let name = if event.text.is_empty() {
                event.kind.clone()
            } else {
                event.text.clone()
            };
            let has_room = marks.faults.len() < MAX_FAULTS;
            let is_running = |fault: &&mut Fault| fault.name == name && fault.running > 0;
            let running = marks.faults.iter_mut().rev().find(is_running);
            match (event.kind.as_str(), running) {
                (event_kind::FAULT, Some(fault)) => fault.running += 1,
                (event_kind::FAULT, None) if has_room => {
                    marks.faults.push(Fault {
                        from_ms: event.t_ms,
                        to_ms: span.to_ms,
                        name,
                        running: 1,
                    });
                }
                (event_kind::FAULT_END, Some(fault)) => fault.end(event.t_ms),
                _ => {}
            }
        }
        marks.faults.sort_by_key(|fault| fault.from_ms);
        marks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::deltas::Differences;
    use crate::record::SubtaskRow;

    proptest! {
        #[test]
        fn what_is_counted_in_an_interval_is_in_its_columns_and_nowhere_else(
            samples in 1u64..900, from in 0u64..9_000, length in 1u64..3_000, counted in 0u64..1_000_000
        ) {
            let span = Span { from_ms: 0, to_ms: 12_000, samples };
            let mut differences = Differences::default();
            let row = |t_ms, fired| SubtaskRow { t_ms, fired_on_time: Some(fired), ..SubtaskRow::default() };
            differences.feed(&row(from, 7));
            let delta = differences.feed(&row(from + length, 7 + counted)).unwrap();
            let mut columns = vec![0.0; span.columns()];
            prop_assert!(span.spread(&delta, Counter::FiredOnTime, &mut columns));
            prop_assert!(!span.spread(&delta, Counter::LateDropped, &mut columns));
            let sum: f64 = columns.iter().sum();
            prop_assert!((sum - counted as f64).abs() <= 1e-9 * counted as f64, "{sum}");
            let (first, last) = (span.position(from) as usize, span.column_of(from + length));
            prop_assert!(columns.iter().enumerate().all(|(at, it)| *it == 0.0 || (first..=last).contains(&at)));
        }
    }
}
