//! Windows of the flights on the real engine: in every layout the one right answer, where there is one.

#[path = "support/running.rs"]
mod running;

use std::sync::Arc;

use running::{Ran, job, load, records, run, run_built, workload};
use workloads::flights::windows::build_with;
use workloads::flights::{Flight, FlightEvents, Year};
use workloads::jobs::{Feed, Wiring};
use workloads::{Bounds, Correctness, Mode, NoProbes, WorkloadSpec};

/// Watermark delay and allowed lateness in minutes; then firings, late flights, windows that were right at first, that
/// were refined, that fired and stayed incomplete, and that never fired. The figures are those that
/// `scripts/flights-windows-check --settings` gives, a simulation in Python over the package's CSV.
const SETTINGS: [([u64; 2], [u64; 6]); 6] = [
    ([0, 0], [137_020, 130_779, 97_093, 0, 39_927, 60_460]),
    ([30, 0], [176_101, 49_259, 155_531, 0, 20_570, 21_379]),
    ([60, 0], [187_401, 23_530, 176_584, 0, 10_817, 10_079]),
    ([30, 60], [212_576, 12_784, 169_163, 16_628, 6_297, 5_392]),
    ([120, 0], [194_444, 7_383, 190_613, 0, 3_831, 3_036]),
    ([240, 24 * 60], [198_113, 0, 196_862, 618, 0, 0]),
];

const FLIGHTS: u64 = 327_346;

fn hourly([delay, lateness]: [u64; 2]) -> WorkloadSpec {
    workload(&format!(
        "kind = 'flights'\nwindow = '1h'\nwatermark_delay = '{delay}m'\nallowed_lateness = '{lateness}m'"
    ))
}

/// Firings and late flights, as the sinks saw them.
fn seen(ran: &Ran) -> [u64; 2] {
    let results = ran.verifier.results();
    let sum = |kind: &str, column: &str| -> u64 {
        let at = results.header.iter().position(|name| *name == column);
        let cells = results.rows.iter().filter(|row| row[0] == kind);
        let cells = cells.map(|row| {
            row[at.expect("there is one")]
                .parse::<u64>()
                .expect("number")
        });
        cells.sum()
    };
    [sum("window", "firings"), sum("late", "count")]
}

#[test]
fn at_every_setting_the_figures_are_those_of_the_script_over_the_original_data() {
    let layouts = [
        "parallelism = 1",
        "parallelism = 2",
        "parallelism = 3\nchaining = false",
        "parallelism = 2\nchaining = ['windows', 'late']\nchannels = { batch = 3 }",
        "parallelism = 5\nslots = 1\nchannels = { batch = 17, exclusive = 1, floating = 0 }",
        "parallelism = 4\nchaining = false\nchannels = { batch = 8, exclusive = 1, floating = 0 }",
    ];
    for ((setting, figures), layout) in SETTINGS.into_iter().zip(layouts) {
        let [firings, late, right_at_first, refined, incomplete, missing] = figures;
        let spec = hourly(setting);
        let ran = run(&spec, &load("splits = 1"), &job(layout), Bounds::default());
        ran.assert_right(&format!("{setting:?}, {layout}"));
        let found = ran.correctness();
        assert_eq!((found.mode, found.expected), (Mode::Exact, FLIGHTS));
        assert_eq!(seen(&ran), [firings, late], "{setting:?}, {layout}");
        let admitted = ran.progress.admitted_per_split();
        let trade_off = ran
            .verifier
            .trade_off(&admitted)
            .expect("windows of fixed size");
        let own = trade_off.configured().expect("it is in the sweep");
        assert_eq!(
            [
                own.late,
                own.right_at_first,
                own.refined,
                own.incomplete,
                own.missing
            ],
            [late, right_at_first, refined, incomplete, missing]
        );
    }
}

