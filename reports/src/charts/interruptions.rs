//! What checkpoints and failures do to the rate and to latency, and how the job comes back. Nothing of a job that
//! takes no checkpoints and never fails.

use super::data::Moment;
use super::live::Unit;
use super::over_time::{Bands, Panel, StackChart};
use super::style::{BLUE, GREEN, ORANGE, SKY, VERMILLION, tint};
use super::{Subject, every};

/// In the order in which they are read.
pub(super) const CHARTS: [StackChart; 2] = [
    StackChart {
        file_name: "stalls.svg",
        title: "Checkpoints, rate and latency",
        sentence: "blue: from the trigger of a checkpoint to its completion; a rate that dips and latencies that rise with \
                   them are its price",
        bands: checkpoints,
        panels: stalls,
    },
    StackChart {
        file_name: "recovery.svg",
        title: "Recovery",
        sentence: "after a failure the job is down until it is restored, and behind (blue) until its backlog is what it was \
                   before",
        bands: behind,
        panels: recovery,
    },
];

fn checkpoints(subject: &Subject<'_>) -> Bands {
    let checkpoints = subject.checkpoints.iter();
    Bands {
        spans_ms: checkpoints.map(|it| (it.from_ms, it.to_ms)).collect(),
        color: tint(SKY, 0.35),
    }
}

fn behind(subject: &Subject<'_>) -> Bands {
    let recoveries = subject.run.recoveries.iter();
    let ends_ms = recoveries.clone().skip(1).map(|next| next.failed_at_ms);
    let ends_ms = ends_ms.chain([subject.span.to_ms]);
    let behind = recoveries
        .zip(ends_ms)
        .map(|(it, end_ms)| (it.restarted_at_ms, it.caught_up_at_ms.unwrap_or(end_ms)));
    Bands {
        spans_ms: behind.collect(),
        color: tint(BLUE, 0.2),
    }
}

fn stalls(subject: &Subject<'_>) -> Vec<Panel> {
    if subject.checkpoints.is_empty() {
        return Vec::new();
    }
    let latency = |at: usize| {
        // As on the chart of latencies, whose axis has no zero.
        every(&subject.moments, |it| {
            it.response_ns[at].map(|ns| ns.max(1) as f64)
        })
    };
    let latencies = [
        ("p50", SKY, 2, &latency(0)),
        ("p99", BLUE, 3, &latency(2)),
        ("max", VERMILLION, 1, &latency(4)),
    ];
    let panels = [
        rates(&subject.moments),
        Panel::of(("response time", Unit::Nanoseconds, 150), latencies),
    ];
    panels.into_iter().flatten().collect()
}

fn recovery(subject: &Subject<'_>) -> Vec<Panel> {
    if subject.run.recoveries.is_empty() {
        return Vec::new();
    }
    let backlog = every(&subject.moments, |it| {
        it.backlog.map(|records| records as f64)
    });
    let backlog = [("backlog", VERMILLION, 2, &backlog)];
    let panels = [
        Panel::of(("backlog, records", Unit::Count, 150), backlog),
        rates(&subject.moments),
    ];
    panels.into_iter().flatten().collect()
}

fn rates(moments: &[Moment]) -> Option<Panel> {
    let admitted = every(moments, |it| it.admitted_per_s);
    let completed = every(moments, |it| it.completed_per_s);
    let rates = [
        ("completed", ORANGE, 2, &completed),
        ("admitted", GREEN, 2, &admitted),
    ];
    Panel::of(("records per second", Unit::PerSecond, 130), rates)
}
