//! Sources that stay together in event time.
//!
//! A source that runs ahead opens windows that cannot close before the others have come after, and
//! their state is what costs. Engines bound that by the alignment of watermarks, timely's workers by
//! waiting for each other's progress; here it is one rule for contestants that have neither.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Chunks that a source may have taken more than the one that has taken least: a sixteenth of a
/// window.
const AHEAD: usize = 60;

/// What the sources of a run know of each other. Clones are the same.
#[derive(Debug, Clone)]
pub struct Alignment {
    taken: Arc<Vec<AtomicUsize>>,
}

impl Alignment {
    /// Of so many sources, at the beginning.
    pub fn new(sources: usize) -> Alignment {
        let taken = (0..sources).map(|_| AtomicUsize::new(0)).collect();
        Alignment {
            taken: Arc::new(taken),
        }
    }

    /// Whether a source may take another chunk.
    pub fn may_take(&self, source: usize) -> bool {
        let least = self.taken.iter().map(|taken| taken.load(Relaxed)).min();
        self.taken[source].load(Relaxed) <= least.unwrap_or(0).saturating_add(AHEAD)
    }

    /// A source has taken a chunk.
    pub fn took(&self, source: usize) {
        self.taken[source].fetch_add(1, Relaxed);
    }

    /// A source has none left, and holds nobody back.
    pub fn finished(&self, source: usize) {
        self.taken[source].store(usize::MAX, Relaxed);
    }
}
