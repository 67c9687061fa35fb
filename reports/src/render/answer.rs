//! `search.html` and `sweep.html`, with their charts: a function of the folder, as a run's page is of its own.

use std::path::Path;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::{CSS, Rendered, write};
use crate::charts::{search_chart, sweep_chart};
use crate::format;
use crate::record::{
    Heading, RecordError, SCENARIO_FILE, SearchRecord, SweepRecord, SweepRow, probe_rows,
    result_of, sweep_rows,
};
use crate::view::{self, Table};

const TEMPLATE: &str = include_str!("../../assets/answer.html");

/// What the template shows.
#[derive(Serialize)]
struct Page {
    name: String,
    subject: String,
    verdict: &'static str,
    meaning: String,
    headlines: [view::Headline; 3],
    sentences: Vec<(&'static str, String)>,
    notes: Vec<String>,
    charts: Vec<String>,
    table: Table,
    scenario: String,
    css: &'static str,
}

/// Draws the charts and the page of a search, finished or not.
///
/// # Errors
/// If the folder holds no search, or cannot be written to.
pub fn render_search(directory: &Path) -> Result<Rendered, RecordError> {
    let record: SearchRecord = found(directory)?;
    let rows: Vec<_> = probe_rows(directory).collect();
    let answer = record.answer.as_ref();
    let capacity = answer.and_then(|it| it.capacity);
    let about = about(&record.heading);
    let over_load = capacity.and_then(|capacity| {
        let rows = rows.iter().map(|row| row.over_load(capacity.median_per_s));
        let rows: Vec<SweepRow> = rows.collect();
        sweep_chart(&about, &rows, Some(&capacity))
    });
    let charts = [
        ("search.svg", search_chart(&about, &rows)),
        ("latency.svg", over_load),
    ];
    let page = Page {
        name: format!("{}: search", record.heading.name),
        subject: view::answer_subject(&record.heading),
        verdict: record.heading.verdict.as_str(),
        meaning: view::search_meaning(&record),
        headlines: view::search_headlines(&record),
        sentences: view::search_sentences(&record),
        notes: view::search_notes(&record),
        charts: Vec::new(),
        table: view::probe_table(&rows),
        scenario: scenario(directory),
        css: CSS,
    };
    written(directory, "search.html", page, charts)
}

/// Draws the chart and the page of a sweep, finished or not.
///
/// # Errors
/// If the folder holds no sweep, or cannot be written to.
pub fn render_sweep(directory: &Path) -> Result<Rendered, RecordError> {
    let record: SweepRecord = found(directory)?;
    let rows: Vec<SweepRow> = sweep_rows(directory).collect();
    let capacity = Some(&record.capacity).filter(|_| !record.is_given);
    let chart = sweep_chart(&about(&record.heading), &rows, capacity);
    let page = Page {
        name: format!("{}: sweep", record.heading.name),
        subject: view::answer_subject(&record.heading),
        verdict: record.heading.verdict.as_str(),
        meaning: view::sweep_meaning(&record),
        headlines: view::sweep_headlines(&record),
        sentences: view::scores(&record),
        notes: record.heading.notes.clone(),
        charts: Vec::new(),
        table: view::load_table(&rows),
        scenario: scenario(directory),
        css: CSS,
    };
    written(directory, "sweep.html", page, [("sweep.svg", chart)])
}

fn found<T: serde::de::DeserializeOwned>(directory: &Path) -> Result<T, RecordError> {
    result_of(directory)?.ok_or_else(|| RecordError::NotARecord {
        path: directory.to_owned(),
    })
}

fn scenario(directory: &Path) -> String {
    let text = std::fs::read_to_string(directory.join(SCENARIO_FILE));
    text.unwrap_or_else(|_| "scenario.toml is missing".to_owned())
}

fn about(heading: &Heading) -> String {
    let name = format::shortened(&heading.name, 40);
    let target = heading.target.as_ref().map_or("", |it| it.kind.as_str());
    format!("{name} · {target} · verdict: {}", heading.verdict)
}

fn written<const N: usize>(
    directory: &Path,
    name: &str,
    mut page: Page,
    charts: [(&str, Option<String>); N],
) -> Result<Rendered, RecordError> {
    let mut paths = Vec::new();
    for (file, svg) in charts {
        if let Some(svg) = svg {
            let path = directory.join(file);
            write(&path, &svg)?;
            paths.push(path);
            page.charts.push(svg);
        }
    }
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let html = environment
        .render_str(TEMPLATE, Serde(page))
        .expect("the template is part of the program and names only what a page has");
    let report = directory.join(name);
    write(&report, &html)?;
    Ok(Rendered {
        report,
        charts: paths,
    })
}
