//! A list per key, for good.

use std::io;

use rustc_hash::FxHashMap;

use super::gauge::{HeapGauge, encoded_bytes};
use super::saved::{Fetched, Saved, write_keys, write_more};
use crate::data::{Data, Key, encode};

/// Lists by key; a key whose list is empty takes no memory.
#[derive(Debug)]
pub(crate) struct Lists<K, T> {
    lists: FxHashMap<K, Vec<T>>,
    elements: usize,
    gauge: HeapGauge,
}

impl<K: Key, T: Data> Lists<K, T> {
    pub(crate) fn new(gauge: HeapGauge) -> Self {
        Lists {
            lists: FxHashMap::default(),
            elements: 0,
            gauge,
        }
    }

    pub(crate) fn get(&self, key: &K) -> &[T] {
        self.lists.get(key).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn add_all(&mut self, key: &K, elements: impl IntoIterator<Item = T>) {
        if let Some(list) = self.lists.get_mut(key) {
            let before = list.len();
            list.extend(elements);
            self.elements += list.len() - before;
        } else {
            let list: Vec<T> = elements.into_iter().collect();
            if !list.is_empty() {
                self.elements += list.len();
                self.lists.insert(key.clone(), list);
            }
        }
        self.tell();
    }

    pub(crate) fn clear(&mut self, key: &K) {
        let list = self.lists.remove(key);
        self.elements -= list.map_or(0, |list| list.len());
        self.tell();
    }

    /// Appends all lists.
    pub(crate) fn save(&self, bytes: &mut Vec<u8>) {
        let fetch = |(_, list): (&K, &Vec<T>), fetched: &mut Fetched| {
            list.first().into_iter().for_each(|it| fetched.value(it));
        };
        write_keys(self.lists.iter(), bytes, fetch, |(key, list), bytes| {
            encode(key, bytes);
            for element in list {
                write_more(true, bytes);
                encode(element, bytes);
            }
            write_more(false, bytes);
        });
    }

    /// Adds saved lists.
    pub(crate) fn load(&mut self, mut saved: Saved<'_>) -> io::Result<()> {
        while let Some((key, is_wanted)) = saved.next_key()? {
            let mut list = Vec::new();
            while saved.more()? {
                list.push(saved.value()?);
            }
            if is_wanted {
                self.add_all(&key, list);
            }
        }
        Ok(())
    }

    fn tell(&self) {
        self.gauge.holds(self.elements);
        self.gauge.tell_sizes(|| {
            self.lists.iter().flat_map(|(key, list)| {
                let size = |element| encoded_bytes::<K>(key) + encoded_bytes::<T>(element);
                list.iter().map(size)
            })
        });
    }
}
