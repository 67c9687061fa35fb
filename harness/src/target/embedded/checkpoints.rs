//! From the engine's reports of checkpoints to the rows of the record.

use engine::{CheckpointOutcome as Ended, CheckpointReport, Plan, SubtaskCheckpoint};
use reports::record::{CheckpointOutcome, CheckpointRow, OutcomeRow};

use super::rows::narrow;
use crate::sampler::milliseconds;
use crate::target::CheckpointRows;

/// Adds what has become of a checkpoint of a job with this plan.
pub fn add_rows(plan: &Plan, report: &CheckpointReport, into: &mut CheckpointRows) {
    let (outcome, reason) = match &report.outcome {
        Ended::Complete { is_final: false } => (CheckpointOutcome::Complete, ""),
        Ended::Complete { is_final: true } => (CheckpointOutcome::Final, ""),
        Ended::Failed(reason) => (CheckpointOutcome::Failed, reason.as_str()),
    };
    into.outcomes.push(OutcomeRow {
        t_ms: milliseconds(report.ended_ns),
        checkpoint: report.checkpoint,
        attempt: report.attempt,
        triggered_ms: milliseconds(report.triggered_ns),
        duration_ns: report.ended_ns.saturating_sub(report.triggered_ns),
        outcome,
        reason: reason.to_owned(),
    });
    let rows = report.subtasks.iter();
    into.subtasks
        .extend(rows.map(|subtask| row(plan, report, subtask)));
}

fn row(plan: &Plan, report: &CheckpointReport, subtask: &SubtaskCheckpoint) -> CheckpointRow {
    CheckpointRow {
        t_ms: milliseconds(subtask.ended_ns),
        checkpoint: report.checkpoint,
        task: plan.tasks[subtask.task].id.clone(),
        subtask: narrow(subtask.subtask),
        attempt: report.attempt,
        start_delay_ns: subtask.start_delay_ns,
        alignment_ns: subtask.alignment_ns,
        sync_ns: Some(subtask.sync_ns),
        async_ns: Some(subtask.async_ns),
        bytes: Some(subtask.bytes),
        flush_ns: subtask.flush_ns,
        link_ns: subtask.link_ns,
        written_bytes: Some(subtask.written_bytes),
        in_flight_bytes: Some(subtask.in_flight_bytes),
        unaligned: Some(subtask.unaligned),
    }
}
