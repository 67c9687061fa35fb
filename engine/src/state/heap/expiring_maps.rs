//! A sorted map per key, whose entries have a time to live, each for itself.

use std::io;
use std::ops::ControlFlow;

use super::access::{AccessTimes, Timed};
use super::calendar::{Calendar, Place};
use super::gauge::HeapGauge;
use super::saved::Saved;
use super::sorted_maps::{SortedMaps, load_maps};
use super::{SWEPT_PER_ACCESS, Slot};
use crate::data::{Data, Key};
use crate::state::clock::RunClock;
use crate::state::ttl::Ttl;

/// Sorted maps by key whose entries expire.
#[derive(Debug)]
pub(crate) struct ExpiringMaps<K, U, V> {
    ttl: Ttl,
    clock: RunClock,
    slots: SortedMaps<K, U, Slot<V>>,
    calendar: Calendar<(K, U)>,
}

impl<K, U, V> Timed for ExpiringMaps<K, U, V> {
    fn times(&mut self) -> &mut AccessTimes {
        self.slots.times()
    }
}

impl<K: Key, U: Data + Ord + Clone, V: Data> ExpiringMaps<K, U, V> {
    pub(crate) fn new(ttl: Ttl, clock: RunClock, gauge: HeapGauge) -> Self {
        ExpiringMaps {
            ttl,
            clock,
            slots: SortedMaps::new(gauge),
            calendar: Calendar::new(ttl.after_ms()),
        }
    }

    /// What `read` makes of the value of `field`, if it has one.
    pub(crate) fn read<R>(&mut self, key: &K, field: &U, read: impl FnOnce(&V) -> R) -> Option<R> {
        let now_ms = self.sweep();
        let slot = self.slots.get_mut(key, field)?;
        slot.read(&self.ttl, now_ms).map(read)
    }

    pub(crate) fn put(&mut self, key: &K, field: &U, value: V) {
        let now_ms = self.sweep();
        match self.slots.get_mut(key, field) {
            Some(slot) => slot.put(value, now_ms),
            None => self.insert(key, field, value, now_ms),
        }
    }

    pub(crate) fn remove(&mut self, key: &K, field: &U) {
        self.sweep();
        if let Some(slot) = self.slots.remove(key, field) {
            self.cross_out(slot.place);
        }
    }

    pub(crate) fn update<R>(
        &mut self,
        key: &K,
        field: &U,
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        let now_ms = self.sweep();
        if let Some(slot) = self.slots.get_mut(key, field) {
            return change(slot.write(&self.ttl, now_ms, create));
        }
        let mut value = create();
        let result = change(&mut value);
        self.insert(key, field, value, now_ms);
        result
    }

    /// Shows the entries of `key` that have not expired in ascending order, until told to stop.
    /// Those that were shown have been read.
    pub(crate) fn for_each(&mut self, key: &K, mut visit: impl FnMut(&U, &V) -> ControlFlow<()>) {
        let now_ms = self.sweep();
        let ttl = &self.ttl;
        self.slots.for_each(key, |field, slot| {
            let shown = slot.read(ttl, now_ms).map(|value| visit(field, value));
            shown.unwrap_or(ControlFlow::Continue(()))
        });
    }

    pub(crate) fn clear(&mut self, key: &K) {
        self.sweep();
        while let Some(slot) = self.slots.pop_first(key) {
            self.cross_out(slot.place);
        }
    }

    /// Appends all entries with the times of their last refresh, also those that have expired.
    pub(crate) fn save(&self, bytes: &mut Vec<u8>) {
        self.slots.save(bytes, Slot::save);
    }

    /// Adds saved entries; they expire when they would have.
    pub(crate) fn load(&mut self, saved: Saved<'_>) -> io::Result<()> {
        load_maps(saved, Slot::load, |key, field, (refreshed_ms, value)| {
            self.insert(key, &field, value, refreshed_ms);
        })
    }

    /// Puts a value in where there is none.
    fn insert(&mut self, key: &K, field: &U, value: V, refreshed_ms: u64) {
        let over_ms = self.ttl.over_ms(refreshed_ms);
        let entry = (key.clone(), field.clone());
        let slot = Slot {
            value,
            refreshed_ms,
            place: self.calendar.enter(over_ms, entry),
        };
        self.slots.put(key, field, slot);
    }

    fn cross_out(&mut self, place: Place) {
        let moved = self.calendar.cross_out(place);
        if let Some(slot) = moved.and_then(|(key, field)| self.slots.get_mut(key, field)) {
            slot.place = place;
        }
    }

    /// Frees a few expired entries, if there are any. Returns the time.
    fn sweep(&mut self) -> u64 {
        self.slots.tell_sizes(|slot| &slot.value);
        let now_ms = self.clock.now_ms();
        for _ in 0..SWEPT_PER_ACCESS {
            let Some((key, field)) = self.calendar.take_passed(now_ms) else {
                break;
            };
            let Some(slot) = self.slots.get_mut(&key, &field) else {
                continue;
            };
            let over_ms = self.ttl.over_ms(slot.refreshed_ms);
            if over_ms > now_ms {
                slot.place = self.calendar.enter(over_ms, (key, field));
            } else {
                self.slots.remove(&key, &field);
            }
        }
        now_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ttl::TtlRefresh;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    type Ids = BTreeSet<(u8, u8)>;

    /// What is in memory, each once in the calendar, too.
    fn held(maps: &mut ExpiringMaps<u8, u8, ()>) -> Ids {
        let mut held = BTreeSet::new();
        for key in 0..4 {
            let calendar = &maps.calendar;
            maps.slots.for_each(&key, |&field, slot| {
                assert_eq!(calendar.at(slot.place), Some(&(key, field)));
                held.insert((key, field));
                ControlFlow::Continue(())
            });
        }
        assert_eq!(maps.calendar.len(), held.len());
        held
    }

    proptest! {
        #[test]
        fn what_is_in_memory_is_in_the_calendar_and_what_expires_leaves_both(
            after_ms in prop::sample::select(vec![0, 1, 10, 1_000]),
            on_read: bool,
            steps in prop::collection::vec((0u8..6, 0u8..4, 0u8..4, 0u64..400), 0..300),
        ) {
            let refresh = if on_read { TtlRefresh::OnReadAndWrite } else { TtlRefresh::OnWrite };
            let after = Duration::from_millis(after_ms);
            let clock = RunClock::default();
            let mut maps = ExpiringMaps::new(Ttl { after, refresh }, clock.clone(), HeapGauge::new());
            let mut now_ms = 0;
            for (step, key, field, later_ms) in steps {
                match step {
                    0 | 1 => maps.put(&key, &field, ()),
                    2 => maps.update(&key, &field, || (), |_| ()),
                    3 => maps.remove(&key, &field),
                    4 => { maps.read(&key, &field, |_| ()); }
                    _ if later_ms < 20 => maps.clear(&key),
                    _ => now_ms += later_ms,
                }
                clock.set(now_ms);
                held(&mut maps);
            }
            // All of it has expired, and so has the day of the calendar in which the last of it did.
            let count = held(&mut maps).len();
            clock.set(now_ms + 2 * after_ms + 1);
            for _ in 0..count.div_ceil(SWEPT_PER_ACCESS) {
                maps.read(&0, &0, |_| ());
            }
            prop_assert_eq!(held(&mut maps), Ids::new());
        }
    }
}
