//! Whole sweeps on a simulated engine.

use std::path::Path;

use reports::record::Heading;
use reports::sweep::LOADS;

use super::*;
use crate::loads::simulated::{Simulated, Trouble, basis};

const FREEZE: &str = "[[fault]]\nkind = 'freeze'\noperator = 'slow'\nat = '1s'\nfor = '1s'\n";

fn go(
    runner: &mut Simulated,
    folder: &Path,
    capacity_per_s: f64,
) -> (Left, SweepRecord, Vec<SweepRow>) {
    let basis = basis(FREEZE);
    let capacity = Capacity {
        median_per_s: capacity_per_s,
        lower_per_s: capacity_per_s,
        upper_per_s: capacity_per_s,
    };
    let heading = Heading::new("sweep", "test", "2026-11-22T15:45:00Z".to_owned());
    let duration = duration(&basis, capacity_per_s);
    let objective = Some(Duration::from_millis(10));
    let begun = record(heading, capacity, true, duration, objective);
    let sweeping = Sweeping::begin(runner, &basis, folder, begun).unwrap();
    sweeping.run().unwrap()
}

#[test]
fn a_sweep_says_which_loads_are_held_and_how_overload_and_a_freeze_are_borne() {
    let folder = tempfile::tempdir().unwrap();
    let (left, record, rows) = go(&mut Simulated::new(1_000.0), folder.path(), 1_000.0);
    assert_eq!(
        (left, record.heading.verdict),
        (Left::Finished, Verdict::Steady)
    );
    assert_eq!(rows.iter().map(|row| row.load).collect::<Vec<_>>(), LOADS);
    for row in &rows {
        assert_eq!(
            row.outcome == Probe::Unsustainable,
            row.load > 1.0,
            "{row:?}"
        );
        assert_eq!(row.duration_ms, 40_000);
    }
    let overload = |at: usize| record.overload[at];
    assert_eq!([0, 1, 2].map(|at| overload(at).load), OVERLOADS.map(Some));
    assert!((0..3).all(|at| (overload(at).completed.unwrap() - 1.0).abs() < 0.01));
    assert!(overload(2).within_objective < overload(0).within_objective);
    // At the scenario's own 500 a second, 500 records wait, and 500 a second are to spare.
    let freeze = record.freeze.unwrap();
    assert_eq!(freeze.rate_per_s, 500.0);
    assert!((freeze.score.unwrap() - 1.0).abs() < 0.15, "{freeze:?}");
    assert!(freeze.violation.unwrap().above_s > 1.0);
    reports::render_sweep(folder.path()).unwrap();
}

#[test]
fn a_sweep_that_is_interrupted_at_any_run_goes_on_to_the_same_answer() {
    let whole = tempfile::tempdir().unwrap();
    let mut runner = Simulated::new(1_000.0);
    let (_, expected, rows) = go(&mut runner, whole.path(), 1_000.0);
    for at in 0..runner.ran.len() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Simulated::new(1_000.0);
        first.trouble = Some((at, 1, Trouble::Interrupted));
        let (left, record, _) = go(&mut first, folder.path(), 1_000.0);
        assert_eq!((left, record.heading.finished), (Left::Interrupted, false));
        reports::render_sweep(folder.path()).unwrap();
        let mut second = Simulated::new(1_000.0);
        let (left, record, found) = go(&mut second, folder.path(), 1_000.0);
        assert_eq!(left, Left::Finished);
        assert_eq!((record, found), (expected.clone(), rows.clone()));
        assert_eq!(second.ran.len(), runner.ran.len() - at);
    }
}

#[test]
fn a_capacity_that_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (_, record, _) = go(&mut Simulated::new(700.0), folder.path(), 1_000.0);
    assert_eq!(record.heading.verdict, Verdict::Overloaded);
}

#[test]
fn a_load_that_fails_twice_ends_a_sweep_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Simulated::new(1_000.0);
    runner.trouble = Some((3, 2, Trouble::Fails));
    let (left, record, rows) = go(&mut runner, folder.path(), 1_000.0);
    assert_eq!((left, rows.len()), (Left::Failed, 3));
    assert_eq!(record.heading.failure.unwrap(), "run 04-0.6: no memory");
}
