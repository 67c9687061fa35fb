//! What the subtasks of a job leave behind when their input has ended, for the verifier to judge.
//!
//! Each subtask has a place of its own, and what it leaves there replaces what it left before: a job that is started
//! again from a checkpoint ends again, and then says all that there is to say, of the time before as well. So what
//! is left is a copy: a checkpoint that is taken behind the end still holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What all subtasks have left.
#[derive(Debug)]
pub struct Left<T>(Arc<Mutex<BTreeMap<usize, T>>>);

impl<T> Clone for Left<T> {
    fn clone(&self) -> Self {
        Left(Arc::clone(&self.0))
    }
}

impl<T> Default for Left<T> {
    fn default() -> Self {
        Left(Arc::default())
    }
}

impl<T> Left<T> {
    /// The place of a subtask.
    pub fn of(&self, subtask: usize) -> Place<T> {
        Place {
            subtask,
            left: self.clone(),
        }
    }

    /// All that has been left so far, together.
    pub fn together<U: Default>(&self, mut merge: impl FnMut(&mut U, &T)) -> U {
        let mut all = U::default();
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.values().for_each(|kept| merge(&mut all, kept));
        all
    }
}

/// Where one subtask leaves what it has kept.
#[derive(Debug)]
pub struct Place<T> {
    subtask: usize,
    left: Left<T>,
}

impl<T> Place<T> {
    /// Leaves it, in place of what was left before.
    pub fn leave(&self, kept: T) {
        let mut left = self.left.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.insert(self.subtask, kept);
    }
}
