//! The loop of `backwater search`: a closed-loop run for the start, then the probes that [`reports::search`] asks
//! for, and after each of them a folder that another process can go on from.
//!
//! What a run is, is behind [`Runner`]; which load comes next and what follows from all of them is decided in
//! `reports`. The loop keeps nothing that is not in the folder: `result.json` has the plan, `search.csv` the probes.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use reports::format::{or_na, rate};
use reports::record::{
    ProbeRow, SearchRecord, Start, Verdict, probe_rows, publish_probes, publish_result, result_of,
};
use reports::search::{Goal, Next, ProbeResult, SAME, Search, SearchPlan};
use reports::sustainable::extended;

use crate::loads::{
    Basis, Came, Failure, Left, Load, LoadsError, Observed, Runner, Wanted, number_name, twice,
};

/// Run directory of the closed-loop run.
const CLOSED_LOOP: &str = "00-max";
/// An undecided probe may become so many times as long as one that counts.
const LONGEST: u32 = 4;
/// A subtask that is busy for less of the time than this is not what limits a job: then its throughput, and no
/// true processing rate, is where a search begins.
const LIMITING: f64 = 0.8;
/// Noise is said from this share of the probes on.
const NOISY: f64 = 0.25;

/// A search that goes on.
pub struct Searching<'a> {
    runner: &'a mut dyn Runner,
    basis: &'a Basis,
    folder: &'a Path,
    max_probes: Option<usize>,
    record: SearchRecord,
    rows: Vec<ProbeRow>,
}

/// How one step ended that did not come to its end.
enum Cut {
    Interrupted,
    Failed(Failure),
}

