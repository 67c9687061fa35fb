//! Windows of any kind that fire as a trigger says: one entry per key and window.
//!
//! This is the general form. What each entry holds: contents, the trigger's state, its timers. An
//! element of a sliding window goes into one entry per window. Sessions are merged here.
//!
//! Timers fire in order of time; at one time in the order of their registration, and windows are
//! forgotten after everything else of that time. So with the event-time trigger, keys fire in the
//! order in which they first came in their window. All elements of a purged window are forgotten,
//! while the window itself, its trigger's state and its timers last until clean-up, as in Flink.

mod entry;
mod held;
mod panes;
mod sessions;

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::data::{Data, Key, Row};
use crate::event_time::span_ms;
use crate::event_time::timers::TimeDomain;
use crate::window::assigner::WindowAssigner;
use crate::window::contents::WindowContents;
use crate::window::standing::{Later, OwnsKey, WindowStateError};
use crate::window::trigger::Trigger;
use crate::window::triggered::entry::Entry;
use crate::window::triggered::held::KeyedEntries;
use crate::window::triggered::panes::Panes;
use crate::window::{TimeWindow, WindowCore, WindowCounters, WindowOutput};

/// The windows of one key, in order of time; no two start at the same time.
type Entries<T, S> = VecDeque<Entry<T, S>>;

/// Windows of any kind, with any trigger.
pub struct TriggeredWindows<K, In, A, T, C>
where
    T: Trigger<In>,
    C: WindowContents<K, In>,
{
    assigner: A,
    keys: KeyedEntries<K, T::State, C::State>,
    panes: Panes<K, In, T, C>,
    /// Restored, and not yet among the others: timers in them wait, those of processing time too.
    later: Later<KeyedEntries<K, T::State, C::State>>,
}

impl<K, In, A, T, C> TriggeredWindows<K, In, A, T, C>
where
    K: Key,
    In: Data + Clone,
    A: WindowAssigner,
    T: Trigger<In>,
    C: WindowContents<K, In>,
{
    /// Windows in event time that are kept for `allowed_lateness_ms` after their end.
    pub fn new(assigner: A, trigger: T, contents: C, allowed_lateness_ms: u64) -> Self {
        let lateness_ms = span_ms(allowed_lateness_ms);
        Self::in_domain(TimeDomain::Event, assigner, trigger, contents, lateness_ms)
    }

    /// Windows of the processing time at which elements come, which are never late. The timestamps
    /// of elements are ignored. The trigger should be about processing time, too.
    pub fn processing_time(assigner: A, trigger: T, contents: C) -> Self {
        Self::in_domain(TimeDomain::Processing, assigner, trigger, contents, 0)
    }

    fn in_domain(
        domain: TimeDomain,
        assigner: A,
        trigger: T,
        contents: C,
        allowed_lateness_ms: i64,
    ) -> Self {
        TriggeredWindows {
            assigner,
            keys: FxHashMap::default(),
            panes: Panes::new(domain, trigger, contents, allowed_lateness_ms),
            later: Later::none(),
        }
    }

    /// Adds an element to each of its windows that is not too late for it.
    fn add_to_windows(
        &mut self,
        key: &K,
        time_ms: i64,
        row: Row<In>,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        let panes = &mut self.panes;
        let mut windows = self.assigner.assign(time_ms);
        // They are in order of time: what follows one that is not late is not late either.
        let Some(mut window) = windows.find(|window| !panes.is_late(window)) else {
            return panes.counters.reject(row, out);
        };
        panes.counters.accepted += 1;
        let entries = entries_of(&mut self.keys, key);
        let mut at = position(entries, window);
        loop {
            if entries.get(at).is_none_or(|e| e.window != window) {
                entries.insert(at, Entry::new(window));
                panes.counters.pending += 1;
            }
            let entry = &mut entries[at];
            let Some(following) = windows.next() else {
                return panes.add(key, entry, time_ms, row, out);
            };
            let copy = row.with(row.value.clone());
            panes.add(key, entry, time_ms, copy, out);
            window = following;
            at += 1;
            // Nearly always the next entry is the next window's.
            if entries.get(at).is_some_and(|e| e.window < window) {
                at = position(entries, window);
            }
        }
    }

    fn advance(&mut self, watermark_ms: i64, out: &mut WindowOutput<'_, C::Out, In>) {
        if watermark_ms > self.panes.watermark_ms {
            self.panes.watermark_ms = watermark_ms;
            self.fire_due(TimeDomain::Event, watermark_ms, out);
        }
    }

    /// Makes what another core held at the watermark its own.
    fn absorb(&mut self, mut held: KeyedEntries<K, T::State, C::State>) {
        self.panes.adopt(&mut held);
        self.keys.extend(held);
    }

    fn fire_due(
        &mut self,
        domain: TimeDomain,
        until_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        while let Some(due) = self.panes.pop_due(domain, until_ms) {
            let Some(entries) = self.keys.get_mut(&due.key) else {
                continue;
            };
            let at = position(entries, due.window);
            let Some(entry) = entries.get_mut(at).filter(|e| e.window == due.window) else {
                continue;
            };
            if !due.forgets {
                self.panes.on_timer(&due, entry, out);
                continue;
            }
            if let Some(entry) = entries.remove(at) {
                self.panes.forget(entry);
            }
            if entries.is_empty() {
                self.keys.remove(&due.key);
            }
        }
    }
}

