//! The frame of what was written by hand on tokio: sources and counters as tasks, bounded channels
//! between each two of them, and the same way back for buffers to be filled again.

use std::sync::Arc;

use anyhow::Context;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::events::Record;
use crate::lap::{Lap, Run};

/// Batches under way from one task to another.
const DEPTH: usize = 8;

/// The ends of a source: buffers that come back, and the ways to all counters.
pub struct SourceEnds<B> {
    /// Which source.
    pub index: usize,
    /// Emptied buffers.
    pub spares: Receiver<Vec<Record>>,
    /// One for each counter.
    pub counters: Vec<Sender<B>>,
}

/// The ends of a counter: batches, and the way back to each source.
pub struct CounterEnds<B> {
    /// From all sources.
    pub batches: Receiver<B>,
    /// One for each source.
    pub sources: Vec<Sender<Vec<Record>>>,
}

/// Runs so many sources and counters on so many threads.
pub fn run<B, S, C>(
    parallelism: usize,
    source: impl Fn(SourceEnds<B>, Arc<Lap>) -> S,
    counter: impl Fn(CounterEnds<B>, Arc<Lap>) -> C,
) -> anyhow::Result<Run>
where
    B: Send + 'static,
    S: Future<Output = ()> + Send + 'static,
    C: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(parallelism)
        .build()
        .context("no threads for the skeleton")?;
    let lap = Arc::new(Lap::new());
    let (counters, batches): (Vec<_>, Vec<_>) = (0..parallelism)
        .map(|_| channel(DEPTH * parallelism))
        .unzip();
    let (sources, spares): (Vec<_>, Vec<_>) = (0..parallelism)
        .map(|_| channel(DEPTH * parallelism))
        .unzip();
    let mut tasks = Vec::new();
    for batches in batches {
        let sources = sources.clone();
        let ends = CounterEnds { batches, sources };
        tasks.push(runtime.spawn(counter(ends, Arc::clone(&lap))));
    }
    for (index, spares) in spares.into_iter().enumerate() {
        let ends = SourceEnds {
            index,
            spares,
            counters: counters.clone(),
        };
        tasks.push(runtime.spawn(source(ends, Arc::clone(&lap))));
    }
    // Counters end when no source is left.
    drop(counters);
    for task in tasks {
        runtime
            .block_on(task)
            .context("a task of the skeleton panicked")?;
    }
    Ok(lap.run())
}
