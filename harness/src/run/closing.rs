//! After the job: verify, gather the facts, conclude, publish.

use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;
use reports::record::{
    Correctness, Mode, Phase, RecordError, Run, Target, TradeOffRow, histogram, publish_run,
    publish_trade_off,
};
use reports::{Facts, Termination, conclude};
use workloads::{Progress, TradeOff, Verifier};

use super::RunError;
use super::conduct::Conducted;
use super::output::rfc3339;
use crate::host;
use crate::latency::Recorder;
use crate::sampler::milliseconds;
use crate::scenario::Scenario;
use crate::target::Ending;

/// The verifier's final results, one row per key.
const RESULTS_FILE: &str = "results.csv";
/// Most unsent records that are counted one by one: less than a second's work.
const MAX_CENSORED: u64 = 50_000_000;

/// Everything that is known when the job is over.
pub struct Closing<'a> {
    pub scenario: &'a Scenario,
    pub target: Target,
    /// Wall-clock start since the Unix epoch.
    pub started: Duration,
    pub ending: Ending,
    pub progress: &'a Progress,
    pub recorder: &'a Recorder,
    pub verifier: Option<Box<dyn Verifier>>,
    /// What the sources reach without an engine, records per second, if that was measured.
    pub ceiling_per_s: Option<f64>,
    /// The checkpoint of an earlier run that this one went on from.
    pub restored_from: Option<String>,
    pub conducted: Conducted,
}

impl Closing<'_> {
    /// Concludes the record in `directory` and publishes `run.json`.
    pub fn conclude(mut self, directory: &Path) -> Result<Run, RunError> {
        let broken = |source| RunError::Record {
            source,
            directory: directory.to_owned(),
        };
        let correctness = self.verify(directory).map_err(broken)?;
        self.compare_settings(directory).map_err(broken)?;
        let run = conclude(directory, &self.facts(correctness)).map_err(broken)?;
        publish_run(directory, &run).map_err(broken)?;
        Ok(run)
    }
}

impl Closing<'_> {
    /// Compares the results with the oracle's, if the job came to its regular end.
    fn verify(&self, directory: &Path) -> Result<Correctness, RecordError> {
        let Some(verifier) = self.verifier.as_ref().filter(|_| self.ending.complete) else {
            return Ok(Correctness::default());
        };
        let found = verifier.verify(&self.progress.admitted_per_split());
        write_results(&directory.join(RESULTS_FILE), &verifier.results())?;
        Ok(Correctness {
            checked: found.checked,
            mode: found.checked.then_some(match found.mode {
                workloads::Mode::Exact => Mode::Exact,
                workloads::Mode::Invariants => Mode::Invariants,
            }),
            expected: found.checked.then_some(found.expected),
            missing: found.checked.then_some(found.missing),
            duplicated: found.checked.then_some(found.duplicated),
            wrong: found.checked.then_some(found.wrong),
        })
    }

    /// Leaves beside the results what other settings would have made of the same records.
    fn compare_settings(&mut self, directory: &Path) -> Result<(), RecordError> {
        let verifier = self.verifier.as_ref().filter(|_| self.ending.complete);
        let admitted = self.progress.admitted_per_split();
        let Some(trade_off) = verifier.and_then(|verifier| verifier.trade_off(&admitted)) else {
            return Ok(());
        };
        publish_trade_off(directory, &trade_off_rows(&trade_off))?;
        self.conducted.notes.extend(trade_off.cut);
        Ok(())
    }

    fn facts(&self, correctness: Correctness) -> Facts {
        let mut notes = [&self.conducted.notes[..], &self.ending.notes[..]].concat();
        let measured = self.measured(&mut notes);
        let censored = self.censored(&mut notes);
        if self.progress.dropped() > 0 {
            notes.push(format!(
                "{} input rows were dropped at the source",
                self.progress.dropped()
            ));
        }
        let (clipped, negative) = self.recorder.out_of_range();
        if clipped > 0 {
            notes.push(format!("{clipped} latencies above 1 h count as 1 h"));
        }
        Facts {
            name: self.scenario.name.clone(),
            target: self.target.clone(),
            termination: self.termination(negative),
            started_at: rfc3339(self.started),
            host: host::describe(),
            seed: Some(self.scenario.seed),
            measured,
            records_replayed: self.progress.replayed(),
            restored_from: self.restored_from.clone(),
            correctness,
            censored,
            member_costs_ns: self.ending.member_costs_ns.clone(),
            ceiling_per_s: self.ceiling_per_s,
            objectives: self.scenario.slo.objectives(),
            notes,
        }
    }

    fn termination(&self, negative: u64) -> Termination {
        let failed = |reason: &str| Termination::Failed {
            reason: reason.to_owned(),
        };
        let failure = self
            .ending
            .failure
            .as_ref()
            .or(self.conducted.failure.as_ref());
        match failure {
            Some(reason) => failed(reason),
            None if self.conducted.interrupted => Termination::Aborted,
            None if negative > 0 => failed(&format!(
                "{negative} latencies are below zero: a clock or a tag is broken"
            )),
            None => Termination::Completed,
        }
    }

    /// The measured phase ends where the sources did; a run that ended in its warm-up has only that.
    fn measured(&self, notes: &mut Vec<String>) -> Phase {
        let to_ns = self.conducted.stopped_ns.min(self.conducted.measured_to_ns);
        let from_ns = self.conducted.measured_from_ns.unwrap_or_else(|| {
            notes.push("the run ended during its warm-up: all of it counts as measured".to_owned());
            0
        });
        Phase {
            from_ms: milliseconds(from_ns),
            to_ms: milliseconds(to_ns),
        }
    }

    /// How long the records that were due and never sent had waited.
    fn censored(&self, notes: &mut Vec<String>) -> Option<Histogram<u64>> {
        let end_ns = self.conducted.stopped_ns;
        if end_ns == 0 {
            // The job's time has not begun: nobody waited for anything.
            return None;
        }
        let unsent = self
            .progress
            .scheduled(end_ns)?
            .saturating_sub(self.progress.admitted());
        if unsent > MAX_CENSORED {
            notes.push(format!(
                "{unsent} records that were never sent are too many to count in the response times"
            ));
            return None;
        }
        let mut waited = histogram();
        for intended_ns in self.progress.unsent(end_ns) {
            waited.saturating_record(end_ns.saturating_sub(intended_ns));
        }
        Some(waited)
    }
}

fn trade_off_rows(trade_off: &TradeOff) -> Vec<TradeOffRow> {
    let row = |outcome: &workloads::trade_off::Outcome| TradeOffRow {
        delay_ms: outcome.setting.delay_ms,
        lateness_ms: outcome.setting.lateness_ms,
        configured: outcome.configured,
        records: outcome.records,
        late: outcome.late,
        results: outcome.results,
        right_at_first: outcome.right_at_first,
        refined: outcome.refined,
        incomplete: outcome.incomplete,
        missing: outcome.missing,
        first_delay_p50_ms: outcome.first_delay_p50_ms,
        first_delay_p99_ms: outcome.first_delay_p99_ms,
    };
    trade_off.outcomes.iter().map(row).collect()
}

fn write_results(path: &Path, results: &workloads::Results) -> Result<(), RecordError> {
    let write = || {
        let mut file = csv::Writer::from_path(path)?;
        file.write_record(&results.header)?;
        for row in &results.rows {
            file.write_record(row)?;
        }
        file.flush().map_err(csv::Error::from)
    };
    write().map_err(|error: csv::Error| RecordError::Io {
        action: "write",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })
}
