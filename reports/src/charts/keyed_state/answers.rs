//! `state_answers.svg`: which cache answers reads, and what the others cost.

use crate::charts::Subject;
use crate::charts::live::Unit;
use crate::charts::over_time::{Bands, Panel, StackChart};
use crate::charts::style::{BLUE, GREEN, ORANGE, PALE, PURPLE, VERMILLION};

pub(super) const CHART: StackChart = StackChart {
    file_name: "state_answers.svg",
    title: "Where reads are answered",
    sentence: "share of accesses that the write-back cache answered, and of blocks found in the block cache; below, per read of \
               state, what was not there",
    bands: Bands::none,
    panels,
};

fn panels(subject: &Subject<'_>) -> Vec<Panel> {
    let state = &subject.state;
    let hits = [
        ("write-back cache", GREEN, 4, &state.write_back_hits),
        ("block cache", BLUE, 2, &state.block_cache_hits),
    ];
    let blocks = [
        ("read from files", PALE, 6, &state.blocks_per_read),
        ("data", BLUE, 2, &state.data_misses_per_read),
        ("index", ORANGE, 2, &state.index_misses_per_read),
        ("filter", PURPLE, 2, &state.filter_misses_per_read),
    ];
    let bytes = [("bytes", VERMILLION, 2, &state.bytes_per_read)];
    let panels = [
        Panel::of(("hits, share", Unit::Share, 120), hits),
        Panel::of(
            ("blocks not in the block cache, per read", Unit::Count, 120),
            blocks,
        ),
        Panel::of(("bytes read from files, per read", Unit::Bytes, 90), bytes),
    ];
    panels.into_iter().flatten().collect()
}
