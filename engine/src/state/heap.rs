//! Keyed state in the process's memory: one type per kind of state, with a time to live or without,
//! so that what has none pays nothing for it.

pub(crate) mod access;
pub(crate) mod calendar;
pub(crate) mod expiring;
pub(crate) mod expiring_maps;
pub(crate) mod gauge;
pub(crate) mod lists;
pub(crate) mod saved;
pub(crate) mod sorted_maps;
pub(crate) mod values;

use std::io;

use crate::data::{Decode, Encode, encode};
use crate::state::ttl::{Ttl, TtlRefresh};
use saved::Saved;

/// Entries of the calendar that an access works off at most. An access enters one at most, so that
/// more go than come.
const SWEPT_PER_ACCESS: usize = 4;

/// What is kept for an entry that expires.
#[derive(Debug)]
pub(crate) struct Slot<V> {
    value: V,
    refreshed_ms: u64,
    /// Where the calendar has the entry.
    place: calendar::Place,
}

impl<V> Slot<V> {
    fn lives(&self, ttl: &Ttl, now_ms: u64) -> bool {
        !ttl.is_over(self.refreshed_ms, now_ms)
    }

    /// The value, if it has not expired; reading it refreshes it where the state says so.
    fn read(&mut self, ttl: &Ttl, now_ms: u64) -> Option<&V> {
        if !self.lives(ttl, now_ms) {
            return None;
        }
        if ttl.refresh == TtlRefresh::OnReadAndWrite {
            self.refreshed_ms = now_ms;
        }
        Some(&self.value)
    }

    /// The value to be written, made new if it has expired.
    fn write(&mut self, ttl: &Ttl, now_ms: u64, create: impl FnOnce() -> V) -> &mut V {
        if !self.lives(ttl, now_ms) {
            self.value = create();
        }
        self.refreshed_ms = now_ms;
        &mut self.value
    }

    fn put(&mut self, value: V, now_ms: u64) {
        self.value = value;
        self.refreshed_ms = now_ms;
    }
}

impl<V: Encode> Slot<V> {
    fn save(&self, bytes: &mut Vec<u8>) {
        encode(&self.refreshed_ms, bytes);
        encode(&self.value, bytes);
    }
}

impl<V: Decode> Slot<V> {
    /// When it was refreshed, and the value; it has no place yet.
    fn load(saved: &mut Saved<'_>) -> io::Result<(u64, V)> {
        Ok((saved.value()?, saved.value()?))
    }
}
