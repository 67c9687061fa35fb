//! The phases of a run as a plain state machine: told the time and what is to be seen, it says what
//! to do next. It never looks, waits or acts itself.

use std::collections::VecDeque;
use std::time::Duration;

use crate::scenario::Scenario;

/// At the end of the measured phase the sources have this long to send what was due just before.
const CATCH_UP_NS: u64 = 20_000_000;
/// After the sources have stopped, what is in flight has this long to flow out.
pub const DRAIN_NS: u64 = 30_000_000_000;
/// A cancelled job has this long to stop.
const CANCEL_NS: u64 = 10_000_000_000;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Load flows, nothing counts yet.
    Warmup,
    /// The measured phase.
    Measure,
    /// The sources have stopped.
    Drain,
    /// The job was told to stop.
    Cancel,
    /// It has stopped, or will not.
    Over,
}

/// What the director goes by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Observed {
    /// The job has ended.
    pub ended: bool,
    /// The user wants an end, or the record cannot be written any more.
    pub stop: bool,
    /// Everything that was due has been sent.
    pub caught_up: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Note that the measured phase has begun.
    BeginMeasured,
    /// Inject the fault with this index.
    Inject(usize),
    /// Note that the fault with this index is over.
    NoteEnd(usize),
    /// Stop the sources: the measured phase is over.
    StopSources,
    /// Stop the job, losing what is in flight.
    Cancel,
    /// The job does not stop: leave it.
    Abandon,
}

/// The run's plan and how far it has got. Times are nanoseconds of job time.
#[derive(Debug)]
pub struct Director {
    phase: Phase,
    /// When the measured phase begins; `None` until it is decided.
    begin_ns: Option<u64>,
    duration_ns: u64,
    /// No measured phase is longer.
    latest_end_ns: u64,
    /// Begins and ends of faults to come, by their time since it began.
    faults: VecDeque<(u64, Action)>,
    deadline_ns: u64,
}

impl Director {
    /// For this scenario, of whose job time the run begins at `from_ns`: what was to happen before has happened.
    pub fn new(scenario: &Scenario, from_ns: u64) -> Self {
        let begin_ns = scenario.measure.planned_warmup().map(nanoseconds);
        let mut faults = Vec::new();
        for (index, fault) in scenario.faults.iter().enumerate() {
            let at_ns = nanoseconds(fault.at());
            faults.push((at_ns, Action::Inject(index)));
            // The engine says itself when what it was told to do is over.
            let lasting = fault.lasting().filter(|_| fault.disturbs_input());
            if let Some(lasting) = lasting {
                faults.push((at_ns + nanoseconds(lasting), Action::NoteEnd(index)));
            }
        }
        let gone_ns = begin_ns.map_or(0, |begin_ns| from_ns.saturating_sub(begin_ns));
        faults.retain(|&(at_ns, _)| at_ns >= gone_ns);
        faults.sort_by_key(|&(at_ns, _)| at_ns);
        Self {
            phase: Phase::Warmup,
            begin_ns,
            duration_ns: nanoseconds(scenario.measure.duration),
            latest_end_ns: nanoseconds(scenario.end()),
            faults: faults.into(),
            deadline_ns: u64::MAX,
        }
    }

    /// Where the run is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Lets the measured phase begin then, unless that was planned.
    pub fn begin_at(&mut self, begin_ns: u64) {
        self.begin_ns.get_or_insert(begin_ns);
    }

    /// When the measured phase ends; until its begin is decided, when it does at the latest.
    pub fn end_ns(&self) -> u64 {
        let end_ns = self
            .begin_ns
            .map(|begin_ns| begin_ns.saturating_add(self.duration_ns));
        end_ns.map_or(self.latest_end_ns, |end_ns| end_ns.min(self.latest_end_ns))
    }

    /// The next fault's time.
    fn fault_ns(&self) -> Option<u64> {
        let (at_ns, _) = self.faults.front()?;
        Some(self.begin_ns?.saturating_add(*at_ns))
    }

    /// The next thing to do, if there is one; to be called again until there is none.
    pub fn step(&mut self, now_ns: u64, observed: Observed) -> Option<Action> {
        if observed.ended {
            self.phase = Phase::Over;
        }
        if observed.stop && matches!(self.phase, Phase::Warmup | Phase::Measure | Phase::Drain) {
            return Some(self.cancel(now_ns));
        }
        match self.phase {
            Phase::Warmup if self.begin_ns.is_some_and(|begin_ns| now_ns >= begin_ns) => {
                self.phase = Phase::Measure;
                Some(Action::BeginMeasured)
            }
            Phase::Measure if self.fault_ns().is_some_and(|at_ns| now_ns >= at_ns) => {
                self.faults.pop_front().map(|(_, action)| action)
            }
            Phase::Measure
                if now_ns >= self.end_ns()
                    && (observed.caught_up || now_ns >= self.end_ns() + CATCH_UP_NS) =>
            {
                self.phase = Phase::Drain;
                self.deadline_ns = now_ns + DRAIN_NS;
                Some(Action::StopSources)
            }
            Phase::Drain if now_ns >= self.deadline_ns => Some(self.cancel(now_ns)),
            Phase::Cancel if now_ns >= self.deadline_ns => {
                self.phase = Phase::Over;
                Some(Action::Abandon)
            }
            _ => None,
        }
    }

