//! `report.html` and `charts/*.svg`, a function of the run directory: rendering again gives the
//! same bytes. A record without `run.json` is rendered as far as it goes.

mod answer;

use std::fs;
use std::path::{Path, PathBuf};

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::Value as Json;

use crate::charts::{Chart, Drawn, Live, draw_all};
use crate::conclude::conclusion;
use crate::record::{RecordError, Run, RunDir};
use crate::view;
pub use answer::{render_search, render_sweep};

const TEMPLATE: &str = include_str!("../assets/report.html");
/// A table whose columns the script sorts by.
const SORTABLE: &str = include_str!("../assets/sortable.html");
pub(crate) const CSS: &str = include_str!("../assets/report.css");
pub(crate) const SCRIPT: &str = include_str!("../assets/report.js");
pub(crate) const LIBRARY_CSS: &str = include_str!("../assets/uPlot.min.css");
const LIBRARY: &str = include_str!("../assets/uPlot.iife.min.js");
const LIBRARY_LICENSE: &str = include_str!("../assets/uPlot.LICENSE");

/// The files that [`render`] wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The page.
    pub report: PathBuf,
    /// The charts, which the page also holds.
    pub charts: Vec<PathBuf>,
}

/// Draws the charts and the page of one run directory, finished or not.
///
/// # Errors
/// If `directory` is not a run directory or cannot be written to.
pub fn render(directory: &Path) -> Result<Rendered, RecordError> {
    let record = RunDir::open(directory)?;
    let run = conclusion(&record);
    let drawn = draw_all(&record, &run);
    let charts = write_charts(directory, &drawn.charts)?;
    let report = directory.join("report.html");
    write(&report, &page(&record, &run, &drawn))?;
    Ok(Rendered { report, charts })
}

/// Writes the pictures into the folder `charts` of a directory.
pub(crate) fn write_charts(
    directory: &Path,
    charts: &[Chart],
) -> Result<Vec<PathBuf>, RecordError> {
    let folder = directory.join("charts");
    fs::create_dir_all(&folder).map_err(|source| RecordError::io("create", &folder, source))?;
    let written = charts.iter().map(|chart| {
        let path = folder.join(chart.file_name);
        write(&path, &chart.svg)?;
        Ok(path)
    });
    written.collect()
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), RecordError> {
    fs::write(path, text).map_err(|source| RecordError::io("write", path, source))
}

/// What the template shows, all of it formatted.
#[derive(Serialize)]
struct Page<'a> {
    name: &'a str,
    target: String,
    started_at: &'a str,
    verdict: &'static str,
    meaning: String,
    evidence: String,
    steadiness: String,
    measured: Option<String>,
    headlines: [view::Headline; 3],
    /// Every second part is the name of an operator.
    hurts: Vec<String>,
    /// Label and sentence: event time, checkpoints and memory, where they matter.
    sentences: Vec<(&'static str, String)>,
    notes: &'a [String],
    charts: &'a [Chart],
    tables: [view::Table; 7],
    summary: view::Table,
    correctness: String,
    scenario: &'a str,
    host: Vec<(&'a str, String)>,
    css: &'static str,
    library_css: &'static str,
    library: String,
    script: &'static str,
    live: String,
}

fn page(record: &RunDir, run: &Run, drawn: &Drawn) -> String {
    let page = Page {
        name: &run.name,
        target: format!("{} {}", run.target.kind, run.target.version),
        started_at: &run.started_at,
        verdict: run.verdict.as_str(),
        meaning: view::meaning(run),
        evidence: view::evidence(run),
        steadiness: view::steadiness(run),
        measured: run.measured.map(view::measured),
        headlines: view::headlines(run),
        hurts: hurts(run),
        sentences: view::sentences(run),
        notes: &run.notes,
        charts: &drawn.charts,
        tables: [
            view::latency_table(run),
            view::operator_table(run),
            view::state_table(run),
            view::rocksdb_table(run),
            view::key_table(run),
            view::cost_table(run),
            view::subtask_table(run),
        ],
        summary: view::summary_table(run),
        correctness: view::correctness(&run.correctness),
        scenario: record.scenario_toml().unwrap_or("scenario.toml is missing"),
        host: run
            .host
            .iter()
            .map(|(name, value)| (name.as_str(), plain(value)))
            .collect(),
        css: CSS,
        library_css: LIBRARY_CSS,
        library: library(),
        script: SCRIPT,
        live: embedded(&drawn.live),
    };
    filled(TEMPLATE, page)
}

/// A page of which every text is escaped, unless the template says that it is markup.
pub(crate) fn filled(template: &str, page: impl Serialize) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
        .add_template("sortable.html", SORTABLE)
        .expect("the template is part of the program");
    environment
        .render_str(template, Serde(page))
        .expect("the template is part of the program and names only what a page has")
}

/// Text and names of operators by turns.
fn hurts(run: &Run) -> Vec<String> {
    let sentence = view::where_it_hurts(run).unwrap_or_default();
    sentence.split('`').map(str::to_owned).collect()
}

/// The library that draws charts over time, with its licence.
pub(crate) fn library() -> String {
    format!("/*\n{LIBRARY_LICENSE}\n*/\n{LIBRARY}")
}

/// JSON inside a `script` element: without `<` nothing in it can end the element.
pub(crate) fn embedded(live: &Live) -> String {
    let json = serde_json::to_string(live).expect("names and numbers always serialise");
    json.replace('<', "\\u003c")
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => crate::format::NOT_AVAILABLE.to_owned(),
        other => other.to_string(),
    }
}