impl<'a> Searching<'a> {
    /// A new search, or one that goes on where the folder ends. `begun` is how its record begins if it is new;
    /// without `max_probes` it has as many as usual, or as it was begun with.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn begin(
        runner: &'a mut dyn Runner,
        basis: &'a Basis,
        folder: &'a Path,
        max_probes: Option<usize>,
        begun: SearchRecord,
    ) -> Result<Self, LoadsError> {
        let record = result_of(folder)?.unwrap_or(begun);
        let rows = probe_rows(folder).collect();
        Ok(Searching {
            runner,
            basis,
            folder,
            max_probes,
            record,
            rows,
        })
    }

    /// Goes on until the search has come to its end, or cannot go on. What was found so far is in the folder
    /// whatever happens.
    ///
    /// # Errors
    /// If runs cannot be started, or the folder cannot be written to.
    pub fn run(mut self) -> Result<(Left, SearchRecord, Vec<ProbeRow>), LoadsError> {
        self.record.heading.failure = None;
        self.record.heading.verdict = Verdict::Aborted;
        self.publish(None)?;
        let cut = match self.start()? {
            Some(cut) => Some(cut),
            None => self.probes()?,
        };
        let left = match cut {
            None => Left::Finished,
            Some(Cut::Interrupted) => {
                self.runner
                    .say("interrupted: the search can go on with the same command and --out");
                Left::Interrupted
            }
            Some(Cut::Failed(failure)) => {
                self.record.heading.verdict = failure.verdict;
                self.record.heading.failure = Some(failure.reason);
                publish_result(self.folder, &self.record)?;
                Left::Failed
            }
        };
        Ok((left, self.record, self.rows))
    }

    /// The plan, if there is none yet.
    fn start(&mut self) -> Result<Option<Cut>, LoadsError> {
        if self.record.start.is_some() {
            return Ok(None);
        }
        let measure = self.basis.scenario().measure.duration;
        let wanted = Wanted {
            load: Load::ClosedLoop,
            // As long as the first probes: it is only where they begin.
            duration: self.at_least(measure / 4, self.basis.least(Duration::ZERO)),
            run: CLOSED_LOOP.to_owned(),
        };
        self.runner.say("closed loop, for the start");
        let start = match (twice(self.runner, &wanted)?, self.basis.rate_per_s()) {
            (Came::Interrupted, _) => return Ok(Some(Cut::Interrupted)),
            (Came::Observed(observed), _) => self.start_of(&observed, measure),
            (Came::Failed(failure), Some(rate_per_s)) if failure.verdict != Verdict::Wrong => {
                let note = format!(
                    "the search began at the scenario's own rate, since the job cannot be driven in a closed loop: {}",
                    failure.reason
                );
                self.record.heading.notes.push(note);
                Ok(self.start_at(rate_per_s, measure, self.basis.least(Duration::ZERO)))
            }
            (Came::Failed(failure), _) => Err(failure),
        };
        match start {
            Err(failure) => Ok(Some(Cut::Failed(failure))),
            Ok(start) => {
                self.record.start = Some(start);
                self.publish(None)?;
                Ok(None)
            }
        }
    }

    /// From the closed-loop run: its throughput, over the share of its time that the busiest subtask needed for it
    /// (the true processing rate of DS2, Kalavri et al., OSDI 2018).
    fn start_of(&mut self, run: &Observed, measure: Duration) -> Result<Start, Failure> {
        let throughput = run.throughput_per_s.filter(|per_s| *per_s > 0.0);
        let Some(throughput_per_s) = throughput else {
            return Err(Failure {
                verdict: Verdict::Failed,
                reason: format!("run {CLOSED_LOOP}: the job took in nothing"),
            });
        };
        self.record.heading.target = Some(run.target.clone());
        let limiting = run.busiest.filter(|busy| *busy >= LIMITING);
        let start_per_s = throughput_per_s / limiting.unwrap_or(1.0).min(1.0);
        let least = self.basis.least(run.service_p99.unwrap_or_default());
        let mut start = self.start_at(start_per_s, measure, least);
        start.throughput_per_s = Some(throughput_per_s);
        start.busiest = run.busiest;
        start.run = Some(CLOSED_LOOP.to_owned());
        start.plan.ceiling_per_s = run.ceiling_per_s;
        Ok(start)
    }

    /// A probe that counts lasts as long as the scenario, and at least `least`, as the shorter ones do.
    fn start_at(&self, start_per_s: f64, measure: Duration, least: Duration) -> Start {
        let duration = self.at_least(measure, least);
        let usual = SearchPlan::usual(start_per_s, duration);
        let goals = usual.goals.iter().map(|goal| Goal {
            duration: self.at_least(goal.duration, least),
            ..*goal
        });
        Start {
            throughput_per_s: None,
            busiest: None,
            run: None,
            plan: SearchPlan {
                goals: goals.collect(),
                max_probes: self.max_probes.unwrap_or(usual.max_probes),
                ..usual
            },
            longest: duration.saturating_mul(LONGEST),
        }
    }

    /// Without a fraction of a sampling interval, which no run can last.
    fn at_least(&self, duration: Duration, least: Duration) -> Duration {
        let interval = self.basis.scenario().measure.interval;
        let longer = duration.max(least).max(interval);
        let millis = u64::try_from(longer.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(millis)
    }

    fn probes(&mut self) -> Result<Option<Cut>, LoadsError> {
        let Some(start) = self.record.start.clone() else {
            return Ok(None);
        };
        let plan = SearchPlan {
            max_probes: self.max_probes.unwrap_or(start.plan.max_probes),
            ..start.plan.clone()
        };
        let recorded: Vec<ProbeResult> = self.rows.iter().map(ProbeRow::result).collect();
        let search = Search::resumed(plan, &recorded);
        let mut search = search.map_err(|error| LoadsError::Refused(error.to_string()))?;
        while let Next::Probe {
            rate_per_s,
            duration,
        } = search.next()
        {
            let number = u32::try_from(self.rows.len())
                .unwrap_or(u32::MAX)
                .saturating_add(1);
            let row = match self.probe(number, rate_per_s, duration, &start)? {
                Ok((result, of_run)) => {
                    search.feed(result);
                    let OfRun {
                        observed,
                        run,
                        asked_per_s,
                    } = of_run;
                    let row = ProbeRow {
                        asked_per_s: Some(asked_per_s),
                        ..ProbeRow::new(number, &result, search.capacity())
                    };
                    row.with_run(observed.response.as_ref(), observed.verdict, &run)
                }
                Err(cut) => return Ok(Some(cut)),
            };
            self.runner.say(&said(&row));
            self.rows.push(row);
            self.publish(Some(&search))?;
        }
        self.record.heading.finished = true;
        self.publish(Some(&search))?;
        Ok(None)
    }

    /// One probe, extended while it is undecided.
    fn probe(
        &mut self,
        number: u32,
        rate_per_s: f64,
        duration: Duration,
        start: &Start,
    ) -> Result<Result<(ProbeResult, OfRun), Cut>, LoadsError> {
        let (longest, width) = (start.longest, start.plan.width);
        let mut duration = duration;
        let mut factor = 1;
        loop {
            let name = number_name(number, rate_per_s);
            let run = match factor {
                1 => name,
                longer => format!("{name}-x{longer}"),
            };
            let asked_per_s = self.to_ask_for(rate_per_s, duration);
            let wanted = Wanted {
                load: Load::PerSecond(asked_per_s),
                duration,
                run,
            };
            let observed = match twice(self.runner, &wanted)? {
                Came::Interrupted => return Ok(Err(Cut::Interrupted)),
                Came::Failed(failure) => return Ok(Err(Cut::Failed(named(&wanted.run, failure)))),
                Came::Observed(observed) => observed,
            };
            if let Some(failure) = observed.is_short_of(duration) {
                return Ok(Err(Cut::Failed(named(&wanted.run, failure))));
            }
            self.record.heading.target = Some(observed.target.clone());
            let judged = observed.judge(asked_per_s);
            match extended(duration, longest).filter(|_| judged.may_be_told_by_more_time()) {
                Some(longer) => {
                    self.runner.say(&format!(
                        "probe {number}: {} cannot be told in {:.0} s, measuring longer",
                        rate(rate_per_s),
                        duration.as_secs_f64()
                    ));
                    (duration, factor) = (longer, factor * 2);
                }
                None => {
                    let due_per_s = observed.load_per_s(asked_per_s);
                    let is_met = (due_per_s / rate_per_s - 1.0).abs() <= SAME * width;
                    let load_per_s = if is_met { rate_per_s } else { due_per_s };
                    let result = ProbeResult::new(load_per_s, duration, &judged);
                    let of_run = OfRun {
                        observed,
                        run: wanted.run,
                        asked_per_s,
                    };
                    return Ok(Ok((result, of_run)));
                }
            }
        }
    }

    /// The rate that the driver is given for a load: random arrivals miss a rate by a little, and all of one seed do it
    /// alike for as long a time.
    fn to_ask_for(&self, load_per_s: f64, duration: Duration) -> f64 {
        let as_long = |row: &&ProbeRow| u128::from(row.duration_ms) == duration.as_millis();
        let last = self.rows.iter().rev().find(as_long);
        let due = last.and_then(|row| Some(row.rate_per_s / row.asked_per_s?));
        load_per_s / due.unwrap_or(1.0)
    }

    fn publish(&mut self, search: Option<&Search>) -> Result<(), LoadsError> {
        if let Some(search) = search {
            let answer = search.answer();
            self.record.heading.verdict = answer.verdict();
            self.record.answer = Some(answer);
            if self.record.heading.finished {
                self.record.heading.notes.extend(noise(&self.rows));
            }
            publish_probes(self.folder, &self.rows)?;
        }
        publish_result(self.folder, &self.record)?;
        Ok(())
    }
}