#[test]
fn where_marks_come_with_batches_every_flight_is_still_in_one_place() {
    let per_poll = "kind = 'flights'\nwindow = '1h'\nwatermarks = 'per-poll'";
    let cases = [
        (per_poll, 1, "parallelism = 2"),
        (per_poll, 7, "parallelism = 3\nchaining = false"),
        (
            "kind = 'flights'\nwindow = '90m'\nallowed_lateness = '2h'",
            4,
            "parallelism = 2",
        ),
    ];
    for (spec, splits, layout) in cases {
        let load = load(&format!("splits = {splits}"));
        let ran = run(&workload(spec), &load, &job(layout), Bounds::default());
        ran.assert_right(&format!("{spec}, {layout}"));
        assert_eq!(ran.correctness().mode, Mode::Invariants);
    }
}

#[test]
fn the_first_flights_of_a_second_year_are_windowed_as_well() {
    let spec = workload("kind = 'flights'\nwindow = '1h'\nrepeat = 2");
    let ran = run(
        &spec,
        &load("splits = 1"),
        &job(""),
        records(FLIGHTS + 50_000),
    );
    ran.assert_right("more than a year");
    assert_eq!(ran.correctness().expected, FLIGHTS + 50_000);
}

/// Runs the year through an operator between `parse` and the windows.
fn run_with(
    watermarks: &str,
    between: impl FnMut(Flight, &mut engine::Collector<'_, Flight>) + Clone + Send + Sync + 'static,
) -> Correctness {
    let text = format!(
        "kind = 'flights'\nwindow = '1h'\nallowed_lateness = '1h'\nwatermarks = '{watermarks}'"
    );
    let WorkloadSpec::Flights(spec) = workload(&text) else {
        panic!("that is its kind")
    };
    let options = spec.windows().expect("it has some");
    let (job, load) = (job("parallelism = 2"), load("splits = 1"));
    let feed = Feed {
        load: &load,
        parallelism: 1,
        seed: 1,
        bounds: Bounds::default(),
        probes: Arc::new(NoProbes),
    };
    let events = FlightEvents::new(Arc::new(Year::embedded().expect("unchanged")), 1);
    let wiring = Wiring::new(events, None, feed).expect("closed loop");
    let wiring = wiring.with_watermarks(options.source_watermarks());
    let built = build_with(options, wiring, |flights| {
        flights.flat_map("culprit", between).parallelism(1)
    });
    run_built(built, &job).correctness()
}

#[test]
fn an_operator_that_loses_doubles_or_swaps_one_flight_is_caught() {
    for watermarks in ["per-record", "per-poll"] {
        let honest = run_with(watermarks, |flight, out| out.emit(flight));
        assert!(honest.is_right(), "{watermarks}: {honest:?}");
        let loses = run_with(watermarks, |flight, out| {
            if flight.record != 123_456 {
                out.emit(flight);
            }
        });
        assert_eq!((loses.missing, loses.duplicated), (1, 0), "{watermarks}");
        let doubles = run_with(watermarks, |flight, out| {
            out.emit(flight);
            if flight.record == 123_456 {
                out.emit(flight);
            }
        });
        assert_eq!(
            (doubles.missing, doubles.duplicated),
            (0, 1),
            "{watermarks}"
        );
        // Another flight to the same place in the same hour with the same delay: all figures stay as they should be.
        let swaps = run_with(watermarks, |mut flight, out| {
            if flight.record == 123_456 {
                flight.record = 0;
            }
            out.emit(flight);
        });
        let found = (swaps.missing, swaps.duplicated, swaps.wrong);
        assert_eq!(found, (0, 0, 1), "{watermarks}");
    }
}

#[test]
fn a_flight_that_overtakes_others_is_caught_only_where_there_is_one_right_answer() {
    // The flight is kept back for a thousand others: the watermark passes it, and it comes late.
    let kept_back = |watermarks: &str| {
        let mut kept: Option<Flight> = None;
        run_with(watermarks, move |flight, out| {
            if flight.record == 123_456 {
                kept = Some(flight);
                return;
            }
            if flight.record == 124_456 {
                kept.take().into_iter().for_each(|kept| out.emit(kept));
            }
            out.emit(flight);
        })
    };
    assert!(!kept_back("per-record").is_right());
    assert!(kept_back("per-poll").is_right());
}
