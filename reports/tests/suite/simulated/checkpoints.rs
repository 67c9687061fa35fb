//! Checkpoints of the made-up run, all by hand: one per second, the one that meets the freeze given up; and a
//! failure after which the job is down for a while.

use reports::record::{
    CheckpointOutcome, CheckpointRow, EventRow, OutcomeRow, Writer, event_kind, restored_text,
};

use super::{Simulation, TASKS};

/// Between triggers.
const INTERVAL_MS: u64 = 1_000;
const FULL_BYTES: u64 = 40 << 20;
/// The attempt that fails, and the next.
pub const FAILED_MS: u64 = 13_000;
pub const RESTARTED_MS: u64 = 14_500;

impl Simulation {
    /// Whether the job is down.
    pub(super) fn is_down(&self, t_ms: u64) -> bool {
        self.has_checkpoints && t_ms > FAILED_MS && t_ms <= RESTARTED_MS
    }

    pub(super) fn attempt(&self, t_ms: u64) -> u32 {
        u32::from(self.has_checkpoints && t_ms > RESTARTED_MS)
    }

    pub(super) fn write_checkpoints(&self, writer: &mut Writer) {
        if !self.has_checkpoints {
            return;
        }
        for checkpoint in 1..self.length_ms / INTERVAL_MS {
            let triggered_ms = checkpoint * INTERVAL_MS;
            if !(FAILED_MS..RESTARTED_MS).contains(&triggered_ms) {
                self.write_checkpoint(writer, checkpoint, triggered_ms);
            }
        }
        let event = |t_ms, kind: &str, text: String| EventRow {
            t_ms,
            kind: kind.to_owned(),
            task: Some("sum".to_owned()),
            subtask: Some(0),
            attempt: Some(self.attempt(t_ms)),
            text,
        };
        for row in [
            event(FAILED_MS, event_kind::KILL, String::new()),
            event(FAILED_MS, event_kind::FAILURE, "killed".to_owned()),
            event(RESTARTED_MS, event_kind::RESTART, restored_text(Some(12))),
        ] {
            writer.append(&row).unwrap();
        }
    }

    fn write_checkpoint(&self, writer: &mut Writer, checkpoint: u64, triggered_ms: u64) {
        let is_failed = self.is_frozen(triggered_ms + 1);
        let duration_ms = if is_failed { 900 } else { 150 + checkpoint * 5 };
        let outcome = OutcomeRow {
            t_ms: triggered_ms + duration_ms,
            checkpoint,
            attempt: self.attempt(triggered_ms),
            triggered_ms,
            duration_ns: duration_ms * 1_000_000,
            outcome: if is_failed {
                CheckpointOutcome::Failed
            } else {
                CheckpointOutcome::Complete
            },
            reason: if is_failed { "timed out" } else { "" }.to_owned(),
        };
        writer.append(&outcome).unwrap();
        for (at, &task) in TASKS.iter().enumerate().filter(|_| !is_failed) {
            for subtask in 0..self.parallelism[at] {
                let depth = at as u64;
                let holds = u64::from(task == "sum");
                let row = CheckpointRow {
                    t_ms: triggered_ms + 10 * depth + holds * 100,
                    checkpoint,
                    task: task.to_owned(),
                    subtask,
                    attempt: self.attempt(triggered_ms),
                    start_delay_ns: Some(depth * 10_000_000),
                    alignment_ns: (at > 0).then_some(holds * (20 + checkpoint) * 1_000_000),
                    sync_ns: Some(1_000_000 + holds * 14_000_000),
                    flush_ns: (holds > 0).then_some(8_000_000),
                    link_ns: (holds > 0).then_some(2_000_000),
                    async_ns: Some(2_000_000 + holds * 60_000_000),
                    bytes: Some(1_000 + holds * FULL_BYTES),
                    written_bytes: Some(1_000 + holds * FULL_BYTES / (1 + checkpoint)),
                    in_flight_bytes: Some(holds * (1 << 20)),
                    unaligned: Some(holds > 0 && checkpoint > 15),
                };
                writer.append(&row).unwrap();
            }
        }
    }
}
