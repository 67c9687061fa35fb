//! Searches and sweeps in words and formatted tables, the same for the terminal and the page.

use super::Headline;
use super::tables::{Cell, Table};
use crate::format::{duration_ns, or_na, rate, share};
use crate::record::{Heading, ProbeRow, SearchRecord, SweepRecord, SweepRow, Verdict};
use crate::search::{Capacity, Stop};

/// Which search or sweep this is.
pub(crate) fn answer_subject(heading: &Heading) -> String {
    let target = heading.target.as_ref();
    let target = target.map(|it| format!("{} {}", it.kind, it.version));
    let parts = [
        Some(heading.name.clone()),
        Some(heading.command.clone()),
        target,
        Some(heading.started_at.clone()),
    ];
    let known = parts.into_iter().flatten().filter(|it| !it.is_empty());
    known.collect::<Vec<_>>().join(" · ")
}

/// What the verdict of a search means, and what to do about it.
pub(crate) fn search_meaning(record: &SearchRecord) -> String {
    if let Some(failure) = &record.heading.failure {
        return format!("the search could not go on: {failure}");
    }
    let stop = record.answer.as_ref().map(|it| it.stop);
    let text = match (record.heading.verdict, stop) {
        (Verdict::Steady, _) => "the interval is as narrow as was asked for",
        (Verdict::Noisy, _) => {
            "noise keeps the interval this wide, and another probe would hardly narrow it: quieten the machine, or measure longer"
        }
        (Verdict::GeneratorLimited, _) => {
            "the highest load that the harness can offer is held: the capacity is at least that"
        }
        (Verdict::Insufficient, _) => {
            "all probes are spent, and the interval is wider than was asked for: allow more probes, or measure longer"
        }
        _ => "the search has not ended: go on with the same command and --out",
    };
    text.to_owned()
}

/// What the verdict of a sweep means.
pub(crate) fn sweep_meaning(record: &SweepRecord) -> String {
    if let Some(failure) = &record.heading.failure {
        return format!("the sweep could not go on: {failure}");
    }
    let text = match record.heading.verdict {
        Verdict::Steady => "every load up to 0.9 of the capacity was held",
        Verdict::Overloaded => {
            "a load of at most 0.9 of the capacity was not held: the capacity is less than was said"
        }
        Verdict::Insufficient => {
            "of a load of at most 0.9 of the capacity it cannot be told whether it was held: measure longer"
        }
        _ => "the sweep has not ended: go on with the same command and --out",
    };
    text.to_owned()
}

/// The estimate, and what was seen.
pub(crate) fn search_headlines(record: &SearchRecord) -> [Headline; 3] {
    let answer = record.answer.as_ref();
    let capacity = answer.and_then(|it| it.capacity);
    let bounds = answer.map(|it| it.bounds).unwrap_or_default();
    let headline = |label, value: Option<f64>, detail: &str| Headline {
        label,
        value: or_na(value, rate),
        detail: detail.to_owned(),
    };
    [
        Headline {
            label: "sustainable throughput",
            value: or_na(capacity.map(|it| it.median_per_s), rate),
            detail: capacity.map_or_else(
                || "it takes a load that is held and one that is not".to_owned(),
                interval,
            ),
        },
        headline(
            "held",
            bounds.held_per_s,
            "the highest load that was seen to be held, below all that were not",
        ),
        headline(
            "not held",
            bounds.failed_per_s,
            "the lowest load at which the backlog grew",
        ),
    ]
}

/// The knee, and the largest overload.
pub(crate) fn sweep_headlines(record: &SweepRecord) -> [Headline; 3] {
    let capacity = record.capacity;
    let knee = record.knee.as_ref();
    let most = record.overload.last();
    [
        Headline {
            label: "capacity",
            value: rate(capacity.median_per_s),
            detail: match record.is_given {
                true => "as given; its interval is not known".to_owned(),
                false => interval(capacity),
            },
        },
        Headline {
            label: "knee",
            value: or_na(knee, |it| format!("{:.2}", it.load)),
            detail: knee.map_or_else(
                || "p99 of the response time does not bend upwards below the capacity".to_owned(),
                |it| format!("of the capacity; p99 is {} there", duration_ns(it.latency)),
            ),
        },
        Headline {
            label: "goodput",
            value: or_na(most.and_then(|it| it.completed), share),
            detail: most.and_then(|it| it.load).map_or_else(
                || "no load above the capacity was measured".to_owned(),
                |load| format!("of the capacity, at {load:.1} times of it"),
            ),
        },
    ]
}

fn interval(capacity: Capacity) -> String {
    format!(
        "95 % interval {} to {}, {} wide",
        rate(capacity.lower_per_s),
        rate(capacity.upper_per_s),
        share(capacity.width())
    )
}

/// How a search ended and began: a label and a sentence each.
pub(crate) fn search_sentences(record: &SearchRecord) -> Vec<(&'static str, String)> {
    let start = record.start.as_ref();
    let began = start.map(|start| {
        let at = rate(start.plan.start_per_s);
        match (start.throughput_per_s, &start.run) {
            (Some(per_s), Some(run)) => format!(
                "at {at}: a closed loop gave {} (run {run}), with the busiest subtask busy {} of its time",
                rate(per_s),
                or_na(start.busiest, share)
            ),
            _ => format!("at {at}, the scenario's own rate"),
        }
    });
    let began = began.map(|text| ("began", text));
    began
        .into_iter()
        .chain([("ended", ending(record))])
        .collect()
}

