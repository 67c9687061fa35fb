//! Random inputs: elements out of order, watermarks that are right, wrong or go back, passing time.

use std::ops::Range;

use engine::FINAL_WATERMARK_MS;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::Config;

/// One thing that happens to a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Element { key: u8, timestamp_ms: i64, id: u64 },
    Watermark(i64),
    Clock(i64),
}

/// `count` cases unless the environment says otherwise.
pub fn cases(count: u32) -> Config {
    let config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_some() {
        config
    } else {
        Config {
            cases: count,
            ..config
        }
    }
}

/// Batches of random sizes of elements around a time that moves on, with watermarks and moments
/// between them; the final watermark at the end.
pub fn history() -> impl Strategy<Value = Vec<Step>> {
    history_in(0..9)
}

/// The same with the sizes of the batches.
pub fn history_in(batches_of: Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let element = (0u8..4, -25i64..8);
    let batch = prop::collection::vec(element, batches_of);
    let batches = prop::collection::vec((batch, 0i64..14, -25i64..10, 0i64..12), 1..14);
    batches.prop_map(|batches| {
        let (mut steps, mut id, mut time_ms, mut now_ms) = (Vec::new(), 0, 0, 0);
        for (elements, progress_ms, watermark_ms, wait_ms) in batches {
            for (key, offset_ms) in elements {
                let timestamp_ms = time_ms + offset_ms;
                steps.push(Step::Element {
                    key,
                    timestamp_ms,
                    id,
                });
                id += 1;
            }
            if wait_ms > 6 {
                now_ms += wait_ms;
                steps.push(Step::Clock(now_ms));
            }
            steps.push(Step::Watermark(time_ms + watermark_ms));
            time_ms += progress_ms;
        }
        steps.push(Step::Watermark(FINAL_WATERMARK_MS));
        steps
    })
}

/// One split, and a watermark at a fixed distance behind the highest timestamp after each record.
pub fn watermark_after_every_record() -> impl Strategy<Value = Vec<Step>> {
    let elements = prop::collection::vec((0u8..3, -15i64..4), 1..50);
    (elements, 0i64..15).prop_map(|(elements, delay_ms)| {
        let (mut steps, mut highest_ms) = (Vec::new(), i64::MIN);
        for (id, (key, offset_ms)) in elements.into_iter().enumerate() {
            let timestamp_ms = 2 * id as i64 + offset_ms;
            let id = id as u64;
            steps.push(Step::Element {
                key,
                timestamp_ms,
                id,
            });
            highest_ms = highest_ms.max(timestamp_ms);
            steps.push(Step::Watermark(highest_ms - delay_ms - 1));
        }
        steps.push(Step::Watermark(FINAL_WATERMARK_MS));
        steps
    })
}

/// The same, with elements changing places with others before the next watermark.
pub fn reorder_between_watermarks(steps: &[Step], turns: &[Index]) -> Vec<Step> {
    let mut turns = turns.iter().cycle();
    let mut reordered = Vec::new();
    for batch in steps.split_inclusive(|step| matches!(step, Step::Watermark(_))) {
        let (mut elements, rest): (Vec<Step>, Vec<Step>) = batch
            .iter()
            .partition(|step| matches!(step, Step::Element { .. }));
        for at in (1..elements.len()).rev() {
            if let Some(turn) = turns.next() {
                elements.swap(at, turn.index(at + 1));
            }
        }
        reordered.extend(elements.into_iter().chain(rest));
    }
    reordered
}
