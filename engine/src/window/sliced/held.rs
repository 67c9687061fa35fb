//! The slices of all keys, and their form in a checkpoint.

use std::io;

use crate::data::{Data, Decode, Key, encode};
use crate::window::sliced::key_slices::KeySlices;
use crate::window::standing::{Held, OwnsKey, load_key};
use crate::window::table::KeyTable;

pub(super) type KeyedSlices<K, S> = KeyTable<K, KeySlices<S>>;

impl<K: Key, S: Data> Held<K> for KeyedSlices<K, S> {
    fn is_empty(&self) -> bool {
        KeyTable::is_empty(self)
    }

    fn holds(&self, key: &K) -> bool {
        self.contains(key)
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        encode(&(self.len() as u64), bytes);
        for (key, slices) in self.iter() {
            encode(key, bytes);
            slices.save(bytes);
        }
    }

    fn load(from: &mut &[u8], owns: OwnsKey<'_>) -> io::Result<Self> {
        let mut held = KeyTable::new();
        for _ in 0..u64::deserialize(from)? {
            let (key, owned) = load_key(from, owns)?;
            let slices = KeySlices::load(from)?;
            if owned {
                held.get_or_insert_with(&key, || slices);
            }
        }
        Ok(held)
    }
}
