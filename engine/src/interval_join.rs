//! The interval join: pairs of elements of two streams whose timestamps lie within bounds of each
//! other.
//!
//! Flink's rules: a left element at `l` and a right one at `r` of the same key pair up if
//! `l + lower <= r <= l + upper`, inner join only. An element behind the watermark takes no part; one
//! exactly at the watermark does, although its like is late elsewhere. Elements are forgotten as
//! soon as the watermark says that no partner can come; an element exactly at the watermark misses
//! partners that have just been forgotten.
//!
//! An element meets its partners in order of their timestamps, then of their arrival. What is
//! `pending` of it are elements held.

mod held;

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::batch::Batch;
use crate::data::{Data, Key, Row};
use crate::event_time::NO_WATERMARK_MS;
use crate::event_time::timers::TimerQueue;
use crate::interval_join::held::{Buffers, HeldRow, KeyedBuffers};
use crate::side::Side;
use crate::window::standing::{Later, OwnsKey, WindowStateError};
use crate::window::{WindowCore, WindowCounters, WindowOutput};

/// Bounds of which the lower is above the upper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lower bound of an interval join, {lower_ms} ms, is above the upper, {upper_ms} ms")]
pub struct IntervalError {
    lower_ms: i64,
    upper_ms: i64,
}

/// Joins two streams by key and time, each element marked with its side. `F` makes any number of records of a pair.
pub struct IntervalJoin<K, L, R, F> {
    lower_ms: i64,
    upper_ms: i64,
    function: F,
    watermark_ms: i64,
    keys: KeyedBuffers<K, L, R>,
    /// Restored, and not yet among the others.
    later: Later<KeyedBuffers<K, L, R>>,
    /// Per key, when the next of its elements is of no use.
    cleanups: TimerQueue<K>,
    counters: WindowCounters,
}

impl<K, L, R, F, Fired> IntervalJoin<K, L, R, F>
where
    K: Key,
    F: FnMut(&K, &L, &R) -> Fired,
    Fired: IntoIterator,
{
    /// Pairs right elements from `lower_ms` to `upper_ms` milliseconds after the left one, both
    /// inclusive; either may be negative.
    pub fn new(lower_ms: i64, upper_ms: i64, function: F) -> Result<Self, IntervalError> {
        if lower_ms > upper_ms {
            return Err(IntervalError { lower_ms, upper_ms });
        }
        Ok(IntervalJoin {
            lower_ms,
            upper_ms,
            function,
            watermark_ms: NO_WATERMARK_MS,
            keys: FxHashMap::default(),
            later: Later::none(),
            cleanups: TimerQueue::new(),
            counters: WindowCounters::default(),
        })
    }

    fn left(&mut self, key: &K, timestamp_ms: i64, row: Row<L>, results: &mut Batch<Fired::Item>) {
        let buffers = buffers_of(&mut self.keys, key);
        let from_ms = timestamp_ms.saturating_add(self.lower_ms);
        let until_ms = timestamp_ms.saturating_add(self.upper_ms);
        for right in between(&buffers.right, from_ms, until_ms) {
            let made = (self.function)(key, &row.value, &right.row.value);
            let tag = row.tag.max(right.row.tag);
            results.extend(made.into_iter().map(|value| Row { tag, value }));
        }
        hold(&mut buffers.left, timestamp_ms, row);
    }

    fn right(&mut self, key: &K, timestamp_ms: i64, row: Row<R>, results: &mut Batch<Fired::Item>) {
        let buffers = buffers_of(&mut self.keys, key);
        let from_ms = timestamp_ms.saturating_sub(self.upper_ms);
        let until_ms = timestamp_ms.saturating_sub(self.lower_ms);
        for left in between(&buffers.left, from_ms, until_ms) {
            let made = (self.function)(key, &left.row.value, &row.value);
            let tag = row.tag.max(left.row.tag);
            results.extend(made.into_iter().map(|value| Row { tag, value }));
        }
        hold(&mut buffers.right, timestamp_ms, row);
    }

    /// How long after their timestamps left and right elements may find partners.
    fn useful_for_ms(&self) -> (i64, i64) {
        (self.upper_ms.max(0), self.lower_ms.saturating_neg().max(0))
    }

    /// Forgets elements that can have no more partners.
    fn advance(&mut self, watermark_ms: i64) {
        if watermark_ms <= self.watermark_ms {
            return;
        }
        self.watermark_ms = watermark_ms;
        while let Some((_, key)) = self.cleanups.pop_due(watermark_ms) {
            let (left_ms, right_ms) = self.useful_for_ms();
            let Some(buffers) = self.keys.get_mut(&key) else {
                continue;
            };
            buffers.cleanup = None;
            let gone = drop_useless(&mut buffers.left, left_ms, watermark_ms)
                + drop_useless(&mut buffers.right, right_ms, watermark_ms);
            self.counters.pending -= gone;
            self.plan_cleanup(&key);
        }
    }

    /// Makes what another join held at the watermark its own.
    fn absorb(&mut self, held: KeyedBuffers<K, L, R>) {
        for (key, buffers) in held {
            self.keys.insert(key.clone(), buffers);
            self.plan_cleanup(&key);
        }
    }

    fn plan_cleanup(&mut self, key: &K) {
        let (left_ms, right_ms) = self.useful_for_ms();
        let Some(buffers) = self.keys.get_mut(key) else {
            return;
        };
        let left = buffers.left.front();
        let right = buffers.right.front();
        let left = left.map(|held| held.timestamp_ms.saturating_add(left_ms));
        let right = right.map(|held| held.timestamp_ms.saturating_add(right_ms));
        let Some(at_ms) = left.into_iter().chain(right).min() else {
            self.keys.remove(key);
            return;
        };
        match buffers.cleanup {
            Some(planned) if planned.at_ms <= at_ms => return,
            Some(planned) => self.cleanups.remove(&planned),
            None => {}
        }
        buffers.cleanup = Some(self.cleanups.insert(at_ms, key.clone()));
    }
}

