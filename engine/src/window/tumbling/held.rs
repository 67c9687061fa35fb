//! Open windows, and their form in a checkpoint.

use std::io;

use crate::data::{Data, Decode, Key, encode};
use crate::window::standing::{Held, OwnsKey, damaged, load_key};
use crate::window::table::KeyTable;
use crate::window::{Pane, TimeWindow};

pub(super) struct OpenWindow<K, S> {
    pub(super) window: TimeWindow,
    /// Not kept in a checkpoint: it follows from the watermark.
    pub(super) fired: bool,
    pub(super) panes: KeyTable<K, Pane<S>>,
}

/// In order of time.
pub(super) type OpenWindows<K, S> = Vec<OpenWindow<K, S>>;

impl<K: Key, S: Data> Held<K> for OpenWindows<K, S> {
    fn is_empty(&self) -> bool {
        Vec::is_empty(self)
    }

    fn holds(&self, key: &K) -> bool {
        self.iter().any(|open| open.panes.contains(key))
    }

    fn save(&self, bytes: &mut Vec<u8>) {
        encode(&(self.len() as u64), bytes);
        for open in self {
            encode(&open.window, bytes);
            encode(&(open.panes.len() as u64), bytes);
            for (key, pane) in open.panes.iter() {
                encode(key, bytes);
                encode(pane, bytes);
            }
        }
    }

    fn load(from: &mut &[u8], owns: OwnsKey<'_>) -> io::Result<Self> {
        let mut held = OpenWindows::new();
        for _ in 0..u64::deserialize(from)? {
            let window = TimeWindow::deserialize(from)?;
            if held.last().is_some_and(|before| before.window >= window) {
                return Err(damaged("they are not in order"));
            }
            let mut panes = KeyTable::new();
            for _ in 0..u64::deserialize(from)? {
                let (key, owned) = load_key(from, owns)?;
                let pane = Pane::deserialize(from)?;
                if owned {
                    panes.get_or_insert_with(&key, || pane);
                }
            }
            if !panes.is_empty() {
                held.push(OpenWindow {
                    window,
                    fired: false,
                    panes,
                });
            }
        }
        Ok(held)
    }
}
