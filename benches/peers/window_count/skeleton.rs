//! The job written by hand on tokio: as the skeleton of the running count, with a watermark beside
//! every batch. A counter's time is that of the source that is furthest behind.

use std::sync::Arc;

use anyhow::Context;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::open::OpenWindows;
use crate::alignment::Alignment;
use crate::embedded::Digest;
use crate::events::{Record, event, owner, parse};
use crate::input::{CHUNK, Input};
use crate::lap::{Lap, Run};

/// Batches under way from one task to another.
const DEPTH: usize = 8;

pub fn run(input: &Input, parallelism: usize) -> anyhow::Result<Run> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(parallelism)
        .build()
        .context("no threads for the skeleton")?;
    let lap = Arc::new(Lap::new());
    let (to_counters, batches): (Vec<_>, Vec<_>) = (0..parallelism)
        .map(|_| channel(DEPTH * parallelism))
        .unzip();
    let (to_sources, spares): (Vec<_>, Vec<_>) = (0..parallelism)
        .map(|_| channel(DEPTH * parallelism))
        .unzip();
    let alignment = Alignment::new(parallelism);
    let mut tasks = Vec::new();
    for batches in batches {
        let counter = count(batches, to_sources.clone(), Arc::clone(&lap));
        tasks.push(runtime.spawn(counter));
    }
    for (index, spares) in spares.into_iter().enumerate() {
        let source = Source {
            index,
            time_ms: 0,
            alignment: alignment.clone(),
            open: (0..parallelism)
                .map(|_| Vec::with_capacity(CHUNK))
                .collect(),
            spares,
            counters: to_counters.clone(),
        };
        tasks.push(runtime.spawn(source.run(input.clone(), Arc::clone(&lap))));
    }
    drop(to_counters);
    for task in tasks {
        runtime
            .block_on(task)
            .context("a task of the skeleton panicked")?;
    }
    Ok(lap.run())
}

/// A batch, how far its source has come in event time, and the source, which wants the buffer back.
struct Batch {
    records: Vec<Record>,
    time_ms: u64,
    source: usize,
}

/// Source and map, chained: reads its chunks and routes their records.
struct Source {
    index: usize,
    time_ms: u64,
    alignment: Alignment,
    /// The batch that is being filled for each counter.
    open: Vec<Vec<Record>>,
    spares: Receiver<Vec<Record>>,
    counters: Vec<Sender<Batch>>,
}

impl Source {
    async fn run(mut self, input: Input, lap: Arc<Lap>) {
        lap.begin();
        for (first, keys) in input.chunks(self.index, self.open.len()) {
            while !self.alignment.may_take(self.index) {
                tokio::task::yield_now().await;
            }
            self.alignment.took(self.index);
            self.route(first, keys);
            for counter in 0..self.open.len() {
                // A chunk that might not fit goes to a batch of its own.
                if self.open[counter].len() + CHUNK > self.open[counter].capacity() {
                    self.send(counter).await;
                }
            }
        }
        self.alignment.finished(self.index);
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
        let spare = self.spares.try_recv();
        let empty = spare.unwrap_or_else(|_| Vec::with_capacity(CHUNK));
        let records = std::mem::replace(&mut self.open[to], empty);
        let batch = Batch {
            records,
            time_ms: self.time_ms,
            source: self.index,
        };
        // A counter that is gone has panicked, which the caller sees when it joins it.
        let _ = self.counters[to].send(batch).await;
    }
}

/// Count and sink, chained.
async fn count(mut batches: Receiver<Batch>, sources: Vec<Sender<Vec<Record>>>, lap: Arc<Lap>) {
    let mut times_ms = vec![0; sources.len()];
    let mut windows = OpenWindows::default();
    let mut digest = 0u64;
    while let Some(mut batch) = batches.recv().await {
        for Record { key, time_ms } in batch.records.drain(..) {
            windows.add(key, time_ms);
        }
        times_ms[batch.source] = batch.time_ms;
        let slowest_ms = times_ms.iter().copied().min().unwrap_or(u64::MAX);
        windows.complete(slowest_ms, |result| {
            digest = digest.wrapping_add(result.digest());
        });
        // A source that has ended needs no buffers.
        let _ = sources[batch.source].try_send(batch.records);
    }
    lap.end(digest);
}
