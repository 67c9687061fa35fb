//! Windows, triggers, lateness, sessions and joins give what a direct definition over the whole
//! input gives: results, late elements, their order and their tags, after every single step.
//!
//! `PROPTEST_CASES` sets the number of random cases of each property.

#[path = "windows/history.rs"]
mod history;
#[path = "windows/interval_join.rs"]
mod interval_join;
#[path = "windows/naive.rs"]
mod naive;
#[path = "windows/restore.rs"]
mod restore;
#[path = "windows/subject.rs"]
mod subject;
#[path = "windows/triggers.rs"]
mod triggers;

use engine::{
    AllElements, Batch, CoGroup, EventTimeTrigger, FINAL_WATERMARK_MS, Firing, Global,
    NeverTrigger, ProcessingTimeTrigger, Session, Side, SlicedWindows, Sliding, TriggeredWindows,
    Tumbling, TumblingWindows, WindowCore, WindowJoin,
};
use history::{Step, cases, history, history_in, watermark_after_every_record};
use naive::{FixedWindows, Sessions};
use proptest::prelude::*;
use subject::{Fired, Outcome, drive, ids};

/// Compares step by step; counts must add up, and nothing may be left when all is over.
fn check(
    mut core: impl WindowCore<u8, u64, Out = Fired>,
    steps: &[Step],
    expected: &[Outcome],
    side_output: bool,
) -> Result<(), TestCaseError> {
    let outcomes = drive(&mut core, steps, side_output);
    for (at, (outcome, expected)) in outcomes.iter().zip(expected).enumerate() {
        prop_assert_eq!(outcome, expected, "after step {}", at);
    }
    let counters = core.counters();
    let elements = subject::elements(steps);
    let late: usize = expected.iter().map(|e| e.late.len()).sum();
    let fired: usize = expected.iter().map(|e| e.results.len()).sum();
    prop_assert_eq!(counters.accepted, elements - late as u64);
    let (dropped, side) = if side_output { (0, late) } else { (late, 0) };
    prop_assert_eq!(counters.late_dropped, dropped as u64);
    prop_assert_eq!(counters.late_side_output, side as u64);
    prop_assert_eq!(counters.fired(), fired as u64);
    prop_assert_eq!((counters.pending, counters.timers_pending), (0, 0));
    Ok(())
}

/// With every result of a step in one order.
fn sorted(mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
    for outcome in &mut outcomes {
        outcome
            .results
            .sort_by_key(|row| (row.value.window, row.value.key));
    }
    outcomes
}

/// Gives each step's results in one order.
struct Sorting<C>(C);

impl<C: WindowCore<u8, u64, Out = Fired>> WindowCore<u8, u64> for Sorting<C> {
    type Out = Fired;
    fn element(
        &mut self,
        key: &u8,
        timestamp_ms: i64,
        row: engine::Row<u64>,
        now_ms: i64,
        out: &mut engine::WindowOutput<'_, Fired, u64>,
    ) {
        self.0.element(key, timestamp_ms, row, now_ms, out);
        sort(out.results);
    }
    fn watermark(
        &mut self,
        watermark_ms: i64,
        now_ms: i64,
        out: &mut engine::WindowOutput<'_, Fired, u64>,
    ) {
        self.0.watermark(watermark_ms, now_ms, out);
        sort(out.results);
    }
    fn counters(&self) -> engine::WindowCounters {
        self.0.counters()
    }
    fn snapshot(&self, bytes: &mut Vec<u8>) {
        self.0.snapshot(bytes);
    }
    fn restore(
        &mut self,
        parts: &[&[u8]],
        owns: engine::OwnsKey<'_>,
    ) -> Result<(), engine::WindowStateError> {
        self.0.restore(parts, owns)
    }
}

fn sort(results: &mut Batch<Fired>) {
    let mut rows = results.to_rows();
    rows.sort_by_key(|row| (row.value.window, row.value.key));
    results.clear();
    results.extend(rows);
}

