//! Conducts a running job through its phases: looks, asks the director, acts.

use std::time::Duration;

use reports::record::event_kind;
use workloads::Progress;

use super::director::{Action, DRAIN_NS, Director, Observed, Phase, nanoseconds};
use super::instruments::Instruments;
use super::progress::View;
use super::warming::{Decision, Warming};
use crate::interrupt::Interrupt;
use crate::scenario::Scenario;
use crate::target::RunningJob;

/// Longest time between two looks: how soon Ctrl-C is obeyed. What is planned and the job's end come
/// when they come.
const LOOK: Duration = Duration::from_millis(50);

/// What is known of a run when its job is over. Times are nanoseconds of job time.
#[derive(Debug, Default)]
pub struct Conducted {
    /// When the measured phase began; `None` if the job ended before.
    pub measured_from_ns: Option<u64>,
    /// When it was to end.
    pub measured_to_ns: u64,
    /// When the sources were stopped or had ended by themselves.
    pub stopped_ns: u64,
    /// Whether the user ended it.
    pub interrupted: bool,
    /// What went wrong on the harness's side.
    pub failure: Option<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

impl Conducted {
    /// Of a run that the user ended before the job began: a phase without length, and no warm-up that
    /// could stand for it.
    pub fn before_the_job() -> Self {
        Conducted {
            measured_from_ns: Some(0),
            interrupted: true,
            notes: vec![
                "the run was ended while its state was being prepared: the job had not begun"
                    .to_owned(),
            ],
            ..Conducted::default()
        }
    }
}

/// Returns when the job has ended, or has been given up. The run begins at `from_ns` of job time.
pub fn conduct(
    scenario: &Scenario,
    job: &dyn RunningJob,
    progress: &Progress,
    instruments: &Instruments,
    (from_ns, interrupt): (u64, &Interrupt),
) -> Conducted {
    let ticks = instruments.ticks();
    let mut director = Director::new(scenario, from_ns);
    let mut warming = Warming::new(&scenario.measure, ticks);
    let mut stage = Stage {
        scenario,
        job,
        instruments,
        view: View::new(
            nanoseconds(scenario.measure.longest_warmup()),
            director.end_ns(),
            warming.is_some(),
        ),
        stopped_ns: None,
        conducted: Conducted::default(),
    };
    let mut ended = false;
    loop {
        let now_ns = job.now_ns();
        let decision = warming
            .as_mut()
            .and_then(|warming| warming.look(now_ns, || instruments.warm_up()));
        if let Some(decision) = decision {
            director.begin_at(decision.begin_ns);
            stage.decide(decision, director.end_ns(), now_ns);
        }
        let (end_ns, interrupted) = (director.end_ns(), interrupt.asked());
        let observed = Observed {
            ended,
            stop: interrupted || instruments.is_broken(),
            // Asked only then: the count of a random schedule is exact and therefore not free.
            caught_up: now_ns >= end_ns && has_caught_up(progress, now_ns),
        };
        if interrupted && !stage.conducted.interrupted {
            stage.conducted.interrupted = true;
            stage
                .view
                .say("interrupted: ending the run; once more ends it at once");
        }
        while let Some(action) = director.step(now_ns, observed) {
            stage.act(action, now_ns);
        }
        if director.phase() == Phase::Over {
            break;
        }
        stage
            .view
            .show(now_ns, director.phase(), || instruments.pulse());
        instruments.count_own_cpu();
        let wait = Duration::from_nanos(director.next_ns().saturating_sub(job.now_ns())).min(LOOK);
        ended = job.wait(wait.max(Duration::from_micros(100)));
    }
    stage.view.end();
    if ended && !stage.conducted.interrupted {
        stage
            .view
            .say("the job has ended; comparing its results with the expected ones");
    }
    stage.conducted.measured_to_ns = director.end_ns();
    stage.conducted.stopped_ns = stage.stopped_ns.unwrap_or_else(|| job.now_ns());
    stage.conducted
}

fn has_caught_up(progress: &Progress, now_ns: u64) -> bool {
    progress
        .scheduled(now_ns)
        .is_none_or(|due| progress.admitted() >= due)
}

struct Stage<'a> {
    scenario: &'a Scenario,
    job: &'a dyn RunningJob,
    instruments: &'a Instruments,
    view: View,
    stopped_ns: Option<u64>,
    conducted: Conducted,
}

impl Stage<'_> {
    fn act(&mut self, action: Action, now_ns: u64) {
        match action {
            Action::BeginMeasured => {
                self.conducted.measured_from_ns = Some(now_ns);
                self.instruments.event(
                    now_ns,
                    event_kind::MEASURE,
                    "the measured phase begins".to_owned(),
                );
            }
            Action::Inject(index) => self.inject(index, now_ns),
            Action::NoteEnd(index) => {
                let label = self.scenario.faults[index].label();
                self.instruments.event(now_ns, event_kind::FAULT_END, label);
            }
            Action::StopSources => {
                self.stopped_ns = Some(now_ns);
                self.job.drain();
            }
            Action::Cancel => {
                if self.stopped_ns.is_some() {
                    let limit = Duration::from_nanos(DRAIN_NS);
                    self.note(
                        now_ns,
                        format!("the job was cancelled: it had not drained within {limit:?}"),
                    );
                }
                self.stopped_ns.get_or_insert(now_ns);
                self.job.cancel();
            }
            Action::Abandon => {
                self.conducted.failure =
                    Some("the job did not stop when it was cancelled".to_owned());
            }
        }
    }

    /// A warm-up that ends by itself says when.
    fn decide(&mut self, decision: Decision, end_ns: u64, now_ns: u64) {
        self.view.begin_at(decision.begin_ns, end_ns);
        let warmup = format!("{:.1} s", decision.begin_ns as f64 / 1e9);
        if decision.is_warm {
            self.view.say(&format!(
                "warm after {warmup}: throughput and response time keep their level"
            ));
        } else {
            let text = format!(
                "not steady after a warm-up of {warmup} (measure.warmup_max): measured all the same"
            );
            self.note(now_ns, text);
        }
    }

    /// Inputs are disturbed by the schedule itself: there is nothing to send to the job.
    fn inject(&mut self, index: usize, now_ns: u64) {
        let fault = &self.scenario.faults[index];
        if fault.disturbs_input() {
            self.instruments
                .event(now_ns, event_kind::FAULT, fault.label());
        } else if let Err(message) = self.job.disturb(fault) {
            self.note(
                now_ns,
                format!("{} was not injected: {message}", fault.label()),
            );
        }
    }

    fn note(&mut self, now_ns: u64, text: String) {
        self.view.say(&text);
        self.instruments
            .event(now_ns, event_kind::ALERT, text.clone());
        self.conducted.notes.push(text);
    }
}
