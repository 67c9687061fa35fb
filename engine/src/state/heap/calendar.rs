//! When to look at which entry: the entries of a state by the time at which they may expire.
//!
//! Refreshing an entry does not touch the calendar. It is looked at when the time comes for which it
//! was entered, and is entered anew if it lives longer by then: once per time to live, however often
//! it is refreshed. An entry that is removed earlier is crossed out at once, so that the calendar
//! never holds more than the state.
//!
//! Days, so to speak, are a 64th of the time to live: that much longer may an entry occupy memory,
//! without being seen.

use std::collections::BTreeMap;

/// Days that a time to live is divided into.
const DAYS: u64 = 64;

/// Entries by the day at which they are to be looked at.
#[derive(Debug)]
pub(crate) struct Calendar<I> {
    day_ms: u64,
    days: BTreeMap<u64, Vec<I>>,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    day: u64,
    index: usize,
}

impl<I> Calendar<I> {
    /// For entries that live for `after_ms`.
    pub(crate) fn new(after_ms: u64) -> Self {
        Calendar {
            day_ms: (after_ms / DAYS).max(1),
            days: BTreeMap::new(),
        }
    }

    pub(crate) fn enter(&mut self, over_ms: u64, entry: I) -> Place {
        let day = over_ms / self.day_ms;
        let entries = self.days.entry(day).or_default();
        entries.push(entry);
        Place {
            day,
            index: entries.len() - 1,
        }
    }

    /// Crosses the entry at `place` out. Another may take its place, which is given back to be told.
    pub(crate) fn cross_out(&mut self, place: Place) -> Option<&I> {
        let entries = self.days.get_mut(&place.day)?;
        entries.swap_remove(place.index);
        if entries.is_empty() {
            self.days.remove(&place.day);
            return None;
        }
        self.days.get(&place.day)?.get(place.index)
    }

    /// Takes out an entry of a day that is over at `now_ms`.
    pub(crate) fn take_passed(&mut self, now_ms: u64) -> Option<I> {
        let mut first = self.days.first_entry()?;
        let last_ms = (first.key().saturating_mul(self.day_ms)).saturating_add(self.day_ms - 1);
        if last_ms > now_ms {
            return None;
        }
        let entry = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
        }
        entry
    }

    /// The entry at `place`.
    #[cfg(test)]
    pub(crate) fn at(&self, place: Place) -> Option<&I> {
        self.days.get(&place.day)?.get(place.index)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.days.values().map(Vec::len).sum()
    }
}
