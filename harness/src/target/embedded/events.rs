//! From the engine's events to the rows of the record: which of them begin and end a fault, and what
//! that fault is called.

use engine::{JobEvent, Plan};
use reports::record::{EventRow, event_kind};

use crate::sampler::milliseconds;

/// An event of a job with this plan.
pub fn event_row(plan: &Plan, event: JobEvent) -> EventRow {
    let task = &plan.tasks[event.task].id;
    let subtask = event.subtask;
    let begin = |name: String| (event_kind::FAULT, name);
    let end = |name: String| (event_kind::FAULT_END, name);
    let (kind, text) = match event.kind {
        "freeze" => begin(format!("freeze {task}")),
        "thaw" => end(format!("freeze {task}")),
        "slow" => begin(format!("slow {task} {subtask}")),
        "slow-end" => end(format!("slow {task} {subtask}")),
        "slow-state" => begin(format!("slow state {task} {subtask}")),
        "slow-state-end" => end(format!("slow state {task} {subtask}")),
        // One disk, whichever subtask's turn it is.
        "throttle-disk" => begin("throttle disk".to_owned()),
        "throttle-disk-end" => end("throttle disk".to_owned()),
        "failure" => (event_kind::EXCEPTION, event.text),
        other => (event_kind::ALERT, format!("{other}: {}", event.text)),
    };
    EventRow {
        t_ms: milliseconds(event.at_ns),
        kind: kind.to_owned(),
        task: Some(task.clone()),
        subtask: u32::try_from(subtask).ok(),
        attempt: Some(0),
        text,
    }
}
