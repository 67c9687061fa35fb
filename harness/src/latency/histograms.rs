//! One histogram per latency series.

use hdrhistogram::Histogram;
use reports::record::{Series, histogram};

/// The histograms of all series, with the bounds and digits of the record.
#[derive(Clone, Debug)]
pub struct Histograms {
    series: [Histogram<u64>; Series::ALL.len()],
}

impl Histograms {
    /// Empty histograms. Their memory is touched, and so used, only as far as values reach.
    #[allow(
        clippy::new_without_default,
        reason = "large: made on purpose, not by derive"
    )]
    pub fn new() -> Self {
        Self {
            series: std::array::from_fn(|_| histogram()),
        }
    }

    /// The histogram of one series.
    pub fn get(&self, series: Series) -> &Histogram<u64> {
        &self.series[series as usize]
    }

    /// Whether no series holds anything.
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(Histogram::is_empty)
    }

    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Histograms) {
        for (own, other) in self.series.iter_mut().zip(&other.series) {
            own.add(other).expect("all histograms have the same bounds");
        }
    }

    /// Empties them; costs nothing for those that are empty.
    pub fn clear(&mut self) {
        for histogram in self
            .series
            .iter_mut()
            .filter(|histogram| !histogram.is_empty())
        {
            histogram.reset();
        }
    }

    pub(super) fn get_mut(&mut self, series: Series) -> &mut Histogram<u64> {
        &mut self.series[series as usize]
    }
}
