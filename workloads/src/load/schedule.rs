//! The schedule: the intended time of every record, fixed before the run.
//!
//! - `uniform`: record k of the whole stream is due at the first nanosecond at which the load's [`Exposure`] has
//!   reached k. The splits interleave, so their superposition is perfectly even.
//! - `poisson`: each split sums up exponential gaps; its record is due when its share of the exposure has reached
//!   that sum (time change of a unit-rate Poisson process: Çinlar, "Introduction to Stochastic Processes", 1975).
//! - `replay`: as recorded. `max`: there is no intended time.

use super::clock::{SplitClock, SplitState};
use super::disturbances::{Disturbances, SplitPause};
use super::exposure::{Exposure, Stride, of_records};
use super::recording::{Recording, Replay};
use super::spec::{Arrivals, LoadSpec, ShapeSpec};
use super::wave;
use crate::draw::{Draw, FEMTO, Purpose, exponential};
use crate::spec::SpecError;

/// Where a run's input ends, and what is done to it before; by default nowhere and nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    /// No record with an intended time at or after this job time, in nanoseconds. Without intended times: none is
    /// generated from this time on.
    pub until_ns: Option<u64>,
    /// No more than this number of records.
    pub records: Option<u64>,
    /// Disturbances on the way. They change no intended time.
    pub disturbances: Disturbances,
}

/// The intended times of all records of a run.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub(super) law: Law,
    splits: u32,
    arrival: Draw,
    until_ns: u64,
    records: u64,
    pauses: Vec<SplitPause>,
}

/// By what rule times follow from record numbers.
#[derive(Debug, Clone)]
pub(super) enum Law {
    Max,
    /// With a stride from a split's record to its next, by segment.
    Uniform(Exposure, Vec<Stride>),
    Poisson(Exposure),
    Replay(Replay),
}

impl Schedule {
    /// The schedule of a load. `recording` are the recorded times of the workload, if it has any.
    ///
    /// # Errors
    /// If the load replays recorded times and the workload has none.
    pub fn new(
        load: &LoadSpec,
        recording: Option<Recording>,
        seed: u64,
        bounds: Bounds,
    ) -> Result<Schedule, SpecError> {
        let law = match (&load.shape, recording) {
            (ShapeSpec::Max, _) => Law::Max,
            (ShapeSpec::Replay { compression }, Some(recording)) => {
                Law::Replay(Replay::new(recording, *compression))
            }
            (ShapeSpec::Replay { .. }, None) => {
                let message = "found \"replay\"; this workload has no recorded times; allowed: any other shape";
                return Err(SpecError::new("shape.kind", message));
            }
            (rates, _) => Law::of_rates(wave::exposure(rates), load),
        };
        Ok(Schedule {
            law,
            splits: load.splits.max(1),
            arrival: Draw::new(seed, Purpose::Arrival),
            until_ns: bounds.until_ns.unwrap_or(u64::MAX),
            records: bounds.records.unwrap_or(u64::MAX),
            pauses: bounds.disturbances.pauses,
        })
    }

    /// Number of splits.
    pub fn splits(&self) -> u32 {
        self.splits
    }

    /// Whether records have intended times (every shape but `max`).
    pub fn is_timed(&self) -> bool {
        !matches!(self.law, Law::Max)
    }

    /// The job time at which the input ends, in nanoseconds; `u64::MAX` if it does not.
    pub fn until_ns(&self) -> u64 {
        self.until_ns
    }

    /// The number in the whole stream of record `index` of `split`.
    #[inline]
    pub fn record(&self, split: u32, index: u64) -> u64 {
        index
            .saturating_mul(u64::from(self.splits))
            .saturating_add(u64::from(split))
    }

    /// The pauses of a split.
    pub(super) fn pauses(&self, split: u32) -> impl Iterator<Item = &SplitPause> {
        self.pauses.iter().filter(move |pause| pause.split == split)
    }

    /// Walks a split from a state; [`SplitState::default`] is its beginning.
    pub fn clock(&self, split: u32, state: SplitState) -> SplitClock {
        SplitClock::new(self, split, state)
    }

    /// How many records of the whole stream have an intended time of at most `now`, where that has a closed form
    /// (uniform arrivals and replays).
    pub(super) fn count(&self, now: u64) -> Option<u64> {
        let Some(now) = self.last_before_end(now) else {
            return Some(0);
        };
        let count = match &self.law {
            Law::Max | Law::Poisson(_) => return None,
            Law::Uniform(exposure, _) => u64::try_from(exposure.at(now) / u128::from(FEMTO))
                .unwrap_or(u64::MAX)
                .saturating_add(1),
            Law::Replay(replay) => replay.count(now),
        };
        Some(count.min(self.records))
    }

    /// `now`, or the last nanosecond before the input ends if that is earlier; `None` if it ends at once.
    pub(super) fn last_before_end(&self, now: u64) -> Option<u64> {
        self.until_ns.checked_sub(1).map(|last| now.min(last))
    }

    /// Whether record `index` of `split` is one of the run's.
    #[inline]
    pub(super) fn holds(&self, split: u32, index: u64) -> bool {
        self.record(split, index) < self.records
    }

    /// The draws of a split's gaps; see [`gap`].
    pub(super) fn gaps(&self, split: u32) -> Draw {
        self.arrival.part(u64::from(split))
    }

    /// The state of a split after `index` records. Takes time proportional to `index` if arrivals are random.
    pub fn state_after(&self, split: u32, index: u64) -> SplitState {
        let exposure = match &self.law {
            Law::Poisson(_) => {
                let gaps = self.gaps(split);
                (0..index).map(|index| gap(&gaps, index)).sum()
            }
            Law::Max | Law::Uniform(..) | Law::Replay(_) => 0,
        };
        SplitState { index, exposure }
    }

    /// Exposure of the whole load at which a split has had `own` of its own.
    #[inline]
    pub(super) fn of_all_splits(&self, own: u128) -> u128 {
        own.saturating_mul(u128::from(self.splits))
    }
}

/// The gap in front of a split's record `index`, in exposure of that split.
#[inline]
pub(super) fn gap(gaps: &Draw, index: u64) -> u128 {
    u128::from(exponential(gaps.bits(index)))
}

impl Law {
    fn of_rates(exposure: Exposure, load: &LoadSpec) -> Law {
        match load.arrivals {
            Arrivals::Poisson => Law::Poisson(exposure),
            Arrivals::Uniform => {
                let distance = of_records(u64::from(load.splits.max(1)));
                let strides = (0..exposure.segments())
                    .map(|index| exposure.stride(index, distance))
                    .collect();
                Law::Uniform(exposure, strides)
            }
        }
    }
}
