//! The operator `first-visit`: of each device, a map of days to the first visit.
//!
//! A visit makes a row if its day has none yet, or only later ones. So the last row of a day is its earliest visit,
//! and which rows come before it follows from the order of the device's records alone.

pub(super) mod verify;

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{
    Batch, KeyedProcess, KeyedState, MapState, OperatorContext, OperatorError, PrepareContext, Row,
    Rows, StateContext, StateError,
};

use super::buckets::{Buckets, Found};
use super::outcome::Said;
use super::population::Population;
use super::preload::preload;
use super::profiles::job_ms;
use super::spec::{StateGrowthSpec, TtlSpec};
use crate::stamped::StampedRecord;

/// The calendar of a job: which day a visit belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    day_ms: i64,
}

impl Calendar {
    /// That of a specification.
    pub fn new(spec: &StateGrowthSpec) -> Calendar {
        let day = spec.day.unwrap_or_default();
        Calendar {
            day_ms: i64::try_from(day.as_millis()).unwrap_or(i64::MAX).max(1),
        }
    }

    /// The day of a time in milliseconds, as its number: day 0 is the one before the job's beginning.
    #[inline]
    pub fn day(self, at_ms: i64) -> u32 {
        let number = at_ms.div_euclid(self.day_ms).saturating_add(1);
        u32::try_from(number.max(0)).unwrap_or(u32::MAX)
    }

    /// The first millisecond of day 0: when preloaded devices were seen.
    pub fn yesterday_ms(self) -> i64 {
        -self.day_ms
    }
}

/// The first visit of a device on a day, or the first of those that have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FirstVisit {
    /// Number of the record.
    pub id: u64,
    /// When it was, in milliseconds.
    pub at_ms: i64,
    /// Who.
    pub device: u32,
    /// The number of its day.
    pub day: u32,
    /// Job time at which it was processed, in milliseconds; cut at 49 days.
    pub now_ms: u32,
}

impl FirstVisit {
    /// The same in the terms of a tally.
    #[inline]
    pub(super) fn found(day: u32, at_ms: i64) -> Found {
        Found {
            version: at_ms as u64,
            updates: day,
        }
    }
}

impl Said for FirstVisit {
    #[inline]
    fn key(&self) -> u32 {
        self.device
    }

    #[inline]
    fn add_to(&self, buckets: &mut Buckets) {
        let found = FirstVisit::found(self.day, self.at_ms);
        buckets.answer(self.device, self.id, Some(found));
    }
}

/// One subtask of the operator.
pub(super) struct FirstVisits {
    calendar: Calendar,
    population: Population,
    ttl: Option<TtlSpec>,
    state: Option<MapState<u32, u32, i64>>,
}

impl FirstVisits {
    pub(super) fn new(
        calendar: Calendar,
        population: Population,
        ttl: Option<TtlSpec>,
    ) -> FirstVisits {
        FirstVisits {
            calendar,
            population,
            ttl,
            state: None,
        }
    }

    /// The row of a visit, if it is the first of its day so far.
    #[inline]
    fn row(
        &mut self,
        visit: &StampedRecord,
        now_ms: u32,
    ) -> Result<Option<FirstVisit>, StateError> {
        let state = self.state.as_mut().expect("opened before the first row");
        let StampedRecord {
            event_time_ms: at_ms,
            record,
        } = *visit;
        let (device, day) = (record.key, self.calendar.day(at_ms));
        if state
            .get(&device, &day)?
            .is_some_and(|first| first <= at_ms)
        {
            return Ok(None);
        }
        state.put(&device, &day, at_ms)?;
        Ok(Some(FirstVisit {
            id: record.id,
            at_ms,
            device,
            day,
            now_ms,
        }))
    }
}

impl KeyedProcess<u32, StampedRecord, FirstVisit> for FirstVisits {
    fn open(&mut self, state: &mut StateContext) {
        self.state = Some(match &self.ttl {
            None => state.map("first"),
            Some(ttl) => state.map_with_ttl("first", ttl.to_engine()),
        });
    }

    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn KeyedState)) {
        self.state.iter_mut().for_each(|state| visit(state));
    }

    fn prepare(&mut self, context: &PrepareContext) -> Result<(), OperatorError> {
        let state = self.state.as_mut().expect("opened before it is filled");
        let at_ms = self.calendar.yesterday_ms();
        Ok(preload(&self.population, context, |device| {
            state.put(&device, &0, at_ms)
        })?)
    }

    #[inline]
    fn process(
        &mut self,
        _device: &u32,
        row: Row<StampedRecord>,
        out: &mut Batch<FirstVisit>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        if let Some(first) = self.row(&row.value, job_ms(context.now_ns()))? {
            out.push(row.with(first));
        }
        Ok(())
    }

    fn process_run(
        &mut self,
        _key: &mut impl FnMut(&StampedRecord) -> u32,
        rows: Rows<'_, StampedRecord>,
        out: &mut Batch<FirstVisit>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let state = self.state.as_mut().expect("opened before the first row");
        let calendar = self.calendar;
        let visits = rows.values().iter();
        state
            .prefetch(visits.map(|visit| (visit.record.key, calendar.day(visit.event_time_ms))))?;
        for row in rows {
            let device = row.value.record.key;
            self.process(&device, row, out, context)?;
        }
        Ok(())
    }
}
