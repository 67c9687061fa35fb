//! What a source needs to know of its workload.

use engine::Data;

/// The records of a workload: record k of the whole stream is a pure function of (seed, k).
pub trait Events: Clone + Send + Sync + 'static {
    /// The record type.
    type Out: Data;

    /// Record k. Called for k below [`Events::count`] only.
    fn event(&self, record: u64) -> Self::Out;

    /// Record k with its intended time, for streams that change over time; 0 if there are no intended times.
    /// The time is itself a function of (schedule, seed, k), so this stays a pure function of the run's definition.
    #[inline]
    fn event_at(&self, record: u64, _intended_ns: u64) -> Self::Out {
        self.event(record)
    }

    /// Number of records, if the stream ends by itself.
    fn count(&self) -> Option<u64> {
        None
    }

    /// When a record happened, in milliseconds, for sources that make watermarks; `None` if it does not say.
    #[inline]
    fn event_time_ms(&self, _event: &Self::Out) -> Option<i64> {
        None
    }

    /// Rows of the input that are dropped right before record k is emitted.
    #[inline]
    fn dropped_before(&self, _record: u64) -> u64 {
        0
    }
}
