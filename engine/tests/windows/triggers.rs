//! Each trigger on tumbling windows, against its definition on the story of one key and window.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use engine::{
    ContinuousEventTimeTrigger, CountTrigger, EarlyIntervalTrigger, EventTimeTrigger, FiringTime,
    NO_WATERMARK_MS, PurgingTrigger, TimeWindow, Trigger, TriggeredWindows, Tumbling,
    WindowAssigner, WindowCore,
};
use proptest::prelude::*;

use crate::history::{Step, cases, history};
use crate::naive::{Arrival, FixedWindows, arrivals, say};
use crate::subject::{Fired, drive, ids};

/// What a trigger says of one window, in words of the window's own story.
trait Definition {
    /// Whether the window fires when its `count`-th element comes.
    fn at_element(&mut self, now_ms: i64, over: bool, timestamp_ms: i64) -> bool;
    /// At which times it fires when the watermark moves from one value to another.
    fn at_watermark(&mut self, from_ms: i64, to_ms: i64) -> Vec<i64>;
    /// Whether it fires when processing time has come to `now_ms`.
    fn at_clock(&mut self, now_ms: i64) -> bool;
}

struct Count {
    every: u64,
    seen: u64,
}

impl Definition for Count {
    fn at_element(&mut self, _: i64, _: bool, _: i64) -> bool {
        self.seen += 1;
        self.seen.is_multiple_of(self.every)
    }
    fn at_watermark(&mut self, _: i64, _: i64) -> Vec<i64> {
        Vec::new()
    }
    fn at_clock(&mut self, _: i64) -> bool {
        false
    }
}

/// At the end, at late elements, and before the end at intervals of processing or event time.
struct AtEnd {
    last_ms: i64,
    early_ms: Option<i64>,
    continuous_ms: Option<i64>,
    waits: bool,
    next_ms: Option<i64>,
}

impl AtEnd {
    fn new(window: TimeWindow) -> Self {
        AtEnd {
            last_ms: window.end_ms - 1,
            early_ms: None,
            continuous_ms: None,
            waits: false,
            next_ms: None,
        }
    }
}

impl Definition for AtEnd {
    fn at_element(&mut self, now_ms: i64, over: bool, timestamp_ms: i64) -> bool {
        if over {
            return true;
        }
        self.waits = true;
        if let Some(interval_ms) = self.early_ms {
            self.next_ms.get_or_insert(now_ms + interval_ms);
        }
        if let Some(interval_ms) = self.continuous_ms {
            let next_ms = (timestamp_ms.div_euclid(interval_ms) + 1) * interval_ms;
            self.next_ms.get_or_insert(next_ms.min(self.last_ms));
        }
        false
    }

    fn at_watermark(&mut self, from_ms: i64, to_ms: i64) -> Vec<i64> {
        let mut fires = Vec::new();
        if let (Some(interval_ms), Some(next_ms)) = (self.continuous_ms, self.next_ms)
            && next_ms < self.last_ms
            && next_ms <= to_ms
            && to_ms > from_ms
        {
            fires.push(next_ms);
            let next_ms = (next_ms..)
                .step_by(interval_ms as usize)
                .find(|&t| t > to_ms || t >= self.last_ms);
            self.next_ms = next_ms.map(|next_ms| next_ms.min(self.last_ms));
        }
        if self.waits && from_ms < self.last_ms && self.last_ms <= to_ms {
            fires.push(self.last_ms);
            self.early_ms = None;
            self.waits = false;
        }
        fires
    }

    fn at_clock(&mut self, now_ms: i64) -> bool {
        let (Some(interval_ms), Some(next_ms)) = (self.early_ms, self.next_ms) else {
            return false;
        };
        let due = next_ms <= now_ms;
        if due {
            self.next_ms = (next_ms..)
                .step_by(interval_ms as usize)
                .find(|&t| t > now_ms);
        }
        due
    }
}

