//! Timers on disk: the same to see as those in memory, of which there may be more than fit into it.
//!
//! They are kept twice. `by_key` knows which timers a key has: that makes a timer one of a kind,
//! finds one that is to be deleted, and lies by key groups as all state does. `by_time` holds them in
//! the order in which they fire. Its first few are held in memory, too, so that neither asking for
//! the next time nor firing a timer searches the disk, and so that no search begins before timers that have
//! fired, which leave marks that it would have to step over.
//!
//! `by_time` knows nothing of key groups. Where the databases of several subtasks are put together, it
//! is made anew from `by_key`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{TimeDomain, TimerPlace};
use crate::data::{Decode, Encode, Key, encode};
use crate::state::StateError;
use crate::state::ordered::OrderedKey;
use crate::state::rocksdb::table::Table;

/// The timers of a keyed operator, in both domains.
#[derive(Debug)]
pub(crate) struct StoredTimers<K> {
    tables: Tables<K>,
    event: Head<K>,
    processing: Head<K>,
    next_number: u64,
    fired: u64,
}

impl<K: Key> StoredTimers<K> {
    /// No timers, in two empty tables; in memory are at most the first `head` of a domain.
    pub(crate) fn new(by_key: Table<K>, by_time: Table<()>, head: usize) -> Self {
        StoredTimers {
            tables: Tables {
                by_key,
                by_time,
                suffix: Vec::new(),
            },
            event: Head::new(TimeDomain::Event, head),
            processing: Head::new(TimeDomain::Processing, head),
            next_number: 0,
            fired: 0,
        }
    }

    pub(crate) fn register(
        &mut self,
        domain: TimeDomain,
        key: &K,
        at_ms: i64,
    ) -> Result<(), StateError> {
        if self.tables.number(domain, key, at_ms)?.is_some() {
            return Ok(());
        }
        let place = TimerPlace::new(at_ms, 0, self.next_number);
        self.next_number += 1;
        self.tables.put(domain, key, place)?;
        self.parts(domain).0.insert(place, key);
        Ok(())
    }

    pub(crate) fn delete(
        &mut self,
        domain: TimeDomain,
        key: &K,
        at_ms: i64,
    ) -> Result<(), StateError> {
        let Some(number) = self.tables.number(domain, key, at_ms)? else {
            return Ok(());
        };
        let place = TimerPlace::new(at_ms, 0, number);
        self.tables.delete(domain, key, place)?;
        let (head, tables) = self.parts(domain);
        head.remove(place, tables)
    }

    pub(crate) fn pop_due(
        &mut self,
        domain: TimeDomain,
        now_ms: i64,
    ) -> Result<Option<(i64, K)>, StateError> {
        let (head, tables) = self.parts(domain);
        let Some((place, key)) = head.first_due(now_ms) else {
            return Ok(None);
        };
        tables.delete(domain, &key, place)?;
        head.remove(place, tables)?;
        self.fired += 1;
        Ok(Some((place.at_ms, key)))
    }

    pub(crate) fn next_ms(&self, domain: TimeDomain) -> Option<i64> {
        let head = match domain {
            TimeDomain::Event => &self.event,
            TimeDomain::Processing => &self.processing,
        };
        head.first.first_key_value().map(|(place, _)| place.at_ms)
    }

    /// What a checkpoint needs beside both tables.
    pub(crate) fn numbers(&self) -> TimerNumbers {
        TimerNumbers {
            next: self.next_number,
            event: self.event.pending,
            processing: self.processing.pending,
        }
    }

    /// Both tables are what they were when there were so many timers.
    pub(crate) fn go_on(&mut self, numbers: TimerNumbers) -> Result<(), StateError> {
        self.next_number = numbers.next;
        self.event.pending = numbers.event;
        self.processing.pending = numbers.processing;
        let first = TimerPlace::new(i64::MIN, 0, 0);
        self.event.load(first, &mut self.tables)?;
        self.processing.load(first, &mut self.tables)
    }

    /// `by_key` has timers of several subtasks, each with a number of its own, and `by_time` none.
    pub(crate) fn gather(&mut self) -> Result<(), StateError> {
        let Tables {
            by_key,
            by_time,
            suffix: buffer,
        } = &mut self.tables;
        let (event, processing) = (&mut self.event, &mut self.processing);
        let next_number = &mut self.next_number;
        let mut failed = None;
        by_key.scan_all(|key, mut suffix, mut number| {
            let when = <(u8, i64)>::decode_ordered(&mut suffix);
            let Some(((kind, at_ms), number)) = when.zip(u64::decode_ordered(&mut number)) else {
                failed = Some("a timer that cannot be decoded".to_owned());
                return;
            };
            let head = match kind == rank(TimeDomain::Event) {
                true => &mut *event,
                false => &mut *processing,
            };
            let place = TimerPlace::new(at_ms, 0, number);
            let suffix = encoded(buffer, &of(head.domain, place));
            if let Err(error) = by_time.put(&(), suffix, |bytes| encode(&key, bytes)) {
                failed = Some(error.to_string());
            }
            head.insert(place, &key);
            *next_number = (*next_number).max(number.saturating_add(1));
        })?;
        failed.map_or(Ok(()), |how| Err(self.tables.by_key.damaged(how)))
    }

    pub(crate) fn pending(&self) -> u64 {
        self.event.pending + self.processing.pending
    }

