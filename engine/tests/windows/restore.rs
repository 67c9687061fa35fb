//! Windows and joins that go on from checkpoints give what they give undisturbed: results, late
//! elements and tags, of each key in the same order.
//!
//! A fleet of cores shares the keys. Each core comes to a place of its own in the history, so they stand
//! at different watermarks; then another fleet goes on for them, of another size. As in a job, a core
//! is given what is missing in the order of the watermarks.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::num::NonZeroU64;
use std::ops::Range;

use engine::{
    ContinuousEventTimeTrigger, CountTrigger, EarlyIntervalTrigger, EventTimeTrigger, IntervalJoin,
    PurgingTrigger, Row, Session, Side, SlicedWindows, Sliding, Trigger, TriggeredWindows,
    Tumbling, TumblingWindows, WindowCore, WindowStateError,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::history::{Step, cases, history, watermark_after_every_record};
use crate::sliding;
use crate::subject::{Fired, Outcome, drive_as, drive_from, ids};

/// How many cores there are, and where in the history each stops.
type Fleet = (usize, [Index; 3]);

fn fleets() -> impl Strategy<Value = Vec<Fleet>> {
    prop::collection::vec((1usize..=3, any::<[Index; 3]>()), 1..4)
}

/// What is said of one key: results, and its late elements.
type Said<Out, In> = BTreeMap<u8, (Vec<Row<Out>>, Vec<In>)>;

/// What is being tested, and how what it takes and gives is to be read.
struct Subject<M, V, O> {
    make: M,
    value_of: V,
    key_of: O,
}

impl<M, V, O> Subject<M, V, O> {
    fn drive<C, In, Out>(&self, core: &mut C, now_ms: i64, steps: &[Step], said: &mut Said<Out, In>)
    where
        C: WindowCore<u8, In, Out = Out>,
        In: Clone + 'static,
        Out: Clone,
        V: Fn(u64) -> In,
        O: Fn(Result<&Out, &In>) -> u8,
    {
        for Outcome { results, late } in drive_from(core, now_ms, steps, true, &self.value_of) {
            for row in results {
                let key = (self.key_of)(Ok(&row.value));
                said.entry(key).or_default().0.push(row);
            }
            for element in late {
                let key = (self.key_of)(Err(&element));
                said.entry(key).or_default().1.push(element);
            }
        }
    }

    /// Compares one core, undisturbed, with fleets that take turns; the last one goes on to the end.
    fn check<C, In, Out>(&self, steps: &[Step], fleets: &[Fleet]) -> Result<(), TestCaseError>
    where
        C: WindowCore<u8, In, Out = Out>,
        M: Fn() -> C,
        In: Clone + Debug + PartialEq + 'static,
        Out: Clone + Debug + PartialEq,
        V: Fn(u64) -> In,
        O: Fn(Result<&Out, &In>) -> u8,
    {
        let (mut expected, mut said) = (BTreeMap::new(), BTreeMap::new());
        self.drive(&mut (self.make)(), 0, steps, &mut expected);

        let mut parts: Vec<Vec<u8>> = Vec::new();
        // Where the hindmost core stands, and from where on each key's elements have not been taken.
        let (mut from, mut taken) = (0, [0; 256]);
        for (at, (count, stops)) in fleets.iter().enumerate() {
            let is_last = at + 1 == fleets.len();
            let (mut snapshots, mut hindmost) = (Vec::new(), steps.len());
            for (index, stop) in stops.iter().enumerate().take(*count) {
                let owns = |key: u8| key as usize % count == index;
                let until = match is_last {
                    true => steps.len(),
                    false => from + stop.index(steps.len() + 1 - from),
                };
                let mut core = (self.make)();
                let read: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                core.restore(&read, &|key| owns(key[0])).expect("whole");
                let missing = missing(steps, from..until, &taken, owns);
                self.drive(&mut core, clock_ms(&steps[..from]), &missing, &mut said);
                if is_last {
                    let counters = core.counters();
                    prop_assert_eq!((counters.pending, counters.timers_pending), (0, 0));
                }
                let mut bytes = Vec::new();
                core.snapshot(&mut bytes);
                snapshots.push(bytes);
                hindmost = hindmost.min(until);
                for key in (0..=u8::MAX).filter(|&key| owns(key)) {
                    taken[key as usize] = until.max(taken[key as usize]);
                }
            }
            (parts, from) = (snapshots, hindmost);
        }
        prop_assert_eq!(said, expected);
        Ok(())
    }
}

/// What a core is given: all watermarks, and elements of its own keys that were not taken before.
fn missing(
    steps: &[Step],
    range: Range<usize>,
    taken: &[usize; 256],
    owns: impl Fn(u8) -> bool,
) -> Vec<Step> {
    let given = range.filter_map(|at| match steps[at] {
        Step::Element { key, .. } if !owns(key) || at < taken[key as usize] => None,
        step => Some(step),
    });
    given.collect()
}

/// Processing time goes on where it was.
fn clock_ms(before: &[Step]) -> i64 {
    let mut clocks = before.iter().rev().filter_map(|step| match *step {
        Step::Clock(at_ms) => Some(at_ms),
        _ => None,
    });
    clocks.next().unwrap_or(0)
}

/// A core whose windows say which elements are in them.
fn check<C>(make: impl Fn() -> C, steps: &[Step], fleets: &[Fleet]) -> Result<(), TestCaseError>
where
    C: WindowCore<u8, u64, Out = Fired>,
{
    let keys = keys(steps);
    let subject = Subject {
        make,
        value_of: |id: u64| id,
        key_of: |said: Result<&Fired, &u64>| match said {
            Ok(fired) => fired.key,
            Err(id) => keys[id],
        },
    };
    subject.check(steps, fleets)
}

fn keys(steps: &[Step]) -> BTreeMap<u64, u8> {
    let keys = steps.iter().filter_map(|step| match *step {
        Step::Element { key, id, .. } => Some((id, key)),
        _ => None,
    });
    keys.collect()
}

/// All cores of a fleet stop at one place: what processing time does depends on where that is.
fn together(mut fleets: Vec<Fleet>) -> Vec<Fleet> {
    for (_, stops) in &mut fleets {
        *stops = [stops[0]; 3];
    }
    fleets
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn windows_that_fire_at_their_end_go_on(
        steps in history(), windows in sliding(), lateness in 0u64..25, fleets in fleets(),
    ) {
        let tumbling = Tumbling::new(windows.size_ms()).unwrap();
        check(|| TumblingWindows::new(tumbling, ids(), lateness), &steps, &fleets)?;
        check(|| SlicedWindows::new(windows, ids(), lateness), &steps, &fleets)?;
        let copied = || TriggeredWindows::new(windows, EventTimeTrigger, ids(), lateness);
        check(copied, &steps, &fleets)?;
        let sessions = Session::new(windows.slide_ms()).unwrap();
        let sessions = || TriggeredWindows::new(sessions, EventTimeTrigger, ids(), lateness);
        check(sessions, &steps, &fleets)?;
    }

    #[test]
    fn with_a_watermark_after_every_record_they_go_on(
        steps in watermark_after_every_record(), windows in sliding(), lateness in 0u64..10,
        fleets in fleets(),
    ) {
        let tumbling = Tumbling::new(windows.size_ms()).unwrap();
        check(|| TumblingWindows::new(tumbling, ids(), lateness), &steps, &fleets)?;
        check(|| SlicedWindows::new(windows, ids(), lateness), &steps, &fleets)?;
        let sessions = Session::new(windows.slide_ms()).unwrap();
        let sessions = || TriggeredWindows::new(sessions, EventTimeTrigger, ids(), lateness);
        check(sessions, &steps, &fleets)?;
    }

    #[test]
    fn triggers_go_on(
        steps in history(), size in 1i64..60, lateness in 0u64..20, every in 1u64..5,
        interval in 1i64..30, fleets in fleets(),
    ) {
        let windows = Tumbling::new(size).unwrap();
        let sessions = Session::new(interval).unwrap();
        fn both<T: Trigger<u64> + Copy>(
            trigger: T, windows: Tumbling, sessions: Session, lateness: u64, steps: &[Step], fleets: &[Fleet],
        ) -> Result<(), TestCaseError> {
            check(|| TriggeredWindows::new(windows, trigger, ids(), lateness), steps, fleets)?;
            check(|| TriggeredWindows::new(sessions, trigger, ids(), lateness), steps, fleets)?;
            let purging = PurgingTrigger(trigger);
            check(|| TriggeredWindows::new(windows, purging, ids(), lateness), steps, fleets)
        }
        let counts = CountTrigger::new(NonZeroU64::new(every).unwrap());
        both(counts, windows, sessions, lateness, &steps, &fleets)?;
        let continuous = ContinuousEventTimeTrigger::new(interval).unwrap();
        both(continuous, windows, sessions, lateness, &steps, &fleets)?;
        let early = EarlyIntervalTrigger::new(interval).unwrap();
        both(early, windows, sessions, lateness, &steps, &together(fleets))?;
    }

    #[test]
    fn windows_of_processing_time_go_on(
        steps in history(), size in 1i64..30, fleets in fleets(),
    ) {
        let windows = Tumbling::new(size).unwrap();
        let make = || {
            let trigger = engine::ProcessingTimeTrigger;
            TriggeredWindows::processing_time(windows, trigger, ids())
        };
        // Without a final moment what is left has not fired.
        let mut steps = steps;
        steps.push(Step::Clock(100_000));
        check(make, &steps, &together(fleets))?;
    }

    #[test]
    fn interval_joins_go_on(
        steps in history(), lower in -20i64..20, span in 0i64..25, fleets in fleets(),
    ) {
        let keys = keys(&steps);
        let subject = Subject {
            make: || IntervalJoin::new(lower, lower + span, |_: &u8, l: &u64, r: &u64| Some((*l, *r))).unwrap(),
            value_of: |id: u64| if id.is_multiple_of(2) { Side::Left(id) } else { Side::Right(id) },
            key_of: |said: Result<&(u64, u64), &Side<u64, u64>>| match said {
                Ok((left, _)) => keys[left],
                Err(Side::Left(id) | Side::Right(id)) => keys[id],
            },
        };
        subject.check(&steps, &fleets)?;
    }

    #[test]
    fn damaged_bytes_are_refused_or_harmless(
        steps in history(), size in 2i64..30, cut in any::<Index>(), flip in any::<Index>(),
        to in any::<u8>(), rest in history(),
    ) {
        let windows = Sliding::new(size, size / 2).unwrap();
        let tumbling = Tumbling::new(size).unwrap();
        let half = &steps[..steps.len() / 2];
        fn damage<C: WindowCore<u8, u64, Out = Fired>>(
            make: impl Fn() -> C, half: &[Step], rest: &[Step], cut: Index, flip: (Index, u8),
        ) -> Result<(), TestCaseError> {
            let mut core = make();
            drive_as(&mut core, half, true, |id| id);
            let mut bytes = Vec::new();
            core.snapshot(&mut bytes);
            let kept = cut.index(bytes.len());
            prop_assert!(make().restore(&[&bytes[..kept]], &|_| true).is_err());
            bytes[flip.0.index(kept.max(1))] = flip.1;
            let mut core = make();
            if core.restore(&[&bytes], &|_| true).is_ok() {
                drive_as(&mut core, rest, true, |id| id);
            }
            Ok(())
        }
        let flip = (flip, to);
        damage(|| TumblingWindows::new(tumbling, ids(), 9), half, &rest, cut, flip)?;
        damage(|| SlicedWindows::new(windows, ids(), 9), half, &rest, cut, flip)?;
        damage(|| TriggeredWindows::new(windows, EventTimeTrigger, ids(), 9), half, &rest, cut, flip)?;
        let sessions = Session::new(size).unwrap();
        damage(|| TriggeredWindows::new(sessions, EventTimeTrigger, ids(), 9), half, &rest, cut, flip)?;
    }
}

#[test]
fn an_element_that_comes_too_early_for_its_key_finds_it_and_nothing_fires_twice() {
    let element = |key, timestamp_ms, id| Step::Element {
        key,
        timestamp_ms,
        id,
    };
    let ten = || TumblingWindows::new(Tumbling::new(10).unwrap(), ids(), 0);
    let snapshot = |steps: &[Step]| {
        let (mut core, mut bytes) = (ten(), Vec::new());
        drive_as(&mut core, steps, true, |id| id);
        core.snapshot(&mut bytes);
        bytes
    };
    let behind = snapshot(&[element(0, 12, 0), Step::Watermark(5)]);
    let ahead = snapshot(&[element(1, 12, 1), element(1, 22, 2), Step::Watermark(19)]);
    let mut core = ten();
    core.restore(&[&behind, &ahead], &|_| true).unwrap();
    let steps = [element(1, 23, 3), Step::Watermark(29)];
    let outcomes = drive_as(&mut core, &steps, true, |id| id);
    let said = |at: usize| {
        let fired = outcomes[at].results.iter().map(|row| &row.value);
        fired.map(|f| (f.key, f.ids.clone())).collect::<Vec<_>>()
    };
    assert_eq!(said(0), [(0, vec![0])]);
    assert_eq!(said(1), [(1, vec![2, 3])]);
}

#[test]
fn windows_that_lie_otherwise_are_refused() {
    let with_an_element = [Step::Element {
        key: 0,
        timestamp_ms: 25,
        id: 0,
    }];
    let (mut core, mut bytes) = (
        TumblingWindows::new(Tumbling::new(10).unwrap(), ids(), 0),
        Vec::new(),
    );
    drive_as(&mut core, &with_an_element, true, |id| id);
    core.snapshot(&mut bytes);
    let mut other = TumblingWindows::new(Tumbling::new(15).unwrap(), ids(), 0);
    let refused = other.restore(&[&bytes], &|_| true);
    assert!(matches!(refused, Err(WindowStateError::OtherWindows)));
}
