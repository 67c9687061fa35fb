//! The engine's windows as the parameters want them: which core, with which assigner, trigger and contents.
//!
//! Assigner and trigger are chosen once per job, not once per type: a core for each combination would be compiled
//! nearly a hundred times. So both are enums here, and show how assigners and triggers of one's own are written.

use std::iter::Once;
use std::time::Duration;

use engine::{
    Aggregate, AggregatedThen, AllElements, AssignedWindows, Firing, Global, Session, Sliding,
    Tumbling, WindowAggregate, WindowAssigner, WindowError,
};

use super::results::WindowResult;
use super::spec::{LateDataSpec, WindowSpec};
use super::trigger::Chosen;
use crate::hot_keys::Sums;
use crate::stamped::StampedRecord;

/// Milliseconds of a span.
pub(super) fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Sums over the records of a window.
#[derive(Debug, Clone, Copy, Default)]
pub struct SumOfRecords;

impl Aggregate<u32, StampedRecord> for SumOfRecords {
    type Accumulator = Sums;
    type Out = Sums;

    fn create(&self) -> Sums {
        Sums::default()
    }

    #[inline]
    fn add(&self, sums: &mut Sums, value: StampedRecord) {
        sums.add(&Sums::of(&value.record));
    }

    fn result(&self, _key: &u32, sums: &Sums) -> Sums {
        *sums
    }
}

impl WindowAggregate<u32, StampedRecord> for SumOfRecords {
    #[inline]
    fn merge(&self, into: &mut Sums, other: &Sums) {
        into.add(other);
    }
}

type OfSums = fn(&u32, &Firing, Sums) -> Once<WindowResult>;
type OfRecords = fn(&u32, &Firing, &[StampedRecord]) -> Once<WindowResult>;

/// Contents that keep sums.
pub(super) fn kept_sums() -> AggregatedThen<SumOfRecords, OfSums> {
    AggregatedThen::new(SumOfRecords, |&key, firing, sums| {
        std::iter::once(WindowResult::new(key, firing, sums))
    })
}

/// Contents that keep all records, and add them up at each firing.
pub(super) fn kept_records() -> AllElements<OfRecords, StampedRecord> {
    AllElements::new(|&key, firing, records| {
        let mut sums = Sums::default();
        for stamped in records {
            sums.add(&Sums::of(&stamped.record));
        }
        std::iter::once(WindowResult::new(key, firing, sums))
    })
}

/// Windows that do not merge.
#[derive(Debug, Clone, Copy)]
pub(super) enum Grid {
    Tumbling(Tumbling),
    Sliding(Sliding),
    Global,
}

impl WindowAssigner for Grid {
    const MERGES: bool = false;

    #[inline]
    fn assign(&self, timestamp_ms: i64) -> AssignedWindows {
        match self {
            Grid::Tumbling(windows) => windows.assign(timestamp_ms),
            Grid::Sliding(windows) => windows.assign(timestamp_ms),
            Grid::Global => Global.assign(timestamp_ms),
        }
    }
}

/// Which of the cores a specification asks for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Tumbling windows that fire at their end.
    Tumbling(Tumbling),
    /// The same, sliding.
    Sliced(Sliding),
    /// Any windows but sessions, with a trigger.
    Triggered(Grid, Chosen),
    /// Sessions, with a trigger.
    Sessions(Session, Chosen),
}

impl Shape {
    /// Refuses nothing that the specification's own check lets through.
    pub(super) fn new(spec: &LateDataSpec) -> Result<Shape, WindowError> {
        let trigger = Chosen::new(spec)?;
        let plain = spec.fires_by_event_time() && !spec.purging;
        Ok(match spec.window {
            WindowSpec::Tumbling { size } if plain => Shape::Tumbling(Tumbling::new(ms(size))?),
            WindowSpec::Tumbling { size } => {
                Shape::Triggered(Grid::Tumbling(Tumbling::new(ms(size))?), trigger)
            }
            WindowSpec::Sliding { size, slide, .. } => {
                let windows = Sliding::new(ms(size), ms(slide))?;
                if spec.is_sliced() {
                    Shape::Sliced(windows)
                } else {
                    Shape::Triggered(Grid::Sliding(windows), trigger)
                }
            }
            WindowSpec::Session { gap } => Shape::Sessions(Session::new(ms(gap))?, trigger),
            WindowSpec::Global {} => Shape::Triggered(Grid::Global, trigger),
        })
    }
}