    pub(crate) fn fired(&self) -> u64 {
        self.fired
    }

    fn parts(&mut self, domain: TimeDomain) -> (&mut Head<K>, &mut Tables<K>) {
        let head = match domain {
            TimeDomain::Event => &mut self.event,
            TimeDomain::Processing => &mut self.processing,
        };
        (head, &mut self.tables)
    }
}

/// How many timers there are, in either domain, and the number of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct TimerNumbers {
    next: u64,
    event: u64,
    processing: u64,
}

/// The first timers of a domain. Empty only if there are none.
#[derive(Debug)]
struct Head<K> {
    domain: TimeDomain,
    first: BTreeMap<TimerPlace, K>,
    most: usize,
    /// Where the first timer stands that is on disk alone, or stood; `None`: all are here.
    beyond: Option<TimerPlace>,
    pending: u64,
}

impl<K: Key> Head<K> {
    fn new(domain: TimeDomain, most: usize) -> Self {
        Head {
            domain,
            most,
            first: BTreeMap::new(),
            beyond: None,
            pending: 0,
        }
    }

    fn insert(&mut self, place: TimerPlace, key: &K) {
        self.pending += 1;
        if self.beyond.is_some_and(|beyond| place > beyond) {
            return;
        }
        self.first.insert(place, key.clone());
        if self.first.len() > self.most {
            self.beyond = self.first.pop_last().map(|(place, _)| place);
        }
    }

    fn first_due(&self, now_ms: i64) -> Option<(TimerPlace, K)> {
        let (place, key) = self.first.first_key_value()?;
        (place.at_ms <= now_ms).then(|| (*place, key.clone()))
    }

    /// Follows a timer's removal from the tables.
    fn remove(&mut self, place: TimerPlace, tables: &mut Tables<K>) -> Result<(), StateError> {
        self.pending -= 1;
        self.first.remove(&place);
        if self.first.is_empty()
            && let Some(beyond) = self.beyond
        {
            self.load(beyond, tables)?;
        }
        Ok(())
    }

    /// Takes the first timers from `beyond` on.
    fn load(&mut self, beyond: TimerPlace, tables: &mut Tables<K>) -> Result<(), StateError> {
        let from = encoded(&mut tables.suffix, &of(self.domain, beyond));
        let mut damaged = false;
        self.beyond = None;
        tables.by_time.scan_from(&(), from, |mut suffix, stored| {
            let found = <(u8, i64, u64)>::decode_ordered(&mut suffix);
            let Some(((kind, at_ms, number), key)) = found.zip(K::try_from_slice(stored).ok())
            else {
                damaged = true;
                return ControlFlow::Break(());
            };
            let place = TimerPlace::new(at_ms, 0, number);
            if kind == rank(self.domain) && self.first.len() < self.most {
                self.first.insert(place, key);
                return ControlFlow::Continue(());
            }
            self.beyond = (kind == rank(self.domain)).then_some(place);
            ControlFlow::Break(())
        })?;
        match damaged {
            true => Err(tables.by_time.damaged("a timer that cannot be decoded")),
            false => Ok(()),
        }
    }
}

#[derive(Debug)]
struct Tables<K> {
    /// Behind a key, domain and time; their value is the number.
    by_key: Table<K>,
    /// Domain, time and number; their value is the key. All of it stands behind the empty key.
    by_time: Table<()>,
    suffix: Vec<u8>,
}

impl<K: Key> Tables<K> {
    fn number(
        &mut self,
        domain: TimeDomain,
        key: &K,
        at_ms: i64,
    ) -> Result<Option<u64>, StateError> {
        let suffix = encoded(&mut self.suffix, &(rank(domain), at_ms));
        let decode = |mut stored: &[u8]| u64::decode_ordered(&mut stored);
        match self.by_key.get(key, suffix, decode)? {
            Some(None) => Err(self.by_key.damaged("a timer without its number")),
            found => Ok(found.flatten()),
        }
    }

    fn put(&mut self, domain: TimeDomain, key: &K, place: TimerPlace) -> Result<(), StateError> {
        let number = |buffer: &mut Vec<u8>| place.number.encode_ordered(buffer);
        let suffix = encoded(&mut self.suffix, &(rank(domain), place.at_ms));
        self.by_key.put(key, suffix, number)?;
        let suffix = encoded(&mut self.suffix, &of(domain, place));
        self.by_time.put(&(), suffix, |buffer| encode(key, buffer))
    }

    fn delete(&mut self, domain: TimeDomain, key: &K, place: TimerPlace) -> Result<(), StateError> {
        let suffix = encoded(&mut self.suffix, &(rank(domain), place.at_ms));
        self.by_key.delete(key, suffix)?;
        let suffix = encoded(&mut self.suffix, &of(domain, place));
        self.by_time.delete(&(), suffix)
    }
}

fn of(domain: TimeDomain, place: TimerPlace) -> (u8, i64, u64) {
    (rank(domain), place.at_ms, place.number)
}

fn rank(domain: TimeDomain) -> u8 {
    match domain {
        TimeDomain::Event => 0,
        TimeDomain::Processing => 1,
    }
}

fn encoded<'a>(buffer: &'a mut Vec<u8>, key: &impl OrderedKey) -> &'a [u8] {
    buffer.clear();
    key.encode_ordered(buffer);
    buffer
}
