use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn plan() -> SearchPlan {
    SearchPlan::usual(1_000.0, Duration::from_secs(40))
}

fn result(rate_per_s: f64, outcome: Probe) -> ProbeResult {
    ProbeResult {
        rate_per_s,
        duration: Duration::from_secs(40),
        outcome,
        completed_per_s: None,
        backlog_slope_lower: None,
        backlog_slope_upper: None,
    }
}

fn outcome() -> impl Strategy<Value = Probe> {
    prop_oneof![
        Just(Probe::Sustainable),
        Just(Probe::Unsustainable),
        Just(Probe::Undecided)
    ]
}

/// Any probe at all: of a few loads often, so that they contradict each other.
fn arbitrary() -> impl Strategy<Value = ProbeResult> {
    let rate = prop_oneof![(1u32..8).prop_map(|at| f64::from(at) * 100.0), 1e-3f64..1e9];
    let slope = || proptest::option::of(prop_oneof![-2.0f64..2.0, any::<f64>()]);
    (
        rate,
        1u64..100,
        outcome(),
        proptest::option::of(any::<f64>()),
        slope(),
        slope(),
    )
        .prop_map(
            |(
                rate_per_s,
                seconds,
                outcome,
                completed_per_s,
                backlog_slope_lower,
                backlog_slope_upper,
            )| ProbeResult {
                rate_per_s,
                duration: Duration::from_secs(seconds),
                outcome,
                completed_per_s,
                backlog_slope_lower,
                backlog_slope_upper,
            },
        )
}

