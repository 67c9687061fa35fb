//! The definition of windows, computed anew at every step from the whole history, without any state
//! that is kept up to date. Slow, and shares nothing with the engine but the window's type.

use std::collections::BTreeSet;

use engine::{FiringTime, NO_WATERMARK_MS, Row, TimeWindow, WindowAssigner};

use crate::history::Step;
use crate::subject::{Fired, Outcome, tag_of};

/// An element and the watermark that it met.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub at: usize,
    pub key: u8,
    pub timestamp_ms: i64,
    pub id: u64,
    pub watermark_ms: i64,
}

/// All elements of a history.
pub fn arrivals(steps: &[Step]) -> Vec<Arrival> {
    let elements = steps
        .iter()
        .enumerate()
        .filter_map(|(at, step)| match *step {
            Step::Element {
                key,
                timestamp_ms,
                id,
            } => Some(Arrival {
                at,
                key,
                timestamp_ms,
                id,
                watermark_ms: watermark_before(steps, at),
            }),
            _ => None,
        });
    elements.collect()
}

/// The highest watermark before a step.
pub fn watermark_before(steps: &[Step], at: usize) -> i64 {
    let watermarks = steps[..at].iter().filter_map(|step| match *step {
        Step::Watermark(watermark_ms) => Some(watermark_ms),
        _ => None,
    });
    watermarks.max().unwrap_or(NO_WATERMARK_MS)
}

/// What a window says of some elements.
pub fn say(key: u8, window: TimeWindow, time: FiringTime, of: &[Arrival]) -> Row<Fired> {
    let mut ids: Vec<u64> = of.iter().map(|arrival| arrival.id).collect();
    ids.sort_unstable();
    let tag = ids.iter().map(|&id| tag_of(id)).max().unwrap_or(0);
    let value = Fired {
        key,
        window,
        time,
        ids,
    };
    Row { tag, value }
}

/// Windows that do not merge, with the event-time trigger.
pub struct FixedWindows<A> {
    assigner: A,
    lateness_ms: i64,
}

impl<A: WindowAssigner> FixedWindows<A> {
    pub fn new(assigner: A, lateness_ms: u64) -> Self {
        FixedWindows {
            assigner,
            lateness_ms: lateness_ms as i64,
        }
    }

    pub fn expect_of(&self, steps: &[Step]) -> Vec<Outcome> {
        let arrivals = arrivals(steps);
        let outcome = |(at, step): (usize, &Step)| match *step {
            Step::Element { .. } => self.at_element(&arrivals, at),
            Step::Watermark(to_ms) => self.at_watermark(&arrivals, at, steps, to_ms),
            Step::Clock(_) => Outcome {
                results: Vec::new(),
                late: Vec::new(),
            },
        };
        steps.iter().enumerate().map(outcome).collect()
    }

    /// The windows that take an element.
    pub fn windows(&self, arrival: &Arrival) -> Vec<TimeWindow> {
        let assigned = self.assigner.assign(arrival.timestamp_ms);
        let takes =
            |window: &TimeWindow| window.end_ms - 1 + self.lateness_ms > arrival.watermark_ms;
        assigned.filter(takes).collect()
    }

    /// What a window has taken of a key, up to a step and including it.
    pub fn content(
        &self,
        arrivals: &[Arrival],
        key: u8,
        window: TimeWindow,
        until: usize,
    ) -> Vec<Arrival> {
        let taken = arrivals.iter().filter(|arrival| {
            arrival.at <= until && arrival.key == key && self.windows(arrival).contains(&window)
        });
        taken.copied().collect()
    }

    fn at_element(&self, arrivals: &[Arrival], at: usize) -> Outcome {
        let arrival = arrivals
            .iter()
            .find(|a| a.at == at)
            .expect("an element is here");
        let windows = self.windows(arrival);
        if windows.is_empty() {
            return Outcome {
                results: Vec::new(),
                late: vec![arrival.id],
            };
        }
        let over = windows
            .iter()
            .filter(|window| window.end_ms - 1 <= arrival.watermark_ms);
        let results = over.map(|&window| {
            let content = self.content(arrivals, arrival.key, window, at);
            let time = if content.len() > 1 {
                FiringTime::Late
            } else {
                FiringTime::OnTime
            };
            say(arrival.key, window, time, &content)
        });
        Outcome {
            results: results.collect(),
            late: Vec::new(),
        }
    }

