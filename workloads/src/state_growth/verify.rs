//! Were the answers right? The oracle of `profiles`: every split's records, one after another, on a plain vector.
//!
//! Without a time to live every answer and every final entry is known, deletions included, since the records of a key
//! come from one split and therefore in one order. With one, whether an old entry was still there depends on when a
//! record was processed: then the number of answers and the bytes are checked for all keys, and for some of the keys
//! every answer against the times at which its records were processed ([`histories`](super::histories)).

use super::buckets::{Bucket, Buckets, Found};
use super::event::{Operation, ProfileEvents};
use super::histories::Histories;
use super::outcome::Outcome;
use super::profile::version_of;
use super::profiles::Answer;
use super::spec::TtlSpec;
use crate::jobs::Wiring;
use crate::verify::{Correctness, Left, Mode, Results, Verifier};

/// What a preloaded key has.
pub(super) const PRELOADED: Found = Found {
    version: 0,
    updates: 1,
};

/// What a key has after a record that found `held`.
pub(super) fn after(operation: Operation, id: u64, held: Option<Found>) -> Option<Found> {
    let version = version_of(id);
    match operation {
        Operation::Read => held,
        Operation::Update => {
            let updates = held.map_or(0, |held| held.updates).saturating_add(1);
            Some(Found { version, updates })
        }
        Operation::Write => Some(Found {
            version,
            updates: 1,
        }),
        Operation::Delete => None,
    }
}

pub(super) struct ProfileVerifier {
    wiring: Wiring<ProfileEvents>,
    ttl: Option<TtlSpec>,
    answers: Left<Outcome<Answer>>,
    entries: Left<Buckets>,
}

impl ProfileVerifier {
    pub(super) fn new(
        wiring: Wiring<ProfileEvents>,
        ttl: Option<TtlSpec>,
        answers: Left<Outcome<Answer>>,
        entries: Left<Buckets>,
    ) -> ProfileVerifier {
        ProfileVerifier {
            wiring,
            ttl,
            answers,
            entries,
        }
    }

    fn found(&self) -> Outcome<Answer> {
        let mut found = self.answers.together(Outcome::merge);
        found.buckets.merge(&self.entries.together(Buckets::merge));
        found
    }

    /// What all keys say if nothing grows old.
    fn expected(&self, admitted_per_split: &[u64]) -> Buckets {
        let (mut expected, events) = (Buckets::default(), self.wiring.events());
        let population = events.population();
        let splits = population.splits();
        for (&admitted, split) in admitted_per_split.iter().zip(0u32..) {
            let preloaded = population.preloaded_of(u64::from(split)) as usize;
            let mut held = vec![Some(PRELOADED); preloaded];
            for (id, _) in self.wiring.admitted_of(split, admitted) {
                let record = events.record(id);
                let number = (u64::from(record.key) / splits) as usize;
                if number >= held.len() {
                    held.resize(number + 1, None);
                }
                let operation = Operation::of(&record);
                let found = held[number].filter(|_| operation.looks());
                expected.answer(record.key, id, found);
                held[number] = after(operation, id, held[number]);
            }
            for (held, number) in held.into_iter().zip(0u64..) {
                if let Some(held) = held {
                    expected.entry((number * splits + u64::from(split)) as u32, held);
                }
            }
        }
        expected
    }
}

/// Compares a bucket with what was expected; `is_exact` if nothing grows old.
fn compare(expected: &Bucket, found: &Bucket, is_exact: bool) -> [u64; 3] {
    let missing = expected.answers.saturating_sub(found.answers);
    let duplicated = found.answers.saturating_sub(expected.answers);
    let mut wrong = found.damaged + found.entries.saturating_sub(expected.entries);
    if is_exact {
        wrong += expected.entries.saturating_sub(found.entries);
        let all = missing + duplicated == 0;
        wrong += u64::from(all && expected.fingerprint != found.fingerprint);
        let sums = (expected.entries_fingerprint, found.entries_fingerprint);
        wrong += u64::from(expected.entries == found.entries && sums.0 != sums.1);
    }
    [missing, duplicated, wrong]
}

impl Verifier for ProfileVerifier {
    fn verify(&self, admitted_per_split: &[u64]) -> Correctness {
        let (expected, found) = (self.expected(admitted_per_split), self.found());
        let is_exact = self.ttl.is_none();
        let mut findings = [0; 3];
        for (expected, found) in expected.iter().zip(found.buckets.iter()) {
            let bucket = compare(expected, found, is_exact);
            findings
                .iter_mut()
                .zip(bucket)
                .for_each(|(sum, n)| *sum += n);
        }
        if let Some(ttl) = &self.ttl {
            let histories = Histories::new(ttl, self.wiring.events(), &found.histories);
            findings[2] += histories.wrong();
        }
        let [missing, duplicated, wrong] = findings;
        Correctness {
            checked: true,
            mode: if is_exact {
                Mode::Exact
            } else {
                Mode::Invariants
            },
            expected: expected.iter().map(|bucket| bucket.answers).sum(),
            missing,
            duplicated,
            wrong,
        }
    }

    fn results(&self) -> Results {
        let total = self.found();
        let row = |(bucket, number): (&Bucket, usize)| {
            let sums = [bucket.answers, bucket.found, bucket.entries];
            let fingerprints = [bucket.fingerprint, bucket.entries_fingerprint];
            let cells = sums.iter().map(u64::to_string);
            let hashes = fingerprints.iter().map(|hash| format!("{hash:016x}"));
            std::iter::once(number.to_string())
                .chain(cells)
                .chain(hashes)
                .collect()
        };
        Results {
            header: vec![
                "bucket",
                "answers",
                "found",
                "entries",
                "fingerprint",
                "entries_fingerprint",
            ],
            rows: total.buckets.iter().zip(0..).map(row).collect(),
        }
    }
}
