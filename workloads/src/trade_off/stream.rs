//! One pass over a stream: what it leaves behind of every key and window.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// A record as far as windows are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<K> {
    /// Its key.
    pub key: K,
    /// When it happened, in milliseconds.
    pub event_ms: i64,
    /// When it came, on the stream's own clock, in milliseconds since the same moment as event times.
    pub clock_ms: i64,
}

/// Windows of one size that begin at regular times, one of them at 0. Windows as long as their slide are tumbling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    size_ms: i64,
    slide_ms: i64,
}

impl Windows {
    /// Windows one after the other.
    pub fn tumbling(size_ms: u64) -> Windows {
        Windows::sliding(size_ms, size_ms)
    }

    /// Windows that overlap. Times are brought into a sensible range: from 1 ms, and a slide of the size at most.
    pub fn sliding(size_ms: u64, slide_ms: u64) -> Windows {
        let size_ms = i64::try_from(size_ms).unwrap_or(i64::MAX).max(1);
        let slide_ms = i64::try_from(slide_ms).unwrap_or(i64::MAX);
        Windows {
            size_ms,
            slide_ms: slide_ms.clamp(1, size_ms),
        }
    }

    /// The ends of the windows that a time lies in, latest first.
    pub(super) fn ends(self, event_ms: i64) -> impl Iterator<Item = i64> {
        let latest_start = event_ms.saturating_sub(event_ms.rem_euclid(self.slide_ms));
        let latest = latest_start.saturating_add(self.size_ms);
        let earlier =
            move |end: &i64| Some(end.saturating_sub(self.slide_ms)).filter(|&end| end > event_ms);
        std::iter::successors(Some(latest), earlier)
    }

    /// Most windows that a record is in.
    fn overlap(self) -> usize {
        usize::try_from((self.size_ms - 1) / self.slide_ms + 1).unwrap_or(usize::MAX)
    }
}

/// Where a look at a stream ends, so that it takes seconds and some hundred megabytes at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Records.
    pub records: u64,
    /// Records times the windows that each is in.
    pub places: u64,
    /// Pairs of key and window.
    pub pairs: usize,
}

pub(super) const BOUNDS: Bounds = Bounds {
    records: 2_000_000,
    places: 16_000_000,
    pairs: 1_000_000,
};

/// What is known of a key and window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// End of the window.
    pub end_ms: i64,
    /// How far the highest event time lay past the end before the first record came; negative if before the end.
    pub first_past_ms: i64,
    /// The same of the last record.
    pub last_past_ms: i64,
    /// When the first record came.
    pub first_clock_ms: i64,
    /// Records.
    pub records: u64,
}

/// The highest event time has risen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rise {
    pub highest_ms: i64,
    pub clock_ms: i64,
}

/// What was seen of a stream.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub records: u64,
    /// Whether there were more.
    pub cut: bool,
    /// By the end of the window.
    pub pairs: Vec<Pair>,
    /// In order of time.
    pub rises: Vec<Rise>,
    /// Of every record that came after the end of all its windows: how far the highest event time lay past the end of
    /// the latest. Sorted.
    pub past_all_ms: Vec<i64>,
    /// When the last record came, and with it the end of time.
    pub last_clock_ms: i64,
}

impl Looked {
    pub(super) fn at<K: Copy + Eq + Hash>(
        stream: impl IntoIterator<Item = Arrival<K>>,
        windows: Windows,
        bounds: Bounds,
    ) -> Looked {
        let mut looked = Looked::default();
        // Where in `pairs` a key and the end of a window are.
        let mut known: FxHashMap<(K, i64), usize> = FxHashMap::default();
        let (mut places, overlap) = (0u64, windows.overlap());
        for arrival in stream {
            let pairs = looked.pairs.len().saturating_add(overlap);
            if looked.records >= bounds.records || places >= bounds.places || pairs > bounds.pairs {
                looked.cut = true;
                break;
            }
            places = places.saturating_add(overlap as u64);
            looked.take(&arrival, windows, &mut known);
        }
        looked.pairs.sort_by_key(|pair| pair.end_ms);
        looked.past_all_ms.sort_unstable();
        looked
    }

    fn take<K: Copy + Eq + Hash>(
        &mut self,
        arrival: &Arrival<K>,
        windows: Windows,
        known: &mut FxHashMap<(K, i64), usize>,
    ) {
        let highest_ms = self.rises.last().map_or(i64::MIN, |rise| rise.highest_ms);
        for (nth, end_ms) in windows.ends(arrival.event_ms).enumerate() {
            let past_ms = highest_ms.saturating_sub(end_ms);
            if nth == 0 && past_ms >= 0 {
                self.past_all_ms.push(past_ms);
            }
            let at = *known.entry((arrival.key, end_ms)).or_insert_with(|| {
                self.pairs.push(Pair {
                    end_ms,
                    first_past_ms: past_ms,
                    last_past_ms: past_ms,
                    first_clock_ms: arrival.clock_ms,
                    records: 0,
                });
                self.pairs.len() - 1
            });
            let pair = &mut self.pairs[at];
            pair.last_past_ms = past_ms;
            pair.records += 1;
        }
        if arrival.event_ms > highest_ms || self.rises.is_empty() {
            self.rises.push(Rise {
                highest_ms: arrival.event_ms,
                clock_ms: arrival.clock_ms,
            });
        }
        self.records += 1;
        self.last_clock_ms = arrival.clock_ms;
    }
}