impl<K, In, A, T, C> WindowCore<K, In> for TriggeredWindows<K, In, A, T, C>
where
    K: Key,
    In: Data + Clone,
    A: WindowAssigner,
    T: Trigger<In>,
    C: WindowContents<K, In>,
{
    type Out = C::Out;

    fn element(
        &mut self,
        key: &K,
        timestamp_ms: i64,
        row: Row<In>,
        now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        self.panes.now_ms = self.panes.now_ms.max(now_ms);
        if !self.later.is_empty()
            && let Some(watermark_ms) = self.later.watermark_of(key)
        {
            self.watermark(watermark_ms, now_ms, out);
        }
        let time_ms = match self.panes.domain {
            TimeDomain::Event => timestamp_ms,
            TimeDomain::Processing => self.panes.now_ms,
        };
        if A::MERGES {
            self.add_to_session(key, time_ms, row, out);
        } else {
            self.add_to_windows(key, time_ms, row, out);
        }
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        now_ms: i64,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        self.panes.now_ms = self.panes.now_ms.max(now_ms);
        while let Some(standing) = self.later.take_reached(watermark_ms) {
            self.advance(standing.watermark_ms, out);
            self.absorb(standing.held);
        }
        self.advance(watermark_ms, out);
    }

    fn processing_time(&mut self, now_ms: i64, out: &mut WindowOutput<'_, C::Out, In>) {
        self.panes.now_ms = self.panes.now_ms.max(now_ms);
        self.fire_due(TimeDomain::Processing, now_ms, out);
    }

    fn next_processing_time_ms(&self) -> Option<i64> {
        self.panes.next_processing_time_ms()
    }

    fn counters(&self) -> WindowCounters {
        self.panes.counters
    }

    fn snapshot(&self, bytes: &mut Vec<u8>) {
        let watermark_ms = self.panes.watermark_ms;
        self.later.save_behind(watermark_ms, &self.keys, bytes);
    }

    fn restore(&mut self, parts: &[&[u8]], owns: OwnsKey<'_>) -> Result<(), WindowStateError> {
        let (lowest_ms, later) = Later::load(parts, owns)?;
        for entry in later.held().flat_map(held::entries) {
            let mut assigned = self.assigner.assign(entry.window.start_ms);
            if !A::MERGES && assigned.all(|window| window != entry.window) {
                return Err(WindowStateError::OtherWindows);
            }
            self.panes.counters.pending += 1;
            self.panes.counters.timers_pending += entry.timers.len() as u64;
        }
        (self.panes.watermark_ms, self.later) = (lowest_ms, later);
        // The watermark decides nothing about windows of processing time.
        let reached_ms = match self.panes.domain {
            TimeDomain::Event => lowest_ms,
            TimeDomain::Processing => i64::MAX,
        };
        while let Some(standing) = self.later.take_reached(reached_ms) {
            self.absorb(standing.held);
        }
        Ok(())
    }
}

fn entries_of<'a, K: Key, T, S>(
    keys: &'a mut FxHashMap<K, Entries<T, S>>,
    key: &K,
) -> &'a mut Entries<T, S> {
    // A key that is known is never cloned.
    if !keys.contains_key(key) {
        keys.insert(key.clone(), VecDeque::new());
    }
    keys.get_mut(key).expect("inserted if it was missing")
}

/// Where a window stands or would stand.
fn position<T, S>(entries: &Entries<T, S>, window: TimeWindow) -> usize {
    match entries.back() {
        Some(last) if last.window > window => entries.partition_point(|e| e.window < window),
        Some(last) if last.window == window => entries.len() - 1,
        _ => entries.len(),
    }
}
