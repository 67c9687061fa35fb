//! Tables of formatted cells that still know their values, so that a page can sort them.

use serde::Serialize;

use super::measured;
use crate::format::{bytes, count, duration_ns, or_na, rate, share};
use crate::record::{Activity, Distribution, Run};

/// More subtasks than this are not listed; `run.json` has them all.
const MAX_SUBTASKS: usize = 512;

/// A table; the first column names the row.
#[derive(Serialize)]
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) header: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// One cell as people read it, and what it is sorted by if that is a number.
#[derive(Clone, Serialize)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) value: Option<f64>,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Cell {
        Cell {
            text: text.into(),
            value: None,
        }
    }

    pub(super) fn number(value: Option<f64>, format: impl FnOnce(f64) -> String) -> Cell {
        Cell {
            text: or_na(value, format),
            value,
        }
    }

    pub(super) fn count(value: Option<u64>) -> Cell {
        Cell {
            text: or_na(value, count),
            value: value.map(|value| value as f64),
        }
    }

    pub(super) fn share(value: Option<f64>) -> Cell {
        Cell::number(value, share)
    }

    pub(super) fn bytes(value: Option<f64>) -> Cell {
        Cell::number(value, bytes)
    }

    pub(super) fn duration(ns: Option<f64>) -> Cell {
        Cell::number(ns, duration_ns)
    }
}

/// Percentiles of every series.
pub(crate) fn latency_table(run: &Run) -> Table {
    let latency = &run.summary.latency_ns;
    let series = [
        ("response", &latency.response),
        ("service", &latency.service),
        ("schedule lag", &latency.schedule_lag),
        ("engine lag", &latency.engine_lag),
        ("own lag", &latency.own_lag),
    ];
    let row = |(name, distribution): (&str, &Option<Distribution>)| {
        let it = distribution.as_ref();
        let at = |value: fn(&Distribution) -> Option<u64>| {
            Cell::duration(it.and_then(value).map(|ns| ns as f64))
        };
        vec![
            Cell::text(name),
            at(|it| it.p50),
            at(|it| it.p90),
            at(|it| it.p99),
            at(|it| it.p999),
            at(|it| it.max),
            Cell::duration(it.and_then(|it| it.mean)),
            Cell::count(it.map(|it| it.count)),
        ]
    };
    Table {
        title: "latency",
        header: vec![
            "series", "p50", "p90", "p99", "p99.9", "max", "mean", "samples",
        ],
        rows: series.map(row).to_vec(),
    }
}

/// Shares of time of every operator.
pub(crate) fn operator_table(run: &Run) -> Table {
    let mut header = vec!["operator", "subtasks", "skew"];
    header.extend(ACTIVITY_HEADER);
    let rows = run.operators.iter().map(|operator| {
        let mut row = vec![
            Cell::text(&operator.name),
            Cell::count(Some(u64::from(operator.parallelism))),
            Cell::number(operator.skew_factor, |skew| format!("{skew:.2}")),
        ];
        row.extend(activity(&operator.activity));
        row
    });
    Table {
        title: "operators",
        header,
        rows: rows.collect(),
    }
}

/// The same of every subtask.
pub(crate) fn subtask_table(run: &Run) -> Table {
    let mut header = vec!["operator", "subtask"];
    header.extend(ACTIVITY_HEADER);
    let subtasks = run.operators.iter().flat_map(|operator| {
        let subtasks = operator.subtasks.iter();
        subtasks.map(move |subtask| (operator, subtask))
    });
    let rows = subtasks.take(MAX_SUBTASKS).map(|(operator, subtask)| {
        let mut row = vec![
            Cell::text(&operator.name),
            Cell::count(Some(u64::from(subtask.subtask))),
        ];
        row.extend(activity(&subtask.activity));
        row
    });
    Table {
        title: "subtasks",
        header,
        rows: rows.collect(),
    }
}

const ACTIVITY_HEADER: [&str; 11] = [
    "records in",
    "records out",
    "busy",
    "backpr.",
    "idle",
    "on cpu",
    "state",
    "blocked",
    "starved",
    "in queue",
    "out queue",
];

fn activity(activity: &Activity) -> [Cell; 11] {
    [
        Cell::count(activity.records_in),
        Cell::count(activity.records_out),
        Cell::share(activity.busy),
        Cell::share(activity.backpressured),
        Cell::share(activity.idle),
        Cell::share(activity.on_cpu),
        Cell::share(activity.state),
        Cell::share(activity.blocked),
        Cell::share(activity.starved),
        Cell::share(activity.in_usage),
        Cell::share(activity.out_usage),
    ]
}

/// The most frequent keys of every keyed operator; empty if none were counted.
pub(crate) fn key_table(run: &Run) -> Table {
    let keys = run.operators.iter().flat_map(|operator| {
        let keys = operator.top_keys.iter();
        keys.map(move |key| {
            vec![
                Cell::text(&key.key),
                Cell::text(&operator.name),
                Cell::count(Some(key.count)),
                Cell::share(key.share),
                Cell::count(Some(key.error)),
            ]
        })
    });
    Table {
        title: "top keys",
        header: vec!["key", "operator", "records", "share", "give or take"],
        rows: keys.collect(),
    }
}

/// Mean cost per record of every chained operator; empty if none was sampled.
pub(crate) fn cost_table(run: &Run) -> Table {
    let members = run.operators.iter().flat_map(|operator| &operator.members);
    let sampled = members.filter(|member| member.cost_ns.is_some());
    Table {
        title: "cost per record",
        header: vec!["operator", "mean"],
        rows: sampled
            .map(|member| vec![Cell::text(&member.name), Cell::duration(member.cost_ns)])
            .collect(),
    }
}

/// Everything else about the run, name and value.
pub(crate) fn summary_table(run: &Run) -> Table {
    let summary = &run.summary;
    let ceiling = run.ceiling.map(|it| it.generated_per_s);
    let generation = run.ceiling.and_then(|it| it.generation_share);
    let rows = [
        ("measured phase", or_na(run.measured, measured)),
        ("offered", or_na(summary.offered_per_s, rate)),
        ("throughput", or_na(summary.throughput_per_s, rate)),
        ("harness ceiling", or_na(ceiling, rate)),
        ("generation share", or_na(generation, share)),
        ("records in", or_na(summary.records_in, count)),
        ("records out", or_na(summary.records_out, count)),
        ("records replayed", count(run.records_replayed)),
        ("attempts", count(u64::from(run.attempts))),
        ("never came out", or_na(run.censored, count)),
        ("backlog at the end", or_na(summary.backlog_end, count)),
        ("late, dropped", or_na(summary.late.dropped, count)),
        ("late, side output", or_na(summary.late.side_output, count)),
        ("harness share of cpu", or_na(summary.harness_cpu, share)),
        (
            "cpu per record, without the harness",
            or_na(summary.cpu_per_record_ns, duration_ns),
        ),
        ("seed", or_na(run.seed, |seed| seed.to_string())),
    ];
    let rows = rows
        .map(|(name, value)| vec![Cell::text(name), Cell::text(value)])
        .to_vec();
    Table {
        title: "summary",
        header: vec!["", ""],
        rows,
    }
}
