//! Events of the jobs, and what every contestant does with one: the same functions for all.

use borsh::{BorshDeserialize, BorshSerialize};
use engine::murmur3;
use serde::{Deserialize, Serialize};
use workloads::draw::mix;

/// Records per second of event time.
const RECORDS_PER_S: u64 = 1_000_000;

/// What a source emits.
#[derive(Debug, Clone, Copy, BorshSerialize, BorshDeserialize)]
pub struct Event {
    /// Drawn beforehand.
    pub key: u64,
    /// Event time in nanoseconds.
    pub time_ns: u64,
}

/// What the map makes of it. Timely asks for `serde` of what it exchanges, and never uses it here.
#[derive(Debug, Clone, Copy, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Record {
    /// The event's.
    pub key: u64,
    /// Event time in milliseconds.
    pub time_ms: u64,
}

/// Record number `index` of the input; its time is a function of its number.
#[inline]
pub fn event(index: usize, key: u64) -> Event {
    let time_ns = index as u64 * (1_000_000_000 / RECORDS_PER_S);
    Event { key, time_ns }
}

/// The job's map.
#[inline]
pub fn parse(event: Event) -> Record {
    Record {
        key: event.key,
        time_ms: event.time_ns / 1_000_000,
    }
}

/// Key groups, as many as the engine has by default.
const KEY_GROUPS: u32 = 128;

/// The hash by which peers without key groups send a key to a worker. Another one than the state's,
/// or each worker's hash map would see only part of the hash values.
#[inline]
pub fn route(key: u64) -> u64 {
    mix(key)
}

/// The subtask that owns a key, by murmur3 and key groups: where the engine, and Flink, would put it.
#[inline]
pub fn owner(key: u64, parallelism: usize) -> usize {
    let group = murmur3(&key.to_le_bytes()) % KEY_GROUPS;
    group as usize * parallelism / KEY_GROUPS as usize
}
