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
use super::over_time::{Bands, StackChart};
use super::style::{VERMILLION, tint};

/// In the order in which they are read.
pub(super) const CHARTS: [StackChart; 7] = [
    size::CHART,
    access::CHART,
    answers::CHART,
    block_cache::CHART,
    write_buffers::CHART,
    levels::CHART,
    compactions::CHART,
];

/// Times in which RocksDB stopped writes, where they explain what is seen.
fn stops(subject: &Subject<'_>) -> Bands {
    Bands {
        spans_ms: subject.state.stopped_ms.clone(),
        color: tint(VERMILLION, 0.25),
    }
}
