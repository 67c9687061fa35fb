//! What a stranger reads of a search or a sweep: the terminal's text and the page.

use std::time::Duration;

use reports::overload::{Drain, Goodput};
use reports::record::{
    Freeze, Heading, ProbeRow, SearchRecord, Start, SweepRecord, SweepRow, Target, Verdict,
    publish_probes, publish_result, publish_sweep, result_of,
};
use reports::search::{Capacity, Next, ProbeResult, Search, SearchPlan};
use reports::sustainable::Probe;
use reports::{Style, render_search, render_sweep, search_text, sweep_text};

fn heading(command: &str) -> Heading {
    Heading {
        target: Some(Target {
            kind: "embedded".to_owned(),
            version: "0.1.0".to_owned(),
        }),
        verdict: Verdict::Steady,
        finished: true,
        ..Heading::new(command, "slow-operator", "2026-11-22T15:45:00Z".to_owned())
    }
}

/// Of an engine that does 2,000 records a second.
fn search(probes: usize) -> (SearchRecord, Vec<ProbeRow>) {
    let plan = SearchPlan::usual(1_900.0, Duration::from_secs(20));
    let mut search = Search::new(plan.clone()).unwrap();
    let mut rows = Vec::new();
    while let Next::Probe {
        rate_per_s,
        duration,
    } = search.next()
        && rows.len() < probes
    {
        let result = ProbeResult {
            rate_per_s,
            duration,
            outcome: match rate_per_s < 2_020.0 {
                true => Probe::Sustainable,
                false => Probe::Unsustainable,
            },
            completed_per_s: Some(rate_per_s.min(2_000.0)),
            backlog_slope_lower: Some(-0.001),
            backlog_slope_upper: Some(0.001),
        };
        search.feed(result);
        let number = rows.len() as u32 + 1;
        let run = format!("{number:02}-{rate_per_s}");
        let row = ProbeRow::new(number, &result, search.capacity());
        rows.push(row.with_run(None, Verdict::Steady, &run));
    }
    let answer = search.answer();
    let heading = Heading {
        verdict: answer.verdict(),
        notes: vec!["<b>a note</b>".to_owned()],
        ..heading("search")
    };
    let record = SearchRecord {
        heading,
        start: Some(Start {
            throughput_per_s: Some(1_900.0),
            busiest: Some(0.99),
            run: Some("00-max".to_owned()),
            plan,
            longest: Duration::from_secs(80),
        }),
        answer: Some(answer),
    };
    (record, rows)
}

#[test]
fn a_search_says_what_is_held_how_sure_that_is_and_why_it_ended() {
    let (record, rows) = search(14);
    insta::assert_snapshot!(search_text(&record, &rows, Style::Plain));
}

#[test]
fn a_page_of_a_search_links_every_probe_to_its_run_and_is_the_same_again() {
    for probes in [0, 1, 14] {
        let folder = tempfile::tempdir().unwrap();
        let (record, rows) = search(probes);
        publish_result(folder.path(), &record).unwrap();
        publish_probes(folder.path(), &rows).unwrap();
        assert_eq!(result_of(folder.path()).unwrap(), Some(record));
        let page = render_search(folder.path()).unwrap().report;
        let html = std::fs::read_to_string(&page).unwrap();
        for row in &rows {
            let link = format!("href=\"runs/{}/report.html\"", row.run.as_ref().unwrap());
            assert!(html.contains(&link), "{link}");
        }
        assert!(html.contains("&lt;b&gt;a note") && !html.contains("<b>a note"));
        render_search(folder.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&page).unwrap(), html);
    }
}

#[test]
fn a_sweep_says_where_its_knee_is_and_what_overload_and_a_freeze_do() {
    let rows = reports::sweep::LOADS.map(|load| SweepRow {
        load,
        rate_per_s: load * 2_000.0,
        duration_ms: 40_000,
        outcome: match load < 1.01 {
            true => Probe::Sustainable,
            false => Probe::Unsustainable,
        },
        completed: Some(load.min(1.0)),
        within_objective: Some(load.min(1.0) / 2.0),
        response_p99_ns: Some((5e6 / (1.02 - load.min(1.0))) as u64),
        verdict: Some(Verdict::Steady),
        run: Some(format!("01-{load:.2}")),
        ..SweepRow::default()
    });
    let record = SweepRecord {
        heading: heading("sweep"),
        capacity: Capacity {
            median_per_s: 2_000.0,
            lower_per_s: 1_980.0,
            upper_per_s: 2_020.0,
        },
        is_given: false,
        duration: Duration::from_secs(40),
        objective_ns: Some(50_000_000),
        knee: reports::sweep::knee_of(&rows),
        overload: vec![Goodput {
            load: Some(1.5),
            completed: Some(1.0),
            within_objective: Some(0.5),
        }],
        freeze: Some(Freeze {
            rate_per_s: 1_500.0,
            run: "15-freeze".to_owned(),
            verdict: Verdict::Steady,
            drain: Some(Drain {
                backlog: 1_500,
                measured_s: Some(3.3),
                expected_s: Some(3.0),
            }),
            score: Some(1.1),
            violation: None,
        }),
    };
    insta::assert_snapshot!(sweep_text(&record, &rows, Style::Plain));
    let folder = tempfile::tempdir().unwrap();
    assert!(render_sweep(folder.path()).is_err());
    publish_result(folder.path(), &record).unwrap();
    publish_sweep(folder.path(), &rows).unwrap();
    let rendered = render_sweep(folder.path()).unwrap();
    assert_eq!(rendered.charts.len(), 1);
    let html = std::fs::read_to_string(rendered.report).unwrap();
    assert!(html.contains("href=\"runs/15-freeze") || html.contains("15-freeze"));
}
