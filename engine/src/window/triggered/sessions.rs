//! Sessions: windows of one key that meet become one.

use crate::data::{Data, Key, Row};
use crate::window::assigner::WindowAssigner;
use crate::window::contents::WindowContents;
use crate::window::trigger::Trigger;
use crate::window::triggered::entry::Entry;
use crate::window::triggered::panes::Panes;
use crate::window::triggered::{Entries, TriggeredWindows, entries_of};
use crate::window::{TimeWindow, WindowOutput};

impl<K, In, A, T, C> TriggeredWindows<K, In, A, T, C>
where
    K: Key,
    In: Data + Clone,
    A: WindowAssigner,
    T: Trigger<In>,
    C: WindowContents<K, In>,
{
    /// Adds an element to the session that its own window makes with those it meets.
    ///
    /// As in Flink, it is late only if the merged session is: a late element that meets a session
    /// which is still kept belongs to it.
    pub(super) fn add_to_session(
        &mut self,
        key: &K,
        time_ms: i64,
        row: Row<In>,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        let panes = &mut self.panes;
        let Some(own) = self.assigner.assign(time_ms).next() else {
            return panes.counters.reject(row, out);
        };
        let entries = entries_of(&mut self.keys, key);
        // Sessions of a key never meet, so their ends are in order as their starts are.
        let from = entries.partition_point(|e| e.window.end_ms < own.start_ms);
        let until = entries.partition_point(|e| e.window.start_ms <= own.end_ms);
        let window = match (entries.get(from), until > from) {
            (Some(first), true) => entries[until - 1].window.cover(&first.window).cover(&own),
            _ => own,
        };
        if panes.is_late(&window) {
            if entries.is_empty() {
                self.keys.remove(key);
            }
            return panes.counters.reject(row, out);
        }
        panes.counters.accepted += 1;
        if entries.get(from).is_none_or(|e| e.window != window) {
            merge(panes, key, entries, from..until, window);
        }
        panes.add(key, &mut entries[from], time_ms, row, out);
    }
}

/// Puts one session in the place of those in `range`, which it covers.
fn merge<K, In, T, C>(
    panes: &mut Panes<K, In, T, C>,
    key: &K,
    entries: &mut Entries<T::State, C::State>,
    range: std::ops::Range<usize>,
    window: TimeWindow,
) where
    K: Key,
    T: Trigger<In>,
    C: WindowContents<K, In>,
{
    let mut merged = Entry::new(window);
    panes.counters.pending += 1;
    panes.counters.merged += range.len().saturating_sub(1) as u64;
    let at = range.start;
    for entry in entries.drain(range) {
        // Where the end has not moved, what was said before is refined from now on.
        merged.complete |= entry.complete && entry.window.end_ms == window.end_ms;
        let (state, pane) = panes.forget(entry);
        panes.ask(key, &mut merged, |trigger, into, context| {
            trigger.on_merge(into, state, context);
        });
        merged.pane = match (merged.pane.take(), pane) {
            (Some(mut into), Some(other)) => {
                into.tag = into.tag.max(other.tag);
                panes.contents.merge(&mut into.state, &other.state);
                Some(into)
            }
            (one, other) => one.or(other),
        };
    }
    entries.insert(at, merged);
}
