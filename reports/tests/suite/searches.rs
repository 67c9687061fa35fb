//! Pictures of searches and sweeps.

use std::time::Duration;

use reports::record::{ProbeRow, SweepRow};
use reports::search::{Capacity, Next, ProbeResult, Search, SearchPlan};
use reports::sustainable::Probe;
use reports::{search_chart, sweep_chart};

/// A search of an engine that does 100,000 records a second, and by chance a little less in its fourth
/// probe. One probe stays undecided.
fn probes() -> Vec<ProbeRow> {
    let mut search = Search::new(SearchPlan::usual(93_000.0, Duration::from_secs(40))).unwrap();
    let mut rows = Vec::new();
    while let Next::Probe {
        rate_per_s,
        duration,
    } = search.next()
    {
        let capacity = if rows.len() == 3 { 96_500.0 } else { 100_000.0 };
        let outcome = match capacity / rate_per_s {
            share if (share - 0.99).abs() < 0.002 => Probe::Undecided,
            share if share > 0.99 => Probe::Sustainable,
            _ => Probe::Unsustainable,
        };
        let result = ProbeResult {
            rate_per_s,
            duration,
            outcome,
            completed_per_s: Some(capacity.min(rate_per_s)),
            backlog_slope_lower: Some((1.0 - capacity / rate_per_s).max(0.0) - 0.003),
            backlog_slope_upper: Some((1.0 - capacity / rate_per_s).max(0.0) + 0.003),
        };
        search.feed(result);
        rows.push(ProbeRow::new(
            rows.len() as u32 + 1,
            &result,
            search.capacity(),
        ));
    }
    rows
}

/// Response times of M/M/1, which do not end above the capacity before the run does.
fn sweep() -> Vec<SweepRow> {
    let rows = reports::sweep::LOADS.map(|load| {
        let p = |q: f64| {
            let mean_ms = if load < 1.0 {
                1.0 / (1.0 - load)
            } else {
                200.0 + 40_000.0 * (1.0 - 1.0 / load)
            };
            Some((-(1.0 - q).ln() * mean_ms * 1e6) as u64)
        };
        SweepRow {
            load,
            rate_per_s: load * 100_000.0,
            duration_ms: 40_000,
            outcome: if load <= 1.0 {
                Probe::Sustainable
            } else {
                Probe::Unsustainable
            },
            completed: Some(load.min(1.0)),
            within_objective: None,
            response_p50_ns: p(0.5),
            response_p90_ns: p(0.9),
            response_p99_ns: p(0.99),
            response_p999_ns: p(0.999).filter(|_| load > 0.4),
            ..SweepRow::default()
        }
    });
    rows.to_vec()
}

#[test]
fn every_probe_of_a_search_is_drawn_with_the_interval_after_it() {
    let svg = search_chart("slow-operator · embedded · search ended: noise", &probes()).unwrap();
    insta::assert_snapshot!(svg);
}

#[test]
fn latency_over_load_is_drawn_with_its_knee() {
    let capacity = Capacity {
        median_per_s: 100_000.0,
        lower_per_s: 98_000.0,
        upper_per_s: 102_500.0,
    };
    let svg = sweep_chart(
        "slow-operator · embedded · verdict: steady",
        &sweep(),
        Some(&capacity),
    )
    .unwrap();
    insta::assert_snapshot!(svg);
}

#[test]
fn a_search_that_has_just_begun_can_be_drawn_and_nothing_cannot() {
    let first = &probes()[..1];
    assert!(
        search_chart("<b>", first)
            .unwrap()
            .contains("no estimate of the capacity")
    );
    assert!(!search_chart("<b>", first).unwrap().contains("<b>"));
    assert_eq!(search_chart("", &[]), None);
    assert_eq!(sweep_chart("", &[], None), None);
    assert_eq!(
        sweep_chart(
            "",
            &[SweepRow {
                load: 0.5,
                ..SweepRow::default()
            }],
            None
        ),
        None
    );
}
