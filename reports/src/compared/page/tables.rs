//! The page's tables: what differs, the estimates of every variant, and all runs.

use std::path::Path;

use serde::Serialize;

use super::super::course::Courses;
use super::super::figures;
use super::super::settings::{Settings, differences};
use super::super::words::{self, Tone};
use super::super::{Compared, ComparedRun, ComparedVariant};
use crate::comparison::{Estimate, Metric};
use crate::format::{duration_ns, or_na};

/// Of a run's page, beside its record.
const REPORT_FILE: &str = "report.html";

/// A table of text.
#[derive(Serialize)]
pub(super) struct Plain {
    title: &'static str,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

#[derive(Serialize)]
pub(super) struct EstimateTable {
    title: String,
    worth: String,
    header: [&'static str; 9],
    rows: Vec<EstimateRow>,
    /// Metrics of which no pair of runs has values.
    missing: String,
}

#[derive(Serialize)]
struct EstimateRow {
    cells: Vec<Cell>,
    verdict: String,
    tone: &'static str,
}

#[derive(Serialize)]
pub(super) struct RunTable {
    header: Vec<String>,
    rows: Vec<RunRow>,
}

#[derive(Serialize)]
struct RunRow {
    /// Block, and place in it.
    order: Vec<Cell>,
    name: String,
    cells: Vec<Cell>,
    directory: String,
    /// To its report, if there is one.
    link: Option<String>,
}

/// One cell as people read it, and what it is sorted by if that is a number.
#[derive(Serialize)]
struct Cell {
    text: String,
    value: Option<f64>,
}

fn cell(text: impl Into<String>, value: Option<f64>) -> Cell {
    Cell {
        text: text.into(),
        value,
    }
}

/// What differs between the scenarios of the variants, and what else makes them.
pub(super) fn differing(compared: &Compared, courses: &Courses) -> [Plain; 2] {
    let header = |first: &str| {
        let names = compared.variants.iter().map(|it| it.name.clone());
        std::iter::once(first.to_owned()).chain(names).collect()
    };
    let scenarios: Vec<Settings> = courses
        .variants
        .iter()
        .map(|it| it.settings.clone())
        .collect();
    let has_all = scenarios.iter().all(|it| !it.is_empty());
    let keys = if has_all {
        differences(&scenarios)
    } else {
        Vec::new()
    };
    let rows = keys.into_iter().map(|it| {
        let values = it.values.into_iter();
        let values = values.map(|value| value.unwrap_or_else(|| "(not set)".to_owned()));
        std::iter::once(it.key).chain(values).collect()
    });
    let targets: Vec<&str> = compared
        .variants
        .iter()
        .map(|it| it.target.as_str())
        .collect();
    let mut rows: Vec<Vec<String>> = rows.collect();
    if targets.windows(2).any(|two| two[0] != two[1]) {
        let target = std::iter::once("target").chain(targets);
        rows.insert(0, target.map(str::to_owned).collect());
    }
    let sets = compared.variants.iter().map(|variant| {
        let sets = variant
            .sets
            .iter()
            .map(|(key, value)| format!("{key} = {value}"));
        vec![variant.name.clone(), sets.collect::<Vec<_>>().join(", ")]
    });
    // Without the records of all variants there is still what each was asked to set.
    let asked = if has_all { Vec::new() } else { sets.collect() };
    [
        Plain {
            title: "What differs",
            header: header("setting"),
            rows,
        },
        Plain {
            title: "What the variants set",
            header: ["variant", "settings"].map(str::to_owned).to_vec(),
            rows: asked,
        },
    ]
}

pub(super) fn estimates(compared: &Compared) -> Vec<EstimateTable> {
    let Some(base) = compared.variants.first() else {
        return Vec::new();
    };
    let variants = compared.variants.iter().enumerate().skip(1);
    let table = |((at, variant), estimates): ((usize, &ComparedVariant), &Vec<Estimate>)| {
        let known = estimates.iter().zip(&compared.metrics).enumerate();
        let rows = known.filter(|(_, (it, _))| it.pairs > 0);
        let missing = estimates.iter().filter(|it| it.pairs == 0);
        let missing: Vec<&str> = missing.map(|it| it.metric.as_str()).collect();
        EstimateTable {
            title: format!("{} against {}", variant.name, base.name),
            worth: format!(
                "{}: {}; {}: {}",
                base.name,
                words::worth(compared, 0),
                variant.name,
                words::worth(compared, at)
            ),
            header: [
                "metric",
                "better",
                "baseline",
                "variant",
                "ratio",
                "p",
                "corrected",
                "pairs",
                "verdict",
            ],
            rows: rows
                .map(|(metric, (it, of))| estimate_row(compared, at, (metric, of), it))
                .collect(),
            missing: missing.join(", "),
        }
    };
    variants.zip(&compared.estimates).map(table).collect()
}

fn estimate_row(
    compared: &Compared,
    variant: usize,
    (at, metric): (usize, &Metric),
    it: &Estimate,
) -> EstimateRow {
    let baseline = compared.median(0, variant, at);
    let this = compared.median(variant, 0, at);
    EstimateRow {
        cells: vec![
            cell(&it.metric, None),
            cell(figures::direction(metric.better), None),
            cell(figures::value(&it.metric, baseline), baseline),
            cell(figures::value(&it.metric, this), this),
            cell(figures::ratio_with_interval(it), it.ratio),
            cell(figures::p(it.p), Some(it.p)),
            cell(figures::p(it.p_adjusted), Some(it.p_adjusted)),
            cell(it.pairs.to_string(), Some(f64::from(it.pairs))),
        ],
        verdict: words::verdict(compared, metric, it),
        tone: Tone::of(it.verdict).as_str(),
    }
}

/// Every run, in the order of blocks and of places in them.
pub(super) fn runs(directory: &Path, compared: &Compared) -> RunTable {
    let named = ["block", "place", "run", "verdict"].map(str::to_owned);
    // Columns in which no run has a value are left out.
    let all = || {
        compared
            .blocks
            .iter()
            .flat_map(|block| block.runs.iter().flatten())
    };
    let value = |run: &ComparedRun, metric: usize| run.values.get(metric).copied().flatten();
    let metrics: Vec<(usize, &Metric)> = compared
        .metrics
        .iter()
        .enumerate()
        .filter(|(at, _)| all().any(|run| value(run, *at).is_some()))
        .collect();
    let names = metrics.iter().map(|(_, metric)| metric.name.clone());
    let machine = ["calibration".to_owned()];
    let header = named.into_iter().chain(names).chain(machine).collect();
    let mut rows = Vec::new();
    for (at, block) in compared.blocks.iter().enumerate() {
        let placed = |variant: usize| block.order.iter().position(|&it| it == variant);
        let mut ran: Vec<usize> = (0..compared.variants.len()).collect();
        ran.sort_by_key(|&variant| placed(variant));
        for variant in ran {
            let Some(run) = block.run(variant) else {
                continue;
            };
            let number = |number: usize| cell(number.to_string(), Some(number as f64));
            let order = vec![
                number(at + 1),
                placed(variant).map_or_else(|| cell("", None), |place| number(place + 1)),
            ];
            let mut cells = vec![cell(run.verdict.as_str(), None)];
            cells.extend(metrics.iter().map(|(at, metric)| {
                let value = value(run, *at);
                cell(figures::value(&metric.name, value), value)
            }));
            let calibration = run.calibration_ns.map(|it| it.median);
            cells.push(cell(or_na(calibration, duration_ns), calibration));
            let has_report = directory.join(&run.directory).join(REPORT_FILE).is_file();
            rows.push(RunRow {
                order,
                name: compared.variants[variant].name.clone(),
                cells,
                link: has_report.then(|| link(&run.directory)),
                directory: run.directory.clone(),
            });
        }
    }
    RunTable { header, rows }
}

/// The way to a run's report as an address: what is not plain in a path is written in hexadecimal.
fn link(directory: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(byte);
    let mut address = String::new();
    for byte in format!("{directory}/{REPORT_FILE}").bytes() {
        match is_plain(&byte) {
            true => address.push(char::from(byte)),
            false => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_an_address_whatever_the_path() {
        assert_eq!(link("runs/001-base"), "runs/001-base/report.html");
        assert_eq!(link("../a b\"<ä"), "../a%20b%22%3C%C3%A4/report.html");
    }
}
