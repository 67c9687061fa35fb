//! Were the results right? A job's sinks keep a tally of what reached them, a single-threaded oracle makes the same
//! tally from the records that the sources admitted, and the two are compared.
//!
//! A running result carries its key, how many records it counts, and a fingerprint of exactly which ones. Per key the
//! result with the largest count is the final one, whatever order a sink received them in. So a record that was lost
//! or doubled on the way to an aggregate is noticed in its key's count, one that took another's place in the
//! fingerprint; a result lost or doubled behind the aggregate is noticed in the number of arrivals, and one that took
//! another's place in their digest: the final result of a key says how many there were before it.

mod left;
mod sink;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};

use borsh::{BorshDeserialize, BorshSerialize};
use rustc_hash::{FxHashMap, FxHasher};

pub use left::{Left, Place};
pub use sink::{Collected, TallySink};

use crate::draw::mix;
use crate::trade_off::TradeOff;

/// A running result of one key.
pub trait KeyedResult: engine::Data + Clone + PartialEq + std::fmt::Debug {
    /// What it is a result of.
    type Key: Hash + Ord + Clone + Send + std::fmt::Debug + 'static;

    /// Its key.
    fn key(&self) -> Self::Key;

    /// How many records it counts.
    fn count(&self) -> u64;

    /// The how manieth result of its key it is, from 1: its count, unless records were merged before.
    fn updates(&self) -> u64 {
        self.count()
    }

    /// How many records it counts that the result of its key before it did not.
    fn added(&self) -> u64 {
        1
    }

    /// Whether it says the same of its key; how often it was updated on the way does not matter.
    fn agrees(&self, other: &Self) -> bool {
        self == other
    }
}

/// What a run's results were worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correctness {
    /// Whether anything was compared.
    pub checked: bool,
    /// How.
    pub mode: Mode,
    /// Records that the results should count, all together.
    pub expected: u64,
    /// Records that were lost.
    pub missing: u64,
    /// Records that were counted more than once.
    pub duplicated: u64,
    /// Keys with the right number of records but another result.
    pub wrong: u64,
}

/// How results were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With the results themselves.
    Exact,
    /// With what any right result has in common.
    Invariants,
}

impl Correctness {
    /// Whether the results were compared and nothing was found.
    pub fn is_right(&self) -> bool {
        self.checked && self.missing == 0 && self.duplicated == 0 && self.wrong == 0
    }

    /// The findings of two parts of one run together.
    pub fn and(self, other: Correctness) -> Correctness {
        Correctness {
            checked: self.checked && other.checked,
            mode: if self.mode == other.mode {
                self.mode
            } else {
                Mode::Invariants
            },
            expected: self.expected + other.expected,
            missing: self.missing + other.missing,
            duplicated: self.duplicated + other.duplicated,
            wrong: self.wrong + other.wrong,
        }
    }
}

/// Compares what reached the sinks of a run with what should have.
pub trait Verifier: Send {
    /// Runs the oracle over the first records of every split, as many as the source admitted, and compares.
    /// Meaningful after everything has flown out: what is still under way counts as missing.
    fn verify(&self, admitted_per_split: &[u64]) -> Correctness;

    /// The final results that reached the sinks, sorted by key.
    fn results(&self) -> Results;

    /// What other delays and latenesses would have made of the same records; `None` if the job has no windows of fixed
    /// size.
    fn trade_off(&self, _admitted_per_split: &[u64]) -> Option<TradeOff> {
        None
    }
}

/// A table of results for people and other programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// Column names.
    pub header: Vec<&'static str>,
    /// Cells in the order of the columns.
    pub rows: Vec<Vec<String>>,
}

/// Results that reached one or more sink subtasks.
#[derive(Debug, Clone)]
pub struct Tally<R: KeyedResult> {
    finals: FxHashMap<R::Key, R>,
    arrivals: u64,
    /// Sum of a hash of (key, updates) over all arrivals.
    digest: u64,
}

impl<R: KeyedResult> Default for Tally<R> {
    fn default() -> Self {
        Tally {
            finals: FxHashMap::default(),
            arrivals: 0,
            digest: 0,
        }
    }
}

impl<R: KeyedResult> Tally<R> {
    /// Takes one result in.
    #[inline]
    pub fn add(&mut self, result: R) {
        let key = result.key();
        self.arrivals += 1;
        self.digest = self.digest.wrapping_add(digest(&key, result.updates()));
        match self.finals.get_mut(&key) {
            Some(last) if last.count() >= result.count() => {}
            Some(last) => *last = result,
            None => {
                self.finals.insert(key, result);
            }
        }
    }

    /// Takes another subtask's tally in.
    pub fn merge(&mut self, other: &Tally<R>) {
        let (arrivals, digest) = (
            self.arrivals + other.arrivals,
            self.digest.wrapping_add(other.digest),
        );
        for result in other.finals.values() {
            self.add(result.clone());
        }
        (self.arrivals, self.digest) = (arrivals, digest);
    }

    /// The final results, sorted by key.
    pub fn finals(&self) -> BTreeMap<&R::Key, &R> {
        self.finals.iter().collect()
    }

    /// The digest of every result that led to the final ones.
    fn digest_of_all(&self) -> u64 {
        let of_key = |(key, last): (&R::Key, &R)| {
            (1..=last.updates()).fold(0u64, |sum, update| sum.wrapping_add(digest(key, update)))
        };
        self.finals.iter().map(of_key).fold(0, u64::wrapping_add)
    }

