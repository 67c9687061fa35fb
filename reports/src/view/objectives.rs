//! What was asked of a run, in a sentence.

use crate::format::{NOT_AVAILABLE, duration_ns, or_na, rate};
use crate::record::{Objective, Run};

/// Every objective with what was found; `None` if nothing was asked.
pub(crate) fn objectives(run: &Run) -> Option<String> {
    let slo = run.slo.as_ref()?;
    let each: Vec<String> = slo.objectives.iter().map(described).collect();
    Some(each.join("; "))
}

fn described(objective: &Objective) -> String {
    let (name, comparison, shown): (&str, &str, fn(f64) -> String) = match objective.name.as_str() {
        "p99_ns" => ("response p99", "at most", duration_ns),
        "p999_ns" => ("response p999", "at most", duration_ns),
        "min_throughput_per_s" => ("throughput", "at least", rate),
        // Of a newer version.
        other => (other, "bound", |value| value.to_string()),
    };
    let found = or_na(objective.measured, shown);
    let met = match objective.met {
        Some(true) => "met",
        Some(false) => "missed",
        None if found == NOT_AVAILABLE => "not known, and so not met",
        None => "not judged",
    };
    format!(
        "{name} {found}, {comparison} {}: {met}",
        shown(objective.bound)
    )
}
