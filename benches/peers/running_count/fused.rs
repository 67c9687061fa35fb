//! Our own job as one loop in one thread: the same events, rows, tags, functions, state and
//! results, but no engine. Whatever the compiler makes of that is allowed.

use std::hint::black_box;

use ::engine::Row;
use rustc_hash::FxHashMap;

use super::Count;
use crate::embedded::Digest;
use crate::events::{event, parse};
use crate::input::Input;
use crate::lap::{Lap, Run};

/// Records with the same tag, as in a batch of the engine.
const BATCH: usize = 1_024;

pub fn run(input: &Input, _parallelism: usize) -> anyhow::Result<Run> {
    let lap = Lap::new();
    lap.begin();
    let mut counts: FxHashMap<u64, u64> = FxHashMap::default();
    let (mut digest, mut latest) = (0u64, 0);
    for (batch, keys) in input.keys.chunks(BATCH).enumerate() {
        let tag = black_box(batch as u64);
        for (position, &key) in keys.iter().enumerate() {
            let value = event(batch * BATCH + position, key);
            let row = Row { tag, value };
            let row = row.with(parse(row.value));
            let count = count(&mut counts, row.value.key);
            let key = row.value.key;
            let row = row.with(Count { key, count });
            digest = digest.wrapping_add(row.value.digest());
            latest = latest.max(row.tag);
        }
    }
    black_box(latest);
    lap.end(digest);
    Ok(lap.run())
}

/// The running aggregate, with the look-up that the engine's state makes.
#[inline]
fn count(counts: &mut FxHashMap<u64, u64>, key: u64) -> u64 {
    if let Some(count) = counts.get_mut(&key) {
        *count += 1;
        return *count;
    }
    let count = counts.entry(key).or_insert(0);
    *count += 1;
    *count
}