    fn at_watermark(&self, arrivals: &[Arrival], at: usize, steps: &[Step], to_ms: i64) -> Outcome {
        let from_ms = watermark_before(steps, at);
        let before: Vec<&Arrival> = arrivals.iter().filter(|a| a.at < at).collect();
        let all = before.iter().flat_map(|arrival| self.windows(arrival));
        let due: BTreeSet<TimeWindow> = all
            .filter(|window| from_ms < window.end_ms - 1 && window.end_ms - 1 <= to_ms)
            .collect();
        let mut results = Vec::new();
        for window in due {
            let mut keys: Vec<u8> = Vec::new();
            for arrival in before.iter().filter(|a| self.windows(a).contains(&window)) {
                if !keys.contains(&arrival.key) {
                    keys.push(arrival.key);
                }
            }
            results.extend(keys.into_iter().map(|key| {
                let content = self.content(arrivals, key, window, at);
                say(key, window, FiringTime::OnTime, &content)
            }));
        }
        Outcome {
            results,
            late: Vec::new(),
        }
    }
}

/// Sessions with the event-time trigger: at any step, those elements of a key that are still kept
/// make up sessions, found by going through them in order of time.
pub struct Sessions {
    pub gap_ms: i64,
    pub lateness_ms: i64,
}

/// A session and its elements.
type Found = (TimeWindow, Vec<Arrival>);

impl Sessions {
    pub fn expect_of(&self, steps: &[Step]) -> Vec<Outcome> {
        let arrivals = arrivals(steps);
        let mut kept: Vec<Arrival> = Vec::new();
        // Sessions that have fired at or after their end, by first element and end.
        let mut said: Vec<(u64, i64)> = Vec::new();
        let mut outcomes = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let mut outcome = Outcome {
                results: Vec::new(),
                late: Vec::new(),
            };
            match *step {
                Step::Element { id, .. } => {
                    let arrival = arrivals[id as usize];
                    kept.push(arrival);
                    let (window, elements) = self.session_of(&kept, &arrival);
                    if window.end_ms - 1 + self.lateness_ms <= arrival.watermark_ms {
                        kept.pop();
                        outcome.late.push(arrival.id);
                    } else if window.end_ms - 1 <= arrival.watermark_ms {
                        let known = |e: &Arrival| said.contains(&(e.id, window.end_ms));
                        let time = if elements.iter().any(known) {
                            FiringTime::Late
                        } else {
                            FiringTime::OnTime
                        };
                        said.extend(elements.iter().map(|e| (e.id, window.end_ms)));
                        outcome
                            .results
                            .push(say(arrival.key, window, time, &elements));
                    }
                }
                Step::Watermark(to_ms) => {
                    let from_ms = watermark_before(steps, at);
                    let to_ms = to_ms.max(from_ms);
                    for (window, elements) in self.sessions(&kept) {
                        let last_ms = window.end_ms - 1;
                        if from_ms < last_ms && last_ms <= to_ms {
                            said.extend(elements.iter().map(|e| (e.id, window.end_ms)));
                            let key = elements[0].key;
                            outcome
                                .results
                                .push(say(key, window, FiringTime::OnTime, &elements));
                        }
                        if last_ms + self.lateness_ms <= to_ms {
                            kept.retain(|k| elements.iter().all(|e| e.id != k.id));
                        }
                    }
                }
                Step::Clock(_) => {}
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn session_of(&self, kept: &[Arrival], arrival: &Arrival) -> Found {
        let mut sessions = self.sessions(kept).into_iter();
        let holds = |(_, elements): &Found| elements.iter().any(|e| e.id == arrival.id);
        sessions.find(holds).expect("it is among those kept")
    }

    fn sessions(&self, kept: &[Arrival]) -> Vec<Found> {
        let mut by_time: Vec<Arrival> = kept.to_vec();
        by_time.sort_by_key(|arrival| (arrival.key, arrival.timestamp_ms));
        let mut sessions: Vec<Found> = Vec::new();
        for arrival in by_time {
            let end_ms = arrival.timestamp_ms + self.gap_ms;
            match sessions.last_mut() {
                Some((window, elements))
                    if elements[0].key == arrival.key && arrival.timestamp_ms <= window.end_ms =>
                {
                    window.end_ms = end_ms;
                    elements.push(arrival);
                }
                _ => {
                    let start_ms = arrival.timestamp_ms;
                    sessions.push((TimeWindow { start_ms, end_ms }, vec![arrival]));
                }
            }
        }
        sessions
    }
}
