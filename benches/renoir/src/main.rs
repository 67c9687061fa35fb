//! The keyed running count of `scripts/bench peers` on renoir 0.6.
//!
//! usage: peer-renoir "running count" PARALLELISM FILE
//!
//! FILE holds the keys, eight bytes each, little-endian. Prints the nanoseconds from the first
//! record to the last result, reading the file excluded, and the digest of all results. Events,
//! functions and digest are those of `benches/peers`, written again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use renoir::prelude::*;
use serde::{Deserialize, Serialize};

/// Records that travel together.
const BATCH: usize = 1_024;

/// What the map makes of an event.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Record {
    key: u64,
    time_ms: u64,
}

/// A result.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Count {
    key: u64,
    count: u64,
}

impl Count {
    fn digest(self) -> u64 {
        mix(self
            .key
            .wrapping_add(self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }
}

/// The finaliser of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// When the first thread began and the last result came, in nanoseconds.
struct Lap {
    origin: Instant,
    begun_ns: AtomicU64,
    ended_ns: AtomicU64,
}

impl Lap {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn new() -> Lap {
        Lap {
            origin: Instant::now(),
            begun_ns: AtomicU64::new(u64::MAX),
            ended_ns: AtomicU64::new(0),
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [job, parallelism, file] = arguments.as_slice() else {
        bail!("usage: peer-renoir JOB PARALLELISM FILE");
    };
    ensure!(
        job == "running count",
        "unknown job {job:?}; known: \"running count\""
    );
    let parallelism = parallelism.parse().context("PARALLELISM is no number")?;
    let (elapsed_ns, digest) = running_count(read(Path::new(file))?, parallelism)?;
    println!("{elapsed_ns} {digest:016x}");
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Arc<Vec<u64>>> {
    let bytes =
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let (keys, rest) = bytes.as_chunks::<8>();
    ensure!(rest.is_empty(), "the last key is cut");
    Ok(Arc::new(
        keys.iter().map(|&key| u64::from_le_bytes(key)).collect(),
    ))
}

/// Nanoseconds and digest.
fn running_count(keys: Arc<Vec<u64>>, parallelism: u64) -> anyhow::Result<(u64, u64)> {
    let config = RuntimeConfig::local(parallelism).map_err(|error| anyhow::anyhow!("{error}"))?;
    let context = StreamContext::new(config);
    let lap = Arc::new(Lap::new());
    let (at_source, at_end) = (Arc::clone(&lap), Arc::clone(&lap));
    let digest = context
        .stream_par_iter(move |index, peers| {
            at_source.begun_ns.fetch_min(at_source.now_ns(), Relaxed);
            let at = |index: u64| (keys.len() as u64 * index / peers) as usize;
            (at(index)..at(index + 1)).map(move |index| (index as u64 * 1_000, keys[index]))
        })
        .batch_mode(BatchMode::fixed(BATCH))
        .map(|(time_ns, key)| Record {
            key,
            time_ms: time_ns / 1_000_000,
        })
        .group_by(|record| record.key)
        .rich_map({
            let mut count = 0;
            move |(&key, _record)| {
                count += 1;
                Count { key, count }
            }
        })
        .drop_key()
        .fold_assoc(
            0u64,
            |sum, count| *sum = sum.wrapping_add(count.digest()),
            move |total, part| {
                *total = total.wrapping_add(part);
                at_end.ended_ns.fetch_max(at_end.now_ns(), Relaxed);
            },
        )
        .collect_vec();
    context.execute_blocking();
    let digest = digest.get().and_then(|digests| digests.first().copied());
    let elapsed_ns = lap
        .ended_ns
        .load(Relaxed)
        .saturating_sub(lap.begun_ns.load(Relaxed));
    Ok((elapsed_ns, digest.context("renoir gave no result")?))
}