/// What one key and window says at which step.
fn story(
    windows: &FixedWindows<Tumbling>,
    steps: &[Step],
    all: &[Arrival],
    (key, window): (u8, TimeWindow),
    lateness_ms: i64,
    purging: bool,
    mut definition: impl Definition,
) -> Vec<(usize, Fired)> {
    let last_ms = window.end_ms - 1;
    let (mut watermark_ms, mut now_ms) = (NO_WATERMARK_MS, 0);
    let (mut content, mut complete, mut fired) = (Vec::<Arrival>::new(), false, Vec::new());
    for (at, step) in steps.iter().enumerate() {
        // Forgotten for good, or no element yet: nothing can happen.
        let alive = last_ms + lateness_ms > watermark_ms;
        let mut fires_at = Vec::new();
        match *step {
            Step::Element { id, .. } => {
                let arrival = all[id as usize];
                if arrival.key == key && windows.windows(&arrival).contains(&window) {
                    content.push(arrival);
                    let over = last_ms <= watermark_ms;
                    if definition.at_element(now_ms, over, arrival.timestamp_ms) {
                        fires_at.push(watermark_ms);
                    }
                }
            }
            Step::Watermark(to_ms) => {
                let to_ms = to_ms.max(watermark_ms);
                fires_at = definition.at_watermark(watermark_ms, to_ms);
                watermark_ms = to_ms;
            }
            Step::Clock(to_ms) => {
                now_ms = to_ms;
                if alive && definition.at_clock(now_ms) {
                    fires_at.push(watermark_ms);
                }
            }
        }
        for time_ms in fires_at {
            if content.is_empty() {
                continue;
            }
            let time = if time_ms < last_ms {
                FiringTime::Early
            } else if std::mem::replace(&mut complete, true) {
                FiringTime::Late
            } else {
                FiringTime::OnTime
            };
            fired.push((at, say(key, window, time, &content).value));
            if purging {
                content.clear();
            }
        }
    }
    fired
}

fn check<D: Definition>(
    steps: &[Step],
    size_ms: i64,
    lateness_ms: u64,
    trigger: impl Trigger<u64>,
    purging: bool,
    define: impl Fn(TimeWindow) -> D,
) -> Result<(), TestCaseError> {
    let tumbling = Tumbling::new(size_ms).unwrap();
    let windows = FixedWindows::new(tumbling, lateness_ms);
    let all = arrivals(steps);
    let pairs: BTreeSet<(u8, TimeWindow)> = all
        .iter()
        .flat_map(|a| {
            tumbling
                .assign(a.timestamp_ms)
                .map(|window| (a.key, window))
        })
        .collect();
    let lateness = lateness_ms as i64;
    let mut expected: Vec<(usize, Fired)> = pairs
        .into_iter()
        .flat_map(|pair| {
            story(
                &windows,
                steps,
                &all,
                pair,
                lateness,
                purging,
                define(pair.1),
            )
        })
        .collect();
    let mut core = TriggeredWindows::new(tumbling, trigger, ids(), lateness_ms);
    let outcomes = drive(&mut core, steps, true).into_iter().enumerate();
    let mut results: Vec<(usize, Fired)> = outcomes
        .flat_map(|(at, outcome)| outcome.results.into_iter().map(move |row| (at, row.value)))
        .collect();
    let order = |a: &(usize, Fired)| (a.0, a.1.window, a.1.key, a.1.time, a.1.ids.len());
    expected.sort_by_key(order);
    results.sort_by_key(order);
    prop_assert_eq!(results, expected);
    let counters = core.counters();
    prop_assert_eq!((counters.pending, counters.timers_pending), (0, 0));
    prop_assert_eq!(core.next_processing_time_ms(), None);
    Ok(())
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn count_triggers_match_their_definition(
        steps in history(), size in 1i64..40, lateness in 0u64..20, every in 1u64..5,
    ) {
        let trigger = CountTrigger::new(NonZeroU64::new(every).unwrap());
        let define = |_| Count { every, seen: 0 };
        check(&steps, size, lateness, trigger, false, define)?;
        check(&steps, size, lateness, PurgingTrigger(trigger), true, define)?;
    }

    #[test]
    fn early_intervals_match_their_definition(
        steps in history(), size in 1i64..60, lateness in 0u64..20, interval in 1i64..30,
        purging in any::<bool>(),
    ) {
        let trigger = EarlyIntervalTrigger::new(interval).unwrap();
        let define = |window| AtEnd { early_ms: Some(interval), ..AtEnd::new(window) };
        if purging {
            check(&steps, size, lateness, PurgingTrigger(trigger), true, define)?;
        } else {
            check(&steps, size, lateness, trigger, false, define)?;
        }
    }

    #[test]
    fn continuous_event_time_matches_its_definition(
        steps in history(), size in 1i64..60, lateness in 0u64..20, interval in 1i64..30,
        purging in any::<bool>(),
    ) {
        let trigger = ContinuousEventTimeTrigger::new(interval).unwrap();
        let define = |window| AtEnd { continuous_ms: Some(interval), ..AtEnd::new(window) };
        if purging {
            check(&steps, size, lateness, PurgingTrigger(trigger), true, define)?;
        } else {
            check(&steps, size, lateness, trigger, false, define)?;
        }
    }

    #[test]
    fn purging_at_the_end_leaves_late_elements_alone_in_their_results(
        steps in history(), size in 1i64..40, lateness in 0u64..30,
    ) {
        check(&steps, size, lateness, PurgingTrigger(EventTimeTrigger), true, AtEnd::new)?;
    }
}
