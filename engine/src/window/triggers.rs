//! The triggers that come with the engine.

use std::num::NonZeroU64;

use crate::event_time::next_on_grid_ms;
use crate::event_time::timers::TimeDomain;
use crate::window::trigger::{Trigger, TriggerContext, TriggerResult};
use crate::window::{WindowError, positive};

/// Fires when the watermark reaches the end of the window, and at every late element after that.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventTimeTrigger;

impl<In> Trigger<In> for EventTimeTrigger {
    type State = ();

    #[inline]
    fn on_element(
        &self,
        _value: &In,
        _timestamp_ms: i64,
        _state: &mut (),
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        if await_end(context) {
            TriggerResult::Continue
        } else {
            TriggerResult::Fire
        }
    }

    fn on_event_time(
        &self,
        _at_ms: i64,
        _state: &mut (),
        _context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        TriggerResult::Fire
    }

    fn on_merge(&self, _state: &mut (), _other: (), _context: &mut TriggerContext<'_>) {}
}

/// Fires when processing time reaches the end of the window.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessingTimeTrigger;

impl<In> Trigger<In> for ProcessingTimeTrigger {
    type State = ();

    fn on_element(
        &self,
        _value: &In,
        _timestamp_ms: i64,
        _state: &mut (),
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        let end_ms = context.window().max_timestamp_ms();
        context.register(TimeDomain::Processing, end_ms);
        TriggerResult::Continue
    }

    fn on_processing_time(
        &self,
        _at_ms: i64,
        _state: &mut (),
        _context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        TriggerResult::Fire
    }

    fn on_merge(&self, _state: &mut (), _other: (), _context: &mut TriggerContext<'_>) {}
}

/// Fires whenever a number of elements has come since it last did. Nothing else makes it fire, so
/// what is left over when the window is forgotten is lost, as in Flink.
#[derive(Clone, Copy, Debug)]
pub struct CountTrigger {
    count: NonZeroU64,
}

impl CountTrigger {
    /// Fires at every `count`-th element.
    pub fn new(count: NonZeroU64) -> Self {
        CountTrigger { count }
    }

    fn fire_if_full(&self, seen: &mut u64) -> TriggerResult {
        if *seen < self.count.get() {
            return TriggerResult::Continue;
        }
        *seen = 0;
        TriggerResult::Fire
    }
}

impl<In> Trigger<In> for CountTrigger {
    type State = u64;

    fn on_element(
        &self,
        _value: &In,
        _timestamp_ms: i64,
        seen: &mut u64,
        _context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        *seen += 1;
        self.fire_if_full(seen)
    }

    fn on_merge(&self, seen: &mut u64, other: u64, _context: &mut TriggerContext<'_>) {
        *seen += other;
    }
}

/// Fires as [`EventTimeTrigger`] does, and before the end of the window at an interval of processing
/// time, counted from the first element, whether or not more has come. As Flink SQL's early fire.
///
/// If several points of the interval have passed before it could be asked, it fires once; Flink
/// makes up for each.
#[derive(Clone, Copy, Debug)]
pub struct EarlyIntervalTrigger {
    interval_ms: i64,
}

impl EarlyIntervalTrigger {
    /// Fires every `interval_ms` of processing time, and at the end.
    pub fn new(interval_ms: i64) -> Result<Self, WindowError> {
        let interval_ms = positive("interval", interval_ms)?;
        Ok(EarlyIntervalTrigger { interval_ms })
    }
}

impl<In> Trigger<In> for EarlyIntervalTrigger {
    /// When it fires next.
    type State = Option<i64>;

    fn on_element(
        &self,
        _value: &In,
        _timestamp_ms: i64,
        next_ms: &mut Option<i64>,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        if !await_end(context) {
            return TriggerResult::Fire;
        }
        if next_ms.is_none() {
            let at_ms = context.now_ms().saturating_add(self.interval_ms);
            *next_ms = Some(at_ms);
            context.register(TimeDomain::Processing, at_ms);
        }
        TriggerResult::Continue
    }

    fn on_event_time(
        &self,
        _at_ms: i64,
        next_ms: &mut Option<i64>,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        if let Some(at_ms) = next_ms.take() {
            context.delete(TimeDomain::Processing, at_ms);
        }
        TriggerResult::Fire
    }

    fn on_processing_time(
        &self,
        at_ms: i64,
        next_ms: &mut Option<i64>,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        let again_ms = next_on_grid_ms(at_ms, self.interval_ms, context.now_ms());
        *next_ms = Some(again_ms);
        context.register(TimeDomain::Processing, again_ms);
        TriggerResult::Fire
    }

