//! What was seen, as opposed to what is estimated: the highest load that was held, and the lowest that
//! was not.
//!
//! As in MLRsearch (RFC 9971) a load that was probed more than once is judged by its probes together:
//! it is not held if more than half of its time it was not (exceed ratio 50 %), and the lower bound is
//! the highest load that is held *below* the lowest that is not. Stricter than there, no load above one
//! that any probe found too much is ever answered, even if longer probes of it outvote that one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ProbeResult;
use crate::sustainable::Probe;

/// More of a load's time than this, and it is not held.
const EXCEED_RATIO: f64 = 0.5;

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The highest load that was held, not above any that was not; records per second.
    pub held_per_s: Option<f64>,
    /// The lowest load that was not held by any one probe.
    pub failed_per_s: Option<f64>,
    /// A load was held above one that was not.
    pub contradiction: bool,
}

impl Bounds {
    /// Of all probes so far, in any order. Undecided ones bound nothing.
    pub fn of(probes: &[ProbeResult]) -> Bounds {
        let rates = |outcome: Probe| {
            let of_outcome = probes.iter().filter(move |it| it.outcome == outcome);
            of_outcome.map(|it| it.rate_per_s)
        };
        let failed = rates(Probe::Unsustainable).min_by(f64::total_cmp);
        let most = failed.unwrap_or(f64::INFINITY);
        let held = rates(Probe::Sustainable).filter(|rate| *rate <= most && is_held(probes, *rate));
        Bounds {
            held_per_s: held.max_by(f64::total_cmp),
            failed_per_s: failed,
            contradiction: rates(Probe::Sustainable).any(|rate| rate >= most),
        }
    }
}

fn is_held(probes: &[ProbeResult], rate_per_s: f64) -> bool {
    let time = |outcome: Probe| {
        let those = probes
            .iter()
            .filter(|it| it.rate_per_s == rate_per_s && it.outcome == outcome);
        those.map(|it| it.duration).sum::<Duration>().as_secs_f64()
    };
    let (held, failed) = (time(Probe::Sustainable), time(Probe::Unsustainable));
    failed <= EXCEED_RATIO * (held + failed)
}
