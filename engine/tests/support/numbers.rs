//! A source that the engine's tests share.

use engine::{Batch, Row, Source, SourceStatus, SubtaskContext};

/// Emits the numbers of its range as fast as it is asked, then ends.
pub struct Numbers(pub std::ops::Range<u64>);

impl Numbers {
    /// This subtask's share of `0..count`.
    pub fn share(count: u64, context: &SubtaskContext) -> Self {
        let bound = |i: usize| count * i as u64 / context.parallelism as u64;
        Numbers(bound(context.index)..bound(context.index + 1))
    }
}

impl Source for Numbers {
    type Out = u64;

    fn poll(&mut self, _: u64, _: u64, max: usize, out: &mut Batch<u64>) -> SourceStatus {
        let numbers = self.0.by_ref().take(max);
        out.extend(numbers.map(|value| Row {
            tag: value + 1,
            value,
        }));
        match self.0.is_empty() {
            true => SourceStatus::Finished,
            false => SourceStatus::Ready,
        }
    }
}
