//! Where subtasks hand in their snapshots: they are written by other threads, and whoever drives the
//! checkpoints hears of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Sender;

use crate::checkpoint::parts::Parts;
use crate::checkpoint::report::SubtaskCheckpoint;
use crate::checkpoint::storage::{Storage, StorageError, StoredSubtask};
use crate::checkpoint::taking::Times;
use crate::checkpoint::underway::Whole;
use crate::checkpoint::writers::Writers;
use crate::clock::Clock;
use crate::panic_text::text_of;
use crate::subtask::SubtaskShared;

/// What becomes of a snapshot: on disk, with what it cost.
pub(crate) type Written = Result<(StoredSubtask, SubtaskCheckpoint), StorageError>;

/// Something that whoever drives checkpoints has to know. `attempt` is whose it is.
pub(crate) enum Message {
    /// A subtask has taken a snapshot, which is being written now.
    HandedIn { attempt: u32, subtask: usize },
    Stored {
        attempt: u32,
        checkpoint: u64,
        subtask: usize,
        written: Written,
    },
    /// What a subtask held at its end has been written.
    Finished {
        attempt: u32,
        subtask: usize,
        written: Written,
    },
    /// A subtask that has ended has no snapshot under way any more.
    LastIsKnown { attempt: u32, subtask: usize },
    Published {
        attempt: u32,
        checkpoint: u64,
        published: Result<(), StorageError>,
    },
    /// The last subtask of an attempt has ended, or somebody wants something else than before.
    LookAgain,
    /// Somebody wants a checkpoint now.
    CheckpointNow,
    /// The disk of checkpoints is to be slow for a time.
    SlowDisk(SlowDisk),
}

/// A disk that is slow for a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlowDisk {
    pub(crate) rate_per_s: u64,
    /// What each sync costs more, in nanoseconds.
    pub(crate) sync_ns: u64,
    /// Job time at which it is over.
    pub(crate) until_ns: u64,
}

/// The way in for the subtasks of one attempt.
pub(crate) struct HandIn {
    pub(crate) attempt: u32,
    pub(crate) storage: Storage,
    pub(crate) inbox: Sender<Message>,
    pub(crate) clock: Clock,
    /// Task ids by position in the plan.
    pub(crate) tasks: Vec<String>,
    /// The attempt has failed: nothing of it is wanted any more.
    pub(crate) given_up: Arc<AtomicBool>,
    pub(crate) writers: Writers,
}

impl HandIn {
    /// A subtask's part in a checkpoint.
    pub(crate) fn hand_in(&self, subtask: &SubtaskShared, whole: Whole) {
        let (attempt, number) = (self.attempt, subtask.number);
        self.tell(Message::HandedIn {
            attempt,
            subtask: number,
        });
        let Whole {
            checkpoint,
            parts,
            times,
        } = whole;
        let (storage, task) = (self.storage.clone(), self.task(subtask));
        let index = subtask.subtask;
        self.write(
            subtask,
            parts,
            times,
            move |parts| {
                let stored = storage.store(checkpoint, &task, index, parts);
                drop(storage);
                stored
            },
            move |written| Message::Stored {
                attempt,
                checkpoint,
                subtask: number,
                written,
            },
        );
    }

    /// What a subtask holds at its end.
    pub(crate) fn hand_in_last(&self, subtask: &SubtaskShared, parts: Parts, times: Times) {
        let (attempt, number) = (self.attempt, subtask.number);
        let (storage, task) = (self.storage.clone(), self.task(subtask));
        let (index, given_up) = (subtask.subtask, Arc::clone(&self.given_up));
        self.write(
            subtask,
            parts,
            times,
            move |parts| storage.store_finished(&task, index, parts, &given_up),
            move |written| Message::Finished {
                attempt,
                subtask: number,
                written,
            },
        );
    }

    fn write(
        &self,
        subtask: &SubtaskShared,
        parts: Parts,
        times: Times,
        store: impl FnOnce(Parts) -> Result<StoredSubtask, StorageError> + Send + 'static,
        message: impl FnOnce(Written) -> Message + Send + 'static,
    ) {
        let (clock, inbox) = (self.clock, self.inbox.clone());
        let mut report = SubtaskCheckpoint::new(subtask, &parts, times);
        let writing = self.writers.begin();
        tokio::task::spawn_blocking(move || {
            let began_ns = clock.now();
            let stored = catch_unwind(AssertUnwindSafe(|| store(parts)))
                .unwrap_or_else(|panic| Err(StorageError::Panic(text_of(&*panic))));
            report.ended_ns = clock.now();
            report.async_ns = report.ended_ns - began_ns;
            let written = stored.map(|stored| {
                report.bytes = stored.bytes;
                report.written_bytes = stored.written_bytes;
                (stored, report)
            });
            // Whoever does not listen any more does not want it.
            let _ = inbox.send(message(written));
            drop(writing);
        });
    }

    fn task(&self, subtask: &SubtaskShared) -> String {
        self.tasks[subtask.task].clone()
    }

    pub(crate) fn tell(&self, message: Message) {
        let _ = self.inbox.send(message);
    }

    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Relaxed);
    }
}
