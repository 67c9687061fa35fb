//! The loop of `backwater sweep`: one run at every load of [`reports::sweep`], and one with the scenario's freeze,
//! in a folder that another process can go on from. What the runs say is for `reports` to conclude.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use reports::format::{or_na, rate};
use reports::overload::{Goodput, OVERLOADS, drain, goodput, violation};
use reports::record::{
    Freeze, Phase, SweepRecord, SweepRow, Verdict, publish_result, publish_sweep, result_of,
    sweep_rows,
};
use reports::search::Capacity;
use reports::sustainable::Probe;
use reports::sweep::{SweepLoad, knee_of, sweep_plan};

use crate::loads::{
    Basis, Came, Failure, Left, Load, LoadsError, Observed, Runner, Wanted, number_name, twice,
};
use crate::scenario::Fault;

/// A load up to this share of the capacity must be held, or the capacity is not what was said.
const SURELY_HELD: f64 = 0.9;
/// The freeze is at this share of the capacity, if the scenario's own rate is no rate below it: what a freeze
/// leaves then takes as long to work off as the freeze lasted.
const FREEZE_LOAD: f64 = 0.5;

/// A sweep that goes on.
pub struct Sweeping<'a> {
    runner: &'a mut dyn Runner,
    basis: &'a Basis,
    folder: &'a Path,
    record: SweepRecord,
    rows: Vec<SweepRow>,
}

/// How long every load is measured: twice the scenario's duration, and at least twice what shows what repeats.
pub fn duration(basis: &Basis, capacity_per_s: f64) -> Duration {
    let measure = basis.scenario().measure.duration;
    let one = measure.max(basis.least(Duration::ZERO));
    let plan = sweep_plan(capacity_per_s, one);
    plan.first().map_or(one, |load| load.duration)
}

impl<'a> Sweeping<'a> {
    /// A new sweep, or one that goes on where the folder ends. `begun` is how its record begins if it is new.
    ///
    /// # Errors
    /// If the folder cannot be read, or holds a sweep around another capacity.
    pub fn begin(
        runner: &'a mut dyn Runner,
        basis: &'a Basis,
        folder: &'a Path,
        begun: SweepRecord,
    ) -> Result<Self, LoadsError> {
        let found: Option<SweepRecord> = result_of(folder)?;
        let is_same = |it: &SweepRecord| {
            (it.capacity, it.objective_ns) == (begun.capacity, begun.objective_ns)
        };
        if found.as_ref().is_some_and(|found| !is_same(found)) {
            return Err(LoadsError::Refused(format!(
                "--out: {} is a sweep with another capacity or objective",
                folder.display()
            )));
        }
        Ok(Sweeping {
            runner,
            basis,
            folder,
            record: found.unwrap_or(begun),
            rows: sweep_rows(folder).collect(),
        })
    }

    /// Goes on until the sweep has come to its end, or cannot go on. What was found so far is in the folder
    /// whatever happens.
    ///
    /// # Errors
    /// If runs cannot be started, or the folder cannot be written to.
    pub fn run(mut self) -> Result<(Left, SweepRecord, Vec<SweepRow>), LoadsError> {
        self.record.heading.failure = None;
        self.record.heading.verdict = Verdict::Aborted;
        self.publish()?;
        let came = match self.loads()? {
            None => self.freeze()?,
            cut => cut,
        };
        let left = match came {
            None => Left::Finished,
            Some(Came::Failed(failure)) => {
                self.record.heading.verdict = failure.verdict;
                self.record.heading.failure = Some(failure.reason);
                Left::Failed
            }
            Some(_) => {
                self.runner
                    .say("interrupted: the sweep can go on with the same command and --out");
                Left::Interrupted
            }
        };
        if left == Left::Finished {
            self.record.heading.finished = true;
            self.record.heading.verdict = worth(&self.rows);
        }
        publish_result(self.folder, &self.record)?;
        Ok((left, self.record, self.rows))
    }

    /// `None` if all loads were run; otherwise what kept the next from it.
    fn loads(&mut self) -> Result<Option<Came>, LoadsError> {
        let plan = sweep_plan(self.record.capacity.median_per_s, self.record.duration / 2);
        for (load, number) in plan.into_iter().zip(1..).skip(self.rows.len()) {
            let wanted = Wanted {
                load: Load::PerSecond(load.rate_per_s),
                duration: load.duration,
                run: number_name(number, (load.load * 100.0).round() / 100.0),
            };
            let observed = match self.observe(&wanted)? {
                Came::Observed(observed) => observed,
                other => return Ok(Some(other)),
            };
            let row = self.row(load, &observed, wanted.run);
            self.runner.say(&said(&row));
            self.rows.push(row);
            self.publish()?;
        }
        Ok(None)
    }

