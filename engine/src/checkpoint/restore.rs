//! What a job goes on from: which checkpoint, and whether it fits.

use std::path::Path;

use crate::checkpoint::config::RestoreFrom;
use crate::checkpoint::parts::IN_FLIGHT;
use crate::checkpoint::storage::{Chosen, LoadedCheckpoint, Storage, StorageError};
use crate::config::JobConfig;
use crate::graph::Inner;
use crate::head::{INPUT, holds_rows};
use crate::plan::DeployError;
use crate::state::StateBackend;

/// A checkpoint to go on from.
pub(crate) struct Start(Chosen);

impl Start {
    /// Reads what a job is to go on from, if it is to.
    pub(crate) fn choose(
        from: &RestoreFrom,
        storage: Option<&Storage>,
    ) -> Result<Option<Self>, StorageError> {
        let chosen = match (storage, from) {
            (Some(storage), _) => storage.choose(from)?,
            (None, RestoreFrom::Checkpoint(path)) => Some(Chosen::named(path)?),
            (None, RestoreFrom::Nothing | RestoreFrom::Latest) => None,
        };
        Ok(chosen.map(Start))
    }

    pub(crate) fn loaded(&self) -> &LoadedCheckpoint {
        &self.0.loaded
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(crate) fn checkpoint(&self) -> u64 {
        self.0.loaded.head.checkpoint
    }

    /// Job time that all its parts had come to, in nanoseconds: where the job goes on.
    pub(crate) fn at_ns(&self) -> u64 {
        self.0.loaded.head.at_ns
    }

    /// Why newer ones are not used, if there are any.
    pub(crate) fn passed_over(&self) -> Option<String> {
        let passed_over = &self.0.passed_over;
        (!passed_over.0.is_empty()).then(|| passed_over.to_string())
    }

    /// Refuses to go back behind what sinks have said that cannot take it back.
    pub(crate) fn check_sinks(
        &self,
        config: &JobConfig,
        keeps_output: &[String],
    ) -> Result<(), DeployError> {
        let (Some(passed_over), Some(sink)) = (self.passed_over(), keeps_output.first()) else {
            return Ok(());
        };
        if config.allow_rollback {
            return Ok(());
        }
        Err(self.refused(format!(
            "{passed_over}; going back to this one would repeat what sink '{sink}' was given since, which it cannot take back: allow a rollback if that does no harm"
        )))
    }

    fn refused(&self, reason: String) -> DeployError {
        DeployError::Restore {
            checkpoint: self.path().to_owned(),
            reason,
        }
    }
}

/// How a manifest calls where keyed state was kept.
pub(crate) fn backend_name(backend: &StateBackend) -> &'static str {
    match backend {
        StateBackend::Heap => "heap",
        StateBackend::RocksDb(_) => "rocksdb",
    }
}

/// An edge between tasks: the uids of the operators that send and read, and the name under which
/// checkpoints keep what has not been sent.
pub(crate) type Way = (String, String, String);

/// Refuses a checkpoint with rows on a way that is not there any more: nobody would work them off.
fn check_ways(start: &Start, ways: &[Way]) -> Result<(), DeployError> {
    for (uid, parts) in &start.loaded().operators {
        for (name, bytes) in parts.subtasks.iter().flat_map(|subtask| &subtask.parts) {
            let Some(way) = name.strip_prefix(IN_FLIGHT) else {
                continue;
            };
            let (is_there, to) = match name == INPUT {
                true => (
                    !holds_rows(bytes) || ways.iter().any(|way| way.1 == *uid),
                    uid.as_str(),
                ),
                false => {
                    let to = way.rsplit_once('/').map_or(way, |(to, _)| to);
                    (ways.iter().any(|way| way.0 == *uid && way.2 == *name), to)
                }
            };
            if !is_there {
                return Err(start.refused(format!(
                    "it holds rows that were on their way to '{to}', by a way that the job does not have: chaining and the way that rows take have to stay as they were for a checkpoint whose barriers passed rows"
                )));
            }
        }
    }
    Ok(())
}

/// Refuses a checkpoint of another job, or of one with other key groups or state elsewhere. `ways`
/// are all edges between tasks.
pub(crate) fn check_operators(
    graph: &Inner,
    config: &JobConfig,
    start: &Start,
    ways: &[Way],
) -> Result<(), DeployError> {
    let head = &start.loaded().head;
    let (groups, backend) = (config.max_parallelism, backend_name(&config.state_backend));
    if head.max_parallelism != groups {
        let old = head.max_parallelism;
        return Err(start.refused(format!(
            "its keys are in {old} groups, the job's in {groups}: the maximum parallelism has to stay"
        )));
    }
    if head.backend != backend {
        let old = &head.backend;
        return Err(start.refused(format!(
            "its state is of the backend {old}, the job's is {backend}"
        )));
    }
    check_ways(start, ways)?;
    let known = |uid: &str| graph.operators.iter().any(|operator| operator.uid == uid);
    match start.loaded().operators.keys().find(|uid| !known(uid)) {
        Some(uid) => Err(start.refused(format!(
            "it has state of an operator '{uid}', the job has none of that uid"
        ))),
        None => Ok(()),
    }
}
