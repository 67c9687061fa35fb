//! Which checkpoints are being written, and which will never be any more.
//!
//! One that is given up may still have writers, who notice soon; the last of them removes what there is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Storage;
use super::error::StorageError;

/// The checkpoints of a directory, as far as they have come.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Of all that there have been.
    highest: u64,
    /// Nothing begins with this number or a lower one.
    ended: u64,
    /// The newest that is complete.
    published: u64,
    /// How many folders there have been for subtasks that finished.
    finished: u64,
    writing: BTreeMap<u64, Writing>,
}

#[derive(Debug, Default)]
struct Writing {
    writers: usize,
    given_up: Arc<AtomicBool>,
}

impl Progress {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All up to this number are from before.
    pub(super) fn begin_behind(&self, number: u64) {
        let mut state = self.state();
        state.highest = number;
        state.ended = number;
        state.published = number;
    }

    /// The job goes on from this checkpoint: its own have higher numbers.
    pub(super) fn begin_after(&self, number: u64) {
        let mut state = self.state();
        state.highest = state.highest.max(number);
        state.ended = state.ended.max(number);
    }

    /// Whether a checkpoint with a manifest counts: one that is given up at the last moment has one for a
    /// while.
    pub(super) fn counts(&self, number: u64) -> bool {
        number <= self.state().published
    }

    pub(super) fn highest(&self) -> u64 {
        self.state().highest
    }

    pub(super) fn next_finished(&self) -> u64 {
        let finished = &mut self.state().finished;
        *finished += 1;
        *finished
    }

    /// Whether nobody writes for a checkpoint that was given up.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state();
        let mut writing = state.writing.values();
        writing.all(|writing| !writing.given_up.load(Relaxed))
    }

    /// Whether the checkpoint is given up now, and whether nobody is left to remove it.
    pub(super) fn give_up(&self, number: u64) -> (bool, bool) {
        let mut state = self.state();
        if number <= state.published {
            return (false, false);
        }
        state.highest = state.highest.max(number);
        state.ended = state.ended.max(number);
        match state.writing.get(&number) {
            Some(writing) => {
                writing.given_up.store(true, Relaxed);
                (true, false)
            }
            None => (true, true),
        }
    }
}

/// Somebody writes for a checkpoint.
pub(super) struct UnderWay<'a> {
    storage: &'a Storage,
    number: u64,
    pub(super) given_up: Arc<AtomicBool>,
}

impl<'a> UnderWay<'a> {
    /// Refused for a checkpoint that has ended.
    pub(super) fn begin(storage: &'a Storage, number: u64) -> Result<Self, StorageError> {
        let mut state = storage.0.progress.state();
        if number <= state.ended {
            return Err(StorageError::GivenUp(number));
        }
        state.highest = state.highest.max(number);
        let writing = state.writing.entry(number).or_default();
        writing.writers += 1;
        let given_up = Arc::clone(&writing.given_up);
        Ok(UnderWay {
            storage,
            number,
            given_up,
        })
    }

    /// The checkpoint is complete and cannot be given up any more, unless it is already.
    pub(super) fn publish(&self) -> Result<(), StorageError> {
        let mut state = self.storage.0.progress.state();
        if self.given_up.load(Relaxed) {
            return Err(StorageError::GivenUp(self.number));
        }
        state.published = state.published.max(self.number);
        state.ended = state.ended.max(self.number);
        Ok(())
    }

    /// Writes fail in several ways once a checkpoint is given up; this is the reason.
    pub(super) fn explain(&self, error: StorageError) -> StorageError {
        match self.given_up.load(Relaxed) {
            true => StorageError::GivenUp(self.number),
            false => error,
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.storage.0.progress.state();
        let Some(writing) = state.writing.get_mut(&self.number) else {
            return;
        };
        writing.writers -= 1;
        if writing.writers == 0 {
            state.writing.remove(&self.number);
            drop(state);
            if self.given_up.load(Relaxed) {
                self.storage.remove(self.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_given_up_at_the_last_moment_is_neither_complete_nor_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(folder.path(), 1).unwrap();
        let under_way = UnderWay::begin(&storage, 1).unwrap();
        std::fs::create_dir(storage.folder(1)).unwrap();
        std::fs::write(storage.folder(1).join("MANIFEST"), "").unwrap();
        assert_eq!(storage.candidates().unwrap(), []);
        assert!(storage.discard(1) && !storage.is_idle());
        assert!(matches!(under_way.publish(), Err(StorageError::GivenUp(1))));
        drop(under_way);
        assert!(storage.is_idle() && !storage.folder(1).exists());
    }
}
