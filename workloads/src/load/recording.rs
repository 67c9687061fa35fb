//! Recorded arrival times, replayed faster and as often as wanted.

use std::sync::Arc;

/// The times at which one pass of a recording arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Milliseconds since the start of the recording, non-decreasing.
    arrivals_ms: Arc<[u64]>,
    /// By how much the next pass is later.
    period_ms: u64,
}

impl Recording {
    /// A recording of sorted times. `None` if it is empty, not sorted, or if a pass would begin before the one before
    /// it has ended.
    pub fn new(arrivals_ms: Arc<[u64]>, period_ms: u64) -> Option<Recording> {
        let (first, last) = (*arrivals_ms.first()?, *arrivals_ms.last()?);
        let passes_in_order = period_ms > 0 && last <= period_ms.saturating_add(first);
        (arrivals_ms.is_sorted() && passes_in_order).then_some(Recording {
            arrivals_ms,
            period_ms,
        })
    }

    /// Time of record k over all passes, in milliseconds.
    fn time_ms(&self, record: u64) -> u64 {
        let length = self.arrivals_ms.len() as u64;
        let inside = self.arrivals_ms[(record % length) as usize];
        (record / length)
            .saturating_mul(self.period_ms)
            .saturating_add(inside)
    }

    /// How many records, over all passes, have a time of at most `time_ms`.
    fn count_ms(&self, time_ms: u64) -> u64 {
        let length = self.arrivals_ms.len() as u64;
        let last = self.arrivals_ms[self.arrivals_ms.len() - 1];
        let whole = time_ms
            .checked_sub(last)
            .map_or(0, |rest| rest / self.period_ms + 1);
        let partial = match time_ms.checked_sub(whole.saturating_mul(self.period_ms)) {
            Some(rest) => self.arrivals_ms.partition_point(|&arrival| arrival <= rest) as u64,
            None => 0,
        };
        whole.saturating_mul(length).saturating_add(partial)
    }
}

/// A recording at a stated compression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replay {
    recording: Recording,
    /// Thousandths of a recorded second per second.
    compression_milli: u64,
}

/// Recorded milliseconds to compressed nanoseconds, times the thousandths of the compression.
const SCALE: u128 = 1_000_000_000;

impl Replay {
    pub(super) fn new(recording: Recording, compression: f64) -> Replay {
        // Casts of floats saturate; the specification has checked the range.
        Replay {
            recording,
            compression_milli: ((compression * 1000.0).round() as u64).max(1),
        }
    }

    /// Job time of record k: the first nanosecond not before its exact time.
    pub(super) fn time(&self, record: u64) -> u64 {
        let exact = u128::from(self.recording.time_ms(record)) * SCALE;
        u64::try_from(exact.div_ceil(u128::from(self.compression_milli))).unwrap_or(u64::MAX)
    }

    /// How many records are due at `now`.
    pub(super) fn count(&self, now: u64) -> u64 {
        let time_ms = u128::from(now) * u128::from(self.compression_milli) / SCALE;
        self.recording
            .count_ms(u64::try_from(time_ms).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recordings_out_of_order_are_refused() {
        assert!(Recording::new(Arc::new([]), 1).is_none());
        assert!(Recording::new(Arc::new([2, 1]), 10).is_none());
        assert!(Recording::new(Arc::new([1, 12]), 10).is_none());
        assert!(Recording::new(Arc::new([1, 11]), 10).is_some());
    }

    proptest! {
        #[test]
        fn counting_agrees_with_the_times(
            mut arrivals in prop::collection::vec(0u64..100_000, 1..20),
            slack in 1u64..1000,
            compression in 0.001f64..1e6,
        ) {
            arrivals.sort_unstable();
            let period = arrivals[arrivals.len() - 1] + slack;
            let recording = Recording::new(arrivals.into(), period).expect("sorted");
            let replay = Replay::new(recording, compression);
            for k in 0..60 {
                let time = replay.time(k);
                prop_assert!(k == 0 || replay.time(k - 1) <= time);
                prop_assert!(replay.count(time) > k, "record {} is due at its own time", k);
                prop_assert!(time == 0 || replay.count(time - 1) <= k, "and not before");
            }
        }
    }
}
