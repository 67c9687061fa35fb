//! The search for the highest load that an engine holds, as a plain state machine: it says which probe
//! comes next, is fed with what came of it, and concludes. It runs nothing and keeps no time.
//!
//! Four parts, in the order in which they matter during a search:
//! 1. the start: an estimate of the capacity from a closed-loop run and the true processing rate;
//! 2. a bracket by factors of 1.25: a load that is held below one that is not;
//! 3. goals after MLRsearch (RFC 9971): short probes while the interval is wide, longer ones as it
//!    narrows; [`Bounds`] says what the probes of one load say together;
//! 4. the posterior of the capacity from all probes ([`Capacity`]). The next probe goes to its median.
//!
//! A [`Search`] is a function of its plan and its probes: to resume one, feed it the recorded probes.
//! What is concluded are two different numbers, see [`Answer`].

mod bounds;
mod plan;
mod posterior;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::Verdict;
use crate::sustainable::{Judgement, Probe};
pub use bounds::Bounds;
pub use plan::{Goal, PlanError, SearchPlan};
pub use posterior::Capacity;
use posterior::Posterior;

/// A search ends early if one more probe is expected to narrow the posterior by less than this, and all
/// that are left would not bring it near the goal: then noise, not the number of probes, is what keeps the
/// interval wide. Proposed, not published: 14 probes instead of 9 narrow the interval of an engine with 5 %
/// noise from 12 % to 9 %.
const LEAST_GAIN: f64 = 0.05;
/// So many times the width that is asked for is near it.
const NEAR: f64 = 1.5;
/// Loads that differ by less than this share of the width that is asked for are the same load: what was due in a run is
/// never quite what was asked for.
pub const SAME: f64 = 0.1;

/// What came of one probe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeResult {
    /// The load, records per second.
    pub rate_per_s: f64,
    /// How long it was measured, extensions included.
    pub duration: Duration,
    /// Whether it was held.
    pub outcome: Probe,
    /// Records completed per second.
    pub completed_per_s: Option<f64>,
    /// 95 % interval of the backlog's growth, seconds of load per second: lower end.
    pub backlog_slope_lower: Option<f64>,
    /// Upper end of the same.
    pub backlog_slope_upper: Option<f64>,
}

impl ProbeResult {
    /// From a judgement of a probe at this load that was measured for so long.
    pub fn new(rate_per_s: f64, duration: Duration, judgement: &Judgement) -> ProbeResult {
        ProbeResult {
            rate_per_s,
            duration,
            outcome: judgement.outcome,
            completed_per_s: judgement.completed_per_s,
            backlog_slope_lower: judgement.backlog_slope_lower,
            backlog_slope_upper: judgement.backlog_slope_upper,
        }
    }
}

/// What to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Run this probe and feed its result. One that is undecided may be extended before that.
    Probe {
        /// Records per second.
        rate_per_s: f64,
        /// How long to measure.
        duration: Duration,
    },
    /// The search is over.
    Done(Answer),
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The interval is as narrow as asked for.
    Narrow,
    /// It is not, but another probe would hardly narrow it: what one probe sees is noise.
    Noise,
    /// All probes are spent.
    Spent,
    /// The highest load that may be offered is held.
    Ceiling,
    /// It has not ended yet.
    Unfinished,
}

/// What a search found: what the engine was seen to hold, and what its capacity probably is.
///
/// The two are not the same. `bounds.held_per_s` is an observation and never above a load that was not
/// held, so that with noise it is low; it is the number to run a job at. `capacity` is the estimate to
/// compare engines by: without bias, and with an interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Median and 95 % interval; `None` while no load was held or none was not.
    pub capacity: Option<Capacity>,
    /// The highest load that was held below all that were not, and the lowest of those.
    pub bounds: Bounds,
    /// Why the search ended.
    pub stop: Stop,
    /// How many probes it took.
    pub probes: usize,
    /// What a reader should know, a sentence each.
    pub notes: Vec<String>,
}

impl Answer {
    /// What the numbers are worth: they are an estimate with an interval only if the search came to its end.
    pub fn verdict(&self) -> Verdict {
        match (self.stop, self.capacity) {
            (Stop::Narrow, Some(_)) => Verdict::Steady,
            (Stop::Noise, Some(_)) => Verdict::Noisy,
            (Stop::Ceiling, _) => Verdict::GeneratorLimited,
            (Stop::Unfinished, _) => Verdict::Aborted,
            _ => Verdict::Insufficient,
        }
    }
}

/// A search that goes on.
#[derive(Clone, Debug)]
pub struct Search {
    plan: SearchPlan,
    probes: Vec<ProbeResult>,
    /// Of all probes so far, once there is a bracket.
    now: Option<State>,
}

/// What is known and what follows from it.
#[derive(Clone, Copy, Debug)]
struct State {
    capacity: Capacity,
    /// Expected of one more probe at the median.
    gain: f64,
}

