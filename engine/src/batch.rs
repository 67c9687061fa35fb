//! What travels between operators: rows, and between them the marks that tell of event time.
//!
//! A mark stands before a row by its position, so that a watermark after every record does not cut
//! a batch into batches of one. Rows and marks are kept apart: a job without event time has no
//! marks and pays for none.

pub(crate) mod codec;
mod in_place;
mod rows;
mod tags;

use std::vec::Drain;

use crate::data::Row;

use in_place::{memory_of, same_layout};
pub use rows::Rows;
pub(crate) use rows::{Ahead, Loop};
use tags::{RowTags, Tags};

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

/// So many marks at most are worked off by taking rows from the front of a batch again and again: a
/// source that speaks of event time once per batch leaves one or two.
const FEW_MARKS: usize = 8;

/// Rows in order, with signals at positions among them.
///
/// Values and tags are kept apart, and a tag that all rows share only once: where a batch was
/// stamped as a whole, its rows weigh no more than their values (bench `peers`).
#[derive(Debug)]
pub struct Batch<T> {
    values: Vec<T>,
    tags: Tags,
    pub(crate) marks: Vec<Mark>,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Batch {
            values: Vec::new(),
            tags: Tags::default(),
            marks: Vec::new(),
        }
    }
}

impl<T> Batch<T> {
    /// Appends a row.
    #[inline]
    pub fn push(&mut self, row: Row<T>) {
        self.tags.push(row.tag, self.values.len());
        self.values.push(row.value);
    }

    /// Appends rows that share a tag: the way for whoever has a fast loop over values alone.
    #[inline]
    pub fn extend_tagged(&mut self, tag: u64, values: impl IntoIterator<Item = T>) {
        let before = self.len();
        self.values.extend(values);
        let added = self.len() - before;
        self.tags.append(RowTags::Common(tag), added, before);
    }

    /// Appends a signal behind all rows so far. Of several watermarks with no row between them only
    /// the last is kept.
    pub fn signal(&mut self, signal: Signal) {
        self.signal_after(self.len(), signal);
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

    /// Number of rows.
    #[inline]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are neither rows nor signals.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.marks.is_empty()
    }

    /// The values of the rows.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The tags of the rows.
    pub fn tags(&self) -> impl Iterator<Item = u64> {
        self.tags.iter(self.len())
    }

    /// Copies of the rows.
    pub fn to_rows(&self) -> Vec<Row<T>>
    where
        T: Clone,
    {
        let values = self.values.iter().cloned();
        let rows = values.zip(self.tags());
        rows.map(|(value, tag)| Row { tag, value }).collect()
    }

    /// The signals, each with the number of rows that precede it.
    pub fn signals(&self) -> impl Iterator<Item = (usize, Signal)> {
        self.marks.iter().map(|mark| (mark.after_rows, mark.signal))
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
        self.values.clear();
        self.tags.clear();
        self.marks.clear();
    }

    /// Rows for which there is memory.
    pub(crate) fn capacity(&self) -> usize {
        self.values.capacity()
    }

    /// Whether there is room for rows without asking for memory.
    pub(crate) fn has_room(&self) -> bool {
        self.values.capacity() > 0
    }

    /// The tag that all rows have, if they share one; any, if there are none.
    pub(crate) fn shared_tag(&self) -> Option<u64> {
        self.tags.shared()
    }

    /// Makes `tag` the one that all rows share; false if they have others.
    pub(crate) fn share_tag(&mut self, tag: u64) -> bool {
        if self.values.is_empty() {
            self.tags.set_all(tag);
        }
        self.tags.shared() == Some(tag)
    }

    /// Appends a row with the tag that all rows share, which there must be.
    #[inline]
    pub(crate) fn push_shared(&mut self, value: T) {
        debug_assert!(self.tags.shared().is_some());
        self.values.push(value);
    }

