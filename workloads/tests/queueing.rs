//! The schedule and the costs against the closed forms of queueing theory, in simulated time, where long runs are
//! free: a single server behind our own arrivals, by the Lindley recursion. An engine that agrees with that
//! recursion, which the harness tests, therefore agrees with theory.

use std::time::Duration;

use workloads::load::SplitState;
use workloads::slow_operator::{CostKind, CostModel, CostSpec, Distribution};
use workloads::{Bounds, LoadSpec, Schedule};

const RECORDS: u64 = 2_000_000;

/// Mean cost of a record.
const MEAN_NS: f64 = 1_000_000.0;

/// Waiting time and response of every record, in units of the mean cost.
fn simulate(utilisation: f64, distribution: Distribution) -> Vec<(f64, f64)> {
    let rate_per_s = utilisation * 1e9 / MEAN_NS;
    let load = format!(
        "splits = 1\narrivals = 'poisson'\nshape = {{ kind = 'constant', rate_per_s = {rate_per_s:?} }}"
    );
    let load = LoadSpec::parse(load.parse().expect("TOML")).expect("valid");
    let schedule = Schedule::new(&load, None, 5, Bounds::default()).expect("rates");
    let cost = CostSpec {
        kind: CostKind::Blocking,
        mean: Duration::from_nanos(MEAN_NS as u64),
        distribution,
    };
    let costs = CostModel::new(&cost, 1.0, 5);
    let mut clock = schedule.clock(0, SplitState::default());
    let mut free_ns = 0;
    let step = |record| {
        let due_ns = clock.peek().expect("endless");
        clock.advance(&schedule);
        let begin_ns = due_ns.max(free_ns);
        free_ns = begin_ns + costs.cost_ns(record);
        let in_costs = |ns: u64| ns as f64 / MEAN_NS;
        (in_costs(begin_ns - due_ns), in_costs(free_ns - due_ns))
    };
    (0..RECORDS).map(step).collect()
}

fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found / expected - 1.0).abs() < tolerance,
        "{what}: {found} instead of {expected}"
    );
}

#[test]
fn constant_costs_wait_as_long_as_m_d_1_says() {
    for utilisation in [0.3, 0.5, 0.7, 0.8] {
        let waits = simulate(utilisation, Distribution::Constant);
        let mean = waits.iter().map(|(wait, _)| wait).sum::<f64>() / RECORDS as f64;
        // Pollaczek-Khinchine with constant service: rho D / (2 (1 - rho)).
        let expected = utilisation / (2.0 * (1.0 - utilisation));
        assert_close(mean, expected, 0.03, &format!("M/D/1 at {utilisation}"));
    }
}

#[test]
fn exponential_costs_have_the_response_percentiles_of_m_m_1() {
    for utilisation in [0.3, 0.5, 0.7, 0.8] {
        let mut responses: Vec<f64> = simulate(utilisation, Distribution::Exponential)
            .into_iter()
            .map(|(_, response)| response)
            .collect();
        responses.sort_by(f64::total_cmp);
        for q in [0.5, 0.9, 0.99] {
            // The response of M/M/1 is exponential with mean D / (1 - rho).
            let expected = -(1.0f64 - q).ln() / (1.0 - utilisation);
            let found = responses[(q * RECORDS as f64) as usize];
            assert_close(
                found,
                expected,
                0.05,
                &format!("M/M/1 at {utilisation}, {q}"),
            );
        }
    }
}
