//! Before a job's time begins: every [`KeyedProcess`](crate::KeyedProcess) may fill its state, all
//! subtasks side by side.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::data::{Encode, Key};
use crate::deploy::DeployedSubtask;
use crate::key_group::{group_of, subtask_of};
use crate::operator::{OperatorError, SubtaskContext};
use crate::panic_text::text_of;
use crate::plan::DeployError;

/// The preparation of a job, for somebody who waits for it.
#[derive(Clone, Debug, Default)]
pub struct Preparation(Arc<Work>);

#[derive(Debug, Default)]
struct Work {
    done: AtomicU64,
    cancelled: AtomicBool,
}

impl Preparation {
    /// Entries of state that are in place.
    pub fn done(&self) -> u64 {
        self.0.done.load(Relaxed)
    }

    /// The job is not wanted any more: [`Deployed::start`](crate::Deployed::start) ends with
    /// [`DeployError::Cancelled`].
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Relaxed);
    }
}

/// What a process may ask and say while it fills its state.
#[derive(Clone, Debug)]
pub struct PrepareContext {
    subtask: SubtaskContext,
    max_parallelism: usize,
    preparation: Preparation,
}

impl PrepareContext {
    /// The subtask that is prepared.
    pub fn subtask(&self) -> SubtaskContext {
        self.subtask
    }

    /// Whether rows with this key will reach this subtask, and no other.
    pub fn owns<K: Key>(&self, key: &K) -> bool {
        let mut encoded = Vec::new();
        Encode::serialize(key, &mut encoded).expect("memory takes every write");
        let group = group_of(&encoded, self.max_parallelism);
        let owner = subtask_of(group, self.subtask.parallelism, self.max_parallelism);
        owner == self.subtask.index
    }

    /// That many more entries are in place.
    pub fn done(&self, entries: u64) {
        self.preparation.0.done.fetch_add(entries, Relaxed);
    }

    /// Whether the job is not wanted any more: to be asked now and then.
    pub fn cancelled(&self) -> bool {
        self.preparation.0.cancelled.load(Relaxed)
    }
}

/// Prepares all subtasks, `threads` at a time; the first failure ends it.
pub(crate) fn prepare_all(
    subtasks: &mut [DeployedSubtask],
    threads: usize,
    max_parallelism: usize,
    preparation: &Preparation,
) -> Result<(), DeployError> {
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<OperatorError>> = Mutex::new(None);
    let places: Vec<Mutex<&mut DeployedSubtask>> = subtasks.iter_mut().map(Mutex::new).collect();
    let work = || {
        while let Some(place) = places.get(next.fetch_add(1, Relaxed)) {
            let mut subtask = place.lock().unwrap_or_else(PoisonError::into_inner);
            let context = PrepareContext {
                subtask: subtask.context,
                max_parallelism,
                preparation: preparation.clone(),
            };
            let prepare = AssertUnwindSafe(|| subtask.head.prepare(&context));
            let prepared = catch_unwind(prepare)
                .unwrap_or_else(|panic| Err(format!("panic: {}", text_of(&*panic)).into()));
            if let Err(error) = prepared {
                failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
                preparation.cancel();
            }
            if context.cancelled() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(places.len()) {
            scope.spawn(work);
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(DeployError::Prepare(error.to_string())),
        None if preparation.0.cancelled.load(Relaxed) => Err(DeployError::Cancelled),
        None => Ok(()),
    }
}
