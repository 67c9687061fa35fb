//! What becomes of a scenario when its load is chosen.

use std::time::Duration;

use reports::sustainable::least_duration;
use workloads::ShapeSpec;

use super::{Load, LoadsError, Wanted};
use crate::scenario::{Scenario, Slo};

/// A scenario whose load may be chosen.
///
/// Kept are the workload, the job, the seed, the arrivals and the splits of the load, the warm-up and the sampling
/// interval. Replaced are the shape of the load, by one rate, and the duration. Faults are left out, unless a run
/// is to have them, and so are objectives: they are for the scenario's own load.
#[derive(Clone, Debug)]
pub struct Basis {
    scenario: Scenario,
}

impl Basis {
    /// Refuses scenarios whose load is recorded: another rate would be another load.
    pub fn new(scenario: Scenario) -> Result<Basis, LoadsError> {
        let recorded = match scenario.load.shape {
            ShapeSpec::Trace { .. } => "trace",
            ShapeSpec::Replay { .. } => "replay",
            ShapeSpec::Max
            | ShapeSpec::Constant { .. }
            | ShapeSpec::Steps { .. }
            | ShapeSpec::Ramp { .. }
            | ShapeSpec::Sine { .. }
            | ShapeSpec::Burst { .. } => return Ok(Basis { scenario }),
        };
        Err(LoadsError::Refused(format!(
            "{}: load.shape: found kind = \"{recorded}\"; its rates are recorded, and a run at another rate would not \
             be of this load; allowed: max, constant, steps, ramp, sine, burst, which a constant rate replaces",
            scenario.name
        )))
    }

    /// The scenario as it was.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The rate that the scenario itself has, if it is one.
    pub fn rate_per_s(&self) -> Option<f64> {
        match self.scenario.load.shape {
            ShapeSpec::Constant { rate_per_s } => Some(rate_per_s),
            _ => None,
        }
    }

    /// The scenario of one run.
    pub fn scenario_of(&self, wanted: &Wanted) -> Scenario {
        let mut scenario = self.scenario.clone();
        scenario.slo = Slo::default();
        scenario.measure.duration = wanted.duration;
        scenario.load.shape = match wanted.load {
            Load::ClosedLoop => ShapeSpec::Max,
            Load::PerSecond(rate_per_s) | Load::WithFaults(rate_per_s) => {
                ShapeSpec::Constant { rate_per_s }
            }
        };
        if !matches!(wanted.load, Load::WithFaults(_)) {
            scenario.faults.clear();
        }
        scenario
    }

    /// The shortest time that shows what repeats in this job, whose results take so long.
    pub fn least(&self, response_p99: Duration) -> Duration {
        let window = self.scenario.workload.window().unwrap_or_default();
        let checkpoint = self.scenario.job.checkpoint.as_ref();
        let checkpoint = checkpoint.and_then(|it| it.interval).unwrap_or_default();
        least_duration(window, checkpoint, response_p99)
    }

    /// What a reader of the answer should know of the difference to the scenario.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let replaced = match self.scenario.load.shape {
            ShapeSpec::Steps { .. } => Some("steps"),
            ShapeSpec::Ramp { .. } => Some("ramp"),
            ShapeSpec::Sine { .. } => Some("sine"),
            ShapeSpec::Burst { .. } => Some("burst"),
            _ => None,
        };
        if let Some(shape) = replaced {
            notes.push(format!(
                "the scenario's load varies ({shape}); here every run has one constant rate"
            ));
        }
        match self.scenario.faults.len() {
            0 => {}
            1 => notes.push("the scenario's fault is left out".to_owned()),
            more => notes.push(format!("the scenario's {more} faults are left out")),
        }
        if !self.scenario.slo.is_empty() {
            notes.push(
                "the scenario's objectives are left out, as they are for its own load".to_owned(),
            );
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Document;

    fn parse(load: &str, objective: &str) -> Scenario {
        let text = format!(
            "[workload]\nkind = 'late-data'\nwindow = {{ kind = 'tumbling', size = '3s' }}\n\
             [load]\n{load}arrivals = 'poisson'\nsplits = 7\n\
             [job]\ncheckpoint = {{ interval = '20s' }}\n\
             {objective}\
             [measure]\nwarmup = '3s'\nduration = '40s'\n\
             [[fault]]\nkind = 'skew-shift'\nat = '1s'\n"
        );
        let mut document = Document::new("test.toml", "test", text);
        document.parse(&[]).unwrap()
    }

    const SINE: &str = "shape = { kind = 'sine', mean = 100, amplitude = 50 }\n";

    #[test]
    fn only_shape_duration_faults_and_objectives_of_a_scenario_are_replaced() {
        let basis = Basis::new(parse(SINE, "[slo]\np99 = '9s'\n")).unwrap();
        let wanted = |load| Wanted {
            load,
            duration: Duration::from_secs(9),
            run: String::new(),
        };
        let found = basis.scenario_of(&wanted(Load::PerSecond(12.5)));
        assert_eq!(found.load.shape, ShapeSpec::Constant { rate_per_s: 12.5 });
        let mut expected = parse(SINE, "");
        expected.load.shape = found.load.shape.clone();
        expected.measure.duration = Duration::from_secs(9);
        expected.faults.clear();
        assert_eq!(found, expected);
        let with_faults = basis.scenario_of(&wanted(Load::WithFaults(12.5)));
        assert_eq!(with_faults.faults.len(), 1);
        // A closed loop has no response times: with an objective of them it would be refused.
        let closed = basis.scenario_of(&wanted(Load::ClosedLoop));
        let mut written = Document::new("test.toml", "test", closed.to_toml());
        assert_eq!(written.parse(&[]).unwrap(), closed);
        assert_eq!(basis.notes().len(), 3);
        assert_eq!(basis.least(Duration::from_secs(1)), Duration::from_secs(60));
    }

    #[test]
    fn a_recorded_load_is_refused_with_the_reason() {
        let trace = "shape = { kind = 'trace', points = [{ at = '0s', rate_per_s = 5 }] }\n";
        let message = Basis::new(parse(trace, "")).unwrap_err().to_string();
        assert!(
            message.contains("load.shape: found kind = \"trace\"")
                && message.contains("allowed: max"),
            "{message}"
        );
    }
}
