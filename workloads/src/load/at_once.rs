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

    /// Hands the numbers of the next records, at most `max`, to `emit`, and then tells `admitted` (by share number) of
    /// all of them. False if there are no more.
    #[inline]
    pub(super) fn take(
        &mut self,
        schedule: &Schedule,
        max: usize,
        admitted: &[AtomicU64],
        mut emit: impl FnMut(u64),
    ) -> bool {
        let first = self.turn;
        let mut given = 0;
        while given < max {
            let Some((split, taken)) = self.splits.get_mut(self.turn) else {
                break;
            };
            if !schedule.holds(*split, *taken) {
                break;
            }
            emit(schedule.record(*split, *taken));
            *taken += 1;
            given += 1;
            self.turn += 1;
            if self.turn == self.splits.len() {
                self.turn = 0;
            }
        }
        self.publish(first, given, admitted);
        given == max
    }

    /// Tells of `given` records, the first of which was of the split with turn `first`.
    fn publish(&self, first: usize, given: usize, admitted: &[AtomicU64]) {
        let all = self.splits.iter().zip(admitted);
        let touched = all.cycle().skip(first).take(given.min(self.splits.len()));
        for ((_, taken), admitted) in touched {
            admitted.store(*taken, Ordering::Relaxed);
        }
    }
}
