//! How checkpoints went and how the job came back after failures, in sentences. Nothing of a job that takes no
//! checkpoints and never failed.

use super::{milliseconds, plural};
use crate::format::{bytes, count, duration_ms, or_na};
use crate::record::{Checkpoints, Recovery, Run};

/// Label and sentence each.
pub(crate) fn checkpoints(run: &Run) -> Vec<(&'static str, String)> {
    let checkpoints = run.checkpoints.as_ref();
    let taken = checkpoints.map(|it| ("checkpoints", taken(it)));
    let time = checkpoints.and_then(time).map(|time| ("their time", time));
    let recovery = recovery(run).map(|sentence| ("recovery", sentence));
    let restored = run.restored_from.as_ref();
    let restored = restored.map(|path| ("restored", format!("from {path}")));
    [restored, taken, time, recovery]
        .into_iter()
        .flatten()
        .collect()
}

fn taken(it: &Checkpoints) -> String {
    let failed = match it.failed {
        0 => String::new(),
        failed => format!(", {} failed", count(failed)),
    };
    let unaligned = match it.unaligned {
        0 => String::new(),
        unaligned => format!(", {} unaligned", count(unaligned)),
    };
    let how_many = format!("{} complete{unaligned}{failed}", count(it.completed));
    let (Some(median), Some(longest)) = (it.duration_ms.p50, it.duration_ms.max) else {
        return how_many;
    };
    let size = [
        it.bytes.map(|it| format!("; {}", bytes(it as f64))),
        it.written_bytes
            .map(|it| format!(", {} of it written", bytes(it as f64))),
    ];
    let [size, written] = size.map(Option::unwrap_or_default);
    format!(
        "{how_many}; median {}, longest {}{size}{written}",
        duration_ms(median),
        duration_ms(longest),
    )
}

/// Of the subtask that was finished last.
fn time(it: &Checkpoints) -> Option<String> {
    let it = it.parts_ms;
    it.sync?;
    let in_sync = [("flush", it.flush), ("link", it.link)];
    let in_sync = in_sync.map(|(name, ms)| Some(format!("{name} {}", duration_ms(ms?))));
    let in_sync: Vec<String> = in_sync.into_iter().flatten().collect();
    let in_sync = match in_sync.is_empty() {
        true => String::new(),
        false => format!(" ({})", in_sync.join(", ")),
    };
    let [start_delay, alignment, sync, asynchronous] =
        [it.start_delay, it.alignment, it.sync, it.asynchronous].map(|ms| or_na(ms, duration_ms));
    Some(format!(
        "start delay {start_delay}, alignment {alignment}, sync {sync}{in_sync}, async {asynchronous}, where it took longest"
    ))
}

/// Of the failure that took longest to get over, if there are several.
fn recovery(run: &Run) -> Option<String> {
    let longest = run.recoveries.iter().max_by_key(|it| over_after_ms(it))?;
    let restored = match longest.restored_checkpoint {
        Some(checkpoint) => format!("from checkpoint {checkpoint}"),
        None => "from the beginning".to_owned(),
    };
    let down_ms = longest.restarted_at_ms.saturating_sub(longest.failed_at_ms);
    let behind = match longest.caught_up_at_ms {
        Some(at_ms) => format!(
            "caught up {} later",
            milliseconds(at_ms.saturating_sub(longest.restarted_at_ms))
        ),
        None if run.summary.offered_per_s.is_none() => {
            "without a schedule there is nothing to catch up with".to_owned()
        }
        None => "not caught up before the end".to_owned(),
    };
    let several = match run.recoveries.len() {
        1 => String::new(),
        failures => format!("{}, the slowest: ", plural(failures as u64, "failure")),
    };
    Some(format!(
        "{several}{} at {}: down for {} and restored {restored}, {behind}; {} replayed",
        longest.cause,
        milliseconds(longest.failed_at_ms),
        milliseconds(down_ms),
        plural(run.records_replayed, "record")
    ))
}

/// What was never caught up took longest.
fn over_after_ms(recovery: &Recovery) -> u64 {
    let over = recovery.caught_up_at_ms.unwrap_or(u64::MAX);
    over.saturating_sub(recovery.failed_at_ms)
}
