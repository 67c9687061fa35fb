//! What a link of a chain has been given and has not worked off yet.

use std::collections::VecDeque;

use crate::batch::codec::Codec;
use crate::batch::{Batch, Mark, Part, Signal};
use crate::event_time::NO_WATERMARK_MS;

/// Rows beyond which what was given at once is taken in pieces.
const LARGE: usize = 4_096;
/// Rows of a piece.
const PIECE: usize = 1_024;

/// The input of a link, from which chunks are taken at the front.
///
/// Taking a chunk from a batch moves all rows behind it. That is cheap for what comes over a channel.
/// But a window may say a million results at once, and would move them all for every chunk: so these
/// are turned round, and taken in pieces from their end.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    current: Batch<T>,
    /// What follows the current rows, the last row first.
    large: Batch<T>,
    /// The signals among those, by position in what was given at once.
    large_marks: VecDeque<Mark>,
    /// Rows of what was given at once that are current or gone.
    taken: usize,
    told_ms: i64,
}

impl<T> Pending<T> {
    pub(crate) fn new() -> Self {
        Pending {
            current: Batch::default(),
            large: Batch::default(),
            large_marks: VecDeque::new(),
            taken: 0,
            told_ms: NO_WATERMARK_MS,
        }
    }

    /// The last watermark that was handed to work.
    pub(crate) fn told_ms(&self) -> i64 {
        self.told_ms
    }

    /// Where rows are put in, when there are none.
    pub(crate) fn input(&mut self) -> &mut Batch<T> {
        debug_assert!(self.large.is_empty(), "what was given before is worked off");
        // Who has said much at once will do it again.
        if self.current.is_empty() && self.large.capacity() > self.current.capacity() {
            std::mem::swap(&mut self.current, &mut self.large);
        }
        &mut self.current
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.current.len() + self.large.len()
    }

    /// Whether there are neither rows nor signals.
    pub(crate) fn is_empty(&self) -> bool {
        self.current.is_empty() && self.large.is_empty()
    }

    /// Rows that can be taken as one chunk.
    pub(crate) fn at_hand(&mut self) -> usize {
        if self.current.len() > LARGE {
            std::mem::swap(&mut self.current, &mut self.large);
            self.large_marks.extend(self.large.marks.drain(..));
            self.large.reverse();
            self.taken = 0;
        }
        if self.current.is_empty() && !self.large.is_empty() {
            self.take_piece();
        }
        self.current.len()
    }

    fn take_piece(&mut self) {
        let rows = PIECE.min(self.large.len());
        self.large.move_last_to(rows, &mut self.current);
        let (from, until) = (self.taken, self.taken + rows);
        while let Some(mark) = self
            .large_marks
            .pop_front_if(|mark| mark.after_rows <= until)
        {
            self.current
                .signal_after(mark.after_rows - from, mark.signal);
        }
        self.taken = until;
    }

    /// Hands the first `rows` rows at hand, and the signals up to behind them, to `work`.
    pub(crate) fn work_off<E>(
        &mut self,
        rows: usize,
        mut work: impl FnMut(Part<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let told_ms = &mut self.told_ms;
        self.current.work_off(rows, |part| {
            if let Part::Signal(Signal::Watermark(at_ms)) = &part {
                *told_ms = *at_ms;
            }
            work(part)
        })
    }

    /// Appends all rows and signals, which stay.
    pub(crate) fn save(&mut self, codec: &Codec<T>, bytes: &mut Vec<u8>) {
        if !self.current.is_empty() {
            codec.encode(&self.current, bytes);
        }
        if !self.large.is_empty() || !self.large_marks.is_empty() {
            // Its rows lie the other way round, and its signals apart.
            self.large.reverse();
            let taken = self.taken;
            let marks = self.large_marks.iter().map(|mark| Mark {
                after_rows: mark.after_rows - taken,
                ..*mark
            });
            self.large.marks.extend(marks);
            codec.encode(&self.large, bytes);
            self.large.marks.clear();
            self.large.reverse();
        }
    }

    /// As [`Batch::reclaim`].
    pub(crate) fn reclaim<U>(&mut self, next: &mut Batch<U>) {
        self.current.reclaim(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Row;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn large_inputs_come_out_in_order_and_in_pieces(
            rows in 0u64..20_000, marks in prop::collection::btree_set(0u64..20_000, 0..20), chunk in 1usize..3_000,
        ) {
            let mut pending = Pending::new();
            // Once before, so that memory is used again.
            pending.input().extend((0..5_000).map(|value| Row { tag: 0, value }));
            while !pending.is_empty() {
                let rows = pending.at_hand();
                prop_assert_eq!(pending.work_off(rows, |_| Ok::<(), ()>(())), Ok(()));
            }
            let mut expected = Vec::new();
            for value in 0..rows {
                if marks.contains(&value) {
                    pending.input().signal(Signal::Watermark(value as i64));
                    expected.push(Err(value as i64));
                }
                pending.input().push(Row { tag: value % 3, value });
                expected.push(Ok((value % 3, value)));
            }
            let (mut seen, mut left) = (Vec::new(), rows as usize);
            while !pending.is_empty() {
                let at_hand = pending.at_hand();
                prop_assert!(at_hand <= LARGE);
                let taken = chunk.min(at_hand);
                let worked: Result<(), ()> = pending.work_off(taken, |part| {
                    match part {
                        Part::Rows(rows) => seen.extend(rows.map(|row| Ok((row.tag, row.value)))),
                        Part::Signal(Signal::Watermark(at_ms)) => seen.push(Err(at_ms)),
                        Part::Signal(Signal::Idle) => {}
                    }
                    Ok(())
                });
                prop_assert!(worked.is_ok());
                left -= taken;
                prop_assert_eq!(pending.rows(), left);
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
