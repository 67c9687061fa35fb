//! From the engine's events to the rows of the record: which of them begin and end a fault, and what
//! that fault is called.

use engine::{JobEvent, Plan};
use reports::record::{EventRow, event_kind};

use crate::sampler::milliseconds;

/// An event of a job with this plan.
pub fn event_row(plan: &Plan, event: JobEvent) -> EventRow {
    let task = event.task.map(|task| plan.tasks[task].id.clone());
    let name = task.as_deref().unwrap_or("job");
    let subtask = event.subtask.unwrap_or(0);
    let begin = |name: String| (event_kind::FAULT, name);
    let end = |name: String| (event_kind::FAULT_END, name);
    let (kind, text) = match event.kind {
        "freeze" => begin(format!("freeze {name}")),
        "thaw" => end(format!("freeze {name}")),
        "slow" => begin(format!("slow {name} {subtask}")),
        "slow-end" => end(format!("slow {name} {subtask}")),
        "slow-state" => begin(format!("slow state {name} {subtask}")),
        "slow-state-end" => end(format!("slow state {name} {subtask}")),
        // One disk, whichever subtask's turn it is.
        "throttle-disk" => begin("throttle disk".to_owned()),
        "throttle-disk-end" => end("throttle disk".to_owned()),
        "throttle-network" => begin(format!("throttle network {name}")),
        "throttle-network-end" => end(format!("throttle network {name}")),
        "kill" => (event_kind::KILL, format!("kill {name} {subtask}")),
        "failure" => (event_kind::FAILURE, event.text),
        "restart" => (event_kind::RESTART, event.text),
        "rollback" => (event_kind::ROLLBACK, event.text),
        other => (event_kind::ALERT, format!("{other}: {}", event.text)),
    };
    EventRow {
        t_ms: milliseconds(event.at_ns),
        kind: kind.to_owned(),
        task,
        subtask: event
            .subtask
            .and_then(|subtask| u32::try_from(subtask).ok()),
        attempt: Some(event.attempt),
        text,
    }
}
