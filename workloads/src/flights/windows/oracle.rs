//! The oracle: the whole job as one loop, with a watermark after every flight. It shares nothing with the engine's
//! windows.

use std::collections::{BTreeMap, BTreeSet};

use super::WindowDelays;
use super::tally::{Place, WindowTally, start_ms};
use crate::flights::spec::WindowOptions;
use crate::flights::stream::Flight;
use crate::flights::totals::{Code, Totals};

/// What the windows say of flights that come in this order.
pub(super) fn exact(flights: impl Iterator<Item = Flight>, options: &WindowOptions) -> WindowTally {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    let mut oracle = Oracle {
        size_ms: signed(options.size_ms),
        lateness_ms: signed(options.lateness_ms),
        watermark_ms: i64::MIN,
        totals: BTreeMap::new(),
        waiting: BTreeSet::new(),
        said: WindowTally::default(),
    };
    let mut highest_ms = i64::MIN;
    for flight in flights {
        oracle.take(&flight);
        highest_ms = highest_ms.max(flight.event_time_ms);
        oracle.advance(highest_ms - signed(options.delay_ms) - 1);
    }
    oracle.advance(i64::MAX);
    oracle.said
}

struct Oracle {
    size_ms: i64,
    lateness_ms: i64,
    watermark_ms: i64,
    totals: BTreeMap<Place, Totals>,
    /// Windows that are not complete: their starts and the destinations in them.
    waiting: BTreeSet<(i64, Code<3>)>,
    said: WindowTally,
}

impl Oracle {
    fn take(&mut self, flight: &Flight) {
        let start_ms = start_ms(flight.event_time_ms, self.size_ms);
        let last_ms = start_ms + self.size_ms - 1;
        if self.watermark_ms >= last_ms + self.lateness_ms {
            self.said.add_late(flight, self.size_ms);
            return;
        }
        let place = (Code(flight.destination), start_ms);
        let totals = self.totals.entry(place).or_insert(Totals::NONE);
        totals.add(flight);
        if self.watermark_ms >= last_ms {
            self.say(place);
        } else {
            self.waiting.insert((start_ms, place.0));
        }
    }

    fn advance(&mut self, watermark_ms: i64) {
        self.watermark_ms = watermark_ms;
        while let Some(&(start_ms, destination)) = self.waiting.first()
            && watermark_ms >= start_ms + self.size_ms - 1
        {
            self.waiting.pop_first();
            self.say((destination, start_ms));
        }
    }

    fn say(&mut self, place: Place) {
        let (destination, start_ms) = place;
        let result = WindowDelays {
            destination,
            start_ms,
            refined: self.said.panes.contains_key(&place),
            watermark_ms: self.watermark_ms,
            totals: self.totals[&place],
        };
        self.said.add_result(&result, self.size_ms);
    }
}
