//! What is added up: the same sums of one record, of a batch, and of everything so far.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::draw::mix;
use crate::slow_operator::Record;
use crate::verify::KeyedResult;

/// Sums over some records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, BorshSerialize, BorshDeserialize)]
pub struct Sums {
    /// How many records.
    pub count: u64,
    /// Sum of their values, modulo 2^64.
    pub sum: u64,
    /// Sum of a hash of their numbers, modulo 2^64: tells exactly which records they were.
    pub fingerprint: u64,
}

impl Sums {
    /// The sums of one record.
    #[inline]
    pub fn of(record: &Record) -> Sums {
        Sums {
            count: 1,
            sum: u64::from(record.value),
            fingerprint: mix(record.id),
        }
    }

    /// Takes the sums of other records in.
    #[inline]
    pub fn add(&mut self, other: &Sums) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
    }

    /// The sums without records that were added before.
    #[inline]
    pub fn without(&self, other: &Sums) -> Sums {
        Sums {
            count: self.count.saturating_sub(other.count),
            sum: self.sum.wrapping_sub(other.sum),
            fingerprint: self.fingerprint.wrapping_sub(other.fingerprint),
        }
    }
}

/// Records of one key, added up before they are sent to where all records of the key meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Partial {
    /// The key.
    pub key: u32,
    /// Number of the first record taken in.
    pub first: u64,
    /// Their sums.
    pub sums: Sums,
}

/// What a keyed aggregate takes in: one record, or several that were added up.
pub trait Contribution: engine::Data {
    /// Its key.
    fn key(&self) -> u32;

    /// The number by which its cost is drawn: that of its first record.
    fn number(&self) -> u64;

    /// Its sums.
    fn sums(&self) -> Sums;
}

impl Contribution for Record {
    #[inline]
    fn key(&self) -> u32 {
        self.key
    }

    #[inline]
    fn number(&self) -> u64 {
        self.id
    }

    #[inline]
    fn sums(&self) -> Sums {
        Sums::of(self)
    }
}

impl Contribution for Partial {
    #[inline]
    fn key(&self) -> u32 {
        self.key
    }

    #[inline]
    fn number(&self) -> u64 {
        self.first
    }

    #[inline]
    fn sums(&self) -> Sums {
        self.sums
    }
}

/// The sums of a key so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RunningTotal {
    /// The key.
    pub key: u32,
    /// How often it was updated; equal to the count unless records were added up before.
    pub updates: u64,
    /// Records taken in by the last update.
    pub added: u64,
    /// Sums of all records.
    pub sums: Sums,
}

impl RunningTotal {
    /// Nothing yet.
    pub fn none(key: u32) -> RunningTotal {
        RunningTotal {
            key,
            updates: 0,
            added: 0,
            sums: Sums::default(),
        }
    }

    /// Takes the sums of other records in.
    #[inline]
    pub fn update(&mut self, sums: &Sums) {
        self.updates += 1;
        self.added = sums.count;
        self.sums.add(sums);
    }
}

impl KeyedResult for RunningTotal {
    type Key = u32;

    fn key(&self) -> u32 {
        self.key
    }

    fn count(&self) -> u64 {
        self.sums.count
    }

    fn updates(&self) -> u64 {
        self.updates
    }

    fn added(&self) -> u64 {
        self.added
    }

    fn agrees(&self, other: &RunningTotal) -> bool {
        self.sums == other.sums
    }
}
