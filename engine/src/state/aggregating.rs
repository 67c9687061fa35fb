//! Aggregates: per key, what a fold makes of the values that were added.

use super::saved::KeyedState;
use super::saved::sealed::SavedState;
use super::{StateError, ValueState};
use crate::data::Key;
use crate::keyed::Aggregate;

/// An accumulator per key. Where it has a time to live, adding to it refreshes it.
#[derive(Debug)]
pub struct AggregatingState<K, In, A: Aggregate<K, In>> {
    aggregate: A,
    accumulators: ValueState<K, A::Accumulator>,
}

impl<K: Key, In, A: Aggregate<K, In>> AggregatingState<K, In, A> {
    pub(super) fn new(aggregate: A, accumulators: ValueState<K, A::Accumulator>) -> Self {
        AggregatingState {
            aggregate,
            accumulators,
        }
    }

    /// The name under which it was opened.
    pub fn name(&self) -> &str {
        self.accumulators.name()
    }

    /// Adds `value` to the aggregate of `key`.
    pub fn add(&mut self, key: &K, value: In) -> Result<(), StateError> {
        let aggregate = &self.aggregate;
        let create = || aggregate.create();
        self.accumulators
            .update(key, create, |accumulator| aggregate.add(accumulator, value))
    }

    /// The aggregate of what was added to `key`; `None` if nothing was.
    pub fn get(&mut self, key: &K) -> Result<Option<A::Out>, StateError> {
        let aggregate = &self.aggregate;
        self.accumulators
            .read(key, |accumulator| aggregate.result(key, accumulator))
    }

    /// Forgets what was added to `key`.
    pub fn clear(&mut self, key: &K) -> Result<(), StateError> {
        self.accumulators.remove(key)
    }
}

impl<K: Key, In, A: Aggregate<K, In>> KeyedState for AggregatingState<K, In, A> {}

impl<K: Key, In, A: Aggregate<K, In>> SavedState for AggregatingState<K, In, A> {
    fn name(&self) -> &str {
        self.accumulators.name()
    }

    fn save(&mut self, bytes: &mut Vec<u8>) {
        self.accumulators.save(bytes);
    }

    fn load(&mut self, saved: &[u8], owns: &dyn Fn(&[u8]) -> bool) -> Result<(), StateError> {
        self.accumulators.load(saved, owns)
    }
}
