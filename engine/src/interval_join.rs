//! The interval join: pairs of elements of two streams whose timestamps lie within bounds of each
//! other.
//!
//! Flink's rules: a left element at `l` and a right one at `r` of the same key pair up if
//! `l + lower <= r <= l + upper`, inner join only. An element behind the watermark takes no part; one
//! exactly at the watermark does, although its like is late elsewhere. Elements are forgotten as
//! soon as the watermark says that no partner can come; an element exactly at the watermark misses
//! partners that have just been forgotten.
//!
//! An element meets its partners in order of their timestamps, then of their arrival.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::data::{Key, Row};
use crate::event_time::NO_WATERMARK_MS;
use crate::event_time::timers::{TimerPlace, TimerQueue};

/// Bounds of which the lower is above the upper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lower bound of an interval join, {lower_ms} ms, is above the upper, {upper_ms} ms")]
pub struct IntervalError {
    lower_ms: i64,
    upper_ms: i64,
}

/// Where an interval join puts what it makes.
#[derive(Debug)]
pub struct IntervalJoinOutput<'a, Out, L, R> {
    /// Results, each with the higher tag of its two elements.
    pub results: &'a mut Vec<Row<Out>>,
    /// Left elements behind the watermark. `None`: they are dropped.
    pub late_left: Option<&'a mut Vec<Row<L>>>,
    /// Right elements behind the watermark. `None`: they are dropped.
    pub late_right: Option<&'a mut Vec<Row<R>>>,
}

/// What an interval join has done, cumulative, and what it holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntervalJoinCounters {
    /// Elements taken in. Together with the two kinds of late elements: all.
    pub accepted: u64,
    /// Late elements that were dropped.
    pub late_dropped: u64,
    /// Late elements that went to a side output.
    pub late_side_output: u64,
    /// Pairs found.
    pub pairs: u64,
    /// Elements held now.
    pub pending: u64,
}

/// Joins two streams by key and time. `F` makes any number of records of a pair.
pub struct IntervalJoin<K, L, R, F> {
    lower_ms: i64,
    upper_ms: i64,
    function: F,
    watermark_ms: i64,
    keys: FxHashMap<K, Buffers<L, R>>,
    /// Per key, when the next of its elements is of no use.
    cleanups: TimerQueue<K>,
    counters: IntervalJoinCounters,
}

/// What is held of one key, each side in order of timestamps, then of arrival.
struct Buffers<L, R> {
    left: VecDeque<Held<L>>,
    right: VecDeque<Held<R>>,
    cleanup: Option<TimerPlace>,
}

struct Held<T> {
    timestamp_ms: i64,
    row: Row<T>,
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
            cleanups: TimerQueue::new(),
            counters: IntervalJoinCounters::default(),
        })
    }

    /// Takes a left element.
    pub fn left(
        &mut self,
        key: &K,
        timestamp_ms: i64,
        row: Row<L>,
        out: &mut IntervalJoinOutput<'_, Fired::Item, L, R>,
    ) {
        if timestamp_ms < self.watermark_ms {
            return self.counters.reject(row, &mut out.late_left);
        }
        let buffers = buffers_of(&mut self.keys, key);
        let from_ms = timestamp_ms.saturating_add(self.lower_ms);
        let until_ms = timestamp_ms.saturating_add(self.upper_ms);
        for right in between(&buffers.right, from_ms, until_ms) {
            let made = (self.function)(key, &row.value, &right.row.value);
            let tag = row.tag.max(right.row.tag);
            out.results
                .extend(made.into_iter().map(|value| Row { tag, value }));
            self.counters.pairs += 1;
        }
        hold(&mut buffers.left, timestamp_ms, row);
        self.took(key);
    }

    /// Takes a right element.
    pub fn right(
        &mut self,
        key: &K,
        timestamp_ms: i64,
        row: Row<R>,
        out: &mut IntervalJoinOutput<'_, Fired::Item, L, R>,
    ) {
        if timestamp_ms < self.watermark_ms {
            return self.counters.reject(row, &mut out.late_right);
        }
        let buffers = buffers_of(&mut self.keys, key);
        let from_ms = timestamp_ms.saturating_sub(self.upper_ms);
        let until_ms = timestamp_ms.saturating_sub(self.lower_ms);
        for left in between(&buffers.left, from_ms, until_ms) {
            let made = (self.function)(key, &left.row.value, &row.value);
            let tag = row.tag.max(left.row.tag);
            out.results
                .extend(made.into_iter().map(|value| Row { tag, value }));
            self.counters.pairs += 1;
        }
        hold(&mut buffers.right, timestamp_ms, row);
        self.took(key);
    }

    /// Takes a watermark: forgets elements that can have no more partners. One that does not rise
    /// is ignored.
    pub fn watermark(&mut self, watermark_ms: i64) {
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

    /// What it has done and holds.
    pub fn counters(&self) -> IntervalJoinCounters {
        self.counters
    }

    fn took(&mut self, key: &K) {
        self.counters.accepted += 1;
        self.counters.pending += 1;
        self.plan_cleanup(key);
    }

    /// How long after their timestamps left and right elements may find partners.
    fn useful_for_ms(&self) -> (i64, i64) {
        (self.upper_ms.max(0), self.lower_ms.saturating_neg().max(0))
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

impl IntervalJoinCounters {
    fn reject<T>(&mut self, row: Row<T>, late: &mut Option<&mut Vec<Row<T>>>) {
        match late {
            Some(late) => {
                self.late_side_output += 1;
                late.push(row);
            }
            None => self.late_dropped += 1,
        }
    }
}

fn buffers_of<'a, K: Key, L, R>(
    keys: &'a mut FxHashMap<K, Buffers<L, R>>,
    key: &K,
) -> &'a mut Buffers<L, R> {
    // A key that is known is never cloned.
    if !keys.contains_key(key) {
        let empty = Buffers {
            left: VecDeque::new(),
            right: VecDeque::new(),
            cleanup: None,
        };
        keys.insert(key.clone(), empty);
    }
    keys.get_mut(key).expect("inserted if it was missing")
}

/// Puts a row behind those that are not later.
fn hold<T>(buffer: &mut VecDeque<Held<T>>, timestamp_ms: i64, row: Row<T>) {
    let at = match buffer.back() {
        Some(last) if last.timestamp_ms > timestamp_ms => {
            buffer.partition_point(|held| held.timestamp_ms <= timestamp_ms)
        }
        _ => buffer.len(),
    };
    buffer.insert(at, Held { timestamp_ms, row });
}

/// The rows with timestamps from `from_ms` to `until_ms`, both inclusive.
fn between<T>(
    buffer: &VecDeque<Held<T>>,
    from_ms: i64,
    until_ms: i64,
) -> impl Iterator<Item = &Held<T>> {
    let from = buffer.partition_point(|held| held.timestamp_ms < from_ms);
    buffer
        .range(from..)
        .take_while(move |held| held.timestamp_ms <= until_ms)
}

/// Forgets rows that are of use no longer than `useful_for_ms` after their timestamp; gives their
/// number.
fn drop_useless<T>(buffer: &mut VecDeque<Held<T>>, useful_for_ms: i64, watermark_ms: i64) -> u64 {
    let useless = |held: &Held<T>| held.timestamp_ms.saturating_add(useful_for_ms) <= watermark_ms;
    let mut dropped = 0;
    while buffer.front().is_some_and(useless) {
        buffer.pop_front();
        dropped += 1;
    }
    dropped
}
