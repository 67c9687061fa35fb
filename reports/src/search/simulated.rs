//! Searches against simulated engines whose capacity is known: how often the interval holds it, how far
//! the estimate is off, how many probes that takes.
//!
//! A simulated engine is a queue, sampled once a second. What it does per second is its capacity, times a
//! factor that each probe draws for itself (lognormal, AR(1) from probe to probe), times one for each
//! second (lognormal, 2 %, AR(1) 0.5). Its probes are judged by the real judge and extended as it asks.

use std::time::Duration;

use rand_distr::{Distribution as _, StandardNormal};

use super::{Answer, Next, ProbeResult, Search, SearchPlan};
use crate::stats::simulated::rng;
use crate::sustainable::{BacklogSample, Probe, extended, judge_probe};

const SECONDS: u64 = 40;
const LONGEST: Duration = Duration::from_secs(4 * SECONDS);
const CAPACITY_PER_S: f64 = 100_000.0;

#[derive(Clone, Copy)]
struct Engine {
    /// Standard deviation of ln capacity from probe to probe, and its autocorrelation.
    noise: f64,
    autocorrelation: f64,
    /// From second to second.
    jitter: f64,
    /// What it does above its capacity, relative to that.
    overloaded: f64,
    /// Whether response times are known: they rise wherever the backlog grows.
    has_latency: bool,
    /// Standard deviation of ln of the start estimate, which is around this much of the capacity.
    start: (f64, f64),
}

/// As most of the searches below have it.
const USUAL: Engine = Engine {
    noise: 0.0,
    autocorrelation: 0.0,
    jitter: 0.02,
    overloaded: 1.0,
    has_latency: false,
    start: (1.0, 0.1),
};

struct Found {
    answer: Answer,
    lowest_failed: f64,
    seconds: u64,
}

fn search(engine: Engine, seed: u64) -> Found {
    let mut random = rng(seed);
    let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
    let start = CAPACITY_PER_S * engine.start.0 * (engine.start.1 * normal()).exp();
    let plan = SearchPlan::usual(start, Duration::from_secs(SECONDS));
    let mut search = Search::new(plan).unwrap();
    let mut between = normal();
    let (mut lowest_failed, mut seconds) = (f64::INFINITY, 0);
    loop {
        match search.next() {
            Next::Done(answer) => {
                return Found {
                    answer,
                    lowest_failed,
                    seconds,
                };
            }
            Next::Probe {
                rate_per_s,
                duration,
            } => {
                let kept = engine.autocorrelation;
                between = kept * between + (1.0 - kept * kept).sqrt() * normal();
                let capacity = CAPACITY_PER_S * (engine.noise * between).exp();
                let seen = if rate_per_s > 1.01 * capacity {
                    engine.overloaded
                } else {
                    1.0
                };
                let result = probe(
                    rate_per_s,
                    duration,
                    (seen * capacity, engine.jitter, engine.has_latency),
                    &mut normal,
                );
                if result.outcome == Probe::Unsustainable {
                    lowest_failed = lowest_failed.min(rate_per_s);
                }
                seconds += result.duration.as_secs();
                search.feed(result);
            }
        }
    }
}

fn probe(
    rate_per_s: f64,
    mut duration: Duration,
    (capacity, jitter, has_latency): (f64, f64, bool),
    normal: &mut impl FnMut() -> f64,
) -> ProbeResult {
    let mut samples = Vec::new();
    let (mut scheduled, mut completed, mut within) = (0.0, 0.0, normal());
    loop {
        while samples.len() as u64 <= duration.as_secs() {
            samples.push(BacklogSample {
                t_s: samples.len() as f64,
                scheduled: scheduled as u64,
                completed: completed as u64,
                event_time_latency_ms: has_latency
                    .then(|| 5.0 + f64::max(scheduled - completed, 0.0) / capacity * 1e3),
            });
            within = 0.5 * within + 0.75f64.sqrt() * normal();
            scheduled += rate_per_s;
            completed = scheduled.min(completed + capacity * (jitter * within).exp());
        }
        let judgement = judge_probe(rate_per_s, &samples);
        match extended(duration, LONGEST).filter(|_| judgement.may_be_told_by_more_time()) {
            Some(longer) => duration = longer,
            None => return ProbeResult::new(rate_per_s, duration, &judgement),
        }
    }
}

struct Figures {
    /// Share of searches whose interval holds the capacity.
    coverage: f64,
    /// Mean of the estimate over the capacity, less 1.
    bias: f64,
    median_error: f64,
    median_width: f64,
    median_probes: usize,
    /// Mean of the load that was seen to be held, over the capacity.
    held: f64,
    /// Simulated seconds of all probes, extensions included.
    median_s: u64,
}

