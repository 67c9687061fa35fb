//! What happens to one entry: elements are added, timers fire, the trigger's word is done.

use std::marker::PhantomData;

use crate::data::{Key, Row};
use crate::event_time::NO_WATERMARK_MS;
use crate::event_time::timers::{TimeDomain, TimerPlace, TimerQueue};
use crate::window::contents::WindowContents;
use crate::window::trigger::{
    TRIGGER_RANK, TimerChange, TimerChanges, Trigger, TriggerContext, TriggerResult,
};
use crate::window::triggered::entry::Entry;
use crate::window::triggered::held::KeyedEntries;
use crate::window::tumbling::emit;
use crate::window::{Firing, FiringTime, Pane, TimeWindow, WindowCounters, WindowOutput};

/// Everything but the entries themselves.
pub(super) struct Panes<K, In, T, C> {
    pub(super) domain: TimeDomain,
    pub(super) watermark_ms: i64,
    pub(super) now_ms: i64,
    pub(super) counters: WindowCounters,
    pub(super) contents: C,
    pub(super) trigger: T,
    allowed_lateness_ms: i64,
    event: TimerQueue<(K, TimeWindow)>,
    processing: TimerQueue<(K, TimeWindow)>,
    changes: TimerChanges,
    element: PhantomData<fn(In)>,
}

/// Rank of the timers that forget windows.
const CLEANUP_RANK: u8 = TRIGGER_RANK + 1;

/// A timer that is due.
pub(super) struct Due<K> {
    pub(super) key: K,
    pub(super) window: TimeWindow,
    /// Whether the window is to be forgotten.
    pub(super) forgets: bool,
    domain: TimeDomain,
    place: TimerPlace,
}

