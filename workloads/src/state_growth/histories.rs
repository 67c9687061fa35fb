//! What is always true of profiles that grow old, whenever their records were processed: checked key by key, on every
//! answer to some of the keys.
//!
//! - What is found is what was last written to the key: never an older version, never another key's, never what was
//!   deleted.
//! - What is found was refreshed less than the time to live ago.
//! - What is not found was never written, or deleted, or refreshed at least the time to live ago.
//!
//! An answer tells the moment at which its record was processed, the same by which the state counts. Preloaded
//! profiles are as old as the job's time.

use rustc_hash::FxHashMap;

use super::buckets::Found;
use super::event::{Operation, ProfileEvents};
use super::profiles::Answer;
use super::spec::{Refresh, TtlSpec};
use super::verify::{PRELOADED, after};

/// Every answer to some of the keys, in the order of their records.
pub(super) struct Histories<'a> {
    ttl: Aging,
    events: &'a ProfileEvents,
    by_key: FxHashMap<u32, Vec<Answer>>,
}

/// How entries grow old.
#[derive(Debug, Clone, Copy)]
struct Aging {
    after_ms: u64,
    by_reads: bool,
}

/// What a key has, and when it was last refreshed.
#[derive(Debug, Clone, Copy)]
struct Entry {
    found: Found,
    refreshed_ms: u64,
}

impl<'a> Histories<'a> {
    pub(super) fn new(
        ttl: &TtlSpec,
        events: &'a ProfileEvents,
        answers: &[Answer],
    ) -> Histories<'a> {
        let mut by_key: FxHashMap<u32, Vec<Answer>> = FxHashMap::default();
        for answer in answers {
            by_key.entry(answer.key).or_default().push(*answer);
        }
        by_key
            .values_mut()
            .for_each(|answers| answers.sort_unstable_by_key(|answer| answer.id));
        Histories {
            ttl: Aging {
                after_ms: u64::try_from(ttl.after.as_millis()).unwrap_or(u64::MAX),
                by_reads: ttl.refresh == Refresh::OnReadAndWrite,
            },
            events,
            by_key,
        }
    }

    /// Answers that cannot be right.
    pub(super) fn wrong(&self) -> u64 {
        let wrong_of = |(&key, answers): (&u32, &Vec<Answer>)| {
            let is_preloaded = key < self.events.population().preloaded();
            let mut held = is_preloaded.then_some(Entry {
                found: PRELOADED,
                refreshed_ms: 0,
            });
            let judge = |answer: &&Answer| {
                let operation = Operation::of(&self.events.record(answer.id));
                !self.ttl.follows(&mut held, operation, answer)
            };
            answers.iter().filter(judge).count() as u64
        };
        self.by_key.iter().map(wrong_of).sum()
    }
}

impl Aging {
    /// Whether an answer may come of what the key has; afterwards that is what the key has after the record.
    fn follows(self, held: &mut Option<Entry>, operation: Operation, answer: &Answer) -> bool {
        let now_ms = u64::from(answer.now_ms);
        let live = held.filter(|entry| now_ms < entry.refreshed_ms.saturating_add(self.after_ms));
        let found = live.map(|entry| entry.found);
        let is_right = answer.found() == found.filter(|_| operation.looks());
        let is_refreshed = operation != Operation::Read || self.by_reads;
        *held = after(operation, answer.id, found).map(|found| Entry {
            found,
            refreshed_ms: match live {
                Some(entry) if !is_refreshed => entry.refreshed_ms,
                _ => now_ms,
            },
        });
        is_right
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::spec::tests::spec;
    use super::*;
    use crate::state_growth::Population;

    /// Answers of a state without a fault, at times that move by up to `step_ms` a record.
    fn answers(ttl: &TtlSpec, events: &ProfileEvents, steps_ms: &[u32]) -> Vec<Answer> {
        let after_ms = ttl.after.as_millis() as u32;
        let by_reads = ttl.refresh == Refresh::OnReadAndWrite;
        // By key: version, counter, time of the last refresh.
        let mut state: FxHashMap<u32, (u64, u32, u32)> = FxHashMap::default();
        (0..events.population().preloaded()).for_each(|key| {
            state.insert(key, (0, 1, 0));
        });
        let mut now_ms = 0;
        let mut answers = Vec::new();
        for (id, step_ms) in (0u64..).zip(steps_ms) {
            now_ms += step_ms;
            let record = events.record(id);
            state.retain(|_, (_, _, refreshed_ms)| now_ms - *refreshed_ms < after_ms);
            let held = state.get(&record.key).copied();
            let (mut found, mut next) = (held, held);
            match record.value {
                0 if by_reads => {
                    next = held.map(|(version, updates, _)| (version, updates, now_ms))
                }
                0 => {}
                1 => next = Some((id + 1, held.map_or(1, |held| held.1 + 1), now_ms)),
                2 => (found, next) = (None, Some((id + 1, 1, now_ms))),
                _ => (found, next) = (None, None),
            }
            match next {
                Some(next) => state.insert(record.key, next),
                None => state.remove(&record.key),
            };
            let (version, updates, _) = found.unwrap_or_default();
            answers.push(Answer {
                id,
                version,
                updates,
                key: record.key,
                now_ms,
                is_sound: true,
            });
        }
        answers
    }

    proptest! {
        #[test]
        fn what_an_aging_state_says_is_accepted_and_nothing_else(
            steps_ms in prop::collection::vec(0u32..20, 1..300),
            after_ms in 1u32..200, reads: bool,
            altered: prop::sample::Index, version in 0u64..300, updates in 0u32..4,
        ) {
            let refresh = if reads { "on-read-and-write" } else { "on-write" };
            let spec = spec(&format!(
                "preloaded = 8\nmix = {{ read = 4, update = 3, write = 2, delete = 1 }}\nttl = {{ after = '{after_ms}ms', refresh = '{refresh}' }}"
            ));
            let population = Population::new(&spec, 1, 0.02);
            let events = ProfileEvents::new(3, population, &spec.mix.unwrap_or_default());
            let ttl = spec.ttl.expect("given");
            let mut answers = answers(&ttl, &events, &steps_ms);
            prop_assert_eq!(Histories::new(&ttl, &events, &answers).wrong(), 0);
            let altered = &mut answers[altered.index(steps_ms.len())];
            let before = altered.found();
            (altered.version, altered.updates) = (version, updates);
            let is_wrong = altered.found() != before;
            prop_assert_eq!(Histories::new(&ttl, &events, &answers).wrong(), u64::from(is_wrong));
        }
    }
}
