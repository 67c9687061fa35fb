//! Pictures as SVG, of one run and of searches and sweeps over several: a function of their records, so that the
//! same record gives the same bytes.

mod axis;
mod backpressure;
mod canvas;
mod checkpoints;
mod compact;
mod compared;
mod data;
mod firings;
mod graph;
mod interruptions;
mod keyed_state;
mod lag;
mod late;
mod latency;
mod live;
mod over_time;
mod pending;
mod percentiles;
mod plot;
mod queues;
mod rate;
mod search;
mod shares;
mod skew;
mod state;
mod style;
mod sweep;
mod theme;
mod trade_off;
mod watermark_lag;

use serde::Serialize;

use crate::format;
use crate::record::{Run, RunDir, TradeOffRow};
use crate::view::{Table, trade_off_table};
pub(crate) use compared::{ForestGroup, ForestRow, draw_compared};
use data::{Activity, Checkpoint, EdgeQueue, EventTime, Latency, Marks, Moment, Span, State};
pub(crate) use live::Live;
pub use search::search_chart;
pub use sweep::sweep_chart;

/// The one chart under which its numbers stand.
const TRADE_OFF: &str = "trade_off.svg";
/// Further settings of a sweep are not looked at; a sweep has a few dozen.
const MAX_SETTINGS: usize = 1_000;

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
    event_time: EventTime,
    state: State,
    checkpoints: Vec<Checkpoint>,
    trade_off: Vec<TradeOffRow>,
    /// Which run, and what its numbers are worth.
    about: String,
}

/// One chart.
#[derive(Serialize)]
pub(crate) struct Chart {
    /// File name in the folder `charts`.
    pub(crate) file_name: &'static str,
    pub(crate) title: &'static str,
    /// What it shows, in a sentence, where the title does not say it all.
    pub(crate) sentence: &'static str,
    pub(crate) svg: String,
    /// The numbers that it shows, where there are few.
    pub(crate) table: Option<Table>,
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
        ("graph.svg", "Job graph", "", graph::draw(it)),
        (
            "backpressure.svg",
            "Backpressure map",
            "",
            Some(backpressure::draw(it)),
        ),
        ("rate.svg", "Rate", "", Some(rate::draw(it))),
        ("latency.svg", "Response time", "", Some(latency::draw(it))),
        (
            "percentiles.svg",
            percentiles::TITLE,
            "",
            percentiles::draw(it),
        ),
        ("lag.svg", "Schedule lag", "", lag::draw(it)),
        ("queues.svg", "Queues", "", Some(queues::draw(it))),
        ("shares.svg", "Shares of time", "", shares::draw(it)),
        ("skew.svg", "Skew", "", skew::draw(it)),
        (
            "checkpoints.svg",
            checkpoints::TITLE,
            checkpoints::SENTENCE,
            checkpoints::draw(it),
        ),
        (
            "watermark_lag.svg",
            watermark_lag::TITLE,
            watermark_lag::SENTENCE,
            watermark_lag::draw(it),
        ),
        ("late.svg", late::TITLE, late::SENTENCE, late::draw(it)),
        (
            "firings.svg",
            firings::TITLE,
            firings::SENTENCE,
            firings::draw(it),
        ),
        (
            "pending.svg",
            pending::TITLE,
            pending::SENTENCE,
            pending::draw(it),
        ),
        (
            TRADE_OFF,
            trade_off::TITLE,
            trade_off::SENTENCE,
            trade_off::draw(it),
        ),
    ];
    let stacks = interruptions::CHARTS
        .iter()
        .chain(&keyed_state::CHARTS)
        .map(|chart| (chart.file_name, chart.title, chart.sentence, chart.draw(it)));
    let charts = drawn
        .into_iter()
        .chain(stacks)
        .filter_map(|(file_name, title, sentence, svg)| {
            let table = (file_name == TRADE_OFF).then(|| trade_off_table(&it.trade_off));
            Some(Chart {
                file_name,
                title,
                sentence,
                svg: svg?,
                table,
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
            event_time: data::event_time(record, run, span),
            state: data::state(record, span),
            checkpoints: data::checkpoints(record, span),
            trade_off: record.rows().take(MAX_SETTINGS).collect(),
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
