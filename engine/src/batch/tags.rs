//! The tags of a batch: one for all rows, as long as they share it, else one for each.

use std::vec::Drain;

/// Tags of rows whose number the batch knows.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    /// The tag of all rows, while `each` is empty.
    common: u64,
    each: Vec<u64>,
}

impl Clone for Tags {
    fn clone(&self) -> Self {
        Tags {
            common: self.common,
            each: self.each.clone(),
        }
    }

    fn clone_from(&mut self, other: &Self) {
        self.common = other.common;
        self.each.clone_from(&other.each);
    }
}

impl Tags {
    /// The tag of one more row behind `rows` others.
    #[inline]
    pub(super) fn push(&mut self, tag: u64, rows: usize) {
        if !self.each.is_empty() {
            self.each.push(tag);
        } else if rows == 0 {
            self.common = tag;
        } else if tag != self.common {
            self.spread(rows);
            self.each.push(tag);
        }
    }

    /// Moves the tags of `added` more rows behind those of `rows` others.
    pub(super) fn append(&mut self, tags: RowTags<'_>, added: usize, rows: usize) {
        match tags {
            RowTags::Common(_) if added == 0 => {}
            RowTags::Common(tag) if rows == 0 => self.set_all(tag),
            RowTags::Common(tag) if self.each.is_empty() && tag == self.common => {}
            RowTags::Common(tag) => {
                self.spread(rows);
                self.each.resize(rows + added, tag);
            }
            RowTags::Each(tags) => {
                self.spread(rows);
                self.each.extend(tags.take(added));
            }
        }
    }

    pub(super) fn reverse(&mut self) {
        self.each.reverse();
    }

    /// Moves the tags of the last `rows` rows behind those of `before` rows, the last one first.
    pub(super) fn move_last_to(&mut self, rows: usize, into: &mut Tags, before: usize) {
        if self.each.is_empty() {
            return into.append(RowTags::Common(self.common), rows, before);
        }
        into.spread(before);
        let from = self.each.len() - rows;
        into.each.extend(self.each.drain(from..).rev());
    }

    /// One tag for each of `rows` rows.
    fn spread(&mut self, rows: usize) {
        if self.each.is_empty() {
            self.each.resize(rows, self.common);
        }
    }

    /// The tag of all rows, if they share one.
    pub(super) fn shared(&self) -> Option<u64> {
        self.each.is_empty().then_some(self.common)
    }

    pub(super) fn set_all(&mut self, tag: u64) {
        self.each.clear();
        self.common = tag;
    }

    pub(super) fn clear(&mut self) {
        self.each.clear();
    }

    pub(super) fn as_mut_slice(&mut self, rows: usize) -> &mut [u64] {
        self.spread(rows);
        &mut self.each
    }

    pub(super) fn iter(&self, rows: usize) -> impl Iterator<Item = u64> {
        let common = if self.each.is_empty() { rows } else { 0 };
        let each = self.each.iter().copied();
        each.chain(std::iter::repeat_n(self.common, common))
    }

    /// Takes out the tags of the first `rows` rows of `of`.
    #[inline]
    pub(super) fn drain(&mut self, rows: usize, of: usize) -> RowTags<'_> {
        debug_assert!(self.each.is_empty() || self.each.len() == of);
        match self.each.is_empty() {
            true => RowTags::Common(self.common),
            false => RowTags::Each(self.each.drain(..rows)),
        }
    }
}

/// The tags of rows that are taken out of a batch.
#[derive(Debug)]
pub(super) enum RowTags<'a> {
    Common(u64),
    Each(Drain<'a, u64>),
}

impl RowTags<'_> {
    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        match self {
            RowTags::Common(tag) => *tag,
            RowTags::Each(tags) => tags.next().unwrap_or(0),
        }
    }
}
