//! What the numbers of a run are worth: one verdict per run, by fixed rules over [`Evidence`].
//!
//! Too much load is a valid result (`overloaded`); a driver that was late by itself is not
//! (`generator-limited`). The two are told apart by who kept the source from sending.
//!
//! Whether a run was steady is told by its series, each judged by [`steady`](crate::steady): the offered
//! rate, the throughput, median and 99th percentile of the response time. They are tests of one claim,
//! so that each trend is held against a stricter level (Holm 1979). The size of the state is not among
//! them: where it grows, that is the result. A run that looks steady on a machine that was not quiet is `noisy`.

use crate::conclude::Termination;
use crate::environment::disturbances;
use crate::record::{Correctness, Environment, Evidence, Verdict};
use crate::stats::holm;
use crate::steady::{State, Steadiness, TREND_ALPHA};

/// Own lag beyond this, 99th percentile, is the driver's fault: 10 ms. A source that sleeps until
/// its next record is due oversleeps by well under a millisecond and its batches wait at most a
/// few milliseconds for a flush; only a driver that cannot keep up, or a machine that does not let
/// it run, is later than this for one record in a hundred.
pub const OWN_LAG_P99_BOUND_NS: u64 = 10_000_000;

/// Fewer admitted records than this share, with a source that was free to send, is the driver's
/// fault: an engine that takes everything it is given leaves no other reason.
const GENERATED_SHARE: f64 = 0.995;
/// A source held by the engine for less than this share of time was free to send.
const FREE_HELD_SHARE: f64 = 0.01;
/// The engine takes what it is offered if it admits this share (after Karimov et al., ICDE 2018).
pub(crate) const SUSTAINED_SHARE: f64 = 0.99;
/// And if its backlog grows by less than this many seconds of load per second.
pub(crate) const SUSTAINED_SLOPE: f64 = 0.01;

/// The verdict; earlier rules win over later ones. With closed-loop load nothing was offered, so
/// that the rules about load do not apply.
pub fn judge(
    termination: &Termination,
    correctness: &Correctness,
    evidence: &Evidence,
    environment: &Environment,
) -> Verdict {
    match termination {
        Termination::Failed { .. } => Verdict::Failed,
        Termination::Aborted => Verdict::Aborted,
        Termination::Completed if is_wrong(correctness) => Verdict::Wrong,
        Termination::Completed if is_generator_limited(evidence) => Verdict::GeneratorLimited,
        Termination::Completed if is_overloaded(evidence) => Verdict::Overloaded,
        Termination::Completed => match steadiness(evidence) {
            Verdict::Steady if !disturbances(environment).is_empty() => Verdict::Noisy,
            verdict => verdict,
        },
    }
}

/// What the series say. A load that drifts explains the rest. A throughput that falls and a response
/// time that rises are `degrading`; the backlog has its own rule, as it may not grow at all. A mean is
/// asked for only of the throughput: latencies vary by more than [`PRECISION_BOUND`] from one interval
/// to the next in any healthy run, and where the load itself comes and goes, so does the throughput.
///
/// [`PRECISION_BOUND`]: crate::steady::PRECISION_BOUND
fn steadiness(evidence: &Evidence) -> Verdict {
    let [offered, throughput, p50, p99] = drifts(evidence);
    if offered == 0.0 && (throughput < 0.0 || p50 > 0.0 || p99 > 0.0) {
        return Verdict::Degrading;
    }
    if [offered, throughput, p50, p99]
        .iter()
        .any(|drift| *drift != 0.0)
    {
        return Verdict::Drifting;
    }
    let is = |series: Option<Steadiness>, state| series.is_some_and(|it| it.state == state);
    match evidence.throughput {
        _ if evidence.still_behind => Verdict::Insufficient,
        None => Verdict::Insufficient,
        Some(throughput) if throughput.state == State::Insufficient => Verdict::Insufficient,
        Some(_) if is(evidence.response_p50, State::Insufficient) => Verdict::Insufficient,
        Some(throughput)
            if throughput.state == State::Noisy && !is(evidence.offered_rate, State::Noisy) =>
        {
            Verdict::Noisy
        }
        Some(_) => Verdict::Steady,
    }
}

/// Offered rate, throughput, median and 99th percentile of the response time: by how much each drifts,
/// 0 if that is not significant among the four or does not count.
fn drifts(evidence: &Evidence) -> [f64; 4] {
    let series = [
        evidence.offered_rate,
        evidence.throughput,
        evidence.response_p50,
        evidence.response_p99,
    ];
    let judged: Vec<f64> = series
        .iter()
        .flatten()
        .filter_map(|it| it.trend_p)
        .collect();
    let mut adjusted = holm(&judged).into_iter();
    series.map(|it| {
        let p = it.and_then(|it| it.trend_p).and_then(|_| adjusted.next());
        it.zip(p)
            .filter(|(it, p)| *p <= TREND_ALPHA && it.drifts_at(TREND_ALPHA))
            .and_then(|(it, _)| it.drift)
            .unwrap_or(0.0)
    })
}