    /// Compares what was found with this, which was expected.
    pub fn compare(&self, found: &Tally<R>) -> Correctness {
        let (mut missing, mut duplicated, mut wrong) = (0, 0, 0);
        for (key, expected) in &self.finals {
            let result = found.finals.get(key);
            let count = result.map_or(0, KeyedResult::count);
            missing += expected.count().saturating_sub(count);
            duplicated += count.saturating_sub(expected.count());
            let agrees = result.is_some_and(|result| result.agrees(expected));
            wrong += u64::from(count == expected.count() && !agrees);
        }
        let unknown = found
            .finals
            .iter()
            .filter(|(key, _)| !self.finals.contains_key(*key));
        duplicated += unknown.map(|(_, result)| result.count()).sum::<u64>();
        // The final results say how many there should be; the rest was lost or doubled behind the aggregate.
        let arrivals: u64 = found.finals.values().map(KeyedResult::updates).sum();
        missing += arrivals.saturating_sub(found.arrivals);
        duplicated += found.arrivals.saturating_sub(arrivals);
        if missing == 0 && duplicated == 0 && wrong == 0 && found.digest != found.digest_of_all() {
            wrong = 1;
        }
        Correctness {
            checked: true,
            mode: Mode::Exact,
            expected: self.finals.values().map(KeyedResult::count).sum(),
            missing,
            duplicated,
            wrong,
        }
    }
}

/// The final results, then the sums over all arrivals. Keys are not written: the results say them.
impl<R: KeyedResult> BorshSerialize for Tally<R> {
    fn serialize<W: Write>(&self, to: &mut W) -> io::Result<()> {
        (self.finals.len() as u64).serialize(to)?;
        self.finals
            .values()
            .try_for_each(|last| last.serialize(to))?;
        (self.arrivals, self.digest).serialize(to)
    }
}

impl<R: KeyedResult> BorshDeserialize for Tally<R> {
    fn deserialize_reader<F: Read>(from: &mut F) -> io::Result<Self> {
        let mut finals = FxHashMap::default();
        for _ in 0..u64::deserialize_reader(from)? {
            let last = R::deserialize_reader(from)?;
            finals.insert(last.key(), last);
        }
        let (arrivals, digest) = BorshDeserialize::deserialize_reader(from)?;
        Ok(Tally {
            finals,
            arrivals,
            digest,
        })
    }
}

#[inline]
fn digest<K: Hash>(key: &K, count: u64) -> u64 {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    mix(hasher.finish() ^ mix(count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq, borsh::BorshSerialize, borsh::BorshDeserialize)]
    struct Sum {
        key: u8,
        count: u64,
        sum: u64,
    }

    impl KeyedResult for Sum {
        type Key = u8;
        fn key(&self) -> u8 {
            self.key
        }
        fn count(&self) -> u64 {
            self.count
        }
    }

    /// Running sums of records that are their own fingerprint.
    fn running(records: &[u64]) -> Vec<Sum> {
        let mut sums = std::collections::BTreeMap::new();
        let step = |&record: &u64| {
            let (count, sum) = sums.entry(record as u8 % 4).or_insert((0, 0u64));
            *count += 1;
            *sum = sum.wrapping_add(mix(record));
            Sum {
                key: record as u8 % 4,
                count: *count,
                sum: *sum,
            }
        };
        records.iter().map(step).collect()
    }

    fn tally(results: impl IntoIterator<Item = Sum>) -> Tally<Sum> {
        let mut tally = Tally::default();
        results.into_iter().for_each(|result| tally.add(result));
        tally
    }

    proptest! {
        #[test]
        fn results_are_right_in_any_order_and_distribution(n in 1u64..200, seed: u64, cut in 0usize..200) {
            let records: Vec<u64> = (0..n).collect();
            let expected = tally(running(&records));
            let mut results = running(&records);
            results.sort_by_key(|result| mix(result.sum ^ seed));
            let rest = results.split_off(cut.min(results.len()));
            let mut found = tally(results);
            found.merge(&tally(rest));
            prop_assert!(expected.compare(&found).is_right());
        }

        #[test]
        fn records_lost_or_doubled_before_the_aggregate_are_counted(n in 2u64..200, lost in 0u64..200, again in 0u64..200) {
            let (lost, again) = (lost % n, again % n);
            let all: Vec<u64> = (0..n).collect();
            let expected = tally(running(&all));
            let without: Vec<u64> = all.iter().copied().filter(|&record| record != lost).collect();
            let found = expected.compare(&tally(running(&without)));
            prop_assert_eq!((found.missing, found.duplicated, found.wrong), (1, 0, 0));
            let twice: Vec<u64> = all.iter().copied().chain([again]).collect();
            let found = expected.compare(&tally(running(&twice)));
            prop_assert_eq!((found.missing, found.duplicated, found.wrong), (0, 1, 0));
            let swapped: Vec<u64> = without.iter().copied().chain([again]).collect();
            prop_assert!(lost == again || !expected.compare(&tally(running(&swapped))).is_right());
        }

        #[test]
        fn results_lost_or_doubled_behind_the_aggregate_are_noticed(n in 2u64..200, lost in 0usize..200, again in 0usize..200) {
            let (lost, again) = (lost % n as usize, again % n as usize);
            let results = running(&(0..n).collect::<Vec<_>>());
            let expected = tally(results.clone());
            let mut without = results.clone();
            without.remove(lost);
            prop_assert!(expected.compare(&tally(without.clone())).missing >= 1);
            prop_assert_eq!(expected.compare(&tally(results.iter().cloned().chain([results[again].clone()]))).duplicated, 1);
            prop_assert!(lost == again || !expected.compare(&tally(without.into_iter().chain([results[again].clone()]))).is_right());
        }
    }
}
