//! Values that stay where they are while they are turned into others of the same size.
//!
//! A chunk of rows that each operator of a chain writes to memory of its own does not stay in the
//! processor's first cache, and evicts the operators' state from it. The standard library collects
//! a vector's values back into that vector if sizes and alignments agree; what is here leads to
//! that. It stays an optimisation of the library's: without it, results are the same.

/// Whether a vector of one type can take over the memory of one of the other.
pub(super) const fn same_layout<T, U>() -> bool {
    size_of::<T>() == size_of::<U>() && align_of::<T>() == align_of::<U>()
}

/// A vector without values, which takes the first that it is given by collecting them.
pub(super) struct Collected<'a, U>(pub(super) &'a mut Vec<U>);

impl<U> Extend<U> for Collected<'_, U> {
    #[inline]
    fn extend<I: IntoIterator<Item = U>>(&mut self, values: I) {
        if self.0.is_empty() {
            *self.0 = values.into_iter().collect();
        } else {
            self.0.extend(values);
        }
    }
}

/// The memory of a vector, without its values, for values of another type.
pub(super) fn memory_of<T, U>(mut values: Vec<U>) -> Vec<T> {
    values.clear();
    // There is no value left to turn into another.
    values.into_iter().filter_map(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_passes_to_values_of_the_same_layout() {
        let mut values: Vec<u64> = Vec::with_capacity(100);
        values.push(1);
        let (address, capacity) = (values.as_ptr().addr(), values.capacity());

        let mut doubled: Vec<i64> = Vec::new();
        Collected(&mut doubled).extend(values.into_iter().map(|value| value as i64 * 2));
        assert_eq!(doubled, [2]);
        assert_eq!(
            (doubled.as_ptr().addr(), doubled.capacity()),
            (address, capacity)
        );

        let empty: Vec<u64> = memory_of(doubled);
        assert!(empty.is_empty());
        assert_eq!(
            (empty.as_ptr().addr(), empty.capacity()),
            (address, capacity)
        );
    }
}
