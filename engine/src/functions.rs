//! Operators made of one function: map, flat map, filter, for each.

use crate::batch::{Batch, Loop, Rows};
use crate::data::Row;
use crate::operator::{Operator, OperatorContext, OperatorError, Sink};

pub(crate) struct Map<F>(pub(crate) F);

impl<T, U, F: FnMut(T) -> U + Send> Operator<T, U> for Map<F> {
    fn process(
        &mut self,
        rows: Rows<'_, T>,
        out: &mut Batch<U>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        rows.transform(out, self);
        Ok(())
    }
}

impl<T, U, F: FnMut(T) -> U> Loop<T, U> for &mut Map<F> {
    type Result = ();

    #[inline]
    fn run(self, values: impl Iterator<Item = T>, out: &mut impl Extend<U>) {
        out.extend(values.map(&mut self.0));
    }
}

/// Takes what a flat map makes of one record; everything gets that record's tag.
#[derive(Debug)]
pub struct Collector<'a, U> {
    tag: u64,
    rows: &'a mut Batch<U>,
}

impl<U> Collector<'_, U> {
    /// Emits one record.
    pub fn emit(&mut self, value: U) {
        self.rows.push(Row {
            tag: self.tag,
            value,
        });
    }
}

pub(crate) struct FlatMap<F>(pub(crate) F);

impl<T, U, F: FnMut(T, &mut Collector<'_, U>) + Send> Operator<T, U> for FlatMap<F> {
    fn process(
        &mut self,
        rows: Rows<'_, T>,
        out: &mut Batch<U>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        for Row { tag, value } in rows {
            (self.0)(value, &mut Collector { tag, rows: out });
        }
        Ok(())
    }
}

pub(crate) struct Filter<F>(pub(crate) F);

impl<T, F: FnMut(&T) -> bool + Send> Operator<T, T> for Filter<F> {
    fn process(
        &mut self,
        rows: Rows<'_, T>,
        out: &mut Batch<T>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        out.extend(rows.filter(|row| (self.0)(&row.value)));
        Ok(())
    }
}

pub(crate) struct ForEach<F>(pub(crate) F);

impl<T, F: FnMut(T) + Send> Sink<T> for ForEach<F> {
    fn write(
        &mut self,
        rows: Rows<'_, T>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        rows.for_each(|row| (self.0)(row.value));
        Ok(())
    }
}
