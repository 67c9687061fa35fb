//! What is taken of one run of a contestant: how long it processed, and the digest of its results.
//!
//! Every contestant is timed by the same rule: from the first of its threads that begins to take
//! records to the last one that has seen its last result. Building threads, graphs and channels
//! comes before, freeing state after.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::clock;

/// The result of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// From the first record to the last result, in nanoseconds.
    pub elapsed_ns: u64,
    /// The sum of the digests of all results, modulo 2^64.
    pub digest: u64,
}

/// A run that goes on. Shared by the contestant's threads.
#[derive(Debug)]
pub struct Lap {
    origin: Instant,
    begun_ns: AtomicU64,
    ended_ns: AtomicU64,
    digest: AtomicU64,
    results: AtomicU64,
}

impl Lap {
    /// Nothing has begun.
    pub fn new() -> Lap {
        Lap {
            origin: clock::now(),
            begun_ns: AtomicU64::new(u64::MAX),
            ended_ns: AtomicU64::new(0),
            digest: AtomicU64::new(0),
            results: AtomicU64::new(0),
        }
    }

    /// The calling thread begins to take records. The first call counts.
    pub fn begin(&self) {
        self.begun_ns.fetch_min(self.now_ns(), Relaxed);
    }

    /// The calling thread has seen its last result; `digest` is the sum over its results. The last
    /// call counts.
    pub fn end(&self, digest: u64) {
        self.ended_ns.fetch_max(self.now_ns(), Relaxed);
        self.digest.fetch_add(digest, Relaxed);
    }

    /// The calling thread has seen so many results: for who records them elsewhere as well.
    pub fn count(&self, results: u64) {
        self.results.fetch_add(results, Relaxed);
    }

    /// Results counted.
    pub fn results(&self) -> u64 {
        self.results.load(Relaxed)
    }

    /// What the run came to, after all threads have ended.
    pub fn run(&self) -> Run {
        let (begun_ns, ended_ns) = (self.begun_ns.load(Relaxed), self.ended_ns.load(Relaxed));
        Run {
            elapsed_ns: ended_ns.saturating_sub(begun_ns),
            digest: self.digest.load(Relaxed),
        }
    }

    fn now_ns(&self) -> u64 {
        let elapsed = clock::now().duration_since(self.origin);
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }
}
