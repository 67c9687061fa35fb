//! `state_access.svg`: what a read and a write of state take.

use crate::charts::Subject;
use crate::charts::live::Unit;
use crate::charts::over_time::{Bands, Panel, StackChart};
use crate::charts::style::{BLUE, ORANGE, PALE};

pub(super) const CHART: StackChart = StackChart {
    file_name: "state_access.svg",
    title: "Access to state",
    sentence: "mean time of the gets and puts that were timed (in RocksDB those that reached the database), logarithmic; \
               slowest get: of the slowest subtask",
    bands: Bands::none,
    panels,
};

fn panels(subject: &Subject<'_>) -> Vec<Panel> {
    let state = &subject.state;
    let lines = [
        ("slowest get", PALE, 4, &state.slowest_read_ns),
        ("put", ORANGE, 2, &state.write_ns),
        ("get", BLUE, 2, &state.read_ns),
    ];
    let panel = Panel::of(("time per access", Unit::Nanoseconds, 230), lines);
    panel.into_iter().collect()
}
