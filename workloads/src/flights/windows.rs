//! The flights in windows by scheduled arrival, per destination: which results are right at first, refined, or missing?
//!
//! source (makes watermarks) -> parse -> key_by destination -> tumbling windows -> results; late flights -> late. A
//! window fires when the watermark has passed its end, and again with every flight that comes later, as long as the
//! allowed lateness lasts; what comes after that is late. Every result says whether it is a first one or refines one.
//!
//! With one split and a watermark after every flight, which flights are late depends only on the order of the stream:
//! by arrival; flights that arrive in the same minute, by scheduled arrival; and those, by row of the data. So there
//! is one right answer, and the verifier demands it; `scripts/flights-windows-check` computes it once more from the
//! original data. Otherwise marks come where batches end, and the answer is held to what any right one has in common.

mod oracle;
mod sink;
mod tally;
mod verify;

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{AggregatedThen, Firing, FiringTime, JobGraph, Tumbling, TumblingWindows};

use super::job::{DelayAggregate, Delays};
use super::spec::WindowOptions;
use super::stream::{Flight, FlightEvents, RawFlight};
use super::totals::{Code, Totals};
use crate::jobs::{Built, Wiring};
use crate::load::WatermarkEmission;
use crate::verify::Left;
use sink::WindowSink;
use tally::WindowTally;
use verify::WindowVerifier;

/// What a window says of a destination when it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WindowDelays {
    /// The destination.
    pub destination: Code<3>,
    /// Where the window begins, in milliseconds since 1970.
    pub start_ms: i64,
    /// Whether it corrects what was said before.
    pub refined: bool,
    /// The watermark at which it fired.
    pub watermark_ms: i64,
    /// The delays of the flights so far.
    pub totals: Totals,
}

impl WindowDelays {
    fn new(destination: &Code<3>, firing: &Firing, delays: Delays<Code<3>>) -> WindowDelays {
        WindowDelays {
            destination: *destination,
            start_ms: firing.window.start_ms,
            refined: firing.time == FiringTime::Late,
            watermark_ms: firing.watermark_ms,
            totals: delays.totals,
        }
    }
}

/// What the two sinks leave.
#[derive(Default)]
struct Collected {
    results: Left<WindowTally>,
    late: Left<WindowTally>,
}

impl Collected {
    fn total(&self) -> WindowTally {
        let mut total = self.results.together(WindowTally::merge);
        total.merge(&self.late.together(WindowTally::merge));
        total
    }
}

/// The job, with its sources and its verifier.
pub fn build(options: WindowOptions, wiring: Wiring<FlightEvents>) -> Built {
    build_with(options, wiring, |flights| flights)
}

/// As [`build`], with further operators behind `parse`, one subtask each. Whatever they do, the verifier expects that
/// they hand every flight on once: so a test can show that it notices one which does not.
pub fn build_with(
    options: WindowOptions,
    wiring: Wiring<FlightEvents>,
    between: impl FnOnce(engine::Stream<Flight>) -> engine::Stream<Flight>,
) -> Built {
    let graph = JobGraph::new("flights");
    // As many subtasks as the source has: its order would not survive a redistribution.
    let parsed = wiring
        .source(&graph)
        .map("parse", |raw: RawFlight| raw.parse())
        .parallelism(wiring.parallelism());
    let size_ms = i64::try_from(options.size_ms).unwrap_or(i64::MAX);
    let tumbling = Tumbling::new(size_ms).expect("the specification allows no windows below 1 min");
    let (results, late) = between(parsed)
        .key_by(|flight: &Flight| Code(flight.destination))
        .window_with_late(
            "windows",
            |flight| flight.event_time_ms,
            move |_| {
                let contents =
                    AggregatedThen::new(DelayAggregate, |key: &_, firing: &_, delays| {
                        std::iter::once(WindowDelays::new(key, firing, delays))
                    });
                TumblingWindows::new(tumbling, contents, options.lateness_ms)
            },
        );
    let collected = Collected::default();
    let (probes, leave) = (wiring.probes(), collected.results.clone());
    wiring.sink(results, "results", move |context| {
        let take =
            move |tally: &mut WindowTally, result: WindowDelays| tally.add_result(&result, size_ms);
        WindowSink::new(probes.sink(context.index), take, leave.of(context.index))
    });
    let (probes, leave) = (wiring.probes(), collected.late.clone());
    wiring.sink(late, "late", move |context| {
        let take = move |tally: &mut WindowTally, flight: Flight| tally.add_late(&flight, size_ms);
        WindowSink::new(probes.sink(context.index), take, leave.of(context.index))
    });
    let (progress, alone) = (wiring.progress(), wiring.alone());
    let exact = wiring.splits() == 1 && options.watermarks == WatermarkEmission::PerRecord;
    Built {
        graph,
        progress,
        verifier: Box::new(WindowVerifier {
            options,
            exact,
            wiring,
            collected,
        }),
        alone,
    }
}
