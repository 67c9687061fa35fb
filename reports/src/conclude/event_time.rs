//! How far watermarks lagged and what windows held, over the measured phase. Counters of windows are
//! differences like all others and come from the activity.

use super::activity::WeightedMean;
use super::timeline::is_within;
use crate::deltas::{Counter, Counters};
use crate::event_time::{Moment, Moments};
use crate::record::{EventTime, Fired, Late, Phase, SubtaskRow, WatermarkLag};

/// Counters that only operators with windows or joins have.
const OF_WINDOWS: [Counter; 6] = [
    Counter::LateDropped,
    Counter::LateSideOutput,
    Counter::FiredEarly,
    Counter::FiredOnTime,
    Counter::FiredLate,
    Counter::TimersFired,
];

/// Gauges of every operator, by position.
pub(super) struct EventTimes {
    phase: Phase,
    moments: Moments,
    /// Time of the moment before.
    before_ms: Option<u64>,
    operators: Vec<Gauges>,
}

/// Gauges of one operator.
#[derive(Clone, Copy, Default)]
pub(super) struct Gauges {
    has_watermark: bool,
    lag_mean_ms: WeightedMean,
    lag_max_ms: Option<i64>,
    panes_max: Option<u64>,
    timers_max: Option<u64>,
}

impl EventTimes {
    pub(super) fn new(phase: Phase) -> Self {
        EventTimes {
            phase,
            moments: Moments::default(),
            before_ms: None,
            operators: Vec::new(),
        }
    }

    pub(super) fn feed(&mut self, operator: usize, row: &SubtaskRow) {
        if let Some(moment) = self.moments.feed(operator, row) {
            self.add(&moment);
        }
        if row.watermark_ms.is_some() {
            self.reserve(operator + 1);
            self.operators[operator].has_watermark = true;
        }
    }

    /// What is known of every operator, by position.
    pub(super) fn finish(mut self) -> Vec<Gauges> {
        if let Some(moment) = std::mem::take(&mut self.moments).finish() {
            self.add(&moment);
        }
        self.operators
    }

    /// A gauge stands for the interval before it.
    fn add(&mut self, moment: &Moment) {
        let before_ms = self.before_ms.replace(moment.t_ms);
        let interval = before_ms.filter(|&before| is_within(self.phase, before, moment.t_ms));
        let Some(before_ms) = interval else {
            return;
        };
        let length_ms = moment.t_ms.saturating_sub(before_ms);
        self.reserve(moment.operators());
        for (operator, gauges) in self.operators.iter_mut().enumerate() {
            let lag_ms = moment.lag_ms(operator);
            gauges
                .lag_mean_ms
                .add(lag_ms.map(|lag_ms| lag_ms as f64), length_ms);
            gauges.lag_max_ms = gauges.lag_max_ms.max(lag_ms);
            gauges.panes_max = gauges.panes_max.max(moment.panes_pending(operator));
            gauges.timers_max = gauges.timers_max.max(moment.timers_pending(operator));
        }
    }

    fn reserve(&mut self, operators: usize) {
        if self.operators.len() < operators {
            self.operators.resize(operators, Gauges::default());
        }
    }
}

impl Gauges {
    /// With the counters of the same operator; `None` without watermarks and windows.
    pub(super) fn concluded(&self, counters: &Counters) -> Option<EventTime> {
        let has_windows = counters.sum(&OF_WINDOWS).is_some() || self.panes_max.is_some();
        (self.has_watermark || has_windows).then(|| EventTime {
            watermark_lag_ms: WatermarkLag {
                mean: self.lag_mean_ms.mean(),
                max: self.lag_max_ms,
            },
            late: late(counters),
            fired: Fired {
                early: counters[Counter::FiredEarly],
                on_time: counters[Counter::FiredOnTime],
                late: counters[Counter::FiredLate],
            },
            timers_fired: counters[Counter::TimersFired],
            panes_pending_max: self.panes_max,
            timers_pending_max: self.timers_max,
        })
    }
}

/// Late records among these counters.
pub(super) fn late(counters: &Counters) -> Late {
    Late {
        dropped: counters[Counter::LateDropped],
        side_output: counters[Counter::LateSideOutput],
    }
}