/// Why a search ended.
fn ending(record: &SearchRecord) -> String {
    let Some(answer) = &record.answer else {
        return "before its first probe".to_owned();
    };
    let why = match answer.stop {
        Stop::Narrow => "the interval is as narrow as asked for",
        Stop::Noise => "another probe would hardly narrow the interval",
        Stop::Spent => "no probes are left",
        Stop::Ceiling => "the highest load that can be offered is held",
        Stop::Unfinished => "it can go on",
    };
    let probes = match answer.probes {
        1 => "1 probe".to_owned(),
        more => format!("{more} probes"),
    };
    format!("after {probes}: {why}")
}

/// The notes of the search itself and of its answer.
pub(crate) fn search_notes(record: &SearchRecord) -> Vec<String> {
    let of_answer = record.answer.iter().flat_map(|it| &it.notes);
    record
        .heading
        .notes
        .iter()
        .chain(of_answer)
        .cloned()
        .collect()
}

/// Every probe. The last column is the folder of its run.
pub(crate) fn probe_table(rows: &[ProbeRow]) -> Table {
    let shown = rows.iter().map(|row| {
        let slope = row.backlog_slope_lower.zip(row.backlog_slope_upper);
        let capacity = row.capacity_lower_per_s.zip(row.capacity_upper_per_s);
        vec![
            Cell::text(row.probe.to_string()),
            Cell::number(Some(row.rate_per_s), rate),
            duration(row.duration_ms),
            Cell::text(row.outcome.as_str()),
            Cell::number(row.completed_per_s, rate),
            Cell::text(or_na(slope, |(low, high)| {
                format!("{:.1} to {:.1} %", low * 100.0, high * 100.0)
            })),
            percentile(row.response_p99_ns),
            Cell::text(or_na(row.verdict, |it| it.to_string())),
            Cell::text(or_na(capacity, |(low, high)| {
                format!("{} to {}", rate(low), rate(high))
            })),
            Cell::text(or_na(row.run.clone(), |run| run)),
        ]
    });
    Table {
        title: "probes",
        header: vec![
            "probe",
            "load",
            "measured",
            "outcome",
            "completed",
            "backlog grows by",
            "response p99",
            "run's verdict",
            "95 % interval after it",
            "run",
        ],
        rows: shown.collect(),
    }
}

/// Every load. The last column is the folder of its run.
pub(crate) fn load_table(rows: &[SweepRow]) -> Table {
    let shown = rows.iter().map(|row| {
        vec![
            Cell::number(Some(row.load), |load| format!("{load:.2}")),
            Cell::number(Some(row.rate_per_s), rate),
            duration(row.duration_ms),
            Cell::text(row.outcome.as_str()),
            Cell::share(row.completed),
            Cell::share(row.within_objective),
            percentile(row.response_p50_ns),
            percentile(row.response_p90_ns),
            percentile(row.response_p99_ns),
            percentile(row.response_p999_ns),
            Cell::text(or_na(row.verdict, |it| it.to_string())),
            Cell::text(or_na(row.run.clone(), |run| run)),
        ]
    });
    Table {
        title: "loads",
        header: vec![
            "load",
            "rate",
            "measured",
            "outcome",
            "completed",
            "within objective",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "run's verdict",
            "run",
        ],
        rows: shown.collect(),
    }
}

/// How the job behaves above its capacity, and after the scenario's freeze: a label and a sentence each.
pub(crate) fn scores(record: &SweepRecord) -> Vec<(&'static str, String)> {
    let overload = record.overload.iter().map(|it| {
        let within = match (record.objective_ns, it.within_objective) {
            (Some(objective_ns), Some(within)) => format!(
                ", {} within {}",
                share(within),
                duration_ns(objective_ns as f64)
            ),
            _ => String::new(),
        };
        let load = or_na(it.load, |load| format!("{load:.2}"));
        let text = format!(
            "at {load} times the capacity {} of it are done{within}",
            or_na(it.completed, share)
        );
        ("overload", text)
    });
    overload.chain(freeze(record)).collect()
}

fn freeze(record: &SweepRecord) -> Option<(&'static str, String)> {
    let freeze = record.freeze.as_ref()?;
    let drained = match &freeze.drain {
        None => "the freeze is not seen in the record".to_owned(),
        Some(drain) => format!(
            "{} records waited at the end of the freeze, and were worked off in {}; the capacity allows {}, a score of {}",
            crate::format::count(drain.backlog),
            or_na(drain.measured_s, |s| duration_ns(s * 1e9)),
            or_na(drain.expected_s, |s| duration_ns(s * 1e9)),
            or_na(freeze.score, |score| format!("{score:.2}")),
        ),
    };
    let above = freeze.violation.as_ref().map(|it| {
        format!(
            "; p99 was above the objective for {}, with an area of {:.3} s²",
            duration_ns(it.above_s * 1e9),
            it.area_s2
        )
    });
    let text = format!(
        "at {}: {drained}{} (run {}: {})",
        rate(freeze.rate_per_s),
        above.unwrap_or_default(),
        freeze.run,
        freeze.verdict
    );
    Some(("freeze", text))
}

fn duration(ms: u64) -> Cell {
    Cell::duration(Some(ms as f64 * 1e6))
}

fn percentile(ns: Option<u64>) -> Cell {
    Cell::duration(ns.map(|ns| ns as f64))
}
