//! What a search is to find and what it may spend on it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The plan of a search; the same plan and the same probes give the same search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchPlan {
    /// Estimate of the capacity, records per second: the first probe.
    pub start_per_s: f64,
    /// How wide the interval is and how long a probe lasts while it is, the widest first. The last says how
    /// long the answer must have been held.
    pub goals: Vec<Goal>,
    /// Width of the 95 % interval, relative to the median, at which the search ends.
    pub width: f64,
    /// The most probes.
    pub max_probes: usize,
    /// From one load to the next while there is no bracket.
    pub bracket_factor: f64,
    /// The highest load that can be offered: what the driver reaches without an engine.
    pub ceiling_per_s: Option<f64>,
}

/// How long probes last until the interval is as narrow as this.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Width of the interval, relative to its median.
    pub width: f64,
    /// Duration of a probe on the way there.
    pub duration: Duration,
}

/// Why a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A number is not what it has to be.
    #[error("{name} must be {what}")]
    Number {
        /// Which.
        name: &'static str,
        /// What it has to be.
        what: &'static str,
    },
    /// Probes get shorter on the way to the answer, or there is no goal.
    #[error("goals must get narrower, and their probes not shorter, and there must be one")]
    Goals,
}

impl SearchPlan {
    /// The usual plan around a start estimate: at most 14 probes, to a width of 2 %. `duration` is that of
    /// a probe that counts, see [`least_duration`](crate::sustainable::least_duration); the bracket is
    /// found with probes of a quarter of it, and it is narrowed to 8 % with halves.
    pub fn usual(start_per_s: f64, duration: Duration) -> SearchPlan {
        let goal = |width, share| Goal {
            width,
            duration: duration / share,
        };
        SearchPlan {
            start_per_s,
            goals: vec![goal(0.25, 4), goal(0.08, 2), goal(0.02, 1)],
            width: 0.02,
            max_probes: 14,
            bracket_factor: 1.25,
            ceiling_per_s: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), PlanError> {
        let require = |holds: bool, name, what| match holds {
            true => Ok(()),
            false => Err(PlanError::Number { name, what }),
        };
        let is_positive = |value: f64| value.is_finite() && value > 0.0;
        require(
            is_positive(self.start_per_s),
            "start_per_s",
            "a positive number",
        )?;
        require(is_positive(self.width), "width", "a positive number")?;
        require(self.max_probes >= 2, "max_probes", "at least 2")?;
        let factor = self.bracket_factor;
        require(
            factor.is_finite() && factor > 1.0,
            "bracket_factor",
            "above 1",
        )?;
        let ceiling = self.ceiling_per_s.is_none_or(is_positive);
        require(ceiling, "ceiling_per_s", "a positive number")?;
        let in_order = self.goals.is_sorted_by(|wide, narrow| {
            narrow.width < wide.width && narrow.duration >= wide.duration
        });
        let is_sound = |goal: &Goal| is_positive(goal.width) && !goal.duration.is_zero();
        match in_order && !self.goals.is_empty() && self.goals.iter().all(is_sound) {
            true => Ok(()),
            false => Err(PlanError::Goals),
        }
    }

    /// How long a probe lasts while the interval is this wide: as the widest goal that is not yet reached
    /// says, or the last.
    pub(super) fn duration_at(&self, width: f64) -> Duration {
        let open = self.goals.iter().find(|goal| goal.width < width);
        open.or(self.goals.last())
            .map_or(Duration::ZERO, |goal| goal.duration)
    }
}
