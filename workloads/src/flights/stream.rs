//! The flights as a stream of records, in the order of their arrival.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

use super::extract::{Extract, ExtractError, Row};
use crate::load::{Events, Recording};

/// Minutes of a pass: 2013 has 365 days.
const YEAR_MINUTES: u64 = 365 * 24 * 60;

const MINUTE_MS: u64 = 60_000;

/// 2013-01-01 00:00 as milliseconds since 1970, local times being taken as UTC.
const NEW_YEAR_MS: i64 = 1_356_998_400_000;

/// A flight as the source emits it: the columns of the data, not interpreted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RawFlight {
    /// Number of the record in the whole stream, over all passes.
    pub record: u64,
    /// Day of the scheduled departure, days since 2013-01-01; passes after the first are 365 days later each.
    pub day: u32,
    /// Scheduled departure, hours times 100 plus minutes.
    pub departure_hhmm: u16,
    /// Scheduled arrival, hours times 100 plus minutes.
    pub arrival_hhmm: u16,
    /// Minutes after the scheduled arrival; negative if early.
    pub delay_minutes: i16,
    /// IATA code of the carrier.
    pub carrier: [u8; 2],
    /// IATA code of the destination.
    pub destination: [u8; 3],
}

/// A flight as the job uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Flight {
    /// Number of the record in the whole stream.
    pub record: u64,
    /// Scheduled arrival, milliseconds since 1970, local time taken as UTC.
    pub event_time_ms: i64,
    /// Minutes after the scheduled arrival; negative if early.
    pub delay_minutes: i32,
    /// IATA code of the carrier.
    pub carrier: [u8; 2],
    /// IATA code of the destination.
    pub destination: [u8; 3],
}

impl RawFlight {
    /// The flight with its event time.
    #[inline]
    pub fn parse(&self) -> Flight {
        let minutes = event_minutes(self.day, self.departure_hhmm, self.arrival_hhmm);
        Flight {
            record: self.record,
            event_time_ms: NEW_YEAR_MS + (minutes * MINUTE_MS) as i64,
            delay_minutes: i32::from(self.delay_minutes),
            carrier: self.carrier,
            destination: self.destination,
        }
    }
}

impl Flight {
    /// When it arrived, on the same clock as event times, in milliseconds.
    pub fn arrival_ms(&self) -> i64 {
        self.event_time_ms + i64::from(self.delay_minutes) * MINUTE_MS as i64
    }
}

/// Scheduled arrival in minutes since 2013-01-01 00:00: on the day of departure, or the next if it would lie before
/// the scheduled departure.
#[inline]
fn event_minutes(day: u32, departure_hhmm: u16, arrival_hhmm: u16) -> u64 {
    let next_day = u64::from(arrival_hhmm < departure_hhmm);
    let minutes = u64::from(arrival_hhmm / 100) * 60 + u64::from(arrival_hhmm % 100);
    (u64::from(day) + next_day) * 24 * 60 + minutes
}

/// The flights of the year that have an arrival delay, in the order of the stream.
#[derive(Debug)]
pub struct Year {
    flights: Vec<Arrived>,
    /// Milliseconds since 2013-01-01 00:00 at which each arrived.
    arrivals_ms: Arc<[u64]>,
    carriers: Vec<[u8; 2]>,
    destinations: Vec<[u8; 3]>,
}

#[derive(Debug, Clone, Copy)]
struct Arrived {
    day: u16,
    departure_hhmm: u16,
    arrival_hhmm: u16,
    delay_minutes: i16,
    carrier: u8,
    destination: u8,
    /// Flights without a delay that lie before this one in the stream, after the one before.
    dropped_before: u16,
}

/// Why there is no year of flights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YearError {
    /// The data cannot be read.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// No flight arrived, a flight arrived before the year began, or later than the next year's first.
    #[error("its arrivals do not fit a year")]
    Arrivals,
}

impl Year {
    /// The year that the project carries.
    ///
    /// # Errors
    /// If its bytes were changed.
    pub fn embedded() -> Result<Year, YearError> {
        Year::new(Extract::embedded()?)
    }

    /// The stream of an extract: ordered by (arrival, event time, row). A flight without a delay has the place that
    /// it would have had without one; there it is dropped.
    ///
    /// # Errors
    /// If the arrivals are not those of one year.
    pub fn new(extract: Extract) -> Result<Year, YearError> {
        let mut order = extract
            .rows
            .iter()
            .enumerate()
            .map(place)
            .collect::<Option<Vec<_>>>()
            .ok_or(YearError::Arrivals)?;
        order.sort_unstable();
        let (mut flights, mut arrivals_ms, mut dropped) = (Vec::new(), Vec::new(), 0u16);
        for (arrival, _, index) in order {
            let row = extract.rows[index];
            let Some(delay_minutes) = row.delay_minutes else {
                dropped = dropped.saturating_add(1);
                continue;
            };
            arrivals_ms.push(arrival * MINUTE_MS);
            flights.push(Arrived {
                day: row.day,
                departure_hhmm: row.departure_hhmm,
                arrival_hhmm: row.arrival_hhmm,
                delay_minutes,
                carrier: row.carrier,
                destination: row.destination,
                dropped_before: std::mem::take(&mut dropped),
            });
        }
        // Whatever is dropped after the last arrival is counted with it: nothing comes after.
        if let Some(last) = flights.last_mut() {
            last.dropped_before = last.dropped_before.saturating_add(dropped);
        }
        let arrivals_ms: Arc<[u64]> = arrivals_ms.into();
        let Extract {
            carriers,
            destinations,
            ..
        } = extract;
        match Recording::new(Arc::clone(&arrivals_ms), YEAR_MINUTES * MINUTE_MS) {
            Some(_) => Ok(Year {
                flights,
                arrivals_ms,
                carriers,
                destinations,
            }),
            None => Err(YearError::Arrivals),
        }
    }

