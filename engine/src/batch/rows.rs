//! Rows on their way out of a batch, one by one or all together.

use std::vec::Drain;

use super::in_place::{Collected, same_layout};
use super::tags::RowTags;
use crate::batch::Batch;
use crate::data::Row;

/// The rows of a chunk, which an operator or sink takes. Rows that it leaves are lost.
#[derive(Debug)]
pub struct Rows<'a, T> {
    values: Values<'a, T>,
    tags: RowTags<'a>,
}

/// What has not been taken.
#[derive(Debug)]
enum Values<'a, T> {
    /// All values of a batch, while none has been taken.
    Whole(Option<&'a mut Vec<T>>),
    Part(Drain<'a, T>),
}

/// A loop that makes one value of each, written once for every way in which values come and go.
pub(crate) trait Loop<T, U> {
    /// What there is to say at the end.
    type Result;

    /// Gives one value of each to `out`; at once, if that is to be fast.
    fn run(self, values: impl Iterator<Item = T>, out: &mut impl Extend<U>) -> Self::Result;
}

impl<'a, T> Rows<'a, T> {
    pub(super) fn part(values: Drain<'a, T>, tags: RowTags<'a>) -> Self {
        let values = Values::Part(values);
        Rows { values, tags }
    }

    /// All rows of a batch. Values that are left stay in it: whoever made this clears them.
    pub(super) fn whole(values: &'a mut Vec<T>, tags: RowTags<'a>) -> Self {
        let values = Values::Whole(Some(values));
        Rows { values, tags }
    }

    /// The values of the rows that have not been taken.
    pub fn values(&self) -> &[T] {
        match &self.values {
            Values::Whole(Some(values)) => values,
            Values::Whole(None) => &[],
            Values::Part(values) => values.as_slice(),
        }
    }

    /// Neighbours with the same tag, as (tag, number of rows): often the whole chunk.
    pub fn tag_runs(&self) -> impl Iterator<Item = (u64, usize)> {
        let (common, each) = match &self.tags {
            RowTags::Common(tag) => (Some((*tag, self.len())), &[][..]),
            RowTags::Each(tags) => (None, tags.as_slice()),
        };
        let runs = each.chunk_by(|a, b| a == b);
        let runs = runs.map(|run| (run[0], run.len()));
        common.filter(|&(_, rows)| rows > 0).into_iter().chain(runs)
    }

    /// Runs a loop over the values, whose results are appended to those of `out`; the tags follow.
    /// The results of a whole batch stay in its memory if they fit into it and nothing is before
    /// them in `out`.
    #[inline]
    pub(crate) fn transform<U, L: Loop<T, U>>(self, out: &mut Batch<U>, work: L) -> L::Result {
        let (rows, before) = (self.values().len(), out.len());
        let result = match self.values {
            Values::Whole(Some(values)) if same_layout::<T, U>() && before == 0 => {
                let values = std::mem::take(values);
                work.run(values.into_iter(), &mut Collected(&mut out.values))
            }
            Values::Whole(Some(values)) => work.run(values.drain(..), &mut out.values),
            Values::Whole(None) => work.run(std::iter::empty(), &mut out.values),
            Values::Part(values) => work.run(values, &mut out.values),
        };
        let added = out.len() - before;
        debug_assert!(added <= rows, "at most one value for each");
        out.tags.append(self.tags, added, before);
        result
    }

    /// The rows with the tag that all have, if they share one: for whoever takes them one by one, and
    /// would otherwise ask for the tag of each.
    #[inline]
    pub(crate) fn into_shared(self) -> Result<Shared<'a, T>, Self> {
        let Rows { values, tags } = self;
        match (values, tags) {
            (Values::Whole(Some(values)), RowTags::Common(tag)) => {
                let values = values.drain(..);
                Ok(Shared { values, tag })
            }
            (Values::Part(values), RowTags::Common(tag)) => Ok(Shared { values, tag }),
            (values, tags) => Err(Rows { values, tags }),
        }
    }

    /// Appends the rows to those of `out` as they are.
    #[inline]
    pub(crate) fn append_to(self, out: &mut Batch<T>) {
        self.transform(out, HandOn);
    }
}

/// The loop that changes nothing.
struct HandOn;

impl<T> Loop<T, T> for HandOn {
    type Result = ();

    #[inline]
    fn run(self, values: impl Iterator<Item = T>, out: &mut impl Extend<T>) {
        out.extend(values);
    }
}

impl<'a, T> Values<'a, T> {
    /// Begins to take values out one by one.
    #[inline]
    fn drain(&mut self) -> Option<&mut Drain<'a, T>> {
        if let Values::Whole(values) = self {
            *self = Values::Part(values.take()?.drain(..));
        }
        match self {
            Values::Part(values) => Some(values),
            Values::Whole(_) => None,
        }
    }
}