    /// When to look again at the latest.
    pub fn next_ns(&self) -> u64 {
        match self.phase {
            Phase::Warmup => self.begin_ns.unwrap_or(u64::MAX),
            Phase::Measure => self.fault_ns().unwrap_or_else(|| self.end_ns()),
            Phase::Drain | Phase::Cancel => self.deadline_ns,
            Phase::Over => 0,
        }
    }

    fn cancel(&mut self, now_ns: u64) -> Action {
        self.phase = Phase::Cancel;
        self.deadline_ns = now_ns + CANCEL_NS;
        Action::Cancel
    }
}

/// Whole nanoseconds; scenario times are far below the limit.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Document;

    const MS: u64 = 1_000_000;

    fn director_from(from_ns: u64) -> Director {
        parsed("warmup = '100ms'", from_ns)
    }

    fn parsed(warmup: &str, from_ns: u64) -> Director {
        let text = "
            [workload]
            kind = 'slow-operator'
            [measure]
            WARMUP
            duration = '1s'
            [[fault]]
            kind = 'freeze'
            operator = 'slow'
            at = '300ms'
            for = '50ms'
            [[fault]]
            kind = 'freeze'
            operator = 'slow'
            at = '200ms'
            for = '50ms'";
        Director::new(
            &Document::new("test", "test", text.replace("WARMUP", warmup))
                .parse(&[])
                .unwrap(),
            from_ns,
        )
    }

    fn director() -> Director {
        director_from(0)
    }

    /// Looks every millisecond until the run is over; returns what was done and when.
    fn play(mut director: Director, observe: impl Fn(u64) -> Observed) -> Vec<(u64, Action)> {
        let mut done = Vec::new();
        for now_ms in 0..60_000 {
            while let Some(action) = director.step(now_ms * MS, observe(now_ms)) {
                done.push((now_ms, action));
            }
            if director.phase() == Phase::Over {
                return done;
            }
        }
        panic!("the run never ended: {done:?}");
    }

    const PLANNED: [(u64, Action); 3] = [
        (100, Action::BeginMeasured),
        (300, Action::Inject(1)),
        (400, Action::Inject(0)),
    ];

    #[test]
    fn a_run_goes_as_planned_and_ends_when_it_has_drained() {
        let done = play(director(), |now| Observed {
            ended: now >= 1_200,
            caught_up: true,
            ..Observed::default()
        });
        assert_eq!(
            done,
            [&PLANNED[..], &[(1_100, Action::StopSources)]].concat()
        );
    }

    #[test]
    fn a_run_that_goes_on_from_a_checkpoint_does_not_repeat_what_was_done_before() {
        let done = play(director_from(350 * MS), |now| Observed {
            ended: now >= 500,
            ..Observed::default()
        });
        assert_eq!(done, [PLANNED[0], PLANNED[2]]);
    }

    #[test]
    fn faults_and_the_end_follow_a_begin_that_is_decided_on_the_way() {
        let mut director = parsed("warmup = 'auto'\nwarmup_max = '5s'", 0);
        assert_eq!(director.end_ns(), 6_000 * MS);
        assert_eq!(director.step(4_000 * MS, Observed::default()), None);
        director.begin_at(4_100 * MS);
        let done = play(director, |now| Observed {
            ended: now >= 5_200,
            caught_up: true,
            ..Observed::default()
        });
        assert_eq!(
            done,
            [
                (4_100, Action::BeginMeasured),
                (4_300, Action::Inject(1)),
                (4_400, Action::Inject(0)),
                (5_100, Action::StopSources),
            ]
        );
    }

    #[test]
    fn an_overloaded_run_is_cut_at_its_end_and_cancelled_if_it_does_not_drain() {
        let done = play(director(), |now| Observed {
            ended: now >= 31_130,
            ..Observed::default()
        });
        let cut = [(1_120, Action::StopSources), (31_120, Action::Cancel)];
        assert_eq!(done, [&PLANNED[..], &cut].concat());
    }

    #[test]
    fn a_job_that_does_not_even_stop_is_left() {
        let done = play(director(), |now| Observed {
            stop: now >= 50,
            ..Observed::default()
        });
        assert_eq!(done, [(50, Action::Cancel), (10_050, Action::Abandon)]);
    }

    #[test]
    fn a_bounded_input_ends_the_run_early() {
        let done = play(director(), |now| Observed {
            ended: now >= 350,
            ..Observed::default()
        });
        assert_eq!(done, PLANNED[..2]);
    }
}
