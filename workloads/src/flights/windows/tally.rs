//! What is kept of results and late flights: enough to tell exactly which flights each counted.

use borsh::{BorshDeserialize, BorshSerialize};
use rustc_hash::FxHashMap;

use super::WindowDelays;
use crate::draw::mix;
use crate::flights::stream::Flight;
use crate::flights::totals::{Code, Totals};

/// A destination and the start of a window in milliseconds.
pub(super) type Place = (Code<3>, i64);

/// The windows and late flights of one or more subtasks, or of the oracle.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct WindowTally {
    pub panes: FxHashMap<Place, Pane>,
    /// Late flights, by the window that they came too late for.
    pub late: FxHashMap<Place, Totals>,
}

/// All that a window said of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Pane {
    /// The last result: the one with the most flights, in whatever order a sink received them.
    pub last: Totals,
    /// Flights of the first result.
    pub first_count: u64,
    /// Results that said to be the first.
    pub firsts: u64,
    /// Results that said to refine it.
    pub refinements: u64,
    /// Results at a watermark that had not reached the end of the window.
    pub early: u64,
    /// Sum of a hash of each result.
    digest: u64,
}

impl Pane {
    /// Of a window that never fired.
    pub(super) const NONE: Pane = Pane {
        last: Totals::NONE,
        first_count: 0,
        firsts: 0,
        refinements: 0,
        early: 0,
        digest: 0,
    };

    /// Results of all kinds.
    pub(super) fn results(&self) -> u64 {
        self.firsts + self.refinements
    }

    fn merge(&mut self, other: &Pane) {
        if other.last.count > self.last.count {
            self.last = other.last;
        }
        self.first_count += other.first_count;
        self.firsts += other.firsts;
        self.refinements += other.refinements;
        self.early += other.early;
        self.digest = self.digest.wrapping_add(other.digest);
    }
}

/// The start of the window that a time lies in.
#[inline]
pub(super) fn start_ms(event_time_ms: i64, size_ms: i64) -> i64 {
    event_time_ms - event_time_ms.rem_euclid(size_ms)
}

impl WindowTally {
    /// Takes a result in; gives how many flights it counts that none before it did.
    pub(super) fn add_result(&mut self, result: &WindowDelays, size_ms: i64) -> u64 {
        let place = (result.destination, result.start_ms);
        let pane = self.panes.entry(place).or_insert(Pane::NONE);
        let totals = result.totals;
        if totals.count > pane.last.count {
            pane.last = totals;
        }
        let mut added = 1;
        if result.refined {
            pane.refinements += 1;
        } else {
            pane.firsts += 1;
            pane.first_count += totals.count;
            added = totals.count;
        }
        let last_ms = result.start_ms.saturating_add(size_ms - 1);
        pane.early += u64::from(result.watermark_ms < last_ms);
        pane.digest = pane.digest.wrapping_add(digest(&totals, result.refined));
        added
    }

    /// Takes a late flight in; gives 1.
    pub(super) fn add_late(&mut self, flight: &Flight, size_ms: i64) -> u64 {
        let start_ms = start_ms(flight.event_time_ms, size_ms);
        let place = (Code(flight.destination), start_ms);
        self.late.entry(place).or_insert(Totals::NONE).add(flight);
        1
    }

    /// Takes in what another subtask has.
    pub(super) fn merge(&mut self, other: &WindowTally) {
        for (place, pane) in &other.panes {
            self.panes.entry(*place).or_insert(Pane::NONE).merge(pane);
        }
        for (place, totals) in &other.late {
            self.late
                .entry(*place)
                .or_insert(Totals::NONE)
                .merge(totals);
        }
    }

    pub(super) fn pane(&self, place: &Place) -> Pane {
        self.panes.get(place).copied().unwrap_or(Pane::NONE)
    }

    pub(super) fn late(&self, place: &Place) -> Totals {
        self.late.get(place).copied().unwrap_or(Totals::NONE)
    }
}

fn digest(totals: &Totals, refined: bool) -> u64 {
    let Totals {
        count,
        sum_minutes,
        max_minutes,
        fingerprint,
    } = *totals;
    let delays = mix(sum_minutes.cast_unsigned()) ^ u64::from(max_minutes.cast_unsigned());
    mix(fingerprint ^ mix(2 * count + u64::from(refined)) ^ mix(delays))
}
