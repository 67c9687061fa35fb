//! What may travel through a job: encodable values, and the row that carries one beside its tag.
//!
//! Everything a job moves or keeps is encodable from the first day, because snapshots, remote
//! edges, on-disk state and rescaling all need bytes. The encoding is borsh: one value has exactly
//! one encoding on every machine, which is what makes a key's group stable.

use std::fmt::Debug;
use std::hash::Hash;

pub use borsh::{BorshDeserialize as Decode, BorshSerialize as Encode};

/// A value that records, keys and state may hold. Implemented for every type that qualifies.
pub trait Data: Encode + Decode + Send + 'static {}
impl<T: Encode + Decode + Send + 'static> Data for T {}

/// A value that a stream may be keyed by. Implemented for every type that qualifies.
pub trait Key: Data + Clone + Eq + Hash + Debug {}
impl<T: Data + Clone + Eq + Hash + Debug> Key for T {}

/// Appends the encoding of a value.
#[inline]
pub(crate) fn encode<T: Encode>(value: &T, bytes: &mut Vec<u8>) {
    value.serialize(bytes).expect("memory takes every write");
}

/// A record and the tag that travels beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<T> {
    /// Opaque to the engine. Operators that turn one row into others hand it on; where rows merge,
    /// the maximum survives. 0 means "no tag".
    pub tag: u64,
    /// The record itself.
    pub value: T,
}

impl<T> Row<T> {
    /// The same tag beside what `change` makes of the value.
    #[inline]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Row<U> {
        Row {
            tag: self.tag,
            value: change(self.value),
        }
    }

    /// The same tag beside another value.
    pub fn with<U>(&self, value: U) -> Row<U> {
        Row {
            tag: self.tag,
            value,
        }
    }
}