/// The run that decided a probe.
struct OfRun {
    observed: Box<Observed>,
    run: String,
    /// The rate that the driver was given.
    asked_per_s: f64,
}

fn named(run: &str, failure: Failure) -> Failure {
    Failure {
        reason: format!("run {run}: {}", failure.reason),
        ..failure
    }
}

/// What a waiting person is told of a probe.
fn said(row: &ProbeRow) -> String {
    let interval = row.capacity_lower_per_s.zip(row.capacity_upper_per_s);
    let known =
        interval.map(|(lower, upper)| format!("; capacity {} to {}", rate(lower), rate(upper)));
    format!(
        "probe {}: {} for {:.1} s: {} [{}]{}",
        row.probe,
        rate(row.rate_per_s),
        row.duration_ms as f64 / 1e3,
        row.outcome.as_str(),
        or_na(row.verdict, |it| it.to_string()),
        known.unwrap_or_default()
    )
}

/// Where runs say that the machine or the driver, and not only the engine, was in them.
fn noise(rows: &[ProbeRow]) -> Vec<String> {
    let of = |verdict: Verdict| {
        rows.iter()
            .filter(|row| row.verdict == Some(verdict))
            .count()
    };
    let note = |verdict: Verdict, what: &str| {
        let found = of(verdict);
        let is_much = found > 0 && found as f64 >= NOISY * rows.len() as f64;
        is_much.then(|| {
            format!(
                "{found} of {} probes' runs were {verdict}: {what}",
                rows.len()
            )
        })
    };
    let notes = [
        note(
            Verdict::Noisy,
            "the machine was not quiet, and the interval is wider for it",
        ),
        note(
            Verdict::GeneratorLimited,
            "the load driver was late by itself; where it, and not the engine, kept records back, the probe stayed undecided",
        ),
    ];
    notes.into_iter().flatten().collect()
}
