//! What the charts show, binned while the tables stream by: at most [`MAX_COLUMNS`] columns
//! however long the run was, so that memory and picture stay small.

mod activity;
mod latency;
mod queues;
mod timeline;

pub(super) use activity::{Activity, KINDS, OperatorColumns, Shares, activity};
pub(super) use latency::{Latency, latency};
pub(super) use queues::{EdgeQueue, edge_queues};
pub(super) use timeline::{Moment, moments};

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

/// An injected fault.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    pub(super) name: String,
}

impl Marks {
    pub(super) fn of(record: &RunDir, run: &Run, span: Span) -> Marks {
        let begin = run
            .measured
            .map(|phase| phase.from_ms)
            .filter(|&begin| begin > span.from_ms);
        let mut marks = Marks {
            warm_up_end_ms: begin,
            faults: Vec::new(),
        };
        for event in record.rows::<EventRow>() {
            let name = if event.text.is_empty() {
                event.kind.clone()
            } else {
                event.text.clone()
            };
            match event.kind.as_str() {
                event_kind::FAULT if marks.faults.len() < MAX_FAULTS => {
                    marks.faults.push(Fault {
                        from_ms: event.t_ms,
                        to_ms: span.to_ms,
                        name,
                    });
                }
                event_kind::FAULT_END => {
                    let open = |fault: &&mut Fault| fault.name == name && fault.to_ms == span.to_ms;
                    if let Some(fault) = marks.faults.iter_mut().rev().find(open) {
                        fault.to_ms = event.t_ms;
                    }
                }
                _ => {}
            }
        }
        marks
    }
}