impl<T> Iterator for Rows<'_, T> {
    type Item = Row<T>;

    #[inline]
    fn next(&mut self) -> Option<Row<T>> {
        let value = self.values.drain()?.next()?;
        let tag = self.tags.next();
        Some(Row { tag, value })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rows = self.values().len();
        (rows, Some(rows))
    }

    /// All that are left: with a common tag, a loop over values alone.
    #[inline]
    fn fold<B, F: FnMut(B, Row<T>) -> B>(self, start: B, mut fold: F) -> B {
        let values = match self.values {
            Values::Whole(Some(values)) => values.drain(..),
            Values::Whole(None) => return start,
            Values::Part(values) => values,
        };
        match self.tags {
            RowTags::Common(tag) => {
                values.fold(start, |so_far, value| fold(so_far, Row { tag, value }))
            }
            RowTags::Each(tags) => values.zip(tags).fold(start, |so_far, (value, tag)| {
                fold(so_far, Row { tag, value })
            }),
        }
    }
}

impl<T> ExactSizeIterator for Rows<'_, T> {}

/// Rows that share a tag.
pub(crate) struct Shared<'a, T> {
    values: Drain<'a, T>,
    tag: u64,
}

impl<T> Iterator for Shared<'_, T> {
    type Item = Row<T>;

    #[inline]
    fn next(&mut self) -> Option<Row<T>> {
        let (value, tag) = (self.values.next()?, self.tag);
        Some(Row { tag, value })
    }
}

/// Rows that are taken one by one, and seen before.
pub(crate) trait Ahead<T>: Iterator<Item = Row<T>> {
    /// The values of the rows that have not been taken.
    fn ahead(&self) -> &[T];
}

impl<T> Ahead<T> for Rows<'_, T> {
    fn ahead(&self) -> &[T] {
        self.values()
    }
}

impl<T> Ahead<T> for Shared<'_, T> {
    #[inline]
    fn ahead(&self) -> &[T] {
        self.values.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Neg;

    use crate::batch::Part;
    use proptest::prelude::*;

    struct Negated;

    impl<U: From<i32> + Neg<Output = U>> Loop<u32, U> for Negated {
        type Result = ();

        fn run(self, values: impl Iterator<Item = u32>, out: &mut impl Extend<U>) {
            out.extend(values.map(|value| -U::from(value as i32)));
        }
    }

    /// A stage that takes batches as they come, in chunks of at most `chunk` rows, and one behind it
    /// that takes what it finds after each `every` chunks. Into the first go tags and values.
    fn through_two_stages<U>(batches: &[Vec<(u64, u32)>], chunk: usize, every: usize) -> Vec<Row<U>>
    where
        U: From<i32> + Neg<Output = U>,
    {
        let (mut pending, mut next, mut seen) = (Batch::default(), Batch::default(), Vec::new());
        let mut chunks = 0;
        for rows in batches {
            pending.extend(rows.iter().map(|&(tag, value)| Row { tag, value }));
            while !pending.is_empty() {
                let worked = pending.work_off(chunk.min(pending.len()), |part| match part {
                    Part::Rows(rows) => {
                        rows.transform(&mut next, Negated);
                        Ok(())
                    }
                    Part::Signal(signal) => Err(signal),
                });
                assert_eq!(worked, Ok(()));
                chunks += 1;
                if chunks % every == 0 {
                    seen.extend(next.drain(next.len()));
                }
                pending.reclaim(&mut next);
            }
        }
        seen.extend(next.drain(next.len()));
        seen
    }

    proptest! {
        /// Whether the memory of a whole batch goes with its rows or not, each row becomes one.
        #[test]
        fn every_row_is_transformed_once_and_keeps_its_tag(
            batches in prop::collection::vec(
                prop::collection::vec((0u64..3, 0u32..1_000), 0..30), 0..6),
            chunk in 1usize..40, every in 1usize..4,
        ) {
            let negated = |&(tag, value): &(u64, u32)| (tag, -i64::from(value));
            let expected: Vec<(u64, i64)> = batches.iter().flatten().map(negated).collect();
            let same_size: Vec<Row<i32>> = through_two_stages(&batches, chunk, every);
            let same_size: Vec<_> = same_size.iter().map(|row| (row.tag, i64::from(row.value))).collect();
            prop_assert_eq!(&same_size, &expected);
            let larger: Vec<Row<i64>> = through_two_stages(&batches, chunk, every);
            let larger: Vec<_> = larger.iter().map(|row| (row.tag, row.value)).collect();
            prop_assert_eq!(&larger, &expected);
        }

        /// One by one or all at once, of a whole batch or a part: what is not taken is lost.
        #[test]
        fn rows_that_are_left_are_lost(
            values in prop::collection::vec(0u32..1_000, 0..30), chunk in 1usize..40, taken in 0usize..40,
        ) {
            let mut batch = Batch::default();
            batch.extend(values.iter().map(|&value| Row { tag: u64::from(value % 2), value }));
            let mut seen = Vec::new();
            let mut expected = Vec::new();
            for chunk in values.chunks(chunk) {
                let worked = batch.work_off(chunk.len(), |part| match part {
                    Part::Rows(rows) => {
                        assert_eq!((rows.len(), rows.values()), (chunk.len(), chunk));
                        seen.extend(rows.take(taken).map(|row| (row.tag, row.value)));
                        Ok(())
                    }
                    Part::Signal(signal) => Err(signal),
                });
                assert_eq!(worked, Ok(()));
                expected.extend(chunk.iter().take(taken).map(|&value| (u64::from(value % 2), value)));
            }
            prop_assert!(batch.is_empty());
            prop_assert_eq!(seen, expected);
        }
    }
}