impl<K, In, T, C> Panes<K, In, T, C>
where
    K: Key,
    T: Trigger<In>,
    C: WindowContents<K, In>,
{
    pub(super) fn new(
        domain: TimeDomain,
        trigger: T,
        contents: C,
        allowed_lateness_ms: i64,
    ) -> Self {
        Panes {
            domain,
            watermark_ms: NO_WATERMARK_MS,
            now_ms: i64::MIN,
            counters: WindowCounters::default(),
            contents,
            trigger,
            allowed_lateness_ms,
            event: TimerQueue::new(),
            processing: TimerQueue::new(),
            changes: TimerChanges::default(),
            element: PhantomData,
        }
    }

    /// Whether a window takes no more elements.
    pub(super) fn is_late(&self, window: &TimeWindow) -> bool {
        self.domain == TimeDomain::Event && self.cleanup_ms(window) <= self.watermark_ms
    }

    /// Adds an element and does what the trigger says to that.
    pub(super) fn add(
        &mut self,
        key: &K,
        entry: &mut Entry<T::State, C::State>,
        timestamp_ms: i64,
        row: Row<In>,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        let result = self.ask(key, entry, |trigger, state, context| {
            trigger.on_element(&row.value, timestamp_ms, state, context)
        });
        let contents = &self.contents;
        let pane = entry.pane.get_or_insert_with(|| Pane {
            tag: 0,
            state: contents.create(),
        });
        pane.tag = pane.tag.max(row.tag);
        contents.add(&mut pane.state, row.value);
        self.act(result, self.reached_ms(), key, entry, out);
        self.plan_cleanup(key, entry);
    }

    /// A timer of the trigger is due.
    pub(super) fn on_timer(
        &mut self,
        due: &Due<K>,
        entry: &mut Entry<T::State, C::State>,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        entry.timers.retain(|timer| timer.place != due.place);
        self.counters.timers_fired += 1;
        let at_ms = due.place.at_ms;
        let result = self.ask(&due.key, entry, |trigger, state, context| {
            match due.domain {
                TimeDomain::Event => trigger.on_event_time(at_ms, state, context),
                TimeDomain::Processing => trigger.on_processing_time(at_ms, state, context),
            }
        });
        // One watermark may pass several timers: each stands for its own time.
        let reached_ms = if due.domain == self.domain {
            at_ms
        } else {
            self.reached_ms()
        };
        self.act(result, reached_ms, &due.key, entry, out);
    }

    /// Asks the trigger, then carries out what it wants of its timers.
    pub(super) fn ask<R>(
        &mut self,
        key: &K,
        entry: &mut Entry<T::State, C::State>,
        question: impl FnOnce(&T, &mut T::State, &mut TriggerContext<'_>) -> R,
    ) -> R {
        let mut context = TriggerContext {
            window: entry.window,
            watermark_ms: self.watermark_ms,
            now_ms: self.now_ms,
            timers: &mut entry.timers,
            changes: &mut self.changes,
        };
        let answer = question(&self.trigger, &mut entry.trigger, &mut context);
        for change in self.changes.list.drain(..) {
            let (TimerChange::Register(timer) | TimerChange::Delete(timer)) = change;
            let queue = match timer.domain {
                TimeDomain::Event => &mut self.event,
                TimeDomain::Processing => &mut self.processing,
            };
            match change {
                TimerChange::Register(_) => {
                    queue.put(timer.place, (key.clone(), entry.window));
                    self.counters.timers_pending += 1;
                }
                TimerChange::Delete(_) => {
                    queue.remove(&timer.place);
                    self.counters.timers_pending -= 1;
                }
            }
        }
        answer
    }

    /// The earliest timer of a domain, if it is due.
    pub(super) fn pop_due(&mut self, domain: TimeDomain, until_ms: i64) -> Option<Due<K>> {
        let (place, (key, window)) = self.queue(domain).pop_due(until_ms)?;
        let forgets = place.rank == CLEANUP_RANK;
        self.counters.timers_pending -= u64::from(!forgets);
        Some(Due {
            key,
            window,
            forgets,
            domain,
            place,
        })
    }

    pub(super) fn next_processing_time_ms(&self) -> Option<i64> {
        self.processing.first_ms()
    }

    /// Lets an entry go, and the timers with it; gives what it held.
    pub(super) fn forget(
        &mut self,
        entry: Entry<T::State, C::State>,
    ) -> (T::State, Option<Pane<C::State>>) {
        self.counters.pending -= 1;
        self.counters.timers_pending -= entry.timers.len() as u64;
        for timer in &entry.timers {
            self.queue(timer.domain).remove(&timer.place);
        }
        if let Some(place) = entry.cleanup {
            let domain = self.domain;
            self.queue(domain).remove(&place);
        }
        (entry.trigger, entry.pane)
    }

    /// Plans what entries of a checkpoint have planned, behind what is planned already.
    pub(super) fn adopt(&mut self, held: &mut KeyedEntries<K, T::State, C::State>) {
        let mut timers = Vec::new();
        for (key, entries) in held.iter_mut() {
            for entry in entries {
                let window = entry.window;
                let of_entry = entry.timers.iter_mut();
                timers.extend(of_entry.map(|timer| (timer, key, window)));
            }
        }
        timers.sort_unstable_by_key(|(timer, ..)| timer.place);
        for (timer, key, window) in timers {
            timer.place = self.changes.next_place(timer.place.at_ms, TRIGGER_RANK);
            let queue = self.queue(timer.domain);
            queue.put(timer.place, (key.clone(), window));
        }
        for (key, entries) in held {
            for entry in entries {
                self.plan_cleanup(key, entry);
            }
        }
    }

    /// Where the windows' own time stands.
    fn reached_ms(&self) -> i64 {
        match self.domain {
            TimeDomain::Event => self.watermark_ms,
            TimeDomain::Processing => self.now_ms,
        }
    }

    fn act(
        &mut self,
        result: TriggerResult,
        reached_ms: i64,
        key: &K,
        entry: &mut Entry<T::State, C::State>,
        out: &mut WindowOutput<'_, C::Out, In>,
    ) {
        if let (true, Some(pane)) = (result.fires(), &entry.pane) {
            let time = if reached_ms < entry.window.max_timestamp_ms() {
                FiringTime::Early
            } else if entry.complete {
                FiringTime::Late
            } else {
                FiringTime::OnTime
            };
            entry.complete = time != FiringTime::Early;
            let firing = Firing {
                window: entry.window,
                time,
                watermark_ms: self.watermark_ms,
            };
            self.counters.count_firing(time);
            emit(&mut self.contents, key, &firing, pane, out.results);
        }
        if result.purges() {
            entry.pane = None;
        }
    }

    fn plan_cleanup(&mut self, key: &K, entry: &mut Entry<T::State, C::State>) {
        let at_ms = self.cleanup_ms(&entry.window);
        // The end of time is final: nothing is left to be kept small after it.
        if entry.cleanup.is_some() || at_ms == i64::MAX {
            return;
        }
        let place = self.changes.next_place(at_ms, CLEANUP_RANK);
        let domain = self.domain;
        self.queue(domain).put(place, (key.clone(), entry.window));
        entry.cleanup = Some(place);
    }

    fn cleanup_ms(&self, window: &TimeWindow) -> i64 {
        window.cleanup_ms(self.allowed_lateness_ms)
    }

    fn queue(&mut self, domain: TimeDomain) -> &mut TimerQueue<(K, TimeWindow)> {
        match domain {
            TimeDomain::Event => &mut self.event,
            TimeDomain::Processing => &mut self.processing,
        }
    }
}
