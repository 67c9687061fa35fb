//! Pictures of one run as SVG, a function of its record: the same record gives the same bytes.

mod axis;
mod backpressure;
mod canvas;
mod compact;
mod data;
mod graph;
mod lag;
mod latency;
mod live;
mod percentiles;
mod plot;
mod queues;
mod rate;
mod shares;
mod skew;
mod state;
mod style;
mod theme;

use serde::Serialize;

use crate::format;
use crate::record::{Run, RunDir};
use data::{Activity, EdgeQueue, Latency, Marks, Moment, Span};
pub(crate) use live::Live;

/// What every chart of a run needs: its tables are read once.
struct Subject<'a> {
    record: &'a RunDir,
    run: &'a Run,
    span: Span,
    marks: Marks,
    moments: Vec<Moment>,
    activity: Activity,
    queues: Vec<EdgeQueue>,
    latency: Latency,
    /// Which run, and what its numbers are worth.
    about: String,
}

/// One chart.
#[derive(Serialize)]
pub(crate) struct Chart {
    /// File name in the folder `charts`.
    pub(crate) file_name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) svg: String,
}

/// What is drawn of one run.
pub(crate) struct Drawn {
    /// Every chart that says something about this run, in the order in which they are read.
    pub(crate) charts: Vec<Chart>,
    /// What the page's script draws in place of the charts over time.
    pub(crate) live: Live,
}

pub(crate) fn draw_all(record: &RunDir, run: &Run) -> Drawn {
    let subject = Subject::of(record, run);
    let it = &subject;
    let drawn = [
        ("graph.svg", "Job graph", graph::draw(it)),
        (
            "backpressure.svg",
            "Backpressure map",
            Some(backpressure::draw(it)),
        ),
        ("rate.svg", "Rate", Some(rate::draw(it))),
        ("latency.svg", "Response time", Some(latency::draw(it))),
        ("percentiles.svg", percentiles::TITLE, percentiles::draw(it)),
        ("lag.svg", "Schedule lag", lag::draw(it)),
        ("queues.svg", "Queues", Some(queues::draw(it))),
        ("shares.svg", "Shares of time", shares::draw(it)),
        ("skew.svg", "Skew", skew::draw(it)),
    ];
    let charts = drawn.into_iter().filter_map(|(file_name, title, svg)| {
        Some(Chart {
            file_name,
            title,
            svg: svg?,
        })
    });
    Drawn {
        charts: charts.collect(),
        live: live::live(&subject),
    }
}

impl<'a> Subject<'a> {
    fn of(record: &'a RunDir, run: &'a Run) -> Self {
        let span = Span::of(record);
        let name = format::shortened(&run.name, 40);
        Subject {
            record,
            run,
            span,
            marks: Marks::of(record, run, span),
            moments: data::moments(record, span),
            activity: data::activity(record, run, span),
            queues: data::edge_queues(record, run.measured, span),
            latency: data::latency(record, run, span),
            about: format!("{name} · {} · verdict: {}", run.target.kind, run.verdict),
        }
    }
}

/// One value of every moment.
fn every(moments: &[Moment], value: impl Fn(&Moment) -> Option<f64>) -> Vec<(u64, Option<f64>)> {
    moments
        .iter()
        .map(|moment| (moment.t_ms, value(moment)))
        .collect()
}