impl<K, L, R, F, Fired> WindowCore<K, Side<L, R>> for IntervalJoin<K, L, R, F>
where
    K: Key,
    L: Data,
    R: Data,
    F: FnMut(&K, &L, &R) -> Fired + Send,
    Fired: IntoIterator,
{
    type Out = Fired::Item;

    fn element(
        &mut self,
        key: &K,
        timestamp_ms: i64,
        row: Row<Side<L, R>>,
        now_ms: i64,
        out: &mut WindowOutput<'_, Fired::Item, Side<L, R>>,
    ) {
        if !self.later.is_empty()
            && let Some(watermark_ms) = self.later.watermark_of(key)
        {
            self.watermark(watermark_ms, now_ms, out);
        }
        if timestamp_ms < self.watermark_ms {
            return self.counters.reject(row, out);
        }
        let tag = row.tag;
        match row.value {
            Side::Left(value) => self.left(key, timestamp_ms, Row { tag, value }, out.results),
            Side::Right(value) => self.right(key, timestamp_ms, Row { tag, value }, out.results),
        }
        self.counters.accepted += 1;
        self.counters.pending += 1;
        self.plan_cleanup(key);
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        _now_ms: i64,
        _out: &mut WindowOutput<'_, Fired::Item, Side<L, R>>,
    ) {
        while let Some(standing) = self.later.take_reached(watermark_ms) {
            self.advance(standing.watermark_ms);
            self.absorb(standing.held);
        }
        self.advance(watermark_ms);
    }

    fn counters(&self) -> WindowCounters {
        WindowCounters {
            timers_pending: self.cleanups.len() as u64,
            ..self.counters
        }
    }

    fn snapshot(&self, bytes: &mut Vec<u8>) {
        self.later.save_behind(self.watermark_ms, &self.keys, bytes);
    }

    fn restore(&mut self, parts: &[&[u8]], owns: OwnsKey<'_>) -> Result<(), WindowStateError> {
        let (lowest_ms, later) = Later::<KeyedBuffers<K, L, R>>::load(parts, owns)?;
        let buffers = later.held().flat_map(KeyedBuffers::values);
        self.counters.pending += buffers.map(Buffers::rows).sum::<u64>();
        (self.watermark_ms, self.later) = (lowest_ms, later);
        while let Some(standing) = self.later.take_reached(lowest_ms) {
            self.absorb(standing.held);
        }
        Ok(())
    }
}

fn buffers_of<'a, K: Key, L, R>(
    keys: &'a mut FxHashMap<K, Buffers<L, R>>,
    key: &K,
) -> &'a mut Buffers<L, R> {
    // A key that is known is never cloned.
    if !keys.contains_key(key) {
        keys.insert(key.clone(), Buffers::empty());
    }
    keys.get_mut(key).expect("inserted if it was missing")
}

/// Puts a row behind those that are not later.
fn hold<T>(buffer: &mut VecDeque<HeldRow<T>>, timestamp_ms: i64, row: Row<T>) {
    let at = match buffer.back() {
        Some(last) if last.timestamp_ms > timestamp_ms => {
            buffer.partition_point(|held| held.timestamp_ms <= timestamp_ms)
        }
        _ => buffer.len(),
    };
    buffer.insert(at, HeldRow { timestamp_ms, row });
}

/// The rows with timestamps from `from_ms` to `until_ms`, both inclusive.
fn between<T>(
    buffer: &VecDeque<HeldRow<T>>,
    from_ms: i64,
    until_ms: i64,
) -> impl Iterator<Item = &HeldRow<T>> {
    let from = buffer.partition_point(|held| held.timestamp_ms < from_ms);
    buffer
        .range(from..)
        .take_while(move |held| held.timestamp_ms <= until_ms)
}

/// Forgets rows that are of use no longer than `useful_for_ms` after their timestamp; gives their
/// number.
fn drop_useless<T>(
    buffer: &mut VecDeque<HeldRow<T>>,
    useful_for_ms: i64,
    watermark_ms: i64,
) -> u64 {
    let useless =
        |held: &HeldRow<T>| held.timestamp_ms.saturating_add(useful_for_ms) <= watermark_ms;
    let mut dropped = 0;
    while buffer.front().is_some_and(useless) {
        buffer.pop_front();
        dropped += 1;
    }
    dropped
}
