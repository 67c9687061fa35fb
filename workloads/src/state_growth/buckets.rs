//! The tally of `state-growth`: sums over many keys, so that a tally of millions of them stays small.
//!
//! Keys fall into buckets by their number. A bucket sums a hash of every answer that a record of its keys got, and of
//! every entry that its keys have in the end: two tallies agree only if, up to collisions of 64 bits, every answer and
//! every entry is the same. What has been lost or doubled shows in the numbers of answers, anything else in the sums.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::draw::mix;

/// Number of buckets: a row each in the table of results.
pub const BUCKETS: usize = 1024;

/// What the keys k with k % [`BUCKETS`] = b say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
pub struct Bucket {
    /// Answers.
    pub answers: u64,
    /// Answers that found something.
    pub found: u64,
    /// Sum of a hash of each answer, modulo 2^64.
    pub fingerprint: u64,
    /// Entries in the end.
    pub entries: u64,
    /// Sum of a hash of each of them, modulo 2^64.
    pub entries_fingerprint: u64,
    /// Answers and entries whose bytes were not those of their key and version.
    pub damaged: u64,
}

/// What a record found in the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Which record wrote it, as in [`Profile::version`](super::Profile::version).
    pub version: u64,
    /// The counter in it.
    pub updates: u32,
}

impl Found {
    /// A hash of what was found by whom, or for what key.
    #[inline]
    pub(super) fn hash(found: Option<Found>, of: u64) -> u64 {
        let (version, updates) = match found {
            None => (0, u64::MAX),
            Some(Found { version, updates }) => (version, u64::from(updates)),
        };
        mix(mix(mix(of) ^ version).wrapping_add(updates))
    }
}

/// All buckets.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Buckets(Box<[Bucket; BUCKETS]>);

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets(Box::new([Bucket::default(); BUCKETS]))
    }
}

impl Buckets {
    /// Takes the answer to a record in.
    #[inline]
    pub fn answer(&mut self, key: u32, record: u64, found: Option<Found>) {
        let bucket = self.of(key);
        bucket.answers += 1;
        bucket.found += u64::from(found.is_some());
        bucket.fingerprint = bucket.fingerprint.wrapping_add(Found::hash(found, record));
    }

    /// Takes in what a key has in the end.
    #[inline]
    pub fn entry(&mut self, key: u32, found: Found) {
        let bucket = self.of(key);
        bucket.entries += 1;
        let hash = Found::hash(Some(found), u64::from(key));
        bucket.entries_fingerprint = bucket.entries_fingerprint.wrapping_add(hash);
    }

    /// Something of a key was not what had been written.
    pub fn damage(&mut self, key: u32) {
        self.of(key).damaged += 1;
    }

    /// Takes another subtask's tally in.
    pub fn merge(&mut self, other: &Buckets) {
        for (into, from) in self.0.iter_mut().zip(other.iter()) {
            into.answers += from.answers;
            into.found += from.found;
            into.fingerprint = into.fingerprint.wrapping_add(from.fingerprint);
            into.entries += from.entries;
            into.entries_fingerprint = into
                .entries_fingerprint
                .wrapping_add(from.entries_fingerprint);
            into.damaged += from.damaged;
        }
    }

    /// The buckets by number.
    pub fn iter(&self) -> impl Iterator<Item = &Bucket> {
        self.0.iter()
    }

    #[inline]
    fn of(&mut self, key: u32) -> &mut Bucket {
        &mut self.0[key as usize % BUCKETS]
    }
}
