//! What a search and a sweep want to know of a run, from its record.

use std::time::Duration;

use hdrhistogram::Histogram;
use reports::overload::{freeze, responses};
use reports::record::{Distribution, Phase, Run, RunDir, Target, TimelineRow, Verdict};
use reports::sustainable::{Judgement, Probe, backlog_samples, judge_probe};

use super::Failure;

/// A source that the engine held for more than this share of the time (Flink's level HIGH) was held up by it,
/// whatever else the driver suffered from.
const HELD_UP: f64 = 0.5;
/// A run that is shorter than this share of what was asked for has run out of input.
const WHOLE: f64 = 0.95;

/// A run with a record.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What its numbers are worth.
    pub verdict: Verdict,
    /// The engine.
    pub target: Target,
    /// Records that were due per second of the measured phase. With random arrivals that is not the rate that was
    /// asked for: of 10,000 a hundred more or less are usual, and all runs of one seed err alike.
    pub offered_per_s: Option<f64>,
    /// Source records taken in per second.
    pub throughput_per_s: Option<f64>,
    /// Largest share of its time that a subtask behind the sources was busy.
    pub busiest: Option<f64>,
    /// Largest share of its time that the engine held a source subtask.
    pub held_share: Option<f64>,
    /// What the harness reaches without an engine, records per second.
    pub ceiling_per_s: Option<f64>,
    /// 99th percentile of the service time.
    pub service_p99: Option<Duration>,
    /// Response times.
    pub response: Option<Distribution>,
    /// The same, to count those within an objective.
    pub responses: Histogram<u64>,
    /// The measured phase.
    pub measured: Phase,
    /// The timeline of the whole run.
    pub rows: Vec<TimelineRow>,
    /// When the first freeze was.
    pub freeze: Option<Phase>,
}

impl Observed {
    /// From a finished record; the reason if it says nothing of the load.
    pub fn of(record: &RunDir, run: &Run) -> Result<Observed, Failure> {
        let refused = |reason: String| {
            let verdict = match run.verdict {
                Verdict::Wrong | Verdict::Aborted => run.verdict,
                _ => Verdict::Failed,
            };
            Err(Failure { verdict, reason })
        };
        match run.verdict {
            Verdict::Failed => {
                let reason = run.failure.as_deref().unwrap_or("no reason is recorded");
                return refused(format!("the job failed: {reason}"));
            }
            Verdict::Aborted => return refused("the run was ended early".to_owned()),
            Verdict::Wrong => return refused("its results are wrong".to_owned()),
            _ => {}
        }
        let Some(measured) = run.measured else {
            return refused("nothing was measured".to_owned());
        };
        let latency = &run.summary.latency_ns;
        let service = latency.service.as_ref().and_then(|it| it.p99);
        Ok(Observed {
            verdict: run.verdict,
            target: run.target.clone(),
            offered_per_s: run.summary.offered_per_s,
            throughput_per_s: run.summary.throughput_per_s,
            busiest: busiest(run),
            held_share: run.evidence.held_share,
            ceiling_per_s: run.ceiling.map(|it| it.generated_per_s),
            service_p99: service.map(Duration::from_nanos),
            response: latency.response.clone(),
            responses: responses(record, measured),
            measured,
            rows: record.rows().collect(),
            freeze: freeze(record),
        })
    }

    /// The load that there was, if so much was asked for.
    pub fn load_per_s(&self, asked_per_s: f64) -> f64 {
        let offered = self.offered_per_s.filter(|offered| *offered > 0.0);
        offered.unwrap_or(asked_per_s)
    }

    /// Whether the load was held. A backlog that grew because the driver was late is none of the engine's.
    pub fn judge(&self, asked_per_s: f64) -> Judgement {
        let samples = backlog_samples(&self.rows, self.measured);
        let judged = judge_probe(self.load_per_s(asked_per_s), &samples);
        let is_held_up = self.held_share.is_some_and(|share| share > HELD_UP);
        let is_drivers = self.verdict == Verdict::GeneratorLimited && !is_held_up;
        match judged.outcome {
            Probe::Unsustainable if is_drivers => Judgement {
                outcome: Probe::Undecided,
                ..judged
            },
            _ => judged,
        }
    }

    /// The reason if the input had ended before the run was as long as asked for.
    pub fn is_short_of(&self, duration: Duration) -> Option<Failure> {
        let measured_ms = self.measured.to_ms.saturating_sub(self.measured.from_ms);
        let wanted_ms = duration.as_secs_f64() * 1e3;
        ((measured_ms as f64) < WHOLE * wanted_ms).then(|| Failure {
            verdict: Verdict::Failed,
            reason: format!(
                "the input ended after {:.1} of {:.1} s: it is too short to be driven at this rate",
                measured_ms as f64 / 1e3,
                wanted_ms / 1e3
            ),
        })
    }
}

/// The first task is that of the sources.
fn busiest(run: &Run) -> Option<f64> {
    let behind = run.operators.iter().skip(1);
    let subtasks = behind.flat_map(|operator| &operator.subtasks);
    let busy = subtasks.filter_map(|subtask| subtask.activity.busy);
    busy.max_by(f64::total_cmp)
}
