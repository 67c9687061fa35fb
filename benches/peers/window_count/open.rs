//! The windows that contestants without an engine keep: a table of counts for each that is open.

use rustc_hash::FxHashMap;

use super::{WINDOW_MS, WindowCount};

/// Counts of the windows that a watermark has not passed, in order of time.
#[derive(Default)]
pub struct OpenWindows {
    open: Vec<(u64, FxHashMap<u64, u64>)>,
    spare: Vec<FxHashMap<u64, u64>>,
}

impl OpenWindows {
    /// Takes a record in.
    #[inline]
    pub fn add(&mut self, key: u64, time_ms: u64) {
        let window = time_ms / WINDOW_MS;
        let last = self.open.last_mut().filter(|(last, _)| *last == window);
        let counts = match last {
            Some((_, counts)) => counts,
            None => self.table_of(window),
        };
        *counts.entry(key).or_insert(0) += 1;
    }

    #[inline(never)]
    fn table_of(&mut self, window: u64) -> &mut FxHashMap<u64, u64> {
        let at = self.open.partition_point(|(open, _)| *open < window);
        if self.open.get(at).is_none_or(|(open, _)| *open != window) {
            let counts = self.spare.pop().unwrap_or_default();
            self.open.insert(at, (window, counts));
        }
        &mut self.open[at].1
    }

    /// Everything before `time_ms` has come: says the results of the windows that end by then.
    #[inline]
    pub fn complete(&mut self, time_ms: u64, mut say: impl FnMut(WindowCount)) {
        while self
            .open
            .first()
            .is_some_and(|(window, _)| (window + 1) * WINDOW_MS <= time_ms)
        {
            let (window, mut counts) = self.open.remove(0);
            for (key, count) in counts.drain() {
                say(WindowCount { key, window, count });
            }
            self.spare.push(counts);
        }
    }
}
