//! When windows fire: the trait that users implement, and what a trigger may ask and do.

use crate::data::{Data, Decode, Encode};
use crate::event_time::timers::{TimeDomain, TimerPlace};
use crate::window::TimeWindow;

/// Decides when a window says what it has seen.
///
/// As in Flink, a trigger is asked at every element and at every timer that it has registered, per
/// key and window. What it has to remember is its `State`, one per key and window.
///
/// Flink's `clear` is missing on purpose: when a window is forgotten or merged away, its state and
/// all timers registered for it go with it, so there is nothing that a trigger could leave behind.
///
/// A trigger that fires at the first element of at least a given weight, and again at the end:
///
/// ```
/// use engine::{TriggerResult, TimeDomain, Trigger, TriggerContext};
///
/// struct AtWeight(u64);
///
/// impl Trigger<u64> for AtWeight {
///     type State = bool;
///
///     fn on_element(&self, weight: &u64, _: i64, fired: &mut bool, context: &mut TriggerContext<'_>) -> TriggerResult {
///         context.register(TimeDomain::Event, context.window().max_timestamp_ms());
///         if *weight < self.0 || *fired {
///             return TriggerResult::Continue;
///         }
///         *fired = true;
///         TriggerResult::Fire
///     }
///
///     fn on_event_time(&self, _: i64, _: &mut bool, _: &mut TriggerContext<'_>) -> TriggerResult {
///         TriggerResult::Fire
///     }
///
///     fn on_merge(&self, fired: &mut bool, other: bool, _: &mut TriggerContext<'_>) {
///         *fired |= other;
///     }
/// }
/// ```
pub trait Trigger<In>: Send {
    /// What it remembers per key and window.
    type State: Data + Default;

    /// An element is being added to a window. A firing happens with the element in.
    fn on_element(
        &self,
        value: &In,
        timestamp_ms: i64,
        state: &mut Self::State,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult;

    /// An event-time timer that it registered for this key and window is due: the watermark has
    /// reached `at_ms`. Flink calls this for its own clean-up timer too.
    fn on_event_time(
        &self,
        _at_ms: i64,
        _state: &mut Self::State,
        _context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        TriggerResult::Continue
    }

    /// A processing-time timer that it registered for this key and window is due.
    fn on_processing_time(
        &self,
        _at_ms: i64,
        _state: &mut Self::State,
        _context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        TriggerResult::Continue
    }

    /// A session was merged away into the window of the context: takes what it remembered over.
    /// Called once per such session, earliest first; `state` begins empty, and so do the merged
    /// window's timers. An element follows at once, which asks [`on_element`](Self::on_element).
    fn on_merge(
        &self,
        state: &mut Self::State,
        other: Self::State,
        context: &mut TriggerContext<'_>,
    );
}

/// What becomes of a window after a trigger was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerResult {
    /// Nothing.
    Continue,
    /// It says what it has seen, and keeps it.
    Fire,
    /// It forgets what it has seen, silently. The trigger's state stays.
    Purge,
    /// It says what it has seen, and forgets it.
    FireAndPurge,
}

impl TriggerResult {
    /// Whether the window says something.
    pub fn fires(self) -> bool {
        matches!(self, TriggerResult::Fire | TriggerResult::FireAndPurge)
    }

    /// Whether the window forgets what it has seen.
    pub fn purges(self) -> bool {
        matches!(self, TriggerResult::Purge | TriggerResult::FireAndPurge)
    }
}

/// What a trigger may ask and do. It speaks of one key and one window.
#[derive(Debug)]
pub struct TriggerContext<'a> {
    pub(super) window: TimeWindow,
    pub(super) watermark_ms: i64,
    pub(super) now_ms: i64,
    pub(super) timers: &'a mut Vec<PaneTimer>,
    pub(super) changes: &'a mut TimerChanges,
}

impl TriggerContext<'_> {
    /// The window.
    pub fn window(&self) -> TimeWindow {
        self.window
    }

    /// The watermark; [`NO_WATERMARK_MS`](crate::NO_WATERMARK_MS) before the first.
    pub fn watermark_ms(&self) -> i64 {
        self.watermark_ms
    }

    /// Processing time in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Wants to be asked when `domain` reaches `at_ms`: at the next watermark or the next moment if
    /// it has already. A timer that exists is not registered twice.
    pub fn register(&mut self, domain: TimeDomain, at_ms: i64) {
        if self.position(domain, at_ms).is_none() {
            let place = self.changes.next_place(at_ms, TRIGGER_RANK);
            let timer = PaneTimer { domain, place };
            self.timers.push(timer);
            self.changes.list.push(TimerChange::Register(timer));
        }
    }

    /// No longer wants that. Nothing happens if there is no such timer.
    pub fn delete(&mut self, domain: TimeDomain, at_ms: i64) {
        if let Some(at) = self.position(domain, at_ms) {
            let timer = self.timers.swap_remove(at);
            self.changes.list.push(TimerChange::Delete(timer));
        }
    }

    fn position(&self, domain: TimeDomain, at_ms: i64) -> Option<usize> {
        let is_it = |timer: &PaneTimer| timer.domain == domain && timer.place.at_ms == at_ms;
        self.timers.iter().position(is_it)
    }
}

/// Rank of the timers of triggers: before what forgets the window at the same time.
pub(super) const TRIGGER_RANK: u8 = 0;

/// A timer of one key and window.
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub(super) struct PaneTimer {
    pub(super) domain: TimeDomain,
    pub(super) place: TimerPlace,
}

/// What a trigger wants to be different, in order, until it is done.
#[derive(Debug, Default)]
pub(super) struct TimerChanges {
    next_number: u64,
    pub(super) list: Vec<TimerChange>,
}

impl TimerChanges {
    /// The place behind all others of the same time and rank.
    pub(super) fn next_place(&mut self, at_ms: i64, rank: u8) -> TimerPlace {
        let place = TimerPlace::new(at_ms, rank, self.next_number);
        self.next_number += 1;
        place
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum TimerChange {
    Register(PaneTimer),
    Delete(PaneTimer),
}
