//! What travels between operators: rows, and between them the marks that tell of event time.
//!
//! A mark stands before a row by its position, so that a watermark after every record does not cut
//! a batch into batches of one. Rows and marks are kept apart: a job without event time has no
//! marks and pays for none.

use std::vec::Drain;

use crate::data::Row;

/// What a mark says of the rows that come after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Event time has reached this many milliseconds: no more rows with a time up to it are
    /// expected. It also ends idleness.
    Watermark(i64),
    /// Nothing is known of event time until further notice: do not wait for this input.
    Idle,
}

/// A signal and the number of rows of its batch that precede it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) after_rows: usize,
    pub(crate) signal: Signal,
}

/// Rows in order, with signals at positions among them.
#[derive(Debug)]
pub struct Batch<T> {
    pub(crate) rows: Vec<Row<T>>,
    pub(crate) marks: Vec<Mark>,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Batch {
            rows: Vec::new(),
            marks: Vec::new(),
        }
    }
}

impl<T> Batch<T> {
    /// Appends a row.
    #[inline]
    pub fn push(&mut self, row: Row<T>) {
        self.rows.push(row);
    }

    /// Appends a signal behind all rows so far. Of several watermarks with no row between them only
    /// the last is kept.
    pub fn signal(&mut self, signal: Signal) {
        self.signal_after(self.rows.len(), signal);
    }

    /// The same behind the first `after_rows` rows, which is not before any signal so far.
    pub(crate) fn signal_after(&mut self, after_rows: usize, signal: Signal) {
        if let Some(last) = self.marks.last_mut()
            && last.after_rows == after_rows
            && matches!(last.signal, Signal::Watermark(_)) == matches!(signal, Signal::Watermark(_))
        {
            last.signal = signal;
            return;
        }
        self.marks.push(Mark { after_rows, signal });
    }

    /// The rows.
    pub fn rows(&self) -> &[Row<T>] {
        &self.rows
    }

    /// The signals, each with the number of rows that precede it.
    pub fn signals(&self) -> impl Iterator<Item = (usize, Signal)> {
        self.marks.iter().map(|mark| (mark.after_rows, mark.signal))
    }

    /// Whether there are neither rows nor signals.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.marks.is_empty()
    }

    /// The last watermark in milliseconds, if there is one.
    pub(crate) fn last_watermark_ms(&self) -> Option<i64> {
        let backwards = self.marks.iter().rev();
        let mut watermarks = backwards.filter_map(|mark| match mark.signal {
            Signal::Watermark(at_ms) => Some(at_ms),
            Signal::Idle => None,
        });
        watermarks.next()
    }

    /// Forgets rows and signals.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.marks.clear();
    }

    /// Hands the first `rows` rows, and the signals up to behind them, to `work` in their order;
    /// what is left moves to the front. Rows come in as long runs as the signals allow.
    pub(crate) fn work_off<E>(
        &mut self,
        rows: usize,
        mut work: impl FnMut(Part<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.marks.is_empty() {
            return work(Part::Rows(self.rows.drain(..rows)));
        }
        // One move more per row; draining from the front again and again would move all the others.
        let mut ahead = self.rows.drain(..rows);
        let mut run = Vec::new();
        let mut passed = 0;
        let due = self
            .marks
            .partition_point(|mark| mark.after_rows <= passed + ahead.len());
        for mark in self.marks.drain(..due) {
            if mark.after_rows > passed {
                run.extend(ahead.by_ref().take(mark.after_rows - passed));
                passed = mark.after_rows;
                work(Part::Rows(run.drain(..)))?;
            }
            work(Part::Signal(mark.signal))?;
        }
        if !ahead.as_slice().is_empty() {
            work(Part::Rows(ahead))?;
        }
        self.marks
            .iter_mut()
            .for_each(|mark| mark.after_rows -= rows);
        Ok(())
    }
}

impl<T> Extend<Row<T>> for Batch<T> {
    #[inline]
    fn extend<I: IntoIterator<Item = Row<T>>>(&mut self, rows: I) {
        self.rows.extend(rows);
    }
}

/// A run of rows, or what stands between two.
pub(crate) enum Part<'a, T> {
    Rows(Drain<'a, Row<T>>),
    Signal(Signal),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    enum Item {
        Row(u32),
        Signal(Signal),
    }

    fn item() -> impl Strategy<Value = Item> {
        prop_oneof![
            3 => any::<u32>().prop_map(Item::Row),
            1 => (0i64..100).prop_map(|at| Item::Signal(Signal::Watermark(at))),
            1 => Just(Item::Signal(Signal::Idle)),
        ]
    }

    proptest! {
        /// Whatever is put in comes out in the same order, however it is cut; only watermarks that
        /// are overtaken before the next row are left out.
        #[test]
        fn rows_and_signals_come_out_in_the_order_in_which_they_went_in(
            items in prop::collection::vec(item(), 0..60), cuts in prop::collection::vec(0usize..9, 60),
        ) {
            let mut batch = Batch::default();
            let mut expected: Vec<Item> = Vec::new();
            for item in items {
                match &item {
                    Item::Row(value) => batch.push(Row { tag: 1, value: *value }),
                    Item::Signal(signal) => batch.signal(*signal),
                }
                let same_kind = |a: &Item, b: &Item| match (a, b) {
                    (Item::Signal(a), Item::Signal(b)) =>
                        std::mem::discriminant(a) == std::mem::discriminant(b),
                    _ => false,
                };
                if expected.last().is_some_and(|last| same_kind(last, &item)) {
                    expected.pop();
                }
                expected.push(item);
            }
            let mut seen = Vec::new();
            for cut in cuts {
                let rows = cut.min(batch.rows.len());
                let worked = batch.work_off(rows, |part| {
                    match part {
                        Part::Rows(rows) => seen.extend(rows.map(|row| Item::Row(row.value))),
                        Part::Signal(signal) => seen.push(Item::Signal(signal)),
                    }
                    Ok::<(), ()>(())
                });
                prop_assert!(worked.is_ok());
            }
            let rest = batch.rows.len();
            let _ = batch.work_off(rest, |part| {
                match part {
                    Part::Rows(rows) => seen.extend(rows.map(|row| Item::Row(row.value))),
                    Part::Signal(signal) => seen.push(Item::Signal(signal)),
                }
                Ok::<(), ()>(())
            });
            prop_assert!(batch.is_empty());
            prop_assert_eq!(seen, expected);
        }
    }
}
