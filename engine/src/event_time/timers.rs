//! Timers: points in event time or processing time at which a key wants to be called.
//!
//! A timer is one of a kind: registering the same time for the same key again changes nothing, as
//! in Flink. Timers fire in the order of their times; where times are equal, in the order of their
//! registration (Flink leaves that open). A timer for a time that has passed already fires when
//! that time next advances.
//!
//! Who is called is up to the caller, who takes due timers out one by one and may register others
//! in between; those are found in the same round if they are due.

pub(crate) mod stored;

use std::collections::BTreeMap;
use std::io;

use rustc_hash::FxHashMap;

use crate::data::{Decode, Encode, Key, encode};

/// Which of the two clocks something is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum TimeDomain {
    /// The time in the elements, as far as the watermark has come.
    #[default]
    Event,
    /// The time of the machine.
    Processing,
}

/// Targets by time, earliest first, then by rank, then in the order of registration.
#[derive(Debug)]
pub(crate) struct TimerQueue<T> {
    due: BTreeMap<TimerPlace, T>,
    next_number: u64,
}

/// Where a timer stands in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(crate) struct TimerPlace {
    pub(crate) at_ms: i64,
    /// Separates kinds of timers: at one time, all of a lower rank come first.
    pub(crate) rank: u8,
    number: u64,
}

impl TimerPlace {
    pub(crate) fn new(at_ms: i64, rank: u8, number: u64) -> Self {
        TimerPlace {
            at_ms,
            rank,
            number,
        }
    }
}

impl<T> TimerQueue<T> {
    pub(crate) fn new() -> Self {
        TimerQueue {
            due: BTreeMap::new(),
            next_number: 0,
        }
    }

    /// Puts a timer behind all others of its time.
    pub(crate) fn insert(&mut self, at_ms: i64, target: T) -> TimerPlace {
        let place = TimerPlace::new(at_ms, 0, self.next_number);
        self.next_number += 1;
        self.put(place, target);
        place
    }

    /// Puts a timer where the caller says, who numbers them.
    pub(crate) fn put(&mut self, place: TimerPlace, target: T) {
        self.due.insert(place, target);
    }

    pub(crate) fn remove(&mut self, place: &TimerPlace) {
        self.due.remove(place);
    }

    /// Takes the first timer out, if its time is `until_ms` at most.
    pub(crate) fn pop_due(&mut self, until_ms: i64) -> Option<(TimerPlace, T)> {
        let first = self.due.first_entry()?;
        (first.key().at_ms <= until_ms).then(|| first.remove_entry())
    }

    /// When the first is due.
    pub(crate) fn first_ms(&self) -> Option<i64> {
        self.due.first_key_value().map(|(place, _)| place.at_ms)
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}

/// The timers of a keyed operator, in both domains.
#[derive(Debug)]
pub struct KeyedTimers<K> {
    event: KeyedQueue<K>,
    processing: KeyedQueue<K>,
    fired: u64,
}

impl<K: Key> Default for KeyedTimers<K> {
    fn default() -> Self {
        KeyedTimers {
            event: KeyedQueue::new(),
            processing: KeyedQueue::new(),
            fired: 0,
        }
    }
}

impl<K: Key> KeyedTimers<K> {
    /// No timers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wants `key` to be called when `domain` reaches `at_ms`.
    pub fn register(&mut self, domain: TimeDomain, key: &K, at_ms: i64) {
        self.queue(domain).register(key, at_ms);
    }

    /// No longer wants that. Nothing happens if there is no such timer.
    pub fn delete(&mut self, domain: TimeDomain, key: &K, at_ms: i64) {
        self.queue(domain).delete(key, at_ms);
    }

    /// Takes the next timer out that is due when `domain` stands at `now_ms`: its time and its key.
    pub fn pop_due(&mut self, domain: TimeDomain, now_ms: i64) -> Option<(i64, K)> {
        let due = self.queue(domain).pop_due(now_ms);
        self.fired += u64::from(due.is_some());
        due
    }

    /// When the first timer of `domain` is due, in its milliseconds.
    pub fn next_ms(&self, domain: TimeDomain) -> Option<i64> {
        match domain {
            TimeDomain::Event => self.event.queue.first_ms(),
            TimeDomain::Processing => self.processing.queue.first_ms(),
        }
    }

    /// Number of timers waiting.
    pub fn pending(&self) -> u64 {
        (self.event.queue.len() + self.processing.queue.len()) as u64
    }

    /// Number of timers taken out so far.
    pub fn fired(&self) -> u64 {
        self.fired
    }

    /// Appends all timers, of either domain in the order in which they fire.
    pub(crate) fn save(&self, bytes: &mut Vec<u8>) {
        self.event.save(bytes);
        self.processing.save(bytes);
    }

    /// Adds saved timers of keys that `owns` says of their encoding are wanted; they fire behind all of
    /// their time that are here already.
    pub(crate) fn load(
        &mut self,
        mut saved: &[u8],
        owns: &dyn Fn(&[u8]) -> bool,
    ) -> io::Result<()> {
        self.event.load(&mut saved, owns)?;
        self.processing.load(&mut saved, owns)?;
        match saved {
            [] => Ok(()),
            _ => Err(io::Error::other("bytes behind the last timer")),
        }
    }

    fn queue(&mut self, domain: TimeDomain) -> &mut KeyedQueue<K> {
        match domain {
            TimeDomain::Event => &mut self.event,
            TimeDomain::Processing => &mut self.processing,
        }
    }
}

#[derive(Debug)]
struct KeyedQueue<K> {
    queue: TimerQueue<K>,
    places: FxHashMap<K, BTreeMap<i64, TimerPlace>>,
}

impl<K: Key> KeyedQueue<K> {
    fn new() -> Self {
        KeyedQueue {
            queue: TimerQueue::new(),
            places: FxHashMap::default(),
        }
    }

    fn register(&mut self, key: &K, at_ms: i64) {
        if let Some(places) = self.places.get_mut(key) {
            places
                .entry(at_ms)
                .or_insert_with(|| self.queue.insert(at_ms, key.clone()));
        } else {
            let place = self.queue.insert(at_ms, key.clone());
            self.places
                .insert(key.clone(), BTreeMap::from([(at_ms, place)]));
        }
    }

    /// A 1 before each timer, a 0 behind the last.
    fn save(&self, bytes: &mut Vec<u8>) {
        for (place, key) in &self.queue.due {
            encode(&(true, place.at_ms), bytes);
            encode(key, bytes);
        }
        encode(&false, bytes);
    }

    fn load(&mut self, saved: &mut &[u8], owns: &dyn Fn(&[u8]) -> bool) -> io::Result<()> {
        while bool::deserialize(saved)? {
            let at_ms = i64::deserialize(saved)?;
            let from_key = *saved;
            let key = K::deserialize(saved)?;
            if owns(&from_key[..from_key.len() - saved.len()]) {
                self.register(&key, at_ms);
            }
        }
        Ok(())
    }

    fn delete(&mut self, key: &K, at_ms: i64) {
        if let Some(place) = self.forget(key, at_ms) {
            self.queue.remove(&place);
        }
    }

    fn pop_due(&mut self, now_ms: i64) -> Option<(i64, K)> {
        let (place, key) = self.queue.pop_due(now_ms)?;
        self.forget(&key, place.at_ms);
        Some((place.at_ms, key))
    }

    fn forget(&mut self, key: &K, at_ms: i64) -> Option<TimerPlace> {
        let places = self.places.get_mut(key)?;
        let place = places.remove(&at_ms);
        if places.is_empty() {
            self.places.remove(key);
        }
        place
    }
}
