//! The `[load]` table of a scenario.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::spec::{
    Default, Kind, Parameter, SpecError, Variant, check, read, serde_through_table, write,
};

/// How hard a run drives its sources, and in how many splits.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadSpec {
    /// Rate over time.
    pub shape: ShapeSpec,
    /// How records lie around that rate.
    pub arrivals: Arrivals,
    /// Number of independent parts of the stream, whatever the parallelism of the source.
    pub splits: u32,
}

/// Rate over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ShapeSpec {
    /// Closed loop: as fast as the engine takes records. There are no intended times.
    Max,
    /// One rate.
    Constant {
        /// Records per second of job time.
        rate_per_s: f64,
    },
    /// One rate after another; the last one holds.
    Steps {
        /// At least one.
        steps: Vec<Step>,
    },
    /// The times at which the workload's data was recorded. Only for workloads with recorded times.
    Replay {
        /// Recorded seconds per second of job time.
        compression: f64,
    },
}

/// A rate for some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Records per second of job time.
    pub rate_per_s: f64,
    /// How long it holds; needed for every step but the last.
    #[serde(
        rename = "for",
        with = "humantime_serde",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub duration: Option<Duration>,
}

/// How records lie around the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Evenly spaced.
    Uniform,
    /// A Poisson process: independent exponential gaps in each split, so that their superposition is one, too.
    Poisson,
}

/// The layout that serde sees; [`LoadSpec`] itself goes through the checker.
#[derive(Serialize, Deserialize)]
struct Layout {
    arrivals: Arrivals,
    splits: u32,
    shape: ShapeSpec,
}

const RATE: Parameter = Parameter {
    name: "rate_per_s",
    kind: Kind::Number {
        min: 1e-6,
        max: 1e9,
    },
    default: Default::Required,
    help: "records per second",
};

/// Longest step: longer than any run (see `tag::MAX_INTENDED_NS`).
const LONGEST_STEP: Duration = Duration::from_secs(90 * 3600);

static PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "shape",
        kind: Kind::Variants(&[
            Variant {
                kind: "max",
                help: "as fast as the engine takes records (closed loop)",
                parameters: &[],
            },
            Variant {
                kind: "constant",
                help: "one rate",
                parameters: &[RATE],
            },
            Variant {
                kind: "steps",
                help: "one rate after another; the last one holds",
                parameters: &[Parameter {
                    name: "steps",
                    kind: Kind::Tables(&[
                        RATE,
                        Parameter {
                            name: "for",
                            kind: Kind::Span {
                                min: Duration::from_nanos(1),
                                max: LONGEST_STEP,
                            },
                            default: Default::Absent("only the last step may leave it out"),
                            help: "how long the rate holds",
                        },
                    ]),
                    default: Default::Required,
                    help: "rates and how long they hold",
                }],
            },
            Variant {
                kind: "replay",
                help: "as the data was recorded (workload flights), faster by a factor",
                parameters: &[Parameter {
                    name: "compression",
                    kind: Kind::Number {
                        min: 0.001,
                        max: 1e9,
                    },
                    default: Default::Value("1728000.0"),
                    help: "recorded seconds per second; 86400 is one day per second",
                }],
            },
        ]),
        default: Default::Value("{ kind = \"max\" }"),
        help: "rate over time",
    },
    Parameter {
        name: "arrivals",
        kind: Kind::Choice(&["uniform", "poisson"]),
        default: Default::Value("\"uniform\""),
        help: "how records lie around the rate (shapes max and replay do not use it)",
    },
    Parameter {
        name: "splits",
        kind: Kind::Integer { min: 1, max: 65536 },
        default: Default::Value("128"),
        help: "independent parts of the stream, shared out among the source's subtasks",
    },
];

/// The parameters of `[load]`.
pub fn parameters_of_load() -> &'static [Parameter] {
    PARAMETERS
}

impl LoadSpec {
    /// Reads a `[load]` table.
    ///
    /// # Errors
    /// Anything that [`parameters_of_load`] does not allow, or a step but the last without `for`.
    pub fn parse(table: toml::Table) -> Result<LoadSpec, SpecError> {
        let Layout {
            arrivals,
            splits,
            shape,
        } = read(check(PARAMETERS, table)?)?;
        if let ShapeSpec::Steps { steps } = &shape {
            let (_, but_last) = steps.split_last().unwrap_or((&NO_STEP, &[]));
            if let Some(index) = but_last.iter().position(|step| step.duration.is_none()) {
                let message = "missing; only the last step may leave it out";
                return Err(SpecError::new(format!("shape.steps[{index}].for"), message));
            }
        }
        Ok(LoadSpec {
            shape,
            arrivals,
            splits,
        })
    }

    /// The table again, with every default filled in.
    pub fn to_table(&self) -> toml::Table {
        write(&Layout {
            arrivals: self.arrivals,
            splits: self.splits,
            shape: self.shape.clone(),
        })
    }
}

/// Stands in for the last of no steps, which the checker does not let through.
const NO_STEP: Step = Step {
    rate_per_s: 1.0,
    duration: None,
};

serde_through_table!(LoadSpec);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<LoadSpec, String> {
        LoadSpec::parse(text.parse().expect("TOML")).map_err(|error| error.to_string())
    }

    #[test]
    fn every_shape_survives_a_round_trip_with_its_defaults() {
        for text in [
            "",
            "shape = { kind = 'constant', rate_per_s = 5 }\narrivals = 'poisson'\nsplits = 1",
            "shape = { kind = 'steps', steps = [{ rate_per_s = 5, for = '1s 5ms' }, { rate_per_s = 2.5 }] }",
            "shape = { kind = 'replay' }",
        ] {
            let load = parse(text).expect("valid");
            assert_eq!(LoadSpec::parse(load.to_table()), Ok(load));
        }
    }

    #[test]
    fn impossible_loads_are_refused_by_key() {
        let refused = |text: &str, start: &str| {
            let error = parse(text).expect_err(text);
            assert!(error.starts_with(start), "{error}");
        };
        refused(
            "shape = { kind = 'constant', rate_per_s = 0 }",
            "shape.rate_per_s: found 0 (integer)",
        );
        refused(
            "shape = { kind = 'constant', rate_per_s = nan }",
            "shape.rate_per_s: found nan (float)",
        );
        refused("shape = { kind = 'constant' }", "shape.rate_per_s: missing");
        refused(
            "shape = { kind = 'steps', steps = [] }",
            "shape.steps: found [] (array)",
        );
        refused(
            "shape = { kind = 'steps', steps = [{ rate_per_s = 1 }, { rate_per_s = 1 }] }",
            "shape.steps[0].for",
        );
        refused(
            "splits = 0",
            "splits: found 0 (integer); allowed: an integer from 1 to 65536",
        );
        refused(
            "rate = 1",
            "rate: unknown key; known: shape, arrivals, splits",
        );
    }
}