/// What must hold of any answer, whatever the probes were.
fn check(answer: &Answer, probes: &[ProbeResult]) -> Result<(), TestCaseError> {
    let rates = |outcome: Probe| {
        let those = probes.iter().filter(move |it| it.outcome == outcome);
        those.map(|it| it.rate_per_s)
    };
    let lowest_failing = rates(Probe::Unsustainable).fold(f64::INFINITY, f64::min);
    let held = answer.bounds.held_per_s;
    prop_assert!(held.is_none_or(|held| held <= lowest_failing));
    prop_assert!(held.is_none_or(|held| rates(Probe::Sustainable).any(|rate| rate == held)));
    // The top load may have failed: a lower one that was held is the answer.
    let highest_passing = rates(Probe::Sustainable)
        .filter(|rate| *rate < lowest_failing)
        .reduce(f64::max);
    prop_assert!(highest_passing.is_none_or(|passing| held >= Some(passing)));
    if let Some(capacity) = answer.capacity {
        prop_assert!(capacity.lower_per_s > 0.0 && capacity.upper_per_s.is_finite());
        prop_assert!(
            capacity.lower_per_s <= capacity.median_per_s
                && capacity.median_per_s <= capacity.upper_per_s
        );
    }
    prop_assert_eq!(
        answer.notes.iter().any(|note| note.contains("contradict")),
        rates(Probe::Sustainable).any(|rate| rate >= lowest_failing)
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_answer_is_above_a_failing_load_and_no_passing_bound_is_lost(probes in vec(arbitrary(), 0..20)) {
        let mut search = Search::new(plan()).unwrap();
        for probe in &probes {
            search.feed(*probe);
            check(&search.answer(), search.probes())?;
        }
    }

    #[test]
    fn a_search_ends_in_time_whatever_comes_of_its_probes(outcomes in vec(outcome(), 14), ceiling in proptest::option::of((300u32..3_000).prop_map(f64::from))) {
        let plan = SearchPlan { ceiling_per_s: ceiling, ..plan() };
        let mut search = Search::new(plan.clone()).unwrap();
        let mut outcomes = outcomes.into_iter();
        while let Next::Probe { rate_per_s, duration } = search.next() {
            prop_assert!(rate_per_s > 0.0 && ceiling.is_none_or(|most| rate_per_s <= most) && !duration.is_zero());
            let next = outcomes.next();
            prop_assert!(next.is_some(), "more than 14 probes");
            search.feed(ProbeResult { duration, ..result(rate_per_s, next.unwrap()) });
        }
        check(&search.answer(), search.probes())?;
        // The record is enough to come to the same answer, or to go on from anywhere.
        let json = serde_json::to_string(search.probes()).unwrap();
        let recorded: Vec<ProbeResult> = serde_json::from_str(&json).unwrap();
        let resumed = Search::resumed(plan, &recorded).unwrap();
        prop_assert_eq!(resumed.next(), search.next());
        prop_assert!(search.answer().stop != Stop::Unfinished);
    }
}

#[test]
fn the_bracket_grows_by_a_quarter_until_a_load_is_held_below_one_that_is_not() {
    let mut search = Search::new(plan()).unwrap();
    let short = Duration::from_secs(10);
    let next = |search: &Search| match search.next() {
        Next::Probe {
            rate_per_s,
            duration,
        } => (rate_per_s.round(), duration),
        Next::Done(_) => panic!("done"),
    };
    assert_eq!(next(&search), (1_000.0, short));
    search.feed(result(1_000.0, Probe::Sustainable));
    assert_eq!(next(&search), (1_250.0, short));
    search.feed(result(1_250.0, Probe::Sustainable));
    assert_eq!(next(&search).0, 1_563.0);
    search.feed(result(1_562.5, Probe::Unsustainable));
    let (rate, _) = next(&search);
    assert!(1_250.0 < rate && rate < 1_562.5, "{rate}");
}

#[test]
fn the_top_load_failed_but_a_lower_one_passed() {
    let mut search = Search::new(plan()).unwrap();
    for rate in [800.0, 900.0, 1_000.0] {
        search.feed(result(rate, Probe::Sustainable));
    }
    search.feed(result(1_100.0, Probe::Unsustainable));
    assert_eq!(search.answer().bounds.held_per_s, Some(1_000.0));
}

#[test]
fn a_load_of_several_probes_is_judged_by_most_of_their_time() {
    let probe = |seconds, outcome| ProbeResult {
        duration: Duration::from_secs(seconds),
        ..result(500.0, outcome)
    };
    let held = |probes: &[ProbeResult]| Bounds::of(probes).held_per_s;
    let (short_fail, long_pass) = (
        probe(10, Probe::Unsustainable),
        probe(40, Probe::Sustainable),
    );
    assert_eq!(held(&[short_fail, long_pass]), Some(500.0));
    assert_eq!(held(&[probe(41, Probe::Unsustainable), long_pass]), None);
    assert!(Bounds::of(&[short_fail, long_pass]).contradiction);
}

#[test]
fn a_search_that_reaches_the_drivers_ceiling_says_at_least() {
    let plan = SearchPlan {
        ceiling_per_s: Some(1_200.0),
        ..plan()
    };
    let mut search = Search::new(plan).unwrap();
    search.feed(result(1_000.0, Probe::Sustainable));
    assert!(matches!(
        search.next(),
        Next::Probe {
            rate_per_s: 1_200.0,
            ..
        }
    ));
    search.feed(result(1_200.0, Probe::Sustainable));
    let Next::Done(answer) = search.next() else {
        panic!("not done")
    };
    assert_eq!(
        (answer.stop, answer.capacity, answer.bounds.held_per_s),
        (Stop::Ceiling, None, Some(1_200.0))
    );
    assert!(answer.notes[0].contains("at least"));
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_refused() {
    let refused = |change: &dyn Fn(&mut SearchPlan)| {
        let mut plan = plan();
        change(&mut plan);
        Search::new(plan).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&|it| it.start_per_s = f64::NAN),
        "start_per_s must be a positive number"
    );
    assert_eq!(
        refused(&|it| it.bracket_factor = 1.0),
        "bracket_factor must be above 1"
    );
    assert_eq!(
        refused(&|it| it.max_probes = 1),
        "max_probes must be at least 2"
    );
    assert!(refused(&|it| it.goals.reverse()).starts_with("goals must get narrower"));
    assert!(refused(&|it| it.goals.clear()).starts_with("goals must get narrower"));
}