fn sliding() -> impl Strategy<Value = Sliding> {
    (1i64..8, 1i64..8, -10i64..10).prop_map(|(slide, times, offset)| {
        // Sizes that are multiples of the slide, and sizes that are not.
        let size = slide * times + if times % 3 == 0 { slide / 2 } else { 0 };
        Sliding::with_offset(size, slide, offset).unwrap()
    })
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn tumbling_windows_match_the_definition(
        steps in history(), size in 1i64..40, offset in -50i64..50, lateness in 0u64..30,
        side_output in any::<bool>(),
    ) {
        let windows = Tumbling::with_offset(size, offset).unwrap();
        let expected = FixedWindows::new(windows, lateness).expect_of(&steps);
        check(TumblingWindows::new(windows, ids(), lateness), &steps, &expected, side_output)?;
        let general = TriggeredWindows::new(windows, EventTimeTrigger, ids(), lateness);
        check(general, &steps, &expected, side_output)?;
    }

    #[test]
    fn sliding_windows_match_the_definition_copied_and_sliced(
        steps in history(), windows in sliding(), lateness in 0u64..20, side_output in any::<bool>(),
    ) {
        let expected = FixedWindows::new(windows, lateness).expect_of(&steps);
        let copied = TriggeredWindows::new(windows, EventTimeTrigger, ids(), lateness);
        check(copied, &steps, &expected, side_output)?;
        let sliced = SlicedWindows::new(windows, ids(), lateness);
        check(Sorting(sliced), &steps, &sorted(expected), side_output)?;
    }

    #[test]
    fn sessions_match_the_definition(
        steps in history(), gap in 1i64..15, lateness in 0u64..20, side_output in any::<bool>(),
    ) {
        let expected = Sessions { gap_ms: gap, lateness_ms: lateness as i64 }.expect_of(&steps);
        let windows = Session::new(gap).unwrap();
        let sessions = TriggeredWindows::new(windows, EventTimeTrigger, ids(), lateness);
        check(Sorting(sessions), &steps, &sorted(expected), side_output)?;
    }

    #[test]
    fn with_a_watermark_after_every_record_all_cores_match_the_definition(
        steps in watermark_after_every_record(), windows in sliding(), lateness in 0u64..10,
    ) {
        let tumbling = Tumbling::new(windows.size_ms()).unwrap();
        let expected = FixedWindows::new(tumbling, lateness).expect_of(&steps);
        check(TumblingWindows::new(tumbling, ids(), lateness), &steps, &expected, true)?;
        let expected = FixedWindows::new(windows, lateness).expect_of(&steps);
        let copied = TriggeredWindows::new(windows, EventTimeTrigger, ids(), lateness);
        check(copied, &steps, &expected, true)?;
        let sliced = SlicedWindows::new(windows, ids(), lateness);
        check(Sorting(sliced), &steps, &sorted(expected), true)?;
        let expected =
            Sessions { gap_ms: windows.slide_ms(), lateness_ms: lateness as i64 }.expect_of(&steps);
        let gap = Session::new(windows.slide_ms()).unwrap();
        let sessions = TriggeredWindows::new(gap, EventTimeTrigger, ids(), lateness);
        check(Sorting(sessions), &steps, &sorted(expected), true)?;
    }

    #[test]
    fn the_order_between_two_watermarks_does_not_change_what_windows_say_last(
        steps in history(), windows in sliding(), lateness in 0u64..20,
        turns in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let reordered = history::reorder_between_watermarks(&steps, &turns);
        fn last<C: WindowCore<u8, u64, Out = Fired>>(mut core: C, steps: &[Step]) -> Vec<Fired> {
            let mut last = std::collections::BTreeMap::new();
            for row in drive(&mut core, steps, true).into_iter().flat_map(|o| o.results) {
                last.insert((row.value.window, row.value.key), row.value);
            }
            // Whether a refinement was the first word on its window does depend on the order.
            let first = |fired| Fired { time: engine::FiringTime::OnTime, ..fired };
            last.into_values().map(first).collect()
        }
        let sliced = || SlicedWindows::new(windows, ids(), lateness);
        prop_assert_eq!(last(sliced(), &steps), last(sliced(), &reordered));
        let tumbling = Tumbling::new(windows.size_ms()).unwrap();
        let tumbling = || TumblingWindows::new(tumbling, ids(), lateness);
        prop_assert_eq!(last(tumbling(), &steps), last(tumbling(), &reordered));
    }

    #[test]
    fn batches_of_any_size_give_what_single_elements_give(
        steps in history_in(0..90), size in 1i64..40, lateness in 0u64..20,
    ) {
        let windows = Tumbling::new(size).unwrap();
        let expected = FixedWindows::new(windows, lateness).expect_of(&steps);
        let mut core = TumblingWindows::new(windows, ids(), lateness);
        let outcome = subject::drive_in_batches(&mut core, &steps);
        let results: Vec<_> = expected.iter().flat_map(|e| e.results.clone()).collect();
        let late: Vec<_> = expected.iter().flat_map(|e| e.late.clone()).collect();
        prop_assert_eq!(core.counters().accepted, subject::elements(&steps) - late.len() as u64);
        prop_assert_eq!(outcome, Outcome { results, late });
    }

    #[test]
    fn windowed_joins_see_both_sides_of_each_window(
        steps in history(), size in 1i64..40, lateness in 0u64..20,
    ) {
        let windows = Tumbling::new(size).unwrap();
        let expected = FixedWindows::new(windows, lateness).expect_of(&steps);
        let side = |id: u64| if id.is_multiple_of(3) { Side::Left(id) } else { Side::Right(id) };

        let contents = CoGroup::new(|&key: &u8, firing: &Firing, left: &[u64], right: &[u64]| {
            assert!(left.iter().all(|id| id % 3 == 0) && right.iter().all(|id| id % 3 != 0));
            Some(Fired::new(key, firing, [left, right].concat()))
        });
        let mut core = TumblingWindows::new(windows, contents, lateness);
        let outcomes = subject::drive_as(&mut core, &steps, true, side);
        let results = outcomes.into_iter().map(|outcome| outcome.results);
        for (results, expected) in results.zip(&expected) {
            prop_assert_eq!(&results, &expected.results);
        }

        let pairs = WindowJoin::new(|_: &u8, left: &u64, right: &u64| (*left, *right));
        let mut core = TumblingWindows::new(windows, pairs, lateness);
        let outcomes = subject::drive_as(&mut core, &steps, true, side);
        for (outcome, expected) in outcomes.into_iter().zip(&expected) {
            let mut pairs: Vec<_> = outcome.results.into_iter().map(|row| row.value).collect();
            let mut expected: Vec<_> = expected.results.iter().flat_map(|row| {
                let ids = &row.value.ids;
                let left = ids.iter().filter(|id| *id % 3 == 0);
                left.flat_map(|&l| ids.iter().filter(|id| *id % 3 != 0).map(move |&r| (l, r)))
            }).collect();
            pairs.sort();
            expected.sort();
            prop_assert_eq!(pairs, expected);
        }
    }
}

