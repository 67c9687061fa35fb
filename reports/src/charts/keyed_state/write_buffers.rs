//! `write_buffers.svg`: what is not yet in files, what compactions have yet to do, and when RocksDB
//! therefore holds writes back.

use crate::charts::Subject;
use crate::charts::live::Unit;
use crate::charts::over_time::{Panel, StackChart};
use crate::charts::style::{BLUE, FRAME, ORANGE, VERMILLION};

pub(super) const CHART: StackChart = StackChart {
    file_name: "write_buffers.svg",
    title: "Write buffers and stalls",
    sentence: "bytes in write buffers, bytes yet to be compacted, and the share of time for which writes were held back; shaded: \
               writes stopped",
    bands: super::stops,
    panels,
};

fn panels(subject: &Subject<'_>) -> Vec<Panel> {
    let state = &subject.state;
    let buffers = [
        ("may hold", FRAME, 1, &state.memtable_capacity),
        ("in buffers", BLUE, 2, &state.memtable_bytes),
    ];
    let pending = [("pending", ORANGE, 2, &state.pending_compaction_bytes)];
    let stalled = [("held back", VERMILLION, 2, &state.stalled)];
    let delayed = [("allowed", VERMILLION, 2, &state.delayed_to)];
    let panels = [
        Panel::of(("write buffers", Unit::Bytes, 120), buffers),
        Panel::of(("pending compaction", Unit::Bytes, 90), pending),
        Panel::of(
            ("writes held back, share of time", Unit::Share, 90),
            stalled,
        ),
        Panel::of(("writes slowed down to", Unit::BytesPerSecond, 80), delayed),
    ];
    panels.into_iter().flatten().collect()
}
