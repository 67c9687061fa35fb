//! Pictures and page as a function of the record.

use std::fs;
use std::path::{Path, PathBuf};

use reports::record::{Backend, Graph, publish_run};
use reports::{Rendered, render};

use crate::simulated::Simulation;

fn files(rendered: &Rendered) -> Vec<PathBuf> {
    rendered
        .charts
        .iter()
        .chain([&rendered.report])
        .cloned()
        .collect()
}

fn contents(paths: &[PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// Renames the slow operator in the plan and in `run.json`.
fn rename_an_operator(directory: &Path, name: &str) {
    let path = directory.join("graph.json");
    let mut graph: Graph = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    graph.tasks[2].name = name.to_owned();
    fs::write(&path, serde_json::to_vec(&graph).unwrap()).unwrap();
    let mut run = reports::open_run(directory).unwrap();
    run.operators[2].name = name.to_owned();
    run.name = name.to_owned();
    run.notes.push(name.to_owned());
    publish_run(directory, &run).unwrap();
}

fn with_everything() -> Simulation {
    Simulation {
        has_event_time: true,
        state: Some(Backend::RocksDb),
        ..Simulation::default()
    }
}

#[test]
fn a_run_without_event_time_has_no_charts_of_it() {
    let directory = tempfile::tempdir().unwrap();
    Simulation::default().finish(directory.path());
    assert_eq!(render(directory.path()).unwrap().charts.len(), 9);
}

#[test]
fn the_trade_off_names_every_setting_and_marks_the_one_of_the_run() {
    let directory = tempfile::tempdir().unwrap();
    with_everything().finish(directory.path());
    render(directory.path()).unwrap();
    insta::assert_snapshot!(
        fs::read_to_string(directory.path().join("charts/trade_off.svg")).unwrap()
    );
    let page = fs::read_to_string(directory.path().join("report.html")).unwrap();
    assert_eq!(page.matches("<td>this run</td>").count(), 1);
}

#[test]
fn rendering_again_gives_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    with_everything().finish(directory.path());
    let first = files(&render(directory.path()).unwrap());
    let bytes = contents(&first);
    let again = files(&render(directory.path()).unwrap());
    assert_eq!(first, again);
    assert_eq!(bytes, contents(&again));
}

#[test]
fn the_page_holds_every_chart_and_asks_the_network_for_nothing() {
    let directory = tempfile::tempdir().unwrap();
    with_everything().finish(directory.path());
    let rendered = render(directory.path()).unwrap();
    let page = fs::read_to_string(&rendered.report).unwrap();
    assert_eq!(rendered.charts.len(), 21);
    for chart in contents(&rendered.charts) {
        assert!(page.contains(&chart));
    }
    let without_namespace = page
        .replace("http://www.w3.org/2000/svg", "")
        .replace("https://github.com/leeoniya/uPlot", "");
    for reference in ["http:", "https:", "src=", "href=", "url(", "@import"] {
        assert!(
            !without_namespace.contains(reference),
            "the page contains {reference}"
        );
    }
}

#[test]
fn names_are_text_and_never_markup() {
    let directory = tempfile::tempdir().unwrap();
    Simulation {
        length_ms: 2_000,
        ..with_everything()
    }
    .finish(directory.path());
    let name = "</script><i>&\"'\u{7}</script>";
    rename_an_operator(directory.path(), name);
    let rendered = render(directory.path()).unwrap();
    // XML has no place for control characters, not even escaped.
    assert!(
        contents(&rendered.charts)
            .iter()
            .all(|svg| !svg.contains('\u{7}'))
    );
    for content in contents(&files(&rendered)) {
        assert!(!content.contains("<i>"));
        let (opened, closed) = ("<script", "</script>");
        assert_eq!(
            content.matches(opened).count(),
            content.matches(closed).count()
        );
    }
}

#[test]
fn a_fault_of_several_subtasks_is_marked_once() {
    let directory = tempfile::tempdir().unwrap();
    Simulation::default().finish(directory.path());
    render(directory.path()).unwrap();
    let rate = fs::read_to_string(directory.path().join("charts/rate.svg")).unwrap();
    assert_eq!(rate.matches("freeze slow").count(), 1);
    let page = fs::read_to_string(directory.path().join("report.html")).unwrap();
    let mark = "\"faults\":[{\"from_s\":8.0,\"to_s\":9.0,\"name\":\"freeze slow\"}]";
    assert!(page.contains(mark));
}

#[test]
fn every_chart_carries_the_verdict() {
    let directory = tempfile::tempdir().unwrap();
    Simulation {
        offered_per_s: Some(25_000),
        ..with_everything()
    }
    .finish(directory.path());
    for content in contents(&render(directory.path()).unwrap().charts) {
        assert!(content.contains("verdict: overloaded"));
    }
}
