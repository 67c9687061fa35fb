//! `compactions.svg`: what RocksDB writes in the background.

use crate::charts::Subject;
use crate::charts::live::Unit;
use crate::charts::over_time::{Bands, Panel, StackChart};
use crate::charts::style::{BLUE, ORANGE};

pub(super) const CHART: StackChart = StackChart {
    file_name: "compactions.svg",
    title: "Flushes and compactions",
    sentence: "bytes per second that flushes of write buffers and compactions wrote, and how many of them ran, all \
               subtasks together",
    bands: Bands::none,
    panels,
};

fn panels(subject: &Subject<'_>) -> Vec<Panel> {
    let state = &subject.state;
    let written = [
        ("compactions", BLUE, 2, &state.compacted_per_s),
        ("flushes", ORANGE, 2, &state.flushed_per_s),
    ];
    let running = [
        ("compactions", BLUE, 4, &state.compactions),
        ("flushes", ORANGE, 2, &state.flushes),
    ];
    let panels = [
        Panel::of(("written", Unit::BytesPerSecond, 150), written),
        Panel::of(("running", Unit::Whole, 80), running),
    ];
    panels.into_iter().flatten().collect()
}
