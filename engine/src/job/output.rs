//! Output that becomes visible when a checkpoint is complete.

use std::sync::Arc;

use super::supervisor::Telling;
use crate::checkpoint::restore::Start;
use crate::checkpoint::storage::Storage;
use crate::graph::JobGraph;
use crate::operator::{Committer, OperatorError};
use crate::plan::DeployError;

/// The committers of a job, by the uid of their sink.
pub(super) struct Outputs(Vec<(String, Arc<dyn Committer>)>);

impl Outputs {
    /// Of a job that keeps its checkpoints in `storage`.
    pub(super) fn of(graph: &JobGraph, storage: Option<&Storage>) -> Result<Self, DeployError> {
        let committers = graph.committers();
        match (committers.first(), storage) {
            (Some((uid, _)), None) => Err(DeployError::NeedsCheckpoints(uid.clone())),
            _ => Ok(Outputs(committers)),
        }
    }

    /// Makes the output of a complete checkpoint visible; `pending` is all its transactions.
    pub(super) fn commit(
        &self,
        checkpoint: u64,
        pending: &[(String, Vec<u8>)],
    ) -> Result<(), OperatorError> {
        for (uid, committer) in &self.0 {
            let own = transactions_of(uid, pending);
            if !own.is_empty() {
                committer.commit(checkpoint, &own)?;
            }
        }
        Ok(())
    }

    /// The job goes on from a checkpoint, in this attempt and at this time: its output becomes visible if it is not yet, and what later
    /// ones made visible goes.
    pub(super) fn go_back(
        &self,
        start: &Start,
        storage: Option<&Storage>,
        telling: &Telling,
        (attempt, now_ns): (u32, u64),
    ) -> Result<(), DeployError> {
        let checkpoint = start.checkpoint();
        let refused = |error: OperatorError| DeployError::Restore {
            checkpoint: start.path().to_owned(),
            reason: format!("its output: {error}"),
        };
        if let Some(passed_over) = start.passed_over() {
            telling.event("rollback", now_ns, attempt, passed_over);
        }
        if let Some(storage) = storage {
            // Before their output goes: else one could be gone on from that lacks it.
            storage.abandon_newer(Some(checkpoint))?;
        }
        let pending = &start.loaded().pending_output;
        self.commit(checkpoint, pending).map_err(refused)?;
        for (uid, committer) in &self.0 {
            let kept = transactions_of(uid, pending);
            let removed = committer.roll_back(Some(checkpoint), &kept);
            if let Some(removed) = removed.map_err(refused)? {
                telling.event("rollback", now_ns, attempt, format!("{uid}: {removed}"));
            }
        }
        Ok(())
    }

    /// The job begins anew: nothing has become visible, since no checkpoint was complete.
    pub(super) fn go_back_to_the_beginning(&self) -> Result<(), DeployError> {
        for (uid, committer) in &self.0 {
            let removed = committer.roll_back(None, &[]);
            removed.map_err(|error| DeployError::Prepare(format!("output of {uid}: {error}")))?;
        }
        Ok(())
    }
}

fn transactions_of(uid: &str, pending: &[(String, Vec<u8>)]) -> Vec<Vec<u8>> {
    let own = pending.iter().filter(|(operator, _)| operator == uid);
    own.map(|(_, transaction)| transaction.clone()).collect()
}
