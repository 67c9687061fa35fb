//! `block_cache.svg`: how full RocksDB's block cache is.

use crate::charts::Subject;
use crate::charts::live::Unit;
use crate::charts::over_time::{Bands, Panel, StackChart};
use crate::charts::style::{BLUE, FRAME, ORANGE};

pub(super) const CHART: StackChart = StackChart {
    file_name: "block_cache.svg",
    title: "Block cache",
    sentence: "bytes in RocksDB's block cache, which all subtasks share, against what it may hold; pinned ones cannot be \
               evicted",
    bands: Bands::none,
    panels,
};

fn panels(subject: &Subject<'_>) -> Vec<Panel> {
    let state = &subject.state;
    let lines = [
        ("capacity", FRAME, 1, &state.cache_capacity),
        ("in use", BLUE, 4, &state.cache_bytes),
        ("pinned", ORANGE, 2, &state.cache_pinned),
    ];
    let panel = Panel::of(("bytes", Unit::Bytes, 200), lines);
    panel.into_iter().collect()
}
