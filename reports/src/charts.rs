//! Pictures of one run as SVG, a function of its record: the same record gives the same bytes.

mod axis;
mod backpressure;
mod canvas;
mod data;
mod latency;
mod plot;
mod queues;
mod rate;
mod style;

use crate::format;
use crate::record::{Run, RunDir};
use data::{Marks, Moment, Span};

/// What every chart of a run needs.
struct Subject<'a> {
    record: &'a RunDir,
    run: &'a Run,
    span: Span,
    marks: Marks,
    /// Which run, and what its numbers are worth.
    about: String,
}

/// One chart.
pub(crate) struct Chart {
    /// File name in the folder `charts`.
    pub(crate) file_name: &'static str,
    pub(crate) svg: String,
}

/// Every chart, in the order in which they are read.
pub(crate) fn draw_all(record: &RunDir, run: &Run) -> Vec<Chart> {
    let span = Span::of(record);
    let name = format::shortened(&run.name, 40);
    let about = format!("{name} · {} · verdict: {}", run.target.kind, run.verdict);
    let subject = Subject {
        record,
        run,
        span,
        marks: Marks::of(record, run, span),
        about,
    };
    vec![
        Chart {
            file_name: "backpressure.svg",
            svg: backpressure::draw(&subject),
        },
        Chart {
            file_name: "rate.svg",
            svg: rate::draw(&subject),
        },
        Chart {
            file_name: "latency.svg",
            svg: latency::draw(&subject),
        },
        Chart {
            file_name: "queues.svg",
            svg: queues::draw(&subject),
        },
    ]
}

/// One value of every moment.
fn every(moments: &[Moment], value: impl Fn(&Moment) -> Option<f64>) -> Vec<(u64, Option<f64>)> {
    moments
        .iter()
        .map(|moment| (moment.t_ms, value(moment)))
        .collect()
}
