//! Memory into which snapshots are written, kept from one to the next of a subtask.
//!
//! Memory that is fresh from the system costs as much again as filling it: the system gives it page by page, and
//! clears each (bench `checkpoint`). So what held the last snapshot holds the next one, once that is on disk. The
//! price is that it is not free in between.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Less than this is quickly had.
const LEAST_BYTES: usize = 64 * 1024;
/// More than this is not kept.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// By operator and name: memory that nobody uses. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spares(Arc<Mutex<Memory>>);

type Memory = HashMap<(String, String), Vec<u8>>;

impl Spares {
    /// Memory for what `operator` puts in under `name`: empty, and if there was a snapshot before, of its size.
    pub(crate) fn take(&self, operator: &str, name: &str) -> Lent {
        let place = (operator.to_owned(), name.to_owned());
        let bytes = lock(&self.0).remove(&place).unwrap_or_default();
        Lent {
            bytes,
            place,
            back_to: Arc::downgrade(&self.0),
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that go back when they have been used, if they are worth it.
#[derive(Debug)]
pub(crate) struct Lent {
    bytes: Vec<u8>,
    place: (String, String),
    back_to: Weak<Mutex<Memory>>,
}

impl Deref for Lent {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        let is_filled = bytes.len() >= bytes.capacity() / 4;
        if !is_filled || !(LEAST_BYTES..=MOST_BYTES).contains(&bytes.capacity()) {
            return;
        }
        if let Some(memory) = self.back_to.upgrade() {
            bytes.clear();
            lock(&memory).insert(std::mem::take(&mut self.place), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST_BYTES, MOST_BYTES, Spares};

    fn fill(spares: &Spares, capacity: usize, filled: usize) {
        let mut lent = spares.take("operator", "state");
        *lent = Vec::with_capacity(capacity);
        lent.resize(filled, 1);
    }

    #[test]
    fn what_was_filled_is_lent_again_to_the_same_part_and_is_empty() {
        let spares = Spares::default();
        fill(&spares, LEAST_BYTES, LEAST_BYTES);
        assert_eq!(spares.take("operator", "timers").capacity(), 0);
        let lent = spares.take("operator", "state");
        assert_eq!((lent.len(), lent.capacity()), (0, LEAST_BYTES));
        assert_eq!(spares.take("operator", "state").capacity(), 0, "it is out");
    }

    #[test]
    fn what_is_small_too_large_or_mostly_empty_is_given_to_the_system() {
        let spares = Spares::default();
        for (capacity, filled) in [
            (LEAST_BYTES - 1, LEAST_BYTES - 1),
            (MOST_BYTES + 1, MOST_BYTES / 2),
            (LEAST_BYTES * 8, LEAST_BYTES),
        ] {
            fill(&spares, capacity, filled);
            assert_eq!(spares.take("operator", "state").capacity(), 0, "{capacity}");
        }
    }

    #[test]
    fn what_comes_back_when_its_subtask_is_gone_is_freed() {
        let spares = Spares::default();
        let mut lent = spares.take("operator", "state");
        lent.resize(LEAST_BYTES, 1);
        drop(spares);
        drop(lent);
    }
}