fn is_wrong(correctness: &Correctness) -> bool {
    let faults = [
        correctness.missing,
        correctness.duplicated,
        correctness.wrong,
    ];
    correctness.checked && faults.into_iter().flatten().any(|count| count > 0)
}

fn is_generator_limited(evidence: &Evidence) -> bool {
    let late_by_itself = evidence
        .own_lag_p99_ns
        .is_some_and(|lag| lag > evidence.own_lag_p99_bound_ns);
    late_by_itself || (was_free(evidence) && admitted_less_than(GENERATED_SHARE, evidence))
}

/// Whether nothing but itself kept the source from sending.
fn was_free(evidence: &Evidence) -> bool {
    evidence
        .held_share
        .is_some_and(|share| share < FREE_HELD_SHARE)
}

fn is_overloaded(evidence: &Evidence) -> bool {
    let falls_behind = evidence
        .backlog_slope
        .is_some_and(|slope| slope > SUSTAINED_SLOPE);
    // What a free source has not sent, no engine has refused.
    !was_free(evidence) && (falls_behind || admitted_less_than(SUSTAINED_SHARE, evidence))
}

/// Like a percentile, a share close to 1 is only claimed with at least 10 / (1 - share) records: of
/// a hundred records, one that is just on its way at the last sample would already be a percent.
fn admitted_less_than(share: f64, evidence: &Evidence) -> bool {
    let enough = evidence
        .offered
        .is_some_and(|offered| offered as f64 >= (10.0 / (1.0 - share)).floor());
    enough
        && evidence
            .admitted_share
            .is_some_and(|admitted| admitted < share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEALTHY: Evidence = Evidence {
        own_lag_p99_ns: Some(100_000),
        own_lag_p99_bound_ns: OWN_LAG_P99_BOUND_NS,
        offered: Some(100_000),
        admitted_share: Some(1.0),
        held_share: Some(0.0),
        backlog_slope: Some(0.0),
        disturbed_intervals: 0,
        still_behind: false,
        offered_rate: Some(LEVEL),
        throughput: Some(LEVEL),
        response_p50: Some(LEVEL),
        response_p99: Some(LEVEL),
        state_bytes: None,
    };

    const LEVEL: Steadiness = Steadiness {
        samples: 300,
        warm_up: 0,
        effective: Some(300.0),
        mean: Some(1e4),
        half_width: Some(10.0),
        drift: Some(0.001),
        drift_low: Some(-0.002),
        drift_high: Some(0.004),
        trend_p: Some(0.6),
        state: State::Steady,
    };

    fn drifting(drift: f64) -> Option<Steadiness> {
        Some(Steadiness {
            drift: Some(drift),
            trend_p: Some(0.001),
            state: State::Drifting,
            ..LEVEL
        })
    }

    fn of(state: State) -> Option<Steadiness> {
        Some(Steadiness { state, ..LEVEL })
    }

    fn judged(evidence: Evidence) -> Verdict {
        judge(
            &Termination::Completed,
            &Correctness::default(),
            &evidence,
            &Environment::default(),
        )
    }

    #[test]
    fn a_held_source_that_falls_behind_is_overloaded_and_never_generator_limited() {
        let overloaded = Evidence {
            admitted_share: Some(0.6),
            held_share: Some(0.4),
            backlog_slope: Some(0.4),
            ..HEALTHY
        };
        assert_eq!(judged(overloaded), Verdict::Overloaded);
    }

    #[test]
    fn a_free_source_that_falls_behind_is_generator_limited_and_never_overloaded() {
        let limited = Evidence {
            admitted_share: Some(0.6),
            held_share: Some(0.005),
            backlog_slope: Some(0.4),
            ..HEALTHY
        };
        assert_eq!(judged(limited), Verdict::GeneratorLimited);
        // Too few records to tell a share of 99.5 %, and enough for 99 %.
        let short = Evidence {
            offered: Some(1_990),
            admitted_share: Some(0.985),
            backlog_slope: Some(0.02),
            ..HEALTHY
        };
        assert_eq!(judged(short), Verdict::Steady);
        let late = Evidence {
            own_lag_p99_ns: Some(OWN_LAG_P99_BOUND_NS + 1),
            ..HEALTHY
        };
        assert_eq!(judged(late), Verdict::GeneratorLimited);
    }

    #[test]
    fn a_growing_backlog_alone_is_overload() {
        assert_eq!(
            judged(Evidence {
                backlog_slope: Some(0.011),
                held_share: Some(0.5),
                ..HEALTHY
            }),
            Verdict::Overloaded
        );
        assert_eq!(
            judged(Evidence {
                backlog_slope: Some(0.009),
                held_share: Some(0.5),
                ..HEALTHY
            }),
            Verdict::Steady
        );
    }

    #[test]
    fn a_few_records_on_their_way_at_the_last_sample_are_no_shortfall() {
        assert_eq!(
            judged(Evidence {
                offered: Some(150),
                admitted_share: Some(0.98),
                ..HEALTHY
            }),
            Verdict::Steady
        );
        assert_eq!(
            judged(Evidence {
                offered: Some(1_000),
                admitted_share: Some(0.98),
                held_share: Some(0.2),
                ..HEALTHY
            }),
            Verdict::Overloaded
        );
    }

    #[test]
    fn closed_loop_load_is_neither_overloaded_nor_generator_limited() {
        let closed = Evidence {
            own_lag_p99_bound_ns: OWN_LAG_P99_BOUND_NS,
            held_share: Some(0.0),
            throughput: Some(LEVEL),
            ..Evidence::default()
        };
        assert_eq!(judged(closed), Verdict::Steady);
    }

    #[test]
    fn what_gets_worse_is_degrading_and_what_else_changes_is_drifting() {
        let with = |change: fn(&mut Evidence)| {
            let mut evidence = HEALTHY;
            change(&mut evidence);
            judged(evidence)
        };
        assert_eq!(
            with(|it| it.throughput = drifting(-0.06)),
            Verdict::Degrading
        );
        assert_eq!(
            with(|it| it.response_p50 = drifting(0.2)),
            Verdict::Degrading
        );
        assert_eq!(
            with(|it| it.response_p99 = drifting(0.2)),
            Verdict::Degrading
        );
        assert_eq!(with(|it| it.throughput = drifting(0.06)), Verdict::Drifting);
        assert_eq!(
            with(|it| it.response_p99 = drifting(-0.2)),
            Verdict::Drifting
        );
        assert_eq!(with(|it| it.state_bytes = drifting(0.9)), Verdict::Steady);
        let less_load = |it: &mut Evidence| {
            (it.offered_rate, it.throughput) = (drifting(-0.3), drifting(-0.3));
        };
        assert_eq!(with(less_load), Verdict::Drifting);
    }

    #[test]
    fn a_trend_that_one_series_in_four_shows_by_chance_is_none() {
        let by_chance = drifting(0.06).map(|it| Steadiness {
            trend_p: Some(0.02),
            ..it
        });
        let evidence = Evidence {
            response_p99: by_chance,
            ..HEALTHY
        };
        assert_eq!(judged(evidence), Verdict::Steady);
        let alone = Evidence {
            offered_rate: None,
            throughput: by_chance,
            response_p50: None,
            response_p99: None,
            ..HEALTHY
        };
        assert_eq!(judged(alone), Verdict::Drifting);
    }

    #[test]
    fn noise_is_of_the_throughput_unless_the_load_has_it_too() {
        let noisy = Evidence {
            throughput: of(State::Noisy),
            response_p99: of(State::Noisy),
            ..HEALTHY
        };
        assert_eq!(judged(noisy), Verdict::Noisy);
        let bursts = Evidence {
            offered_rate: of(State::Noisy),
            ..noisy
        };
        assert_eq!(judged(bursts), Verdict::Steady);
        let short = Evidence {
            throughput: of(State::Insufficient),
            ..HEALTHY
        };
        assert_eq!(judged(short), Verdict::Insufficient);
        assert_eq!(judged(Evidence::default()), Verdict::Insufficient);
        let behind = Evidence {
            still_behind: true,
            ..HEALTHY
        };
        assert_eq!(judged(behind), Verdict::Insufficient);
    }

    #[test]
    fn a_steady_run_on_a_machine_that_did_something_else_is_noisy() {
        let environment = Environment {
            others_cpu: Some(0.6),
            ..Environment::default()
        };
        let judged = |evidence| {
            let correctness = Correctness::default();
            judge(
                &Termination::Completed,
                &correctness,
                &evidence,
                &environment,
            )
        };
        assert_eq!(judged(HEALTHY), Verdict::Noisy);
        let changing = Evidence {
            throughput: drifting(0.2),
            ..HEALTHY
        };
        assert_eq!(judged(changing), Verdict::Drifting);
        assert_eq!(judged(Evidence::default()), Verdict::Insufficient);
    }

    proptest! {
        #[test]
        fn failure_comes_before_abort_before_wrong_results_before_load(
            lag in proptest::option::of(0u64..100_000_000), share in proptest::option::of(0.0f64..1.1),
            held in proptest::option::of(0.0f64..1.0), slope in proptest::option::of(-1.0f64..1.0), offered in 0u64..10_000,
        ) {
            let evidence = Evidence {
                own_lag_p99_ns: lag, offered: Some(offered), admitted_share: share, held_share: held,
                backlog_slope: slope, ..HEALTHY
            };
            let wrong = Correctness { checked: true, missing: Some(1), ..Correctness::default() };
            let quiet = Environment::default();
            let failed = Termination::Failed { reason: "x".into() };
            prop_assert_eq!(judge(&failed, &wrong, &evidence, &quiet), Verdict::Failed);
            prop_assert_eq!(judge(&Termination::Aborted, &wrong, &evidence, &quiet), Verdict::Aborted);
            prop_assert_eq!(judge(&Termination::Completed, &wrong, &evidence, &quiet), Verdict::Wrong);
            let verdict = judged(evidence);
            if held.is_some_and(|held| held >= FREE_HELD_SHARE) && lag.is_none_or(|lag| lag <= OWN_LAG_P99_BOUND_NS) {
                prop_assert_ne!(verdict, Verdict::GeneratorLimited);
            }
        }
    }
}