    /// The earlier of the two next firings counts.
    fn on_merge(
        &self,
        next_ms: &mut Option<i64>,
        other: Option<i64>,
        context: &mut TriggerContext<'_>,
    ) {
        adopt_earlier(TimeDomain::Processing, next_ms, other, context);
    }
}

/// Fires as [`EventTimeTrigger`] does, and before the end of the window whenever the watermark
/// passes a multiple of an interval.
///
/// If one watermark passes several multiples, it fires once; Flink fires once for each, with the
/// same result.
#[derive(Clone, Copy, Debug)]
pub struct ContinuousEventTimeTrigger {
    interval_ms: i64,
}

impl ContinuousEventTimeTrigger {
    /// Fires every `interval_ms` of event time, and at the end.
    pub fn new(interval_ms: i64) -> Result<Self, WindowError> {
        let interval_ms = positive("interval", interval_ms)?;
        Ok(ContinuousEventTimeTrigger { interval_ms })
    }

    fn fire_next_at(at_ms: i64, next_ms: &mut Option<i64>, context: &mut TriggerContext<'_>) {
        let at_ms = at_ms.min(context.window().max_timestamp_ms());
        *next_ms = Some(at_ms);
        context.register(TimeDomain::Event, at_ms);
    }
}

impl<In> Trigger<In> for ContinuousEventTimeTrigger {
    /// When it fires next, at the end at the latest.
    type State = Option<i64>;

    fn on_element(
        &self,
        _value: &In,
        timestamp_ms: i64,
        next_ms: &mut Option<i64>,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        if !await_end(context) {
            return TriggerResult::Fire;
        }
        if next_ms.is_none() {
            let passed_ms = timestamp_ms.rem_euclid(self.interval_ms);
            let at_ms = timestamp_ms.saturating_add(self.interval_ms - passed_ms);
            Self::fire_next_at(at_ms, next_ms, context);
        }
        TriggerResult::Continue
    }

    fn on_event_time(
        &self,
        at_ms: i64,
        next_ms: &mut Option<i64>,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        if *next_ms == Some(at_ms) && at_ms < context.window().max_timestamp_ms() {
            let again_ms = next_on_grid_ms(at_ms, self.interval_ms, context.watermark_ms());
            Self::fire_next_at(again_ms, next_ms, context);
        }
        TriggerResult::Fire
    }

    /// The earlier of the two next firings counts.
    fn on_merge(
        &self,
        next_ms: &mut Option<i64>,
        other: Option<i64>,
        context: &mut TriggerContext<'_>,
    ) {
        adopt_earlier(TimeDomain::Event, next_ms, other, context);
    }
}

/// Forgets what the window has seen whenever another trigger fires.
#[derive(Clone, Copy, Debug, Default)]
pub struct PurgingTrigger<T>(pub T);

impl<T> PurgingTrigger<T> {
    fn purging(result: TriggerResult) -> TriggerResult {
        if result.fires() {
            TriggerResult::FireAndPurge
        } else {
            result
        }
    }
}

impl<In, T: Trigger<In>> Trigger<In> for PurgingTrigger<T> {
    type State = T::State;

    fn on_element(
        &self,
        value: &In,
        timestamp_ms: i64,
        state: &mut T::State,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        Self::purging(self.0.on_element(value, timestamp_ms, state, context))
    }

    fn on_event_time(
        &self,
        at_ms: i64,
        state: &mut T::State,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        Self::purging(self.0.on_event_time(at_ms, state, context))
    }

    fn on_processing_time(
        &self,
        at_ms: i64,
        state: &mut T::State,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        Self::purging(self.0.on_processing_time(at_ms, state, context))
    }

    fn on_merge(&self, state: &mut T::State, other: T::State, context: &mut TriggerContext<'_>) {
        self.0.on_merge(state, other, context);
    }
}

/// Never fires: the default of the global window in Flink.
#[derive(Clone, Copy, Debug, Default)]
pub struct NeverTrigger;

impl<In> Trigger<In> for NeverTrigger {
    type State = ();

    fn on_element(
        &self,
        _value: &In,
        _timestamp_ms: i64,
        _state: &mut (),
        _context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        TriggerResult::Continue
    }

    fn on_merge(&self, _state: &mut (), _other: (), _context: &mut TriggerContext<'_>) {}
}

/// Asks to be called at the end of the window; false if the watermark is there already.
fn await_end(context: &mut TriggerContext<'_>) -> bool {
    let end_ms = context.window().max_timestamp_ms();
    let ahead = end_ms > context.watermark_ms();
    if ahead {
        context.register(TimeDomain::Event, end_ms);
    }
    ahead
}

/// Moves the next firing to that of a merged session, if that is earlier.
fn adopt_earlier(
    domain: TimeDomain,
    next_ms: &mut Option<i64>,
    other: Option<i64>,
    context: &mut TriggerContext<'_>,
) {
    let Some(other_ms) = other else { return };
    match *next_ms {
        Some(own_ms) if own_ms <= other_ms => return,
        Some(own_ms) => context.delete(domain, own_ms),
        None => {}
    }
    *next_ms = Some(other_ms);
    context.register(domain, other_ms);
}