fn figures(name: &str, engine: Engine, rounds: u64) -> Figures {
    let (mut covered, mut bias, mut held) = (0.0, 0.0, 0.0);
    let (mut widths, mut errors) = (Vec::new(), Vec::new());
    let (mut probes, mut seconds) = (Vec::new(), Vec::new());
    for seed in 0..rounds {
        let found = search(engine, seed);
        let capacity = found.answer.capacity.unwrap();
        let answered = found.answer.bounds.held_per_s;
        assert!(answered.is_none_or(|held| held <= found.lowest_failed));
        let holds =
            capacity.lower_per_s <= CAPACITY_PER_S && CAPACITY_PER_S <= capacity.upper_per_s;
        covered += f64::from(u8::from(holds));
        let error = capacity.median_per_s / CAPACITY_PER_S - 1.0;
        bias += error;
        held += answered.unwrap_or(0.0) / CAPACITY_PER_S;
        widths.push(capacity.width());
        errors.push(error.abs());
        probes.push(found.answer.probes);
        seconds.push(found.seconds);
    }
    widths.sort_by(f64::total_cmp);
    errors.sort_by(f64::total_cmp);
    probes.sort_unstable();
    seconds.sort_unstable();
    let (middle, rounds) = (rounds as usize / 2, rounds as f64);
    let figures = Figures {
        coverage: covered / rounds,
        bias: bias / rounds,
        median_error: errors[middle],
        median_width: widths[middle],
        median_probes: probes[middle],
        held: held / rounds,
        median_s: seconds[middle],
    };
    println!(
        "{name}: coverage {:.3}, bias {:+.2} %, median error {:.2} %, median width {:.1} %, median probes {}, \
         held load {:.3} of the capacity, median time {} s",
        figures.coverage,
        figures.bias * 100.0,
        figures.median_error * 100.0,
        figures.median_width * 100.0,
        figures.median_probes,
        figures.held,
        figures.median_s,
    );
    figures
}

fn check(name: &str, noise: f64) -> Figures {
    let figures = figures(name, Engine { noise, ..USUAL }, 2_000);
    assert!(figures.coverage >= 0.93, "{}", figures.coverage);
    assert!(figures.bias.abs() < 0.01, "{}", figures.bias);
    assert!(figures.median_probes <= 10);
    figures
}

#[test]
fn without_noise_the_interval_always_holds_the_capacity_and_is_narrow() {
    let engine = Engine {
        jitter: 0.0,
        ..USUAL
    };
    let figures = figures("no noise", engine, 2_000);
    assert_eq!(figures.coverage, 1.0);
    assert!(figures.median_width <= 0.02 && figures.median_probes <= 8);
}

#[test]
fn at_2_percent_noise_the_interval_holds_the_capacity() {
    assert!(check("2 % noise", 0.02).median_width < 0.08);
}

#[test]
fn at_5_percent_noise_the_interval_holds_the_capacity() {
    assert!(check("5 % noise", 0.05).median_width < 0.15);
}

#[test]
fn at_10_percent_noise_the_interval_holds_the_capacity() {
    assert!(check("10 % noise", 0.10).median_width < 0.22);
}

#[test]
fn noise_that_lasts_from_probe_to_probe_costs_some_coverage() {
    let engine = Engine {
        noise: 0.05,
        autocorrelation: 0.3,
        ..USUAL
    };
    assert!(figures("5 % noise, autocorrelation 0.3", engine, 400).coverage >= 0.90);
    let engine = Engine {
        autocorrelation: 0.6,
        ..engine
    };
    assert!(figures("5 % noise, autocorrelation 0.6", engine, 400).coverage >= 0.80);
}

#[test]
fn an_engine_that_slows_down_when_overloaded_is_not_underestimated() {
    for (name, overloaded) in [
        ("10 % slower overloaded", 0.9),
        ("40 % slower overloaded", 0.6),
    ] {
        let engine = Engine {
            noise: 0.02,
            overloaded,
            ..USUAL
        };
        let figures = figures(name, engine, 400);
        assert!(figures.coverage >= 0.93 && figures.bias.abs() < 0.01);
    }
}

/// Loads just above the capacity stay undecided then: their backlog grows by less than 1 %, and shows in the latency.
#[test]
fn where_latency_shows_a_small_growth_the_interval_is_narrow_all_the_same() {
    for (name, jitter) in [("latency, even", 0.0), ("latency, 2 % jitter", 0.02)] {
        let engine = Engine {
            jitter,
            has_latency: true,
            ..USUAL
        };
        let figures = figures(name, engine, 400);
        assert!(figures.coverage >= 0.93 && figures.bias.abs() < 0.01);
        assert!(figures.median_width <= 0.02 && figures.median_probes <= 10);
        assert!(figures.held > 0.95);
    }
}

#[test]
fn a_start_far_off_costs_probes_and_nothing_else() {
    for (name, start) in [("start 0.4", 0.4), ("start 2.5", 2.5)] {
        let engine = Engine {
            noise: 0.02,
            start: (start, 0.1),
            ..USUAL
        };
        let figures = figures(name, engine, 400);
        assert!(
            figures.coverage >= 0.93 && figures.bias.abs() < 0.01 && figures.median_probes <= 14
        );
    }
}
