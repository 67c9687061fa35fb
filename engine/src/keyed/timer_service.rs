//! The timers of a keyed operator, wherever its backend keeps them.

use crate::checkpoint::parts::{Restored, Snapshot};
use crate::data::Key;
use crate::event_time::timers::stored::StoredTimers;
use crate::event_time::timers::{KeyedTimers, TimeDomain};
use crate::state::StateError;

/// The part of a checkpoint that holds them.
const PART: &str = "timers";

/// The timers of an operator. They look the same wherever they are kept.
#[derive(Debug)]
pub(crate) enum TimerService<K> {
    Heap(KeyedTimers<K>),
    RocksDb(StoredTimers<K>),
}

impl<K: Key> TimerService<K> {
    /// Wants `key` to be called when `domain` reaches `at_ms`.
    pub(crate) fn register(
        &mut self,
        domain: TimeDomain,
        key: &K,
        at_ms: i64,
    ) -> Result<(), StateError> {
        match self {
            TimerService::Heap(timers) => {
                timers.register(domain, key, at_ms);
                Ok(())
            }
            TimerService::RocksDb(timers) => timers.register(domain, key, at_ms),
        }
    }

    /// No longer wants that. Nothing happens if there is no such timer.
    pub(crate) fn delete(
        &mut self,
        domain: TimeDomain,
        key: &K,
        at_ms: i64,
    ) -> Result<(), StateError> {
        match self {
            TimerService::Heap(timers) => {
                timers.delete(domain, key, at_ms);
                Ok(())
            }
            TimerService::RocksDb(timers) => timers.delete(domain, key, at_ms),
        }
    }

    /// Takes the next timer out that is due when `domain` stands at `now_ms`: its time and its key.
    pub(crate) fn pop_due(
        &mut self,
        domain: TimeDomain,
        now_ms: i64,
    ) -> Result<Option<(i64, K)>, StateError> {
        match self {
            TimerService::Heap(timers) => Ok(timers.pop_due(domain, now_ms)),
            TimerService::RocksDb(timers) => timers.pop_due(domain, now_ms),
        }
    }

    /// When the first timer of `domain` is due, in its milliseconds.
    pub(crate) fn next_ms(&self, domain: TimeDomain) -> Option<i64> {
        match self {
            TimerService::Heap(timers) => timers.next_ms(domain),
            TimerService::RocksDb(timers) => timers.next_ms(domain),
        }
    }

    /// Number of timers waiting.
    pub(crate) fn pending(&self) -> u64 {
        match self {
            TimerService::Heap(timers) => timers.pending(),
            TimerService::RocksDb(timers) => timers.pending(),
        }
    }

    /// Keeps all timers.
    pub(crate) fn snapshot(&self, into: &mut Snapshot<'_>) {
        match self {
            TimerService::Heap(timers) => into.put(PART, |bytes| timers.save(bytes)),
            TimerService::RocksDb(_) => {}
        }
    }

    /// Takes over the timers of this subtask's keys.
    pub(crate) fn restore(&mut self, from: &Restored<'_>) -> Result<(), StateError> {
        match self {
            TimerService::Heap(timers) => {
                let mut parts = from.overlapping(PART);
                let loaded =
                    parts.try_for_each(|saved| timers.load(saved, &|key| from.owns_key(key)));
                loaded.map_err(|error| StateError::new(PART, error))
            }
            TimerService::RocksDb(_) => Ok(()),
        }
    }

    /// Number of timers taken out so far.
    pub(crate) fn fired(&self) -> u64 {
        match self {
            TimerService::Heap(timers) => timers.fired(),
            TimerService::RocksDb(timers) => timers.fired(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_time::timers::TimeDomain::{Event, Processing};
    use crate::state::StateContext;
    use crate::state::tests::{busy_rocksdb, in_rocksdb};
    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;

    #[derive(Clone, Debug)]
    enum Step {
        Register(bool, u8, i64),
        Delete(bool, u8, i64),
        Advance(bool, i64),
        EndRun,
    }

    fn step() -> impl Strategy<Value = Step> {
        let timer = || (any::<bool>(), 0u8..4, -10i64..30);
        prop_oneof![
            6 => timer().prop_map(|(domain, key, at_ms)| Step::Register(domain, key, at_ms)),
            2 => timer().prop_map(|(domain, key, at_ms)| Step::Delete(domain, key, at_ms)),
            1 => (any::<bool>(), -10i64..30).prop_map(|(domain, to_ms)| Step::Advance(domain, to_ms)),
            1 => Just(Step::EndRun),
        ]
    }

    fn domain(event: bool) -> TimeDomain {
        if event { Event } else { Processing }
    }

    /// Against timers in a list, in order of registration.
    fn agree(
        mut timers: TimerService<u8>,
        mut end_run: impl FnMut(),
        steps: &[Step],
    ) -> Result<(), TestCaseError> {
        let mut model: Vec<(bool, i64, u8)> = Vec::new();
        let mut all_fired = 0;
        for step in steps {
            match *step {
                Step::Register(event, key, at_ms) => {
                    timers.register(domain(event), &key, at_ms).unwrap();
                    if !model.contains(&(event, at_ms, key)) {
                        model.push((event, at_ms, key));
                    }
                }
                Step::Delete(event, key, at_ms) => {
                    timers.delete(domain(event), &key, at_ms).unwrap();
                    model.retain(|timer| *timer != (event, at_ms, key));
                }
                Step::Advance(event, to_ms) => {
                    let is_due = |timer: &(bool, i64, u8)| timer.0 == event && timer.1 <= to_ms;
                    // The sort is stable: equal times stay in order of registration.
                    let mut due: Vec<_> = model.iter().copied().filter(is_due).collect();
                    due.sort_by_key(|timer| timer.1);
                    model.retain(|timer| !is_due(timer));
                    let pop = || timers.pop_due(domain(event), to_ms).unwrap();
                    let fired: Vec<_> = std::iter::from_fn(pop).collect();
                    let due: Vec<_> = due.iter().map(|timer| (timer.1, timer.2)).collect();
                    prop_assert_eq!(&fired, &due);
                    all_fired += fired.len() as u64;
                }
                Step::EndRun => end_run(),
            }
            prop_assert_eq!(timers.pending(), model.len() as u64);
            prop_assert_eq!(timers.fired(), all_fired);
            for event in [true, false] {
                let first = model.iter().filter(|timer| timer.0 == event);
                let first_ms = first.map(|timer| timer.1).min();
                prop_assert_eq!(timers.next_ms(domain(event)), first_ms);
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn timers_fire_once_each_in_order_of_time_then_registration(
            steps in prop::collection::vec(step(), 0..150),
        ) {
            agree(TimerService::Heap(KeyedTimers::new()), || (), &steps)?;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn timers_in_rocksdb_of_which_few_are_in_memory_fire_as_those_on_the_heap(
            steps in prop::collection::vec(step(), 0..1_000), head in 1usize..8,
            cache in prop::sample::select(vec![0, 64 << 20]),
        ) {
            let mut context: StateContext = in_rocksdb(busy_rocksdb(cache));
            let timers = context.stored_timers(head).expect("in RocksDB");
            let mut backend = context.finish().unwrap();
            let end_run = || backend.settle().unwrap();
            agree(TimerService::RocksDb(timers), end_run, &steps)?;
        }
    }
}
