//! What is done to a run's input at stated times: known before the run, so the oracle knows it, too.

/// Disturbances of the input, by job time in nanoseconds. Both kinds need a load with intended times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disturbances {
    /// Records with an intended time from here on have other hot keys than those before. Each time is one change.
    pub skew_shifts_ns: Vec<u64>,
    /// Splits that fall silent and catch up.
    pub pauses: Vec<SplitPause>,
}

/// One split admits nothing for a while. Its records keep their intended times; they are sent late, and that is
/// neither a loss nor the driver's own lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitPause {
    /// The split.
    pub split: u32,
    /// Job time from which on it admits nothing, in nanoseconds.
    pub from_ns: u64,
    /// For how long, in nanoseconds.
    pub for_ns: u64,
}

impl SplitPause {
    /// Job time at which it goes on, in nanoseconds.
    pub fn until_ns(&self) -> u64 {
        self.from_ns.saturating_add(self.for_ns)
    }
}
