//! The elements that a join holds, and their form in a checkpoint.

use std::collections::VecDeque;
use std::io;

use rustc_hash::FxHashMap;

use crate::data::{Data, Decode, Encode, Key, Row, encode};
use crate::event_time::timers::TimerPlace;
use crate::window::standing::{Held, OwnsKey, damaged, load_key};

/// What is held of one key, each side in order of timestamps, then of arrival.
pub(super) struct Buffers<L, R> {
    pub(super) left: VecDeque<HeldRow<L>>,
    pub(super) right: VecDeque<HeldRow<R>>,
    /// Not kept in a checkpoint: it follows from the rows.
    pub(super) cleanup: Option<TimerPlace>,
}

pub(super) struct HeldRow<T> {
    pub(super) timestamp_ms: i64,
    pub(super) row: Row<T>,
}

impl<L, R> Buffers<L, R> {
    pub(super) fn empty() -> Self {
        Buffers {
            left: VecDeque::new(),
            right: VecDeque::new(),
            cleanup: None,
        }
    }

    pub(super) fn rows(&self) -> u64 {
        (self.left.len() + self.right.len()) as u64
    }
}

pub(super) type KeyedBuffers<K, L, R> = FxHashMap<K, Buffers<L, R>>;

impl<K: Key, L: Data, R: Data> Held<K> for KeyedBuffers<K, L, R> {
    fn is_empty(&self) -> bool {
        FxHashMap::is_empty(self)
    }

    fn holds(&self, key: &K) -> bool {
        self.contains_key(key)
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        encode(&(self.len() as u64), bytes);
        for (key, buffers) in self {
            encode(key, bytes);
            save_rows(&buffers.left, bytes);
            save_rows(&buffers.right, bytes);
        }
    }

    fn load(from: &mut &[u8], owns: OwnsKey<'_>) -> io::Result<Self> {
        let mut held = KeyedBuffers::default();
        for _ in 0..u64::deserialize(from)? {
            let (key, owned) = load_key(from, owns)?;
            let buffers = Buffers {
                left: load_rows(from)?,
                right: load_rows(from)?,
                cleanup: None,
            };
            if owned {
                held.insert(key, buffers);
            }
        }
        Ok(held)
    }
}

fn save_rows<T: Encode>(rows: &VecDeque<HeldRow<T>>, bytes: &mut Vec<u8>) {
    encode(&(rows.len() as u64), bytes);
    for HeldRow { timestamp_ms, row } in rows {
        encode(timestamp_ms, bytes);
        encode(&row.tag, bytes);
        encode(&row.value, bytes);
    }
}

fn load_rows<T: Decode>(from: &mut &[u8]) -> io::Result<VecDeque<HeldRow<T>>> {
    let mut rows = VecDeque::<HeldRow<T>>::new();
    for _ in 0..u64::deserialize(from)? {
        let timestamp_ms = i64::deserialize(from)?;
        let tag = u64::deserialize(from)?;
        let value = T::deserialize(from)?;
        if rows
            .back()
            .is_some_and(|before| before.timestamp_ms > timestamp_ms)
        {
            return Err(damaged("elements of a key are not in order"));
        }
        let row = Row { tag, value };
        rows.push_back(HeldRow { timestamp_ms, row });
    }
    Ok(rows)
}
