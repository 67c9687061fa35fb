//! Our own job as one loop in one thread: the same events, rows, tags, functions and results, windows
//! that may overlap in time, and a watermark after every batch, but no engine.

use std::hint::black_box;

use ::engine::Row;

use super::open::OpenWindows;
use crate::embedded::Digest;
use crate::events::{event, parse};
use crate::input::{CHUNK, Input};
use crate::lap::{Lap, Run};

pub fn run(input: &Input, _parallelism: usize) -> anyhow::Result<Run> {
    let lap = Lap::new();
    lap.begin();
    let mut windows = OpenWindows::default();
    let (mut digest, mut latest) = (0u64, 0);
    for (batch, keys) in input.keys.chunks(CHUNK).enumerate() {
        let tag = black_box(batch as u64);
        let mut time_ms = 0;
        for (position, &key) in keys.iter().enumerate() {
            let value = event(batch * CHUNK + position, key);
            let row = Row { tag, value };
            let row = row.with(parse(row.value));
            windows.add(row.value.key, row.value.time_ms);
            time_ms = row.value.time_ms;
            latest = latest.max(row.tag);
        }
        windows.complete(time_ms, |result| {
            digest = digest.wrapping_add(result.digest());
        });
    }
    windows.complete(u64::MAX, |result| {
        digest = digest.wrapping_add(result.digest());
    });
    black_box(latest);
    lap.end(digest);
    Ok(lap.run())
}