impl Search {
    /// A search that has not probed yet.
    ///
    /// # Errors
    /// If the plan cannot be carried out.
    pub fn new(plan: SearchPlan) -> Result<Search, PlanError> {
        plan.check()?;
        Ok(Search {
            plan,
            probes: Vec::new(),
            now: None,
        })
    }

    /// A search that goes on where its recorded probes end.
    ///
    /// # Errors
    /// If the plan cannot be carried out.
    pub fn resumed(plan: SearchPlan, probes: &[ProbeResult]) -> Result<Search, PlanError> {
        let mut search = Search::new(plan)?;
        search.probes = probes.iter().copied().filter(is_sound).collect();
        search.conclude();
        Ok(search)
    }

    /// Takes in what came of a probe; of any load, not only of the one that was asked for. A result whose
    /// load is not a positive number is ignored.
    pub fn feed(&mut self, result: ProbeResult) {
        if is_sound(&result) {
            self.probes.push(result);
            self.conclude();
        }
    }

    /// All probes so far.
    pub fn probes(&self) -> &[ProbeResult] {
        &self.probes
    }

    /// The estimate after all probes so far.
    pub fn capacity(&self) -> Option<Capacity> {
        self.now.map(|state| state.capacity)
    }

    /// What to do now.
    pub fn next(&self) -> Next {
        match self.stop() {
            Stop::Unfinished => self.probe(),
            _ => Next::Done(self.answer()),
        }
    }

    /// What the probes so far say, whether or not the search is over.
    pub fn answer(&self) -> Answer {
        let bounds = Bounds::of(&self.probes);
        Answer {
            capacity: self.capacity(),
            bounds,
            stop: self.stop(),
            probes: self.probes.len(),
            notes: self.notes(&bounds),
        }
    }

    fn conclude(&mut self) {
        let seen = |outcome| self.probes.iter().any(|probe| probe.outcome == outcome);
        self.now = (seen(Probe::Sustainable) && seen(Probe::Unsustainable)).then(|| {
            let posterior = Posterior::of(self.plan.start_per_s, &self.probes);
            let capacity = self.with_bracket(posterior.capacity());
            State {
                capacity,
                gain: posterior.gain(posterior::load_at(capacity.median_per_s)),
            }
        });
    }

    /// Where probes do not contradict each other, the capacity may be anywhere between the highest that one
    /// says it is at least and the lowest that one says it is at most: without noise it is, and each place is as
    /// likely.
    fn with_bracket(&self, capacity: Capacity) -> Capacity {
        let bounds = Bounds::of(&self.probes);
        let (Some(held), Some(failed)) = (bounds.held_per_s, bounds.failed_per_s) else {
            return capacity;
        };
        let (mut least, mut most) = (posterior::threshold(held), posterior::threshold(failed));
        // One that is undecided because its backlog grew a little has seen the capacity itself.
        let undecided = self.probes.iter();
        for probe in undecided.filter(|it| it.outcome == Probe::Undecided) {
            if let (at_least, Some(at_most)) = posterior::seen(probe) {
                (least, most) = (least.max(at_least), most.min(at_most));
            }
        }
        if bounds.contradiction || least > most {
            return capacity;
        }
        Capacity {
            lower_per_s: capacity.lower_per_s.min(least.exp()),
            upper_per_s: capacity.upper_per_s.max(most.exp()),
            ..capacity
        }
    }

    fn stop(&self) -> Stop {
        let bounds = Bounds::of(&self.probes);
        if self.is_at_ceiling(&bounds) && self.is_confirmed(&bounds) {
            return Stop::Ceiling;
        }
        if self.probes.len() >= self.plan.max_probes {
            return Stop::Spent;
        }
        let Some(state) = self.now.filter(|_| self.is_confirmed(&bounds)) else {
            return Stop::Unfinished;
        };
        if state.capacity.width() <= self.plan.width {
            Stop::Narrow
        } else if self.is_hopeless(state) {
            Stop::Noise
        } else {
            Stop::Unfinished
        }
    }

    /// Whether nothing is left to offer.
    fn is_at_ceiling(&self, bounds: &Bounds) -> bool {
        let ceiling = self.plan.ceiling_per_s.unwrap_or(f64::INFINITY);
        // What was read from a file may differ in the last digit.
        let is_there = bounds
            .held_per_s
            .is_some_and(|held| held >= ceiling * (1.0 - 1e-9));
        is_there && bounds.failed_per_s.is_none()
    }

    /// Whether more probes are not worth their time.
    fn is_hopeless(&self, state: State) -> bool {
        let left = self.plan.max_probes.saturating_sub(self.probes.len());
        let in_the_end = state.capacity.width() * (1.0 - state.gain).powf(left as f64);
        state.gain < LEAST_GAIN && in_the_end > NEAR * self.plan.width
    }

