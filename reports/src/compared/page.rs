//! `comparison.html` and `charts/*.svg`: a function of the comparison's directory and the run
//! directories that it names. Rendering again gives the same bytes.

mod tables;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::course::Courses;
use super::figures;
use super::words::{self, Tone};
use super::{Compared, ComparedError, PAGE_FILE, read};
use crate::charts::{Chart, ForestGroup, ForestRow, draw_compared};
use crate::comparison::{Direction, Metric};
use crate::format::shortened;
use crate::render::{CSS, LIBRARY_CSS, SCRIPT, embedded, filled, library, write, write_charts};

const TEMPLATE: &str = include_str!("../../assets/comparison.html");
const OWN_CSS: &str = include_str!("../../assets/comparison.css");

/// Draws the charts and the page of a comparison, finished or not, and gives the page's path.
///
/// # Errors
/// If there is no readable `result.json`, or the directory cannot be written to. A run directory that
/// is gone is left out.
pub fn render(directory: &Path) -> Result<PathBuf, ComparedError> {
    let compared = read(directory)?;
    let courses = Courses::read(directory, &compared);
    let about = format!(
        "{} · verdicts: {}",
        shortened(&compared.name, 40),
        words::worth_of_all(&compared)
    );
    let drawn = draw_compared(&courses, &forest(&compared), compared.plan.margin, &about);
    write_charts(directory, &drawn.charts)?;
    let banner = words::banner(&compared);
    let baseline = compared.variants.first();
    let notes = compared.notes.iter().map(String::as_str);
    let looks = compared.plan.looks().len();
    let html = filled(
        TEMPLATE,
        Page {
            name: &compared.name,
            subject: words::subject(&compared),
            banner: banner.map(|_| BANNER),
            is_unfinished: !compared.finished,
            failure: compared.failure.as_deref(),
            answers: answers(&compared),
            baseline: baseline.map_or("", |variant| &variant.name),
            worth: words::worth_of_all(&compared),
            notes: notes.filter(|note| banner != Some(*note)).collect(),
            differing: tables::differing(&compared, &courses),
            charts: &drawn.charts,
            estimates: tables::estimates(&compared),
            runs: tables::runs(directory, &compared),
            pairing: match compared.interleaved {
                true => "block by block",
                false => "the first of each, the second of each and so on",
            },
            unit: if compared.interleaved {
                "blocks"
            } else {
                "pairs"
            },
            looks: match looks {
                1 => "once".to_owned(),
                looks => format!("up to {looks} times"),
            },
            alpha: compared.plan.alpha,
            margin: figures::percent(compared.plan.margin),
            scenario: courses.scenario.as_deref(),
            css: CSS,
            own_css: OWN_CSS,
            library_css: LIBRARY_CSS,
            library: library(),
            script: SCRIPT,
            live: embedded(&drawn.live),
        },
    );
    let path = directory.join(PAGE_FILE);
    write(&path, &html)?;
    Ok(path)
}

/// The note of that, as a sentence on top.
const BANNER: &str = "these are finished runs, put side by side. Whatever changed on the machine between them \
     looks like a difference between the variants, and intervals and p do not know of it; in published tests \
     such comparisons found differences of up to 38 % between identical systems";

/// What the template shows, all of it formatted.
#[derive(Serialize)]
struct Page<'a> {
    name: &'a str,
    subject: String,
    banner: Option<&'static str>,
    is_unfinished: bool,
    failure: Option<&'a str>,
    answers: Vec<ShownAnswer>,
    baseline: &'a str,
    worth: String,
    notes: Vec<&'a str>,
    differing: [tables::Plain; 2],
    charts: &'a [Chart],
    estimates: Vec<tables::EstimateTable>,
    runs: tables::RunTable,
    pairing: &'static str,
    unit: &'static str,
    looks: String,
    alpha: f64,
    margin: String,
    scenario: Option<&'a str>,
    css: &'static str,
    own_css: &'static str,
    library_css: &'static str,
    library: String,
    script: &'static str,
    live: String,
}

#[derive(Serialize)]
struct ShownAnswer {
    variant: String,
    tone: &'static str,
    claim: String,
    besides: Option<String>,
    next: String,
}

fn answers(compared: &Compared) -> Vec<ShownAnswer> {
    let answers = words::answers(compared).into_iter();
    let shown = answers.map(|answer| ShownAnswer {
        variant: answer.variant,
        tone: answer.tone.as_str(),
        claim: answer.claim,
        besides: answer.besides,
        next: answer.next,
    });
    shown.collect()
}

/// Metrics of which something is known.
fn forest(compared: &Compared) -> Vec<ForestGroup> {
    let group = |(at, metric): (usize, &Metric)| {
        let variants = compared.variants.iter().skip(1).zip(&compared.estimates);
        let rows = variants.filter_map(|(variant, estimates)| {
            let it = estimates.get(at).filter(|it| it.pairs > 0)?;
            Some(ForestRow {
                variant: variant.name.clone(),
                ratio: it.ratio,
                interval: it.low.zip(it.high),
                tone: Tone::of(it.verdict),
                words: format!(
                    "{} {}",
                    words::word(it.verdict),
                    figures::ratio_with_interval(it)
                ),
            })
        });
        ForestGroup {
            metric: metric.name.clone(),
            higher_is_better: metric.better == Direction::Higher,
            rows: rows.collect(),
        }
    };
    let groups = compared.metrics.iter().enumerate().map(group);
    groups.filter(|group| !group.rows.is_empty()).collect()
}
