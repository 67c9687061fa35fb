//! From the runs of a bout to what they say: throughputs, and the engine's over everybody else's.

use crate::contest::{Bout, Outcome, Who};
use crate::input::InputSet;
use crate::statistics::{Estimate, estimate};

/// How a bout ended.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The job.
    pub job: &'static str,
    /// What it was done on.
    pub set: InputSet,
    /// How parallel.
    pub parallelism: usize,
    /// In the order of tables.
    pub places: Vec<Place>,
}

/// How one contestant did.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Whose.
    pub who: Who,
    /// Records per second.
    pub throughput_per_s: Estimate,
    /// The engine's throughput over this one's, round by round: above 1 the engine was faster. Absent
    /// for the engine itself, and where it did not compete.
    pub engine_over: Option<Estimate>,
}

impl Standing {
    /// What all rounds of a bout say.
    pub fn of(bout: &Bout<'_>, outcomes: &[Outcome]) -> Standing {
        let contestants = bout.job.contestants.iter();
        Standing {
            job: bout.job.name,
            set: bout.input.set,
            parallelism: bout.parallelism,
            places: contestants
                .filter_map(|contestant| place(contestant.who, bout.input.set.records, outcomes))
                .collect(),
        }
    }

    /// How a contestant did, if it competed.
    pub fn place(&self, who: Who) -> Option<&Place> {
        self.places.iter().find(|place| place.who == who)
    }
}

fn place(who: Who, records: usize, outcomes: &[Outcome]) -> Option<Place> {
    let runs = || outcomes.iter().filter(move |outcome| outcome.who == who);
    let throughput = |outcome: &Outcome| records as f64 * 1e9 / elapsed_ns(outcome);
    let ratio = |outcome: &Outcome| {
        let of_engine = |other: &&Outcome| other.round == outcome.round && other.who == Who::Engine;
        let engine = outcomes.iter().find(of_engine)?;
        Some(elapsed_ns(outcome) / elapsed_ns(engine))
    };
    let ratios = || runs().filter_map(ratio).collect();
    Some(Place {
        who,
        throughput_per_s: estimate(runs().map(throughput).collect())?,
        engine_over: if who == Who::Engine {
            None
        } else {
            estimate(ratios())
        },
    })
}

/// A run takes time, however short.
fn elapsed_ns(outcome: &Outcome) -> f64 {
    outcome.run.elapsed_ns.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lap::Run;

    #[test]
    fn ratios_are_taken_within_rounds() {
        let outcome = |round, who, elapsed_ns| Outcome {
            round,
            order: 1,
            who,
            run: Run {
                elapsed_ns,
                digest: 0,
            },
            cores_of_others: None,
        };
        // The machine slows down by a factor of ten; the engine is always twice as fast.
        let outcomes = [
            outcome(1, Who::Engine, 100),
            outcome(1, Who::Timely, 200),
            outcome(2, Who::Timely, 2_000),
            outcome(2, Who::Engine, 1_000),
            outcome(3, Who::Engine, 10_000),
            outcome(3, Who::Timely, 20_000),
        ];
        let timely = place(Who::Timely, 10, &outcomes).unwrap();
        assert_eq!(timely.engine_over.unwrap().median, 2.0);
        assert_eq!(timely.throughput_per_s.median, 10.0 * 1e9 / 2_000.0);
        let engine = place(Who::Engine, 10, &outcomes).unwrap();
        assert!(engine.engine_over.is_none());
        assert!(place(Who::Plain, 10, &outcomes).is_none());
        assert!(
            place(Who::Timely, 10, &outcomes[1..2])
                .unwrap()
                .engine_over
                .is_none()
        );
    }
}
