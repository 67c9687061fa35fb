//! Charts of keyed state, all operators together: how large it is, what an access takes, where reads are
//! answered, and what RocksDB does in the background. Nothing without keyed state, and nothing of
//! RocksDB without it.

mod access;
mod answers;
mod block_cache;
mod compactions;
mod levels;
mod size;
mod write_buffers;

use super::Subject;
use super::over_time::{Panel, Stack, draw_stack};

/// One picture of keyed state: its panels are drawn, and the page's script shows the same.
pub(super) struct StateChart {
    pub(super) file_name: &'static str,
    pub(super) title: &'static str,
    /// What it shows, for people who see one for the first time.
    pub(super) sentence: &'static str,
    /// Whether times in which RocksDB stopped writes explain what is seen.
    shades_stops: bool,
    panels: fn(&Subject<'_>) -> Vec<Panel>,
}

/// In the order in which they are read.
pub(super) const CHARTS: [StateChart; 7] = [
    size::CHART,
    access::CHART,
    answers::CHART,
    block_cache::CHART,
    write_buffers::CHART,
    levels::CHART,
    compactions::CHART,
];

impl StateChart {
    /// What there is to draw; empty if nothing is known.
    pub(super) fn panels(&self, subject: &Subject<'_>) -> Vec<Panel> {
        (self.panels)(subject)
    }

    pub(super) fn draw(&self, subject: &Subject<'_>) -> Option<String> {
        let stack = Stack {
            title: self.title,
            sentence: self.sentence,
            panels: &self.panels(subject),
            bands_ms: self.bands_ms(subject),
        };
        draw_stack(subject, &stack)
    }

    /// Times to be shaded, milliseconds.
    pub(super) fn bands_ms<'a>(&self, subject: &'a Subject<'_>) -> &'a [(u64, u64)] {
        if self.shades_stops {
            &subject.state.stopped_ms
        } else {
            &[]
        }
    }
}
