//! What a checkpoint keeps of a source: where its splits stand. Another number of subtasks may go on from there.

use borsh::{BorshDeserialize, BorshSerialize};
use engine::SplitProgress;

use super::{Order, ScheduledSource};
use crate::load::clock::SplitState;
use crate::load::events::Events;

/// What one subtask puts into a checkpoint.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Saved {
    pub(super) splits: Vec<SavedSplit>,
    /// Rows of the input that its splits have dropped so far.
    pub(super) dropped: u64,
}

#[derive(Debug, Clone, Copy, BorshSerialize, BorshDeserialize)]
pub(super) struct SavedSplit {
    split: u32,
    state: SplitState,
    /// `None` in a job without event time.
    event_time: Option<SplitProgress>,
}

impl<E: Events> ScheduledSource<E> {
    pub(super) fn saved(&self) -> Saved {
        let splits = self.clocks.iter().enumerate().map(|(share, clock)| {
            let state = match &self.order {
                // In a closed loop no clock is walked.
                Order::AtOnce(order) => SplitState {
                    index: order.taken(share),
                    exposure: 0,
                },
                Order::Turns { .. } | Order::Earliest(_) => clock.state(),
            };
            let marks = self.marks.as_ref();
            SavedSplit {
                split: clock.split(),
                state,
                event_time: marks.and_then(|marks| marks.progress(share)),
            }
        });
        Saved {
            splits: splits.collect(),
            dropped: self.origin.dropped,
        }
    }

    /// Goes on where a checkpoint found the splits that are its own now.
    pub(super) fn go_on(&mut self, of_all: Vec<Saved>) {
        self.origin.dropped += of_all.iter().map(|saved| saved.dropped).sum::<u64>();
        let splits: Vec<SavedSplit> = of_all.into_iter().flat_map(|saved| saved.splits).collect();
        let of = |split: u32| splits.iter().find(|saved| saved.split == split);
        self.place(|split| of(split).map(|saved| saved.state).unwrap_or_default());
        let Some(marks) = &mut self.marks else { return };
        for (share, clock) in self.clocks.iter().enumerate() {
            let saved = of(clock.split()).and_then(|saved| saved.event_time);
            if let (Some(progress), Some(_)) = (saved, clock.peek()) {
                marks.restore(share, progress);
            }
        }
    }

    /// Goes on where another one stands.
    #[cfg(test)]
    pub(in crate::load) fn go_on_from(&mut self, other: &Self) {
        self.go_on(vec![other.saved()]);
    }
}
