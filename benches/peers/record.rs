//! The files: every run, and what all of them say.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use csv::Writer;

use crate::contest::{Bout, Outcome};
use crate::standing::Standing;

/// One row per run, written as runs end: what is there stays there if the program is stopped.
pub struct RunFile(Writer<File>);

impl RunFile {
    /// Makes the file.
    pub fn create(path: &Path) -> anyhow::Result<RunFile> {
        let mut file = create(path)?;
        file.write_record([
            "job",
            "keys",
            "distribution",
            "parallelism",
            "round",
            "order",
            "contestant",
            "records",
            "elapsed_ns",
            "digest",
            "cores_of_others",
        ])?;
        Ok(RunFile(file))
    }

    /// Adds the runs of a round.
    pub fn add(&mut self, bout: &Bout<'_>, outcomes: &[Outcome]) -> anyhow::Result<()> {
        for outcome in outcomes {
            self.0.write_record([
                bout.job.name.to_owned(),
                bout.input.set.keys.to_string(),
                bout.input.set.distribution.name().to_owned(),
                bout.parallelism.to_string(),
                outcome.round.to_string(),
                outcome.order.to_string(),
                outcome.who.name().to_owned(),
                bout.input.set.records.to_string(),
                outcome.run.elapsed_ns.to_string(),
                format!("{:016x}", outcome.run.digest),
                outcome
                    .cores_of_others
                    .map_or(String::new(), |cores| format!("{cores:.2}")),
            ])?;
        }
        self.0.flush().context("the rows cannot be written")
    }
}

/// One row per bout and contestant: throughput, and the engine's over it. Empty cells are unknown.
pub fn write_ratios(path: &Path, standings: &[Standing]) -> anyhow::Result<()> {
    let mut file = create(path)?;
    file.write_record([
        "job",
        "keys",
        "distribution",
        "parallelism",
        "contestant",
        "throughput_per_s",
        "throughput_per_s_low",
        "throughput_per_s_high",
        "engine_over",
        "engine_over_low",
        "engine_over_high",
    ])?;
    for standing in standings {
        for place in &standing.places {
            let cell = |value: Option<f64>, digits: usize| {
                value.map_or(String::new(), |value| format!("{value:.digits$}"))
            };
            let (throughput, ratio) = (place.throughput_per_s, place.engine_over);
            let ratio_interval = ratio.and_then(|ratio| ratio.interval);
            file.write_record([
                standing.job.to_owned(),
                standing.set.keys.to_string(),
                standing.set.distribution.name().to_owned(),
                standing.parallelism.to_string(),
                place.who.name().to_owned(),
                cell(Some(throughput.median), 0),
                cell(throughput.interval.map(|(low, _)| low), 0),
                cell(throughput.interval.map(|(_, high)| high), 0),
                cell(ratio.map(|ratio| ratio.median), 4),
                cell(ratio_interval.map(|(low, _)| low), 4),
                cell(ratio_interval.map(|(_, high)| high), 4),
            ])?;
        }
    }
    file.flush().context("the ratios cannot be written")
}

fn create(path: &Path) -> anyhow::Result<Writer<File>> {
    Writer::from_path(path).with_context(|| format!("{} cannot be made", path.display()))
}
