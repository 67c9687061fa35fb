//! The job written by hand on tokio: as the skeleton of the running count, with a watermark beside
//! every batch. A counter's time is that of the source that is furthest behind.

use std::sync::Arc;

use super::open::OpenWindows;
use crate::alignment::Alignment;
use crate::embedded::Digest;
use crate::events::{Record, event, owner, parse};
use crate::input::{CHUNK, Input};
use crate::lap::{Lap, Run};
use crate::tokio_tasks::{self, CounterEnds, SourceEnds};

pub fn run(input: &Input, parallelism: usize) -> anyhow::Result<Run> {
    let alignment = Alignment::new(parallelism);
    let source = |ends: SourceEnds<Batch>, lap| {
        let source = Source {
            time_ms: 0,
            alignment: alignment.clone(),
            open: (0..parallelism)
                .map(|_| Vec::with_capacity(CHUNK))
                .collect(),
            ends,
        };
        source.run(input.clone(), lap)
    };
    tokio_tasks::run(parallelism, source, count)
}

/// A batch, how far its source has come in event time, and the source, which wants the buffer back.
struct Batch {
    records: Vec<Record>,
    time_ms: u64,
    source: usize,
}

/// Source and map, chained: reads its chunks and routes their records.
struct Source {
    time_ms: u64,
    alignment: Alignment,
    /// The batch that is being filled for each counter.
    open: Vec<Vec<Record>>,
    ends: SourceEnds<Batch>,
}

impl Source {
    async fn run(mut self, input: Input, lap: Arc<Lap>) {
        lap.begin();
        for (first, keys) in input.chunks(self.ends.index, self.open.len()) {
            while !self.alignment.may_take(self.ends.index) {
                tokio::task::yield_now().await;
            }
            self.alignment.took(self.ends.index);
            self.route(first, keys);
            for counter in 0..self.open.len() {
                // A chunk that might not fit goes to a batch of its own.
                if self.open[counter].len() + CHUNK > self.open[counter].capacity() {
                    self.send(counter).await;
                }
            }
        }
        self.alignment.finished(self.ends.index);
        self.time_ms = u64::MAX;
        for counter in 0..self.open.len() {
            self.send(counter).await;
        }
    }

    fn route(&mut self, first: usize, keys: &[u64]) {
        let counters = self.open.len();
        for (position, &key) in keys.iter().enumerate() {
            let record = parse(event(first + position, key));
            self.time_ms = record.time_ms;
            self.open[owner(record.key, counters)].push(record);
        }
    }

    async fn send(&mut self, to: usize) {
        let spare = self.ends.spares.try_recv();
        let empty = spare.unwrap_or_else(|_| Vec::with_capacity(CHUNK));
        let records = std::mem::replace(&mut self.open[to], empty);
        let batch = Batch {
            records,
            time_ms: self.time_ms,
            source: self.ends.index,
        };
        // A counter that is gone has panicked, which the caller sees when it joins it.
        let _ = self.ends.counters[to].send(batch).await;
    }
}

/// Count and sink, chained.
async fn count(mut ends: CounterEnds<Batch>, lap: Arc<Lap>) {
    let mut times_ms = vec![0; ends.sources.len()];
    let mut windows = OpenWindows::default();
    let mut digest = 0u64;
    while let Some(mut batch) = ends.batches.recv().await {
        for Record { key, time_ms } in batch.records.drain(..) {
            windows.add(key, time_ms);
        }
        times_ms[batch.source] = batch.time_ms;
        let slowest_ms = times_ms.iter().copied().min().unwrap_or(u64::MAX);
        windows.complete(slowest_ms, |result| {
            digest = digest.wrapping_add(result.digest());
        });
        // A source that has ended needs no buffers.
        let _ = ends.sources[batch.source].try_send(batch.records);
    }
    lap.end(digest);
}