#[test]
fn the_global_window_waits_for_a_trigger_or_the_end_of_everything() {
    let steps: Vec<Step> = (0..10)
        .map(|id| Step::Element {
            key: 1,
            timestamp_ms: id,
            id: id as u64,
        })
        .chain([Step::Watermark(1_000), Step::Watermark(FINAL_WATERMARK_MS)])
        .collect();
    let mut never = TriggeredWindows::new(Global, NeverTrigger, ids(), 0);
    let outcomes = drive(&mut never, &steps, false);
    assert!(outcomes.iter().all(|outcome| outcome.results.is_empty()));
    let mut at_end = TriggeredWindows::new(Global, EventTimeTrigger, ids(), 0);
    let outcomes = drive(&mut at_end, &steps, false);
    assert!(
        outcomes[..11]
            .iter()
            .all(|outcome| outcome.results.is_empty())
    );
    assert_eq!(
        outcomes[11].results[0].value.ids,
        (0..10).collect::<Vec<_>>()
    );
}

#[test]
fn a_window_function_over_all_elements_sees_them_in_order_of_arrival() {
    let contents = AllElements::new(|&key: &u8, firing: &Firing, ids: &[u64]| {
        let mut fired = Fired::new(key, firing, Vec::new());
        fired.ids = ids.to_vec();
        Some(fired)
    });
    let arrivals = [(7, 3), (2, 1), (9, 2)];
    let steps: Vec<Step> = arrivals
        .map(|(id, timestamp_ms)| Step::Element {
            key: 0,
            timestamp_ms,
            id,
        })
        .into_iter()
        .chain([Step::Watermark(9)])
        .collect();
    let mut core = TumblingWindows::new(Tumbling::new(10).unwrap(), contents, 0);
    let outcomes = drive(&mut core, &steps, false);
    assert_eq!(outcomes[3].results[0].value.ids, [7, 2, 9]);
}

#[test]
fn windows_of_processing_time_ignore_timestamps_and_know_no_lateness() {
    let mut steps = vec![Step::Watermark(1_000_000)];
    for (id, now_ms) in [(0, 3), (1, 8), (2, 12), (3, 25)] {
        steps.push(Step::Clock(now_ms));
        steps.push(Step::Element {
            key: 0,
            timestamp_ms: -7,
            id,
        });
    }
    steps.push(Step::Clock(29));
    let windows = Tumbling::new(10).unwrap();
    let mut core = TriggeredWindows::processing_time(windows, ProcessingTimeTrigger, ids());
    let outcomes = drive(&mut core, &steps, false);
    let fired = |at: usize| outcomes[at].results.iter().map(|row| row.value.ids.clone());
    let all: Vec<_> = (0..steps.len())
        .flat_map(|at| fired(at).map(move |ids| (at, ids)))
        .collect();
    assert_eq!(all, [(5, vec![0, 1]), (7, vec![2]), (9, vec![3])]);
    assert_eq!(core.counters().pending, 0);
}
