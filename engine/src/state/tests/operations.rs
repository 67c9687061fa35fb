//! Random operations on states of all kinds.

use proptest::prelude::*;

use super::TTL_MS;

pub(super) type Bytes = Vec<u8>;

/// Bytes of some length that depend on `seed`.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    length: usize,
    seed: u8,
}

impl Blob {
    pub(super) fn bytes(&self) -> Bytes {
        let bytes = (0..self.length).map(|place| (place as u8).wrapping_mul(31) ^ self.seed);
        bytes.collect()
    }
}

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Value(Bytes, OnValue),
    List(Bytes, OnList),
    Map(Bytes, OnMap),
    Sum(Bytes, OnSum),
    /// A run of rows ends; the next begins so much later.
    EndRun {
        later_ms: u64,
    },
    /// All subtasks are kept as they are between two runs.
    Snapshot,
    /// As many subtasks go on from the last snapshot.
    Restore {
        parallelism: usize,
    },
}

#[derive(Clone, Debug)]
pub(super) enum OnValue {
    Get,
    Put(Blob),
    Append(u8),
    AppendEach(Vec<(Bytes, u8)>),
    Prefetch(Vec<Bytes>),
    Remove,
}

#[derive(Clone, Debug)]
pub(super) enum OnList {
    Get,
    Add(Blob),
    AddAll(Vec<Blob>),
    Replace(Vec<Blob>),
    Clear,
}

#[derive(Clone, Debug)]
pub(super) enum OnMap {
    Get(Bytes),
    Contains(Bytes),
    Put(Bytes, Blob),
    Append(Bytes, u8),
    Remove(Bytes),
    Prefetch(Vec<(Bytes, Bytes)>),
    /// Goes through at most so many entries.
    Scan(usize),
    Clear,
}

#[derive(Clone, Debug)]
pub(super) enum OnSum {
    Get,
    Add(u32),
    Clear,
}

/// Few different ones, so that they meet again; of all lengths and with the bytes that encodings
/// give a meaning to.
fn key() -> impl Strategy<Value = Bytes> {
    let byte = prop::sample::select(vec![0, 1, 2, 0xff]);
    prop_oneof![
        12 => prop::collection::vec(byte, 0..3),
        1 => (0u8..3).prop_map(|seed| Blob { length: 700, seed }.bytes()),
    ]
}

fn blob() -> impl Strategy<Value = Blob> {
    let length = prop_oneof![
        1_000 => 0..40usize,
        60 => 0..5_000usize,
        1 => prop_oneof![Just(1 << 20), 0..(1usize << 20)],
    ];
    (length, any::<u8>()).prop_map(|(length, seed)| Blob { length, seed })
}

fn small_blobs() -> impl Strategy<Value = Vec<Blob>> {
    let blob = (0..40usize, any::<u8>()).prop_map(|(length, seed)| Blob { length, seed });
    prop::collection::vec(blob, 0..5)
}

pub(super) fn operation() -> impl Strategy<Value = Operation> {
    let on_value = prop_oneof![
        4 => Just(OnValue::Get),
        3 => blob().prop_map(OnValue::Put),
        3 => any::<u8>().prop_map(OnValue::Append),
        1 => prop::collection::vec((key(), any::<u8>()), 0..20).prop_map(OnValue::AppendEach),
        1 => prop::collection::vec(key(), 0..20).prop_map(OnValue::Prefetch),
        2 => Just(OnValue::Remove),
    ];
    let on_list = prop_oneof![
        4 => Just(OnList::Get),
        4 => blob().prop_map(OnList::Add),
        2 => small_blobs().prop_map(OnList::AddAll),
        1 => small_blobs().prop_map(OnList::Replace),
        1 => Just(OnList::Clear),
    ];
    let on_map = prop_oneof![
        3 => key().prop_map(OnMap::Get),
        1 => key().prop_map(OnMap::Contains),
        4 => (key(), blob()).prop_map(|(field, blob)| OnMap::Put(field, blob)),
        3 => (key(), any::<u8>()).prop_map(|(field, byte)| OnMap::Append(field, byte)),
        3 => key().prop_map(OnMap::Remove),
        1 => prop::collection::vec((key(), key()), 0..20).prop_map(OnMap::Prefetch),
        4 => prop_oneof![1..6usize, Just(usize::MAX)].prop_map(OnMap::Scan),
        1 => Just(OnMap::Clear),
    ];
    let on_sum = prop_oneof![
        2 => Just(OnSum::Get),
        3 => any::<u32>().prop_map(OnSum::Add),
        1 => Just(OnSum::Clear),
    ];
    let later_ms = prop_oneof![0..3u64, 0..40u64, Just(TTL_MS - 1), Just(TTL_MS), 0..300u64];
    prop_oneof![
        600 => (key(), on_value).prop_map(|(key, what)| Operation::Value(key, what)),
        600 => (key(), on_list).prop_map(|(key, what)| Operation::List(key, what)),
        1_200 => (key(), on_map).prop_map(|(key, what)| Operation::Map(key, what)),
        600 => (key(), on_sum).prop_map(|(key, what)| Operation::Sum(key, what)),
        600 => later_ms.prop_map(|later_ms| Operation::EndRun { later_ms }),
        2 => Just(Operation::Snapshot),
        2 => (1..5usize).prop_map(|parallelism| Operation::Restore { parallelism }),
    ]
}
