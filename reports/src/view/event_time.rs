//! What a run did in event time, in a sentence or two.

use crate::format::{count, duration_ms, or_na, share};
use crate::record::{Fired, Operator, Run};

/// Label and sentence: late records, and what windows and watermarks did. Empty for a run without
/// event time.
pub(crate) fn event_time(run: &Run) -> Vec<(&'static str, String)> {
    let windows = [fired(&run.operators), lag(&run.operators)];
    let windows: Vec<String> = windows.into_iter().flatten().collect();
    let windows = (!windows.is_empty()).then(|| ("event time", windows.join("; ")));
    let late = late(run).map(|late| ("late", late));
    late.into_iter().chain(windows).collect()
}

/// How many records were late, and where they went.
fn late(run: &Run) -> Option<String> {
    let late = run.summary.late;
    if late.dropped.is_none() && late.side_output.is_none() {
        return None;
    }
    let (dropped, side_output) = (late.dropped.unwrap_or(0), late.side_output.unwrap_or(0));
    let all = dropped.saturating_add(side_output);
    if all == 0 {
        return Some("no record was too late for its windows".to_owned());
    }
    let records_in = run.summary.records_in.filter(|&records| records > 0);
    let of_records = records_in.map(|records| all as f64 / records as f64);
    let where_to = match (dropped, side_output) {
        (_, 0) => "dropped".to_owned(),
        (0, _) => "to the side output".to_owned(),
        _ => format!(
            "{} dropped, {} to the side output",
            count(dropped),
            count(side_output)
        ),
    };
    let verb = if all == 1 {
        "record was"
    } else {
        "records were"
    };
    Some(format!(
        "{} {verb} too late for all windows, {} of those admitted: {where_to}",
        count(all),
        or_na(of_records, share)
    ))
}

/// How many results windows gave, by kind.
fn fired(operators: &[Operator]) -> Option<String> {
    let operators = operators.iter().filter_map(|operator| operator.event_time);
    let sum = |kind: fn(Fired) -> Option<u64>| {
        let counts = operators.clone().filter_map(|it| kind(it.fired));
        counts.fold(None, |sum: Option<u64>, more| {
            Some(sum.unwrap_or(0).saturating_add(more))
        })
    };
    let (early, on_time, late) = (sum(|it| it.early), sum(|it| it.on_time), sum(|it| it.late));
    on_time.or(early).or(late)?;
    if on_time == Some(0) && [early, late].iter().all(|it| it.unwrap_or(0) == 0) {
        return Some("no window was completed by a watermark".to_owned());
    }
    let [early, on_time, late] = [early, on_time, late].map(|firings| or_na(firings, count));
    Some(format!(
        "windows fired {on_time} times on time, {early} early, {late} as refinements"
    ))
}

/// How far event time is behind where it leaves the job.
fn lag(operators: &[Operator]) -> Option<String> {
    operators.iter().rev().find_map(|operator| {
        let lag = operator.event_time?.watermark_lag_ms;
        let (mean, max) = (lag.mean?, lag.max?);
        Some(format!(
            "the watermark at {} lagged {} on average, {} at most",
            operator.name,
            duration_ms(mean),
            duration_ms(max as f64)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Activity, EventTime, WatermarkLag};

    fn operator(name: &str, fired: Fired, lag: WatermarkLag) -> Operator {
        Operator {
            id: name.to_owned(),
            name: name.to_owned(),
            members: Vec::new(),
            parallelism: 1,
            activity: Activity::default(),
            skew_factor: None,
            event_time: Some(EventTime {
                fired,
                watermark_lag_ms: lag,
                ..EventTime::default()
            }),
            state_backend: None,
            top_keys: Vec::new(),
            subtasks: Vec::new(),
        }
    }

    #[test]
    fn windows_that_wait_for_a_watermark_are_said_to_wait() {
        let silent = Fired {
            early: Some(0),
            on_time: Some(0),
            late: Some(0),
        };
        let speaking = Fired {
            early: Some(3),
            ..silent
        };
        let waiting = [operator("sum", silent, WatermarkLag::default())];
        let early = [operator("sum", speaking, WatermarkLag::default())];
        assert_eq!(
            fired(&waiting).unwrap(),
            "no window was completed by a watermark"
        );
        assert_eq!(
            fired(&early).unwrap(),
            "windows fired 0 times on time, 3 early, 0 as refinements"
        );
        assert_eq!(lag(&waiting), None);
    }

    #[test]
    fn event_time_is_that_of_the_last_operator_that_knows_it() {
        let lags = |mean, max| WatermarkLag { mean, max };
        let job = [
            operator("source", Fired::default(), lags(Some(500.0), Some(600))),
            operator("sum", Fired::default(), lags(Some(750.0), Some(90_000))),
            operator("sink", Fired::default(), WatermarkLag::default()),
        ];
        assert_eq!(
            lag(&job).unwrap(),
            "the watermark at sum lagged 750 ms on average, 90.0 s at most"
        );
        assert_eq!(fired(&job), None);
    }
}
