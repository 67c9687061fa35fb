//! The rows of `checkpoints.csv` and `checkpoint_outcomes.csv`: what each subtask did for a checkpoint, and
//! what became of the checkpoint as a whole.

use super::table::{Cell, Table, row};

row! {
    /// One subtask's part in one checkpoint.
    CheckpointRow in Table::Checkpoints;
    /// Job time at which the subtask's part was complete, milliseconds.
    t_ms: u64,
    /// Checkpoint id.
    checkpoint: u64,
    /// The task's id, as in `graph.json`.
    task: String,
    /// Index of the subtask, from 0.
    subtask: u32,
    /// Attempt of the subtask.
    attempt: u32,
    /// From the barrier's creation to its arrival here, nanoseconds.
    start_delay_ns: Option<u64>,
    /// From the first to the last barrier, nanoseconds.
    alignment_ns: Option<u64>,
    /// Synchronous part of the snapshot, in which the subtask processes nothing, nanoseconds.
    sync_ns: Option<u64>,
    /// Asynchronous part of the snapshot, nanoseconds.
    async_ns: Option<u64>,
    /// Bytes that the subtask's part stands for, whether they had to be written or not.
    bytes: Option<u64>,
    /// Of the synchronous part: writing what a database has in memory to its files, nanoseconds. `None`
    /// without a database.
    flush_ns: Option<u64>,
    /// Of the synchronous part: linking a database's files, nanoseconds.
    link_ns: Option<u64>,
    /// Bytes written for this checkpoint: without what an earlier one had already.
    written_bytes: Option<u64>,
    /// Of `bytes`: rows that barriers overtook.
    in_flight_bytes: Option<u64>,
    /// Whether barriers overtook rows here.
    unaligned: Option<bool>,
}

row! {
    /// What became of one checkpoint.
    OutcomeRow in Table::Outcomes;
    /// Job time at which that was certain, milliseconds.
    t_ms: u64,
    /// Checkpoint id.
    checkpoint: u64,
    /// Attempt of the job.
    attempt: u32,
    /// Job time at which it was triggered, milliseconds.
    triggered_ms: u64,
    /// From then until it was certain, nanoseconds.
    duration_ns: u64,
    /// What became of it.
    outcome: CheckpointOutcome,
    /// Why it failed; empty if it did not.
    reason: String,
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckpointOutcome {
    /// Everything is written, and the job can go on from it.
    #[default]
    Complete,
    /// The same, after all input had ended.
    Final,
    /// It was given up.
    Failed,
}

impl CheckpointOutcome {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckpointOutcome::Complete => "complete",
            CheckpointOutcome::Final => "final",
            CheckpointOutcome::Failed => "failed",
        }
    }
}

impl Cell for CheckpointOutcome {
    fn write(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(self.as_str().as_bytes());
    }

    fn read(cell: &[u8]) -> Option<Self> {
        let all = [
            CheckpointOutcome::Complete,
            CheckpointOutcome::Final,
            CheckpointOutcome::Failed,
        ];
        all.into_iter().find(|it| it.as_str().as_bytes() == cell)
    }
}

/// What the event of a restored job says: the checkpoint from which it goes on, if it was one.
pub fn restored_text(checkpoint: Option<u64>) -> String {
    match checkpoint {
        Some(checkpoint) => format!("{RESTORED}{checkpoint}"),
        None => "from the beginning".to_owned(),
    }
}

const RESTORED: &str = "from checkpoint ";

/// The checkpoint that such a text names, or that of a restart.
pub(crate) fn restored_checkpoint(text: &str) -> Option<u64> {
    let (_, number) = text.split_once(RESTORED)?;
    number.split([' ', ',', ':']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkpoint_of_a_restored_job_is_read_from_what_is_written() {
        for checkpoint in [None, Some(1), Some(u64::MAX)] {
            assert_eq!(restored_checkpoint(&restored_text(checkpoint)), checkpoint);
        }
        let restart = format!("attempt 1 goes on {}: 9 is damaged", restored_text(Some(8)));
        assert_eq!(restored_checkpoint(&restart), Some(8));
    }
}
