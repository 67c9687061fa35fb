//! One value per key, each with a time to live.

use std::io;

use rustc_hash::FxHashMap;

use super::access::{AccessTimes, Timed};
use super::calendar::{Calendar, Place};
use super::gauge::{HeapGauge, encoded_bytes};
use super::saved::{Fetched, Saved, write_keys};
use super::{SWEPT_PER_ACCESS, Slot};
use crate::data::{Data, Key, encode};
use crate::state::clock::RunClock;
use crate::state::ttl::Ttl;

/// Values by key that expire.
#[derive(Debug)]
pub(crate) struct ExpiringValues<K, V> {
    ttl: Ttl,
    clock: RunClock,
    slots: FxHashMap<K, Slot<V>>,
    calendar: Calendar<K>,
    gauge: HeapGauge,
    times: AccessTimes,
}

impl<K, V> Timed for ExpiringValues<K, V> {
    fn times(&mut self) -> &mut AccessTimes {
        &mut self.times
    }
}

impl<K: Key, V: Data> ExpiringValues<K, V> {
    pub(crate) fn new(ttl: Ttl, clock: RunClock, gauge: HeapGauge) -> Self {
        ExpiringValues {
            ttl,
            clock,
            slots: FxHashMap::default(),
            calendar: Calendar::new(ttl.after_ms()),
            times: AccessTimes::new(gauge.clone()),
            gauge,
        }
    }

    /// What `read` makes of the value of `key`, if it has one.
    pub(crate) fn read<R>(&mut self, key: &K, read: impl FnOnce(&V) -> R) -> Option<R> {
        let now_ms = self.sweep();
        let slot = self.slots.get_mut(key)?;
        slot.read(&self.ttl, now_ms).map(read)
    }

    pub(crate) fn put(&mut self, key: &K, value: V) {
        let now_ms = self.sweep();
        match self.slots.get_mut(key) {
            Some(slot) => slot.put(value, now_ms),
            None => {
                self.insert(key, value, now_ms);
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.sweep();
        if let Some(slot) = self.slots.remove(key) {
            self.cross_out(slot.place);
            self.gauge.holds(self.slots.len());
        }
    }

    /// Changes the value of `key` by `change`, starting from `create` if it has none.
    pub(crate) fn update<R>(
        &mut self,
        key: &K,
        create: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        let now_ms = self.sweep();
        if let Some(slot) = self.slots.get_mut(key) {
            return change(slot.write(&self.ttl, now_ms, create));
        }
        change(&mut self.insert(key, create(), now_ms).value)
    }

    /// Number of values, with those that have expired and still occupy memory.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Shows every key and value that has not expired, in no particular order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        let now_ms = self.clock.now_ms();
        let living = self.slots.iter();
        living
            .filter(|(_, slot)| slot.lives(&self.ttl, now_ms))
            .for_each(|(key, slot)| visit(key, &slot.value));
    }

    /// Appends all entries with the times of their last refresh, also those that have expired.
    pub(crate) fn save(&self, bytes: &mut Vec<u8>) {
        let fetch = |(_, slot): (&K, &Slot<V>), fetched: &mut Fetched| fetched.value(&slot.value);
        write_keys(self.slots.iter(), bytes, fetch, |(key, slot), bytes| {
            encode(key, bytes);
            slot.save(bytes);
        });
    }

    /// Adds saved entries; they expire when they would have.
    pub(crate) fn load(&mut self, mut saved: Saved<'_>) -> io::Result<()> {
        self.slots.reserve(saved.room::<(K, Slot<V>)>());
        while let Some((key, is_wanted)) = saved.next_key()? {
            let (refreshed_ms, value) = Slot::load(&mut saved)?;
            if is_wanted {
                self.insert(&key, value, refreshed_ms);
            }
        }
        Ok(())
    }

    /// Puts a value in where there is none.
    fn insert(&mut self, key: &K, value: V, refreshed_ms: u64) -> &mut Slot<V> {
        let over_ms = self.ttl.over_ms(refreshed_ms);
        let place = self.calendar.enter(over_ms, key.clone());
        let slot = Slot {
            value,
            refreshed_ms,
            place,
        };
        self.gauge.holds(self.slots.len() + 1);
        self.slots.entry(key.clone()).insert_entry(slot).into_mut()
    }

    fn cross_out(&mut self, place: Place) {
        let moved = self.calendar.cross_out(place);
        if let Some(slot) = moved.and_then(|key| self.slots.get_mut(key)) {
            slot.place = place;
        }
    }

    /// Frees a few expired values, if there are any. Returns the time.
    fn sweep(&mut self) -> u64 {
        let size = |(key, slot): (&K, &Slot<V>)| encoded_bytes(key) + encoded_bytes(&slot.value);
        self.gauge.tell_sizes(|| self.slots.iter().map(size));
        let now_ms = self.clock.now_ms();
        for _ in 0..SWEPT_PER_ACCESS {
            let Some(key) = self.calendar.take_passed(now_ms) else {
                break;
            };
            let Some(slot) = self.slots.get_mut(&key) else {
                continue;
            };
            let over_ms = self.ttl.over_ms(slot.refreshed_ms);
            if over_ms > now_ms {
                slot.place = self.calendar.enter(over_ms, key);
            } else {
                self.slots.remove(&key);
                self.gauge.holds(self.slots.len());
            }
        }
        now_ms
    }
}