    /// A run that is as long as it should be.
    fn observe(&mut self, wanted: &Wanted) -> Result<Came, LoadsError> {
        let came = twice(self.runner, wanted)?;
        let named = |failure: Failure| {
            let reason = format!("run {}: {}", wanted.run, failure.reason);
            Ok(Came::Failed(Failure { reason, ..failure }))
        };
        match came {
            Came::Failed(failure) => named(failure),
            Came::Observed(observed) => match observed.is_short_of(wanted.duration) {
                Some(failure) => named(failure),
                None => {
                    self.record.heading.target = Some(observed.target.clone());
                    Ok(Came::Observed(observed))
                }
            },
            Came::Interrupted => Ok(Came::Interrupted),
        }
    }

    /// What one load's run says.
    fn row(&self, load: SweepLoad, observed: &Observed, run: String) -> SweepRow {
        let goodput = goodput(
            self.record.capacity.median_per_s,
            observed.measured,
            &observed.rows,
            &observed.responses,
            self.record.objective_ns,
        );
        let response = observed.response.as_ref();
        SweepRow {
            load: load.load,
            rate_per_s: observed.load_per_s(load.rate_per_s),
            duration_ms: u64::try_from(load.duration.as_millis()).unwrap_or(u64::MAX),
            outcome: observed.judge(load.rate_per_s).outcome,
            completed: goodput.completed,
            within_objective: goodput.within_objective,
            response_p50_ns: response.and_then(|it| it.p50),
            response_p90_ns: response.and_then(|it| it.p90),
            response_p99_ns: response.and_then(|it| it.p99),
            response_p999_ns: response.and_then(|it| it.p999),
            verdict: Some(observed.verdict),
            run: Some(run),
        }
    }

    /// The scenario's freeze at a load that leaves capacity to spare. `None` if there is none, or it is done.
    fn freeze(&mut self) -> Result<Option<Came>, LoadsError> {
        let mut faults = self.basis.scenario().faults.iter();
        let has_one = faults.any(|fault| matches!(fault, Fault::Freeze { .. }));
        if !has_one || self.record.freeze.is_some() {
            return Ok(None);
        }
        let capacity_per_s = self.record.capacity.median_per_s;
        let own = self
            .basis
            .rate_per_s()
            .filter(|rate| *rate < capacity_per_s);
        let rate_per_s = own.unwrap_or(FREEZE_LOAD * capacity_per_s);
        let wanted = Wanted {
            load: Load::WithFaults(rate_per_s),
            duration: self.basis.scenario().measure.duration,
            run: "freeze".to_owned(),
        };
        self.runner.say(&format!("freeze at {}", rate(rate_per_s)));
        let observed = match self.observe(&wanted)? {
            Came::Observed(observed) => observed,
            other => return Ok(Some(other)),
        };
        let drain = observed
            .freeze
            .and_then(|freeze| drain(capacity_per_s, freeze, &observed.rows));
        let from = observed.freeze.map(|freeze| Phase {
            from_ms: freeze.from_ms,
            to_ms: observed.measured.to_ms,
        });
        let objective = self.record.objective_ns;
        self.record.freeze = Some(Freeze {
            rate_per_s,
            run: wanted.run,
            verdict: observed.verdict,
            score: drain.and_then(|drain| drain.score()),
            drain,
            violation: objective
                .zip(from)
                .map(|(objective_ns, phase)| violation(objective_ns, phase, &observed.rows)),
        });
        Ok(None)
    }

    fn publish(&mut self) -> Result<(), LoadsError> {
        self.record.knee = knee_of(&self.rows);
        let overloads = self.rows.iter().filter(|row| OVERLOADS.contains(&row.load));
        let scores = overloads.map(|row| Goodput {
            load: Some(row.load),
            completed: row.completed,
            within_objective: row.within_objective,
        });
        self.record.overload = scores.collect();
        publish_sweep(self.folder, &self.rows)?;
        publish_result(self.folder, &self.record)?;
        Ok(())
    }
}

/// The record of a sweep that begins.
pub fn record(
    heading: reports::record::Heading,
    capacity: Capacity,
    is_given: bool,
    duration: Duration,
    objective: Option<Duration>,
) -> SweepRecord {
    SweepRecord {
        heading,
        capacity,
        is_given,
        duration,
        objective_ns: objective.map(|it| u64::try_from(it.as_nanos()).unwrap_or(u64::MAX)),
        knee: None,
        overload: Vec::new(),
        freeze: None,
    }
}

/// What a finished sweep is worth: whether the loads are what they are called.
fn worth(rows: &[SweepRow]) -> Verdict {
    let low = || rows.iter().filter(|row| row.load <= SURELY_HELD);
    let has = |outcome| low().any(|row| row.outcome == outcome);
    match (has(Probe::Unsustainable), has(Probe::Undecided)) {
        (true, _) => Verdict::Overloaded,
        (false, true) => Verdict::Insufficient,
        (false, false) => Verdict::Steady,
    }
}

/// What a waiting person is told of a load.
fn said(row: &SweepRow) -> String {
    let p99 = row.response_p99_ns.map(|ns| ns as f64);
    format!(
        "load {:.2}: {} for {:.1} s: {}, p99 {} [{}]",
        row.load,
        rate(row.rate_per_s),
        row.duration_ms as f64 / 1e3,
        row.outcome.as_str(),
        or_na(p99, reports::format::duration_ns),
        or_na(row.verdict, |it| it.to_string())
    )
}
