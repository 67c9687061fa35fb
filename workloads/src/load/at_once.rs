//! The order of records without intended times: the splits take turns, and whatever is asked for is due.
//!
//! In a closed loop the source takes its time from the engine, so this is a loop of its own: no clock to walk, no tag
//! to make, no law to look up per record (`cargo bench -- slow-operator` shows what is left beside the event).

use std::sync::atomic::{AtomicU64, Ordering};

use super::schedule::Schedule;

/// Where one subtask's splits stand.
pub(super) struct AtOnce {
    /// Splits of the subtask, in the order of their turns, and the records taken of each.
    splits: Vec<(u32, u64)>,
    /// Whose turn it is.
    turn: usize,
}

impl AtOnce {
    pub(super) fn new(splits: impl Iterator<Item = u32>) -> AtOnce {
        AtOnce {
            splits: splits.map(|split| (split, 0)).collect(),
            turn: 0,
        }
    }

    /// The numbers of the next records, each taken as it is asked for.
    #[inline]
    pub(super) fn records<'a>(&'a mut self, schedule: &'a Schedule) -> impl Iterator<Item = u64> {
        std::iter::from_fn(|| {
            let (split, taken) = self.splits.get_mut(self.turn)?;
            if !schedule.holds(*split, *taken) {
                return None;
            }
            let record = schedule.record(*split, *taken);
            *taken += 1;
            self.turn += 1;
            if self.turn == self.splits.len() {
                self.turn = 0;
            }
            Some(record)
        })
    }

    /// Tells `admitted` (by share number) of the last `count` records.
    pub(super) fn publish(&self, count: usize, admitted: &[AtomicU64]) {
        let touched = count.min(self.splits.len());
        let all = self.splits.iter().zip(admitted);
        let first = self.turn + self.splits.len() - touched;
        for ((_, taken), admitted) in all.cycle().skip(first).take(touched) {
            admitted.store(*taken, Ordering::Relaxed);
        }
    }
}
