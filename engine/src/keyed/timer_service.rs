//! The timers of a keyed operator, wherever its backend keeps them.

use crate::checkpoint::parts::{Restored, Snapshot};
use crate::data::{Decode, Key};
use crate::event_time::timers::stored::{StoredTimers, TimerNumbers};
use crate::event_time::timers::{KeyedTimers, TimeDomain};
use crate::state::StateError;
use crate::state::rocksdb::store::TakenOver;

/// The part of a checkpoint that holds them.
const PART: &str = "timers";

/// The timers of an operator. They look the same wherever they are kept.
#[derive(Debug)]
pub(crate) enum TimerService<K> {
    Heap(KeyedTimers<K>),
    RocksDb(StoredTimers<K>),
}

impl<K: Key> TimerService<K> {
    /// Wants `key` to be called when `domain` reaches `at_ms`.
    pub(crate) fn register(
        &mut self,
        domain: TimeDomain,
        key: &K,
        at_ms: i64,
    ) -> Result<(), StateError> {
        match self {
            TimerService::Heap(timers) => {
                timers.register(domain, key, at_ms);
                Ok(())
            }
            TimerService::RocksDb(timers) => timers.register(domain, key, at_ms),
        }
    }

    /// No longer wants that. Nothing happens if there is no such timer.
    pub(crate) fn delete(
        &mut self,
        domain: TimeDomain,
        key: &K,
        at_ms: i64,
    ) -> Result<(), StateError> {
        match self {
            TimerService::Heap(timers) => {
                timers.delete(domain, key, at_ms);
                Ok(())
            }
            TimerService::RocksDb(timers) => timers.delete(domain, key, at_ms),
        }
    }

    /// Takes the next timer out that is due when `domain` stands at `now_ms`: its time and its key.
    pub(crate) fn pop_due(
        &mut self,
        domain: TimeDomain,
        now_ms: i64,
    ) -> Result<Option<(i64, K)>, StateError> {
        match self {
            TimerService::Heap(timers) => Ok(timers.pop_due(domain, now_ms)),
            TimerService::RocksDb(timers) => timers.pop_due(domain, now_ms),
        }
    }

    /// When the first timer of `domain` is due, in its milliseconds.
    pub(crate) fn next_ms(&self, domain: TimeDomain) -> Option<i64> {
        match self {
            TimerService::Heap(timers) => timers.next_ms(domain),
            TimerService::RocksDb(timers) => timers.next_ms(domain),
        }
    }

    /// Number of timers waiting.
    pub(crate) fn pending(&self) -> u64 {
        match self {
            TimerService::Heap(timers) => timers.pending(),
            TimerService::RocksDb(timers) => timers.pending(),
        }
    }

    /// Keeps all timers.
    pub(crate) fn snapshot(&self, into: &mut Snapshot<'_>) {
        match self {
            TimerService::Heap(timers) => into.put(PART, |bytes| timers.save(bytes)),
            TimerService::RocksDb(timers) => into.put_value(PART, &timers.numbers()),
        }
    }

    /// Takes over the timers of this subtask's keys, of which the database, if there is one, has been
    /// `taken_over`.
    pub(crate) fn restore(
        &mut self,
        from: &Restored<'_>,
        taken_over: TakenOver,
    ) -> Result<(), StateError> {
        match self {
            TimerService::Heap(timers) => {
                let mut parts = from.overlapping(PART);
                let loaded =
                    parts.try_for_each(|saved| timers.load(saved, &|key| from.owns_key(key)));
                loaded.map_err(|error| StateError::new(PART, error))
            }
            TimerService::RocksDb(timers) => match taken_over {
                TakenOver::Nothing => Ok(()),
                TakenOver::Whole => {
                    let part = from.overlapping(PART).next().unwrap_or_default();
                    let numbers = TimerNumbers::try_from_slice(part);
                    timers.go_on(numbers.map_err(|error| StateError::new(PART, error))?)
                }
                TakenOver::Gathered => timers.gather(),
            },
        }
    }

    /// Number of timers taken out so far.
    pub(crate) fn fired(&self) -> u64 {
        match self {
            TimerService::Heap(timers) => timers.fired(),
            TimerService::RocksDb(timers) => timers.fired(),
        }
    }
}

#[cfg(test)]
mod tests;
