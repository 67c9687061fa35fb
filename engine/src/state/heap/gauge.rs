//! How much a state on the heap holds, for those who read it beside its owner.
//!
//! The number of entries is told whenever it changes. Their size is what a snapshot would write, and
//! is estimated: when somebody asks, a few entries are encoded the next time that the state is
//! touched in a way that may have changed it. Hash tables are ordered by hash, so that their first
//! entries are as good as any.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::data::Encode;

/// Entries that are encoded for an estimate.
const SAMPLE: usize = 64;

/// What a state on the heap holds. Clones see the same.
#[derive(Clone, Debug)]
pub(crate) struct HeapGauge(Arc<Gauge>);

#[derive(Debug)]
struct Gauge {
    entries: AtomicU64,
    /// Of the entries that were encoded last: how many, and their bytes.
    sampled: AtomicU64,
    sampled_bytes: AtomicU64,
    asked: AtomicBool,
    reads: Timings,
    writes: Timings,
}

/// Accesses that were timed, and the nanoseconds they took; cumulative.
#[derive(Debug, Default)]
struct Timings {
    samples: AtomicU64,
    took_ns: AtomicU64,
}

impl Timings {
    fn read(&self) -> (u64, u64) {
        (self.samples.load(Relaxed), self.took_ns.load(Relaxed))
    }
}

/// What is done to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessKind {
    Read,
    Write,
}

impl HeapGauge {
    pub(crate) fn new() -> Self {
        HeapGauge(Arc::new(Gauge {
            entries: AtomicU64::new(0),
            sampled: AtomicU64::new(0),
            sampled_bytes: AtomicU64::new(0),
            asked: AtomicBool::new(true),
            reads: Timings::default(),
            writes: Timings::default(),
        }))
    }

    #[inline]
    pub(crate) fn holds(&self, entries: usize) {
        self.0.entries.store(entries as u64, Relaxed);
    }

    /// Takes the sizes of some of the entries, if somebody has asked.
    #[inline]
    pub(crate) fn tell_sizes<I: Iterator<Item = usize>>(&self, sizes: impl FnOnce() -> I) {
        if self.0.asked.load(Relaxed) {
            self.sample(sizes());
        }
    }

    #[cold]
    #[inline(never)]
    fn sample(&self, sizes: impl Iterator<Item = usize>) {
        let (mut sampled, mut bytes) = (0, 0);
        for size in sizes.take(SAMPLE) {
            sampled += 1;
            bytes += size as u64;
        }
        self.0.sampled.store(sampled, Relaxed);
        self.0.sampled_bytes.store(bytes, Relaxed);
        self.0.asked.store(sampled == 0, Relaxed);
    }

    /// An access took so many nanoseconds.
    pub(crate) fn timed(&self, kind: AccessKind, took_ns: u64) {
        let timings = match kind {
            AccessKind::Read => &self.0.reads,
            AccessKind::Write => &self.0.writes,
        };
        timings.samples.fetch_add(1, Relaxed);
        timings.took_ns.fetch_add(took_ns, Relaxed);
    }

    /// Of reads, then of writes: how many were timed, and what they took in nanoseconds.
    pub(crate) fn timings(&self) -> [(u64, u64); 2] {
        [self.0.reads.read(), self.0.writes.read()]
    }

    /// Entries, and the bytes that they would encode to. Asks for their sizes.
    pub(crate) fn read(&self) -> (u64, u64) {
        let entries = self.0.entries.load(Relaxed);
        let sampled = self.0.sampled.load(Relaxed).max(1);
        let bytes = self.0.sampled_bytes.load(Relaxed);
        self.0.asked.store(true, Relaxed);
        let all = u128::from(entries) * u128::from(bytes) / u128::from(sampled);
        (entries, u64::try_from(all).unwrap_or(u64::MAX))
    }
}

/// Bytes that a value encodes to.
pub(crate) fn encoded_bytes<T: Encode>(value: &T) -> usize {
    // Only what fails to write can fail, and counting does not.
    borsh::object_length(value).unwrap_or(0)
}