    /// Whether the load to be answered, or what can be told from it by no interval, was held as long as the last goal
    /// asks for. More than the ceiling cannot be asked for, even if it came once.
    fn is_confirmed(&self, bounds: &Bounds) -> bool {
        let last = self
            .plan
            .goals
            .last()
            .map_or(Duration::ZERO, |goal| goal.duration);
        let ceiling = self.plan.ceiling_per_s.unwrap_or(f64::INFINITY);
        bounds.held_per_s.is_some_and(|held| {
            let least = held.min(ceiling) * (1.0 - SAME * self.plan.width);
            let mut at_it = self.probes.iter().filter(|it| it.rate_per_s >= least);
            at_it.any(|it| it.outcome == Probe::Sustainable && it.duration >= last)
        })
    }

    fn probe(&self) -> Next {
        let bounds = Bounds::of(&self.probes);
        let wanted = match self.now {
            None => self.bracketing(&bounds),
            Some(state) => self.refining(&bounds, state),
        };
        let (rate_per_s, duration) = wanted;
        let ceiling = self.plan.ceiling_per_s.unwrap_or(f64::INFINITY);
        Next::Probe {
            rate_per_s: readable(rate_per_s).min(ceiling),
            duration,
        }
    }

    /// Up from the highest load that was held, down from the lowest that was not.
    fn bracketing(&self, bounds: &Bounds) -> (f64, Duration) {
        let factor = self.plan.bracket_factor;
        let rates = || self.probes.iter().map(|probe| probe.rate_per_s);
        let rate = match (bounds.held_per_s, bounds.failed_per_s) {
            (None, None) if self.probes.is_empty() => self.plan.start_per_s,
            // Undecided is not held.
            (None, _) => rates().fold(f64::INFINITY, f64::min) / factor,
            (Some(_), _) => rates().fold(0.0, f64::max) * factor,
        };
        let width = match self.is_at_ceiling(bounds) {
            true => 0.0,
            false => f64::INFINITY,
        };
        (rate, self.plan.duration_at(width))
    }

    fn refining(&self, bounds: &Bounds, state: State) -> (f64, Duration) {
        let longest = self.plan.duration_at(0.0);
        let is_last = self.probes.len() + 1 >= self.plan.max_probes;
        let is_settled = state.capacity.width() <= self.plan.width || self.is_hopeless(state);
        if (is_last || is_settled) && !self.is_confirmed(bounds) {
            return (self.confirming(bounds, state), longest);
        }
        let rate = posterior::load_at(state.capacity.median_per_s);
        (rate, self.plan.duration_at(state.capacity.width()))
    }

    /// The load that is to be seen held for long: just below the interval and all that was not held, if that
    /// was not tried yet and is more than what was held for a short time.
    fn confirming(&self, bounds: &Bounds, state: State) -> f64 {
        let failed = bounds.failed_per_s.unwrap_or(f64::INFINITY);
        let below = state.capacity.lower_per_s.min(failed) * (1.0 - self.plan.width);
        let near = below * (1.0 - self.plan.width / 2.0)..=below;
        let is_tried =
            |it: &ProbeResult| it.outcome == Probe::Undecided && near.contains(&it.rate_per_s);
        match bounds.held_per_s {
            Some(held) if held >= below || self.probes.iter().any(is_tried) => held,
            _ => below,
        }
    }

    fn notes(&self, bounds: &Bounds) -> Vec<String> {
        let mut notes = Vec::new();
        if bounds.contradiction {
            notes.push(
                "probes contradict each other: a load was held above one that was not, so that what one probe \
                 sees of the capacity is noise; the estimate weighs all of them"
                    .to_owned(),
            );
        }
        if bounds.held_per_s.is_none() && !self.probes.is_empty() {
            notes.push("no load was held below all that were not".to_owned());
        }
        if bounds.failed_per_s.is_none() && !self.probes.is_empty() {
            notes.push("no load was too much: the capacity is at least what was held".to_owned());
        }
        let undecided = self
            .probes
            .iter()
            .filter(|it| it.outcome == Probe::Undecided)
            .count();
        if undecided > 0 {
            notes.push(format!(
                "{undecided} of {} probes stayed undecided",
                self.probes.len()
            ));
        }
        notes
    }
}

/// Five digits: what is asked for is what a file or a person can repeat.
fn readable(rate_per_s: f64) -> f64 {
    let digits = 4 - rate_per_s.log10().floor() as i32;
    let (up, down) = (10f64.powi(digits.max(0)), 10f64.powi((-digits).max(0)));
    (rate_per_s * up / down).round() * down / up
}

fn is_sound(result: &ProbeResult) -> bool {
    result.rate_per_s.is_finite() && result.rate_per_s > 0.0
}