    /// Takes the values of all rows out.
    pub(crate) fn drain_values(&mut self) -> Drain<'_, T> {
        self.tags.clear();
        self.values.drain(..)
    }

    /// Gives all rows the same tag.
    pub(crate) fn tag_all(&mut self, tag: u64) {
        self.tags.set_all(tag);
    }

    /// The tags of the rows, to be changed.
    pub(crate) fn tags_mut(&mut self) -> &mut [u64] {
        self.tags.as_mut_slice(self.values.len())
    }

    /// The same rows and signals, copied.
    pub(crate) fn copy_from(&mut self, other: &Batch<T>, clone: fn(&T) -> T) {
        self.values.clear();
        self.values.extend(other.values.iter().map(clone));
        self.tags.clone_from(&other.tags);
        self.marks.clone_from(&other.marks);
    }

    /// Takes the first `rows` rows out.
    #[inline]
    pub(crate) fn drain(&mut self, rows: usize) -> Rows<'_, T> {
        let tags = self.tags.drain(rows, self.values.len());
        Rows::part(self.values.drain(..rows), tags)
    }

    /// Takes all rows out, and forgets the signals: for whoever feeds a core by hand.
    pub fn take_rows(&mut self) -> Rows<'_, T> {
        self.marks.clear();
        self.drain(self.len())
    }

    /// Moves the first `rows` rows of `from` behind the own ones.
    pub(crate) fn append(&mut self, from: &mut Batch<T>, rows: usize) {
        from.drain(rows).append_to(self);
    }

    /// Gets back the memory that its rows took with them when they were turned into those of
    /// `next`, from where they have gone meanwhile.
    pub(crate) fn reclaim<U>(&mut self, next: &mut Batch<U>) {
        if !self.has_room() && next.values.is_empty() && same_layout::<T, U>() {
            self.values = memory_of(std::mem::take(&mut next.values));
        }
    }

    /// Turns the order of the rows round; signals stay away meanwhile.
    pub(crate) fn reverse(&mut self) {
        debug_assert!(self.marks.is_empty(), "positions would mean others");
        self.values.reverse();
        self.tags.reverse();
    }

    /// Moves the last `rows` rows behind those of `into`, the last one first. The others stay where
    /// they are.
    pub(crate) fn move_last_to(&mut self, rows: usize, into: &mut Batch<T>) {
        let from = self.values.len() - rows;
        let before = into.len();
        into.values.extend(self.values.drain(from..).rev());
        self.tags.move_last_to(rows, &mut into.tags, before);
    }

    /// Hands the first `rows` rows, and the signals up to behind them, to `work` in their order;
    /// what is left moves to the front. Rows come in as long runs as the signals allow.
    pub(crate) fn work_off<E>(
        &mut self,
        rows: usize,
        mut work: impl FnMut(Part<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.marks.is_empty() {
            return self.hand_out(rows, &mut work);
        }
        let mut marks = std::mem::take(&mut self.marks);
        let due = marks.partition_point(|mark| mark.after_rows <= rows);
        if due <= FEW_MARKS {
            self.work_off_few(rows, marks.drain(..due), &mut work)?;
        } else {
            self.work_off_many(rows, marks.drain(..due), &mut work)?;
        }
        marks.iter_mut().for_each(|mark| mark.after_rows -= rows);
        self.marks = marks;
        Ok(())
    }

    /// Takes run after run from the front, at each of which all later rows move.
    fn work_off_few<E>(
        &mut self,
        rows: usize,
        due: impl Iterator<Item = Mark>,
        work: &mut impl FnMut(Part<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut passed = 0;
        for mark in due {
            self.hand_out(mark.after_rows - passed, work)?;
            passed = mark.after_rows;
            work(Part::Signal(mark.signal))?;
        }
        self.hand_out(rows - passed, work)
    }

    /// Takes all rows out at once and puts them together in runs again: every row moves once more.
    fn work_off_many<E>(
        &mut self,
        rows: usize,
        due: impl Iterator<Item = Mark>,
        work: &mut impl FnMut(Part<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let tags = self.tags.drain(rows, self.values.len());
        let mut ahead = Rows::part(self.values.drain(..rows), tags);
        let (mut run, mut passed) = (Batch::default(), 0);
        for mark in due {
            run.extend(ahead.by_ref().take(mark.after_rows - passed));
            passed = mark.after_rows;
            run.hand_out(run.len(), work)?;
            work(Part::Signal(mark.signal))?;
        }
        if ahead.len() > 0 {
            work(Part::Rows(ahead))?;
        }
        Ok(())
    }

    /// Hands out the first `rows` rows as one run, if there are any.
    fn hand_out<E>(
        &mut self,
        rows: usize,
        work: &mut impl FnMut(Part<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        if rows == 0 {
            return Ok(());
        }
        if rows < self.len() {
            return work(Part::Rows(self.drain(rows)));
        }
        let tags = self.tags.drain(rows, rows);
        let worked = work(Part::Rows(Rows::whole(&mut self.values, tags)));
        self.values.clear();
        worked
    }
}

impl<T> Extend<Row<T>> for Batch<T> {
    fn extend<I: IntoIterator<Item = Row<T>>>(&mut self, rows: I) {
        rows.into_iter().for_each(|row| self.push(row));
    }
}

/// A run of rows, or what stands between two.
pub(crate) enum Part<'a, T> {
    Rows(Rows<'a, T>),
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
                    Item::Row(value) => batch.push(Row { tag: u64::from(*value % 2), value: *value }),
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
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let rows = cut.min(batch.len());
                let worked = batch.work_off(rows, |part| {
                    match part {
                        Part::Rows(rows) => seen.extend(rows.map(|row| {
                            assert_eq!(row.tag, u64::from(row.value % 2));
                            Item::Row(row.value)
                        })),
                        Part::Signal(signal) => seen.push(Item::Signal(signal)),
                    }
                    Ok::<(), ()>(())
                });
                prop_assert!(worked.is_ok());
            }
            prop_assert!(batch.is_empty());
            prop_assert_eq!(seen, expected);
        }
    }
}
