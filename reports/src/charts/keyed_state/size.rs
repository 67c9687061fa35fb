//! `state_size.svg`: what the state holds, beside what the process takes and what was configured.

use crate::charts::data::Points;
use crate::charts::live::Unit;
use crate::charts::over_time::{Bands, Panel, StackChart};
use crate::charts::style::{BLUE, FRAME, GREEN, ORANGE};
use crate::charts::{Subject, every};

pub(super) const CHART: StackChart = StackChart {
    file_name: "state_size.svg",
    title: "State size",
    sentence: "bytes of keyed state (on the heap as encoded, of RocksDB its files and write buffers), of the process, and what was \
               given to state",
    bands: Bands::none,
    panels,
};

fn panels(subject: &Subject<'_>) -> Vec<Panel> {
    let state = &subject.state;
    if state.bytes.is_empty() && state.entries.is_empty() {
        return Vec::new();
    }
    let resident = every(&subject.moments, |moment| moment.rss.map(|rss| rss as f64));
    let bytes = [
        ("given to state", FRAME, 1, &configured(subject)),
        ("state", BLUE, 4, &state.bytes),
        ("process, resident", ORANGE, 2, &resident),
    ];
    let entries = [("entries", GREEN, 2, &state.entries)];
    let panels = [
        Panel::of(("bytes", Unit::Bytes, 200), bytes),
        Panel::of(("entries", Unit::Count, 90), entries),
    ];
    panels.into_iter().flatten().collect()
}

/// A straight line over the whole run; empty on the heap, which has no limit.
fn configured(subject: &Subject<'_>) -> Points {
    let configured = subject.run.summary.memory.configured;
    let line = configured.map(|bytes| {
        let ends = [subject.span.from_ms, subject.span.to_ms];
        ends.map(|t_ms| (t_ms, Some(bytes as f64))).to_vec()
    });
    line.unwrap_or_default()
}
