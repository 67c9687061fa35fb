//! The trigger that the parameters ask for: one of the engine's, purging or not.

use engine::{
    ContinuousEventTimeTrigger, CountTrigger, EarlyIntervalTrigger, EventTimeTrigger,
    ProcessingTimeTrigger, Trigger, TriggerContext, TriggerResult, WindowError,
};

use super::spec::{LateDataSpec, TriggerSpec};
use super::windows::ms;

/// One of the engine's triggers, purging or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen {
    trigger: AnyTrigger,
    purging: bool,
}

#[derive(Debug, Clone, Copy)]
enum AnyTrigger {
    EventTime,
    ProcessingTime,
    Count(CountTrigger),
    EarlyInterval(EarlyIntervalTrigger),
    ContinuousEventTime(ContinuousEventTimeTrigger),
}

impl Chosen {
    pub(super) fn new(spec: &LateDataSpec) -> Result<Chosen, WindowError> {
        let trigger = match spec.trigger {
            TriggerSpec::EventTime {} => AnyTrigger::EventTime,
            TriggerSpec::ProcessingTime {} => AnyTrigger::ProcessingTime,
            TriggerSpec::Count { count } => AnyTrigger::Count(CountTrigger::new(count)),
            TriggerSpec::EarlyInterval { interval } => {
                AnyTrigger::EarlyInterval(EarlyIntervalTrigger::new(ms(interval))?)
            }
            TriggerSpec::ContinuousEventTime { interval } => {
                AnyTrigger::ContinuousEventTime(ContinuousEventTimeTrigger::new(ms(interval))?)
            }
        };
        Ok(Chosen {
            trigger,
            purging: spec.purging,
        })
    }

    fn act(&self, result: TriggerResult) -> TriggerResult {
        if self.purging && result.fires() {
            TriggerResult::FireAndPurge
        } else {
            result
        }
    }
}

/// What the chosen trigger remembers: a number of records, or when it fires next. Some remember nothing.
type Memory = (u64, Option<i64>);

/// Asks the chosen trigger with its own part of the memory.
macro_rules! ask {
    ($chosen:expr, $memory:expr, |$trigger:ident, $state:ident| $question:expr) => {{
        let (seen, next_ms) = $memory;
        match &$chosen.trigger {
            AnyTrigger::EventTime => {
                let ($trigger, $state) = (&EventTimeTrigger, &mut ());
                $question
            }
            AnyTrigger::ProcessingTime => {
                let ($trigger, $state) = (&ProcessingTimeTrigger, &mut ());
                $question
            }
            AnyTrigger::Count($trigger) => {
                let $state = seen;
                $question
            }
            AnyTrigger::EarlyInterval($trigger) => {
                let $state = next_ms;
                $question
            }
            AnyTrigger::ContinuousEventTime($trigger) => {
                let $state = next_ms;
                $question
            }
        }
    }};
}

impl<In> Trigger<In> for Chosen {
    type State = Memory;

    #[inline]
    fn on_element(
        &self,
        value: &In,
        timestamp_ms: i64,
        memory: &mut Memory,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        self.act(ask!(self, memory, |trigger, state| {
            trigger.on_element(value, timestamp_ms, state, context)
        }))
    }

    fn on_event_time(
        &self,
        at_ms: i64,
        memory: &mut Memory,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        self.act(ask!(self, memory, |trigger, state| {
            Trigger::<In>::on_event_time(trigger, at_ms, state, context)
        }))
    }

    fn on_processing_time(
        &self,
        at_ms: i64,
        memory: &mut Memory,
        context: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        self.act(ask!(self, memory, |trigger, state| {
            Trigger::<In>::on_processing_time(trigger, at_ms, state, context)
        }))
    }

    fn on_merge(
        &self,
        (seen, next_ms): &mut Memory,
        (other_seen, other_next_ms): Memory,
        context: &mut TriggerContext<'_>,
    ) {
        match &self.trigger {
            AnyTrigger::EventTime => {
                Trigger::<In>::on_merge(&EventTimeTrigger, &mut (), (), context);
            }
            AnyTrigger::ProcessingTime => {
                Trigger::<In>::on_merge(&ProcessingTimeTrigger, &mut (), (), context);
            }
            AnyTrigger::Count(trigger) => {
                Trigger::<In>::on_merge(trigger, seen, other_seen, context);
            }
            AnyTrigger::EarlyInterval(trigger) => {
                Trigger::<In>::on_merge(trigger, next_ms, other_next_ms, context);
            }
            AnyTrigger::ContinuousEventTime(trigger) => {
                Trigger::<In>::on_merge(trigger, next_ms, other_next_ms, context);
            }
        }
    }
}
