//! Whole searches on a simulated engine: how they end, and that they go on after any interruption.

use std::path::Path;

use reports::record::Heading;
use reports::search::Stop;
use reports::sustainable::Probe;

use super::*;
use crate::loads::simulated::{Simulated, Trouble, basis};

fn begun() -> SearchRecord {
    SearchRecord {
        heading: Heading::new("search", "test", "2026-11-22T15:45:00Z".to_owned()),
        start: None,
        answer: None,
    }
}

fn go(runner: &mut Simulated, folder: &Path) -> (Left, SearchRecord, Vec<ProbeRow>) {
    let basis = basis("");
    let searching = Searching::begin(runner, &basis, folder, None, begun()).unwrap();
    searching.run().unwrap()
}

fn new_folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_search_finds_the_capacity_and_names_a_run_for_every_probe() {
    let folder = new_folder();
    let mut runner = Simulated::new(10_000.0);
    let (left, record, rows) = go(&mut runner, folder.path());
    assert_eq!(left, Left::Finished);
    let answer = record.answer.clone().unwrap();
    let capacity = answer.capacity.unwrap();
    assert!(capacity.lower_per_s <= 10_000.0 && 10_000.0 <= capacity.upper_per_s);
    assert_eq!(
        (answer.stop, record.heading.verdict),
        (Stop::Narrow, Verdict::Steady)
    );
    assert_eq!(runner.ran[0].load, Load::ClosedLoop);
    // Throughput over the share of time that the busiest subtask needed.
    let start = record.start.as_ref().unwrap();
    assert!((start.plan.start_per_s - 10_000.0 / 0.98).abs() < 1.0);
    for row in &rows {
        let run = row.run.as_ref().unwrap();
        assert!(runner.ran.iter().any(|wanted| wanted.run == *run), "{run}");
    }
    assert_eq!(
        result_of::<SearchRecord>(folder.path()).unwrap(),
        Some(record)
    );
    assert_eq!(probe_rows(folder.path()).collect::<Vec<_>>(), rows);
}

/// Arrivals that come 3 % too often, in every run alike, as those of one seed do: a capacity in rates that were asked
/// for would be 3 % too low, and the interval 2 % wide.
#[test]
fn a_load_is_what_was_due_and_the_next_one_is_asked_for_accordingly() {
    let folder = new_folder();
    let mut runner = Simulated::new(10_000.0);
    runner.due = 1.03;
    let (_, record, rows) = go(&mut runner, folder.path());
    let capacity = record.answer.unwrap().capacity.unwrap();
    assert!(
        (9_900.0..10_100.0).contains(&capacity.median_per_s),
        "{capacity:?}"
    );
    assert!(capacity.lower_per_s <= 10_000.0 && 10_000.0 <= capacity.upper_per_s);
    for row in &rows {
        let due = row.rate_per_s / row.asked_per_s.unwrap();
        assert!((due - 1.03).abs() < 0.004, "{row:?}");
    }
    // From the second of a length on a probe is where it was to be.
    let planned = |row: &&ProbeRow| {
        let name = row.run.as_ref().unwrap().split('-').nth(1);
        name.unwrap()
            .parse::<f64>()
            .is_ok_and(|rate| (rate - row.rate_per_s).abs() < 1e-6)
    };
    assert!(
        rows.iter().filter(planned).count() + 3 >= rows.len(),
        "{rows:#?}"
    );
}

#[test]
fn a_search_that_is_interrupted_at_any_run_goes_on_to_the_same_answer() {
    let whole = new_folder();
    let mut runner = Simulated::new(7_300.0);
    let (_, expected, rows) = go(&mut runner, whole.path());
    for at in 0..runner.ran.len() {
        let folder = new_folder();
        let mut first = Simulated::new(7_300.0);
        first.trouble = Some((at, 1, Trouble::Interrupted));
        let (left, record, _) = go(&mut first, folder.path());
        assert_eq!(left, Left::Interrupted);
        // What it leaves can be read, and says that it is no answer yet.
        assert_eq!(
            (record.heading.verdict, record.heading.finished),
            (Verdict::Aborted, false)
        );
        reports::render_search(folder.path()).unwrap();
        let (left, record, found) = go(&mut Simulated::new(7_300.0), folder.path());
        assert_eq!(left, Left::Finished);
        assert_eq!((record, found), (expected.clone(), rows.clone()));
    }
}

