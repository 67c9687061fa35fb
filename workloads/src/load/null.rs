//! Sources without an engine: what they reach is the ceiling of every closed-loop run.

use std::hint::black_box;

use engine::{Batch, Source, SourceStatus};

use super::events::Events;
use super::source::ScheduledSource;

/// A source without an engine: it makes every record and throws it away. What it reaches is the harness's ceiling.
pub trait NullSource: Send {
    /// As `engine::Source::poll`, but leaves only the tags of the records.
    fn poll(&mut self, now: u64, held_ns: u64, max: usize, tags: &mut Vec<u64>) -> SourceStatus;
}

/// A scheduled source as a null source.
pub(crate) struct Discarding<E: Events> {
    source: ScheduledSource<E>,
    rows: Batch<E::Out>,
}

impl<E: Events> Discarding<E> {
    pub(crate) fn new(source: ScheduledSource<E>) -> Discarding<E> {
        Discarding {
            source,
            rows: Batch::default(),
        }
    }
}

impl<E: Events> NullSource for Discarding<E> {
    fn poll(&mut self, now: u64, held_ns: u64, max: usize, tags: &mut Vec<u64>) -> SourceStatus {
        self.rows.clear();
        let status = self.source.poll(now, held_ns, max, &mut self.rows);
        tags.extend(black_box(&self.rows).tags());
        status
    }
}
