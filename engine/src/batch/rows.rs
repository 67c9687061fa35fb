//! Rows on their way out of a batch, one by one or all together.

use std::vec::Drain;

use super::tags::RowTags;
use crate::batch::Batch;
use crate::data::Row;

/// The rows of a chunk, which an operator or sink takes. Rows that it leaves are lost.
#[derive(Debug)]
pub struct Rows<'a, T> {
    values: Drain<'a, T>,
    tags: RowTags<'a>,
}

impl<'a, T> Rows<'a, T> {
    pub(super) fn new(values: Drain<'a, T>, tags: RowTags<'a>) -> Self {
        Rows { values, tags }
    }

    /// The values of the rows that have not been taken.
    pub fn values(&self) -> &[T] {
        self.values.as_slice()
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

    /// Hands the values to `work`, which appends one value for each to those of `out`; the tags
    /// follow. This is the way for whoever has a fast loop over values alone.
    #[inline]
    pub(crate) fn transform<U, R>(
        self,
        out: &mut Batch<U>,
        work: impl FnOnce(Drain<'a, T>, &mut Vec<U>) -> R,
    ) -> R {
        let (rows, before) = (self.values.as_slice().len(), out.len());
        let result = work(self.values, &mut out.values);
        let added = out.len() - before;
        debug_assert!(added <= rows, "at most one value for each");
        out.tags.append(self.tags, added, before);
        result
    }
}

impl<T> Iterator for Rows<'_, T> {
    type Item = Row<T>;

    #[inline]
    fn next(&mut self) -> Option<Row<T>> {
        let value = self.values.next()?;
        let tag = self.tags.next();
        Some(Row { tag, value })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.values.size_hint()
    }

    /// All that are left: with a common tag, a loop over values alone.
    #[inline]
    fn fold<B, F: FnMut(B, Row<T>) -> B>(self, start: B, mut fold: F) -> B {
        match self.tags {
            RowTags::Common(tag) => self
                .values
                .fold(start, |so_far, value| fold(so_far, Row { tag, value })),
            RowTags::Each(tags) => self.values.zip(tags).fold(start, |so_far, (value, tag)| {
                fold(so_far, Row { tag, value })
            }),
        }
    }
}

impl<T> ExactSizeIterator for Rows<'_, T> {}