#[test]
fn a_probe_that_fails_is_run_once_more_and_then_ends_a_search_that_can_go_on() {
    let folder = new_folder();
    let mut runner = Simulated::new(10_000.0);
    runner.trouble = Some((2, 1, Trouble::Fails));
    assert_eq!(go(&mut runner, folder.path()).0, Left::Finished);
    assert_eq!(runner.ran[2], runner.ran[3]);

    let folder = new_folder();
    let mut runner = Simulated::new(10_000.0);
    runner.trouble = Some((2, 2, Trouble::Fails));
    let (left, record, rows) = go(&mut runner, folder.path());
    assert_eq!((left, rows.len()), (Left::Failed, 1));
    assert_eq!(record.heading.verdict, Verdict::Failed);
    let failure = record.heading.failure.unwrap();
    assert!(
        failure.starts_with("run 02-") && failure.ends_with("no memory"),
        "{failure}"
    );
    let (left, record, _) = go(&mut Simulated::new(10_000.0), folder.path());
    assert_eq!((left, record.heading.failure), (Left::Finished, None));
}

#[test]
fn wrong_results_and_an_input_that_ends_early_end_a_search_with_the_reason() {
    for (trouble, verdict, reason) in [
        (Trouble::IsWrong, Verdict::Wrong, "results are wrong"),
        (
            Trouble::EndsEarly,
            Verdict::Failed,
            "the input ended after 0.2",
        ),
    ] {
        let mut runner = Simulated::new(10_000.0);
        runner.trouble = Some((1, 1, trouble));
        let (left, record, _) = go(&mut runner, new_folder().path());
        assert_eq!((left, record.heading.verdict), (Left::Failed, verdict));
        let failure = record.heading.failure.unwrap();
        assert!(failure.contains(reason), "{failure}");
    }
}

#[test]
fn a_job_that_takes_no_closed_loop_is_searched_from_the_scenarios_own_rate() {
    let mut runner = Simulated::new(600.0);
    runner.trouble = Some((0, 2, Trouble::Fails));
    let (left, record, rows) = go(&mut runner, new_folder().path());
    assert_eq!((left, rows[0].rate_per_s), (Left::Finished, 500.0));
    assert!(record.heading.notes[0].contains("scenario's own rate"));
    assert_eq!(record.start.unwrap().throughput_per_s, None);
}

#[test]
fn a_backlog_that_grows_because_the_driver_is_late_bounds_no_engine() {
    let mut runner = Simulated::new(10_000.0);
    runner.trouble = Some((1, usize::MAX - 1, Trouble::DriverIsLate));
    let (left, record, rows) = go(&mut runner, new_folder().path());
    assert_eq!(left, Left::Finished);
    assert!(rows.iter().all(|row| row.outcome != Probe::Unsustainable));
    assert_eq!(record.heading.verdict, Verdict::Insufficient);
    let notes = record.heading.notes.join("\n");
    assert!(notes.contains("generator-limited"), "{notes}");
}

#[test]
fn the_highest_load_that_can_be_offered_is_an_answer_of_its_own() {
    for due in [1.0, 0.98, 1.02] {
        let mut runner = Simulated::new(10_000.0);
        (runner.ceiling_per_s, runner.due) = (Some(8_000.0), due);
        let (left, record, rows) = go(&mut runner, new_folder().path());
        let answer = record.answer.unwrap();
        let found = (left, answer.stop, record.heading.verdict);
        let expected = (Left::Finished, Stop::Ceiling, Verdict::GeneratorLimited);
        assert_eq!(found, expected, "{due}: {rows:#?}");
        assert!(answer.bounds.held_per_s >= Some(8_000.0), "{due}");
        assert!(rows.len() < 8, "{due}: {rows:#?}");
    }
}

#[test]
fn an_undecided_probe_is_measured_for_twice_as_long_and_not_for_ever() {
    let mut runner = Simulated::new(10_000.0);
    runner.trouble = Some((1, usize::MAX - 1, Trouble::DriverIsLate));
    go(&mut runner, new_folder().path());
    let of = |suffix: &str| {
        runner
            .ran
            .iter()
            .filter(|it| it.run.ends_with(suffix))
            .count()
    };
    assert!(of("-x2") > 0 && of("-x4") > 0 && of("-x32") == 0);
    let longest = runner.ran.iter().map(|it| it.duration).max();
    assert_eq!(longest, Some(Duration::from_secs(80)));
}
