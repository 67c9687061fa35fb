//! What the criterion benches share: a source that costs next to nothing, and how a job is run to
//! its end.
//!
//! One question per bench file; a name is the question's subject, so that criterion's output reads
//! as the answer. Only what users of the crates can reach is measured: an internal of the engine
//! through the smallest job that uses it.

use std::ops::Range;

use engine::{Batch, Deployed, Outcome, Row, Source, SourceStatus};

/// A source of consecutive numbers without tags.
pub struct Numbers(Range<u64>);

impl Numbers {
    /// The numbers of subtask `index` of `parallelism`, of `count` in all.
    pub fn share(count: u64, index: usize, parallelism: usize) -> Self {
        let at = |index: usize| count * index as u64 / parallelism as u64;
        Numbers(at(index)..at(index + 1))
    }
}

impl Source for Numbers {
    type Out = u64;

    fn poll(
        &mut self,
        _now_ns: u64,
        _held_ns: u64,
        max: usize,
        out: &mut Batch<u64>,
    ) -> SourceStatus {
        let rows = self.0.by_ref().take(max);
        out.extend(rows.map(|value| Row { tag: 0, value }));
        if self.0.is_empty() {
            SourceStatus::Finished
        } else {
            SourceStatus::Ready
        }
    }
}

/// Runs a job until its sources are at their end and everything has flowed out.
///
/// # Panics
/// If the job fails: there is nothing to measure then.
pub fn run_to_end(deployed: Deployed) {
    let report = deployed.start().expect("threads can be started").join();
    assert_eq!(report.outcome, Outcome::Finished);
}
