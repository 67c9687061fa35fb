//! Damaged records are read, concluded and drawn without a panic and within bounded memory.
//!
//! `FUZZ_CASES` says how many cases are tried; a nightly job takes a million:
//! `FUZZ_CASES=1000000 cargo test --profile checked -p reports fuzz`. A failure names its seed,
//! and `FUZZ_SEED` tries that one alone.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use reports::record::{
    ChannelRow, CheckpointRow, EventRow, KeyRow, OutcomeRow, RecordError, RunDir, StateRow,
    SubtaskRow, TimelineRow, TradeOffRow, histogram,
};
use reports::{open_run, render, summary_text};

use crate::allocation::peak_bytes;
use crate::mutation::{Files, damaged, sound_record, write};

const CASES: u64 = 12_000;
/// Reading is quick and drawing is not: one case in so many is drawn.
const DRAWN: u64 = 8;
/// More than any record of a few hundred kilobytes may need.
const MAX_PEAK_BYTES: usize = 64 << 20;

#[test]
fn any_damage_to_a_record_is_survived_in_bounded_memory() {
    let sound = sound_record();
    if let Some(seed) = number("FUZZ_SEED") {
        return survive(&sound, seed);
    }
    let cases = number("FUZZ_CASES").unwrap_or(CASES);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        for first in 0..threads {
            let seeds = (first as u64..cases).step_by(threads);
            let sound = &sound;
            scope.spawn(move || seeds.for_each(|seed| survive(sound, seed)));
        }
    });
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect("the variable holds a number"))
}

fn survive(sound: &Files, seed: u64) {
    let files = damaged(sound, seed);
    let survived = catch_unwind(AssertUnwindSafe(|| peak_bytes(|| use_record(&files, seed))));
    let Ok(((), peak)) = survived else {
        panic!("seed {seed}");
    };
    assert!(peak < MAX_PEAK_BYTES, "seed {seed} took {peak} bytes");
}

/// Everything that the reports do with a record.
fn use_record(files: &Files, seed: u64) {
    let directory = tempfile::tempdir().unwrap();
    write(files, directory.path());
    let run = match open_run(directory.path()) {
        Ok(run) => run,
        Err(RecordError::NotARecord { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    summary_text(&run);
    read_everything(directory.path());
    if seed.is_multiple_of(DRAWN) {
        render(directory.path()).unwrap();
    }
}

fn read_everything(directory: &Path) {
    let record = RunDir::open(directory).unwrap();
    record.rows::<TimelineRow>().for_each(drop);
    record.rows::<SubtaskRow>().for_each(drop);
    record.rows::<ChannelRow>().for_each(drop);
    record.rows::<CheckpointRow>().for_each(drop);
    record.rows::<OutcomeRow>().for_each(drop);
    record.rows::<EventRow>().for_each(drop);
    record.rows::<KeyRow>().for_each(drop);
    record.rows::<StateRow>().for_each(drop);
    record.rows::<TradeOffRow>().for_each(drop);
    let mut total = histogram();
    for interval in record.latency() {
        interval.add_to(&mut total);
    }
}