    /// When the flights arrived.
    pub fn recording(&self) -> Recording {
        Recording::new(Arc::clone(&self.arrivals_ms), YEAR_MINUTES * MINUTE_MS)
            .expect("checked when the year was made")
    }

    /// Flights that arrived.
    pub fn flights(&self) -> u64 {
        self.flights.len() as u64
    }
}

/// Where a row lies in the stream: (arrival, event time) in minutes since 2013-01-01 00:00, and its number.
fn place((index, row): (usize, &Row)) -> Option<(u64, u64, usize)> {
    let event = event_minutes(u32::from(row.day), row.departure_hhmm, row.arrival_hhmm);
    let arrival = event.checked_add_signed(i64::from(row.delay_minutes.unwrap_or(0)))?;
    Some((arrival, event, index))
}

/// The stream: passes over the year, each a year later than the one before.
#[derive(Debug, Clone)]
pub struct FlightEvents {
    year: Arc<Year>,
    repeat: u64,
}

impl FlightEvents {
    /// `repeat` passes over a year.
    pub fn new(year: Arc<Year>, repeat: u64) -> FlightEvents {
        FlightEvents { year, repeat }
    }

    #[inline]
    fn arrived(&self, record: u64) -> &Arrived {
        &self.year.flights[(record % self.year.flights()) as usize]
    }
}

impl Events for FlightEvents {
    type Out = RawFlight;

    #[inline]
    fn event(&self, record: u64) -> RawFlight {
        let pass = record / self.year.flights();
        let arrived = self.arrived(record);
        RawFlight {
            record,
            day: u32::from(arrived.day) + (pass as u32).wrapping_mul(365),
            departure_hhmm: arrived.departure_hhmm,
            arrival_hhmm: arrived.arrival_hhmm,
            delay_minutes: arrived.delay_minutes,
            carrier: self.year.carriers[usize::from(arrived.carrier)],
            destination: self.year.destinations[usize::from(arrived.destination)],
        }
    }

    fn count(&self) -> Option<u64> {
        Some(self.year.flights().saturating_mul(self.repeat))
    }

    #[inline]
    fn event_time_ms(&self, flight: &RawFlight) -> Option<i64> {
        Some(flight.parse().event_time_ms)
    }

    #[inline]
    fn dropped_before(&self, record: u64) -> u64 {
        u64::from(self.arrived(record).dropped_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year() -> FlightEvents {
        FlightEvents::new(Arc::new(Year::embedded().expect("unchanged")), 2)
    }

    #[test]
    fn the_stream_has_the_flights_that_arrived_in_the_order_of_arrival() {
        let events = year();
        let n = events.year.flights();
        assert_eq!((n, events.count()), (327_346, Some(654_692)));
        assert_eq!(
            (0..n)
                .map(|record| events.dropped_before(record))
                .sum::<u64>(),
            9_430
        );
        let key = |record| {
            let flight = events.event(record).parse();
            (flight.arrival_ms(), flight.event_time_ms)
        };
        assert!(
            (1..2 * n).all(|record| key(record - 1) <= key(record)),
            "also from one pass to the next"
        );
    }

    #[test]
    fn the_second_pass_is_the_first_a_year_later() {
        let events = year();
        let n = events.year.flights();
        for record in (0..n).step_by(1009) {
            let (first, second) = (events.event(record), events.event(record + n));
            assert_eq!(
                RawFlight {
                    record,
                    day: second.day - 365,
                    ..second
                },
                first
            );
        }
    }

    /// The figures that watermark delays are chosen by; computed independently from the package's CSV.
    #[test]
    fn events_lie_behind_the_latest_by_the_known_minutes() {
        let events = year();
        let mut latest = i64::MIN;
        let mut behind: Vec<i64> = (0..events.year.flights())
            .map(|record| {
                let time = events.event(record).parse().event_time_ms;
                latest = latest.max(time);
                (latest - time) / 60_000
            })
            .collect();
        behind.sort_unstable();
        let quantile = |per_mille: usize| behind[(behind.len() * per_mille).div_ceil(1000) - 1];
        assert_eq!([500, 900, 990, 999].map(quantile), [19, 70, 192, 332]);
    }

    #[test]
    fn an_arrival_before_its_departure_is_on_the_next_day() {
        assert_eq!(event_minutes(0, 515, 819), 8 * 60 + 19);
        assert_eq!(event_minutes(1, 2359, 340), 2 * 24 * 60 + 3 * 60 + 40);
        assert_eq!(event_minutes(0, 2000, 2400), 24 * 60);
    }
}
