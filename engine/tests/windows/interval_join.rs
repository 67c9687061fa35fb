//! The interval join against its definition: all pairs of the history.

use engine::{Batch, IntervalJoin, Row, Side, WindowCore, WindowOutput};
use proptest::prelude::*;

use crate::history::{Step, cases, history, watermark_after_every_record};
use crate::naive::{Arrival, arrivals};
use crate::subject::tag_of;

fn is_left(id: u64) -> bool {
    id.is_multiple_of(2)
}

/// The pairs that an element makes with those before it.
fn pairs_of(later: &Arrival, all: &[Arrival], lower: i64, upper: i64) -> Vec<(u64, u64)> {
    let mut partners: Vec<&Arrival> = all
        .iter()
        .filter(|a| a.at < later.at && a.key == later.key && is_left(a.id) != is_left(later.id))
        // It was not late itself, and the watermark has not made it useless.
        .filter(|a| a.timestamp_ms >= a.watermark_ms)
        .filter(|a| {
            let useful_ms = if is_left(a.id) { upper } else { -lower };
            a.timestamp_ms + useful_ms.max(0) > later.watermark_ms
                || a.watermark_ms == later.watermark_ms && held_at_watermark(a, later)
        })
        .filter(|a| {
            let (left, right) = if is_left(a.id) {
                (*a, later)
            } else {
                (later, *a)
            };
            let distance_ms = right.timestamp_ms - left.timestamp_ms;
            lower <= distance_ms && distance_ms <= upper
        })
        .collect();
    partners.sort_by_key(|a| (a.timestamp_ms, a.at));
    let pair = |a: &&Arrival| {
        if is_left(later.id) {
            (later.id, a.id)
        } else {
            (a.id, later.id)
        }
    };
    partners.iter().map(pair).collect()
}

/// An element is forgotten by a watermark that comes after it, not by the one that it met.
fn held_at_watermark(earlier: &Arrival, later: &Arrival) -> bool {
    earlier.watermark_ms == later.watermark_ms
}

fn check(steps: &[Step], lower: i64, upper: i64) -> Result<(), TestCaseError> {
    let all = arrivals(steps);
    let mut join = IntervalJoin::new(lower, upper, |_: &u8, l: &u64, r: &u64| Some((*l, *r)))
        .expect("bounds in order");
    let mut late_count = 0;
    for step in steps {
        let (mut results, mut rejected) = (Batch::default(), Batch::default());
        let mut out = WindowOutput {
            results: &mut results,
            late: Some(&mut rejected),
        };
        match *step {
            Step::Element {
                key,
                timestamp_ms,
                id,
            } => {
                let side = if is_left(id) { Side::Left } else { Side::Right };
                let row = Row {
                    tag: tag_of(id),
                    value: side(id),
                };
                join.element(&key, timestamp_ms, row, 0, &mut out);
                let arrival = &all[id as usize];
                let late = timestamp_ms < arrival.watermark_ms;
                late_count += u64::from(late);
                prop_assert_eq!(rejected.len(), usize::from(late));
                let expected = if late {
                    Vec::new()
                } else {
                    pairs_of(arrival, &all, lower, upper)
                };
                let tags = expected.iter().map(|&(l, r)| tag_of(l).max(tag_of(r)));
                let rows = expected
                    .iter()
                    .copied()
                    .zip(tags)
                    .map(|(value, tag)| Row { tag, value });
                prop_assert_eq!(results.to_rows(), rows.collect::<Vec<_>>());
            }
            Step::Watermark(watermark_ms) => join.watermark(watermark_ms, 0, &mut out),
            Step::Clock(_) => {}
        }
    }
    let counters = join.counters();
    prop_assert_eq!(
        counters.accepted + counters.late_side_output,
        all.len() as u64
    );
    prop_assert_eq!(
        (counters.late_side_output, counters.late_dropped),
        (late_count, 0)
    );
    prop_assert_eq!(counters.pending, 0);
    Ok(())
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn interval_joins_match_the_definition(
        steps in history(), lower in -20i64..20, span in 0i64..25,
    ) {
        check(&steps, lower, lower + span)?;
    }

    #[test]
    fn interval_joins_match_the_definition_with_a_watermark_after_every_record(
        steps in watermark_after_every_record(), lower in -20i64..20, span in 0i64..25,
    ) {
        check(&steps, lower, lower + span)?;
    }
}
