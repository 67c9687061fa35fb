//! What is asked of a run. An objective is judged by the number that the run reports, and says nothing of what that
//! number is worth: this is the verdict's part.

use crate::record::{Objective, Slo, Summary};

/// Bounds, each of them optional.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Objectives {
    /// Largest 99th percentile of the response time, nanoseconds.
    pub p99_ns: Option<f64>,
    /// Largest 99.9th percentile of the response time, nanoseconds.
    pub p999_ns: Option<f64>,
    /// Smallest throughput, source records per second.
    pub min_throughput_per_s: Option<f64>,
}

impl Objectives {
    /// Which of them the numbers of a run meet; `None` if nothing is asked.
    pub(crate) fn judge(&self, summary: &Summary) -> Option<Slo> {
        let response = summary.latency_ns.response.as_ref();
        let p99 = response.and_then(|it| it.p99).map(|ns| ns as f64);
        let p999 = response.and_then(|it| it.p999).map(|ns| ns as f64);
        let throughput = summary.throughput_per_s;
        let objectives = [
            objective("p99_ns", self.p99_ns, p99, |found, most| found <= most),
            objective("p999_ns", self.p999_ns, p999, |found, most| found <= most),
            objective(
                "min_throughput_per_s",
                self.min_throughput_per_s,
                throughput,
                |found, least| found >= least,
            ),
        ];
        let objectives: Vec<Objective> = objectives.into_iter().flatten().collect();
        let met = match &objectives {
            all if all.iter().any(|it| it.met == Some(false)) => Some(false),
            all if all.iter().any(|it| it.met.is_none()) => None,
            _ => Some(true),
        };
        (!objectives.is_empty()).then_some(Slo { objectives, met })
    }
}

fn objective(
    name: &str,
    bound: Option<f64>,
    measured: Option<f64>,
    is_met: impl Fn(f64, f64) -> bool,
) -> Option<Objective> {
    let bound = bound?;
    Some(Objective {
        name: name.to_owned(),
        bound,
        measured,
        met: measured.map(|measured| is_met(measured, bound)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Distribution, Latencies};

    fn met(objectives: Objectives, p99: Option<u64>) -> Option<bool> {
        let response = Distribution {
            p99,
            ..Distribution::default()
        };
        let summary = Summary {
            throughput_per_s: Some(1_000.0),
            latency_ns: Latencies {
                response: Some(response),
                ..Latencies::default()
            },
            ..Summary::default()
        };
        objectives.judge(&summary).unwrap().met
    }

    #[test]
    fn objectives_are_met_at_their_bounds_and_missed_beyond() {
        let asked = Objectives {
            p99_ns: Some(5e6),
            min_throughput_per_s: Some(1_000.0),
            ..Objectives::default()
        };
        assert_eq!(met(asked, Some(5_000_000)), Some(true));
        assert_eq!(met(asked, Some(5_000_001)), Some(false));
        let more = Objectives {
            min_throughput_per_s: Some(1_000.1),
            ..asked
        };
        assert_eq!(met(more, Some(1)), Some(false));
    }

    #[test]
    fn what_is_not_known_is_neither_met_nor_missed_and_a_miss_beside_it_counts() {
        let asked = Objectives {
            p99_ns: Some(5e6),
            p999_ns: Some(9e6),
            ..Objectives::default()
        };
        assert_eq!(met(asked, Some(4_000_000)), None);
        assert_eq!(met(asked, Some(6_000_000)), Some(false));
        assert_eq!(Objectives::default().judge(&Summary::default()), None);
    }
}
