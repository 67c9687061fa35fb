//! Completeness against latency: what a stream's windows would have been worth under other settings.
//!
//! Two settings decide what becomes of records that are out of order: the delay of the watermark, and how long windows
//! are kept for late records after their end. A longer delay makes more results right at first, and all of them later;
//! a longer lateness corrects more of them afterwards, and keeps state for it. One run tries one pair of settings. This
//! module says from the same records what every other pair of a sweep would have given.
//!
//! It shares no code with the engine. It works in event time and on the stream's own clock: no time of this machine,
//! no parallelism, no batches. The rules are Flink's, as stated here:
//!
//! - There is one watermark: after every record, the highest event time so far minus the delay minus 1 ms; after the
//!   last one, the end of time. A record is judged by the watermark before it.
//! - A window `[start, end)` is complete at a watermark of `end - 1`. It then fires for each of its keys.
//! - A record is late for a window at a watermark of `end - 1 + lateness`, and late if it is late for all its windows.
//!   Until then it counts. If its window is complete already, that one fires at once: for the first time or again.
//!
//! Records of a key and window see a watermark that never goes back. So what becomes of the pair follows from how far
//! the highest event time had passed the end of the window when its first and its last record came, for all settings
//! at once: one pass over the stream serves the whole sweep (`outcome.rs` says how). A test compares that with a
//! simulation that does everything step by step.

mod outcome;
mod stream;

use std::hash::Hash;

pub use outcome::Outcome;
pub use stream::{Arrival, Windows};

use stream::Looked;

/// A delay and a lateness, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// How far the watermark stays behind the highest event time.
    pub delay_ms: u64,
    /// How long after its end a window takes late records.
    pub lateness_ms: u64,
}

/// Settings to compare, one of them the configured one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    configured: Setting,
    settings: Vec<Setting>,
}

/// Most delays and most latenesses that are combined, beside the configured ones.
const MOST_EACH: usize = 24;

impl Sweep {
    /// Every delay with every lateness, the configured ones among them. Of very long lists only the first 24 count.
    pub fn new(configured: Setting, delays_ms: &[u64], latenesses_ms: &[u64]) -> Sweep {
        let with = |values: &[u64], own: u64| {
            let mut all: Vec<u64> = values.iter().copied().take(MOST_EACH).collect();
            all.push(own);
            all.sort_unstable();
            all.dedup();
            all
        };
        let latenesses_ms = with(latenesses_ms, configured.lateness_ms);
        let settings = with(delays_ms, configured.delay_ms)
            .into_iter()
            .flat_map(|delay_ms| {
                latenesses_ms.iter().map(move |&lateness_ms| Setting {
                    delay_ms,
                    lateness_ms,
                })
            })
            .collect();
        Sweep {
            configured,
            settings,
        }
    }

    /// The settings, by delay, then by lateness.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }
}

/// What every setting of a sweep would have given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeOff {
    /// One for each setting, in the sweep's order.
    pub outcomes: Vec<Outcome>,
    /// Why not all records of the stream were looked at, for people. The outcomes are then those of a stream that ends
    /// where the look did.
    pub cut: Option<String>,
}

impl TradeOff {
    /// Looks at a stream, in its order, as far as the bounds on work and memory allow.
    pub fn of<K: Copy + Eq + Hash>(
        stream: impl IntoIterator<Item = Arrival<K>>,
        windows: Windows,
        sweep: &Sweep,
    ) -> TradeOff {
        TradeOff::within(stream::BOUNDS, stream, windows, sweep)
    }

    fn within<K: Copy + Eq + Hash>(
        bounds: stream::Bounds,
        stream: impl IntoIterator<Item = Arrival<K>>,
        windows: Windows,
        sweep: &Sweep,
    ) -> TradeOff {
        let looked = Looked::at(stream, windows, bounds);
        let outcomes = outcome::all(&looked, sweep);
        TradeOff {
            outcomes,
            cut: looked.cut.then(|| {
                format!(
                    "the trade-off is that of the first {} records: more were not looked at",
                    looked.records
                )
            }),
        }
    }

    /// What the configured setting would have given.
    pub fn configured(&self) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.configured)
    }
}

#[cfg(test)]
mod tests;
