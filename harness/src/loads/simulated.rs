//! A target without an engine: a queue whose capacity is known, sampled as a run is. Whole searches and sweeps
//! take milliseconds on it.

use std::time::Duration;

use reports::record::{Distribution, Phase, Target, TimelineRow, Verdict, histogram};

use super::{Basis, Came, Failure, Load, LoadsError, Observed, Runner, Wanted};
use crate::scenario::Document;

/// What is done to the next run instead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    Interrupted,
    Fails,
    IsWrong,
    EndsEarly,
    DriverIsLate,
}

/// Does `capacity_per_s` records a second.
pub(crate) struct Simulated {
    pub capacity_per_s: f64,
    pub ceiling_per_s: Option<f64>,
    /// Of a rate, about so much comes: arrivals may be random.
    pub due: f64,
    /// Runs so far, those in trouble included.
    pub ran: Vec<Wanted>,
    /// The run with this index, and how often in a row it happens.
    pub trouble: Option<(usize, usize, Trouble)>,
    pub said: Vec<String>,
}

const WARM_UP_MS: u64 = 1_000;
const INTERVAL_MS: u64 = 100;

impl Simulated {
    pub(crate) fn new(capacity_per_s: f64) -> Self {
        Simulated {
            capacity_per_s,
            ceiling_per_s: None,
            due: 1.0,
            ran: Vec::new(),
            trouble: None,
            said: Vec::new(),
        }
    }

    fn observe(&self, wanted: &Wanted, verdict: Verdict) -> Observed {
        let freeze = matches!(wanted.load, Load::WithFaults(_)).then_some(Phase {
            from_ms: WARM_UP_MS + 1_000,
            to_ms: WARM_UP_MS + 2_000,
        });
        let measured_ms = wanted.duration.as_millis() as u64;
        let end_ms = WARM_UP_MS + measured_ms;
        let (mut done, mut t_ms, mut rows) = (0.0, 0, Vec::new());
        let mut responses = histogram();
        let due = match self.due {
            exactly @ 1.0 => exactly,
            about => about + 0.0005 * (self.ran.len() % 3) as f64,
        };
        while t_ms <= end_ms + 30_000 {
            let (offered, asked) = match wanted.load {
                Load::ClosedLoop => (None, f64::INFINITY),
                Load::PerSecond(rate) | Load::WithFaults(rate) => {
                    let offered = rate * due * t_ms.min(end_ms) as f64 / 1e3;
                    (Some(offered as u64), offered)
                }
            };
            let is_frozen = freeze.is_some_and(|it| (it.from_ms + 1..=it.to_ms).contains(&t_ms));
            if t_ms > 0 && t_ms <= end_ms && !is_frozen {
                let step = self.capacity_per_s * INTERVAL_MS as f64 / 1e3;
                done = f64::min(asked, done + step);
            }
            let admitted = done as u64;
            let waiting = offered.map(|offered| offered.saturating_sub(admitted));
            let response_ns = waiting.map(|it| {
                let waits_s = (it as f64 / self.capacity_per_s).max(0.001);
                (waits_s * 1e9) as u64
            });
            response_ns
                .into_iter()
                .for_each(|ns| responses.record(ns).unwrap());
            rows.push(TimelineRow {
                t_ms,
                offered,
                admitted,
                completed: admitted,
                backlog: waiting,
                response_p50_ns: response_ns,
                response_p99_ns: response_ns,
                ..TimelineRow::default()
            });
            t_ms += INTERVAL_MS;
        }
        Observed {
            verdict,
            target: Target {
                kind: "simulated".to_owned(),
                version: "1".to_owned(),
            },
            offered_per_s: match wanted.load {
                Load::ClosedLoop => None,
                Load::PerSecond(rate) | Load::WithFaults(rate) => Some(rate * due),
            },
            throughput_per_s: Some(done * 1e3 / end_ms as f64),
            busiest: Some(0.98),
            held_share: Some(0.0),
            ceiling_per_s: self.ceiling_per_s,
            service_p99: Some(Duration::from_millis(2)),
            response: Some(Distribution {
                count: responses.len(),
                p99: Some(responses.value_at_quantile(0.99)),
                ..Distribution::default()
            }),
            responses,
            measured: Phase {
                from_ms: WARM_UP_MS,
                to_ms: end_ms,
            },
            rows,
            freeze,
        }
    }
}

impl Runner for Simulated {
    fn run(&mut self, wanted: &Wanted) -> Result<Came, LoadsError> {
        let at = self.ran.len();
        self.ran.push(wanted.clone());
        let trouble = self
            .trouble
            .filter(|(from, times, _)| (*from..from + times).contains(&at));
        let failed = |verdict, reason: &str| {
            Ok(Came::Failed(Failure {
                verdict,
                reason: reason.to_owned(),
            }))
        };
        match trouble.map(|(.., trouble)| trouble) {
            Some(Trouble::Interrupted) => Ok(Came::Interrupted),
            Some(Trouble::Fails) => failed(Verdict::Failed, "no memory"),
            Some(Trouble::IsWrong) => failed(Verdict::Wrong, "its results are wrong"),
            Some(Trouble::EndsEarly) => {
                let mut observed = self.observe(wanted, Verdict::Steady);
                observed.measured.to_ms = WARM_UP_MS + 200;
                Ok(Came::Observed(Box::new(observed)))
            }
            Some(Trouble::DriverIsLate) => {
                let observed = self.observe(wanted, Verdict::GeneratorLimited);
                Ok(Came::Observed(Box::new(observed)))
            }
            None => Ok(Came::Observed(Box::new(
                self.observe(wanted, Verdict::Steady),
            ))),
        }
    }

    fn say(&mut self, text: &str) {
        self.said.push(text.to_owned());
    }
}

/// A scenario to search, with more lines of TOML.
pub(crate) fn basis(more: &str) -> Basis {
    let text = format!(
        "[workload]\nkind = 'slow-operator'\n[load]\nshape = {{ kind = 'constant', rate_per_s = 500 }}\n\
         [measure]\nduration = '20s'\n{more}"
    );
    let mut document = Document::new("test.toml", "test", text);
    Basis::new(document.parse(&[]).expect("a scenario")).expect("one with a rate")
}
