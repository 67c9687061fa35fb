//! The `[load]` table of a scenario.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::trace::{self, Interpolation, TracePoint};
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
    /// A straight line from one rate to another; then the second one holds.
    Ramp {
        /// Records per second at the start.
        from: f64,
        /// Records per second at the end.
        to: f64,
        /// How long it takes.
        #[serde(with = "humantime_serde")]
        over: Duration,
    },
    /// mean + amplitude * sin(2 pi t / period).
    Sine {
        /// Records per second.
        mean: f64,
        /// Records per second, at most the mean.
        amplitude: f64,
        /// Length of a wave.
        #[serde(with = "humantime_serde")]
        period: Duration,
    },
    /// Quiet, then a burst, again and again.
    Burst {
        /// Records per second between bursts.
        base: f64,
        /// Records per second in a burst.
        peak: f64,
        /// From the start of one quiet time to the next.
        #[serde(with = "humantime_serde")]
        period: Duration,
        /// Share of the period that is burst; it comes at its end.
        duty: f64,
    },
    /// Rates at given times; the last one holds.
    Trace {
        /// Where the points were read from.
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<PathBuf>,
        /// At least one, in order. A recorded scenario has them, so that it does not need the file any more.
        #[serde(default)]
        points: Vec<TracePoint>,
        /// What lies between them.
        interpolation: Interpolation,
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

/// A rate that may be 0, or as good as: see `wave`.
const fn rate_from_zero(name: &'static str, default: Default, help: &'static str) -> Parameter {
    Parameter {
        name,
        kind: Kind::Number {
            min: 0.0,
            max: trace::MOST_PER_S,
        },
        default,
        help,
    }
}

/// A span of at least a millisecond.
const fn span(name: &'static str, default: &'static str, help: &'static str) -> Parameter {
    Parameter {
        name,
        kind: Kind::Span {
            min: Duration::from_millis(1),
            max: LONGEST_STEP,
        },
        default: Default::Value(default),
        help,
    }
}

/// Longest step: longer than any run.
const LONGEST_STEP: Duration = trace::LATEST;

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
                kind: "ramp",
                help: "a straight line from one rate to another, which then holds",
                parameters: &[
                    rate_from_zero(
                        "from",
                        Default::Value("0.0"),
                        "records per second at the start",
                    ),
                    rate_from_zero("to", Default::Required, "records per second at the end"),
                    span("over", "\"20s\"", "how long it takes"),
                ],
            },
            Variant {
                kind: "sine",
                help: "a wave around a mean: begins at the mean and rises",
                parameters: &[
                    rate_from_zero("mean", Default::Required, "mean records per second"),
                    rate_from_zero(
                        "amplitude",
                        Default::Required,
                        "records per second above and below the mean; at most the mean",
                    ),
                    span("period", "\"10s\"", "length of a wave"),
                ],
            },
            Variant {
                kind: "burst",
                help: "quiet, then a burst, again and again",
                parameters: &[
                    rate_from_zero(
                        "base",
                        Default::Value("0.0"),
                        "records per second between bursts",
                    ),
                    rate_from_zero("peak", Default::Required, "records per second in a burst"),
                    span(
                        "period",
                        "\"5s\"",
                        "from the start of one quiet time to the next",
                    ),
                    Parameter {
                        name: "duty",
                        kind: Kind::Number {
                            min: 0.001,
                            max: 0.999,
                        },
                        default: Default::Value("0.2"),
                        help: "share of the period that is burst; it comes at its end",
                    },
                ],
            },
            Variant {
                kind: "trace",
                help: "rates at given times, from a file or in place; the last one holds",
                parameters: &[
                    Parameter {
                        name: "file",
                        kind: Kind::Choice(&[]),
                        default: Default::Absent("points are given"),
                        help: "a CSV of seconds and records per second; a relative path starts at the working directory",
                    },
                    Parameter {
                        name: "points",
                        kind: Kind::Tables(&[
                            Parameter {
                                name: "at",
                                kind: Kind::Span {
                                    min: Duration::ZERO,
                                    max: LONGEST_STEP,
                                },
                                default: Default::Required,
                                help: "time since the start of the job",
                            },
                            rate_from_zero("rate_per_s", Default::Required, "records per second"),
                        ]),
                        default: Default::Absent("read from file"),
                        help: "times and rates; they go before the file",
                    },
                    Parameter {
                        name: "interpolation",
                        kind: Kind::Choice(&["step", "linear"]),
                        default: Default::Value("\"step\""),
                        help: "between two points: the rate of the first one, or a straight line",
                    },
                ],
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
    /// Reads a `[load]` table, and the file that it names if it has a trace without points.
    ///
    /// # Errors
    /// Anything that [`parameters_of_load`] does not allow, a step but the last without `for`, an amplitude above its
    /// mean, or a trace that cannot be read or goes back in time.
    pub fn parse(table: toml::Table) -> Result<LoadSpec, SpecError> {
        let Layout {
            arrivals,
            splits,
            mut shape,
        } = read(check(PARAMETERS, table)?)?;
        match &mut shape {
            ShapeSpec::Steps { steps } => check_steps(steps)?,
            ShapeSpec::Sine {
                mean, amplitude, ..
            } if *amplitude > *mean => {
                let message = format!("found {amplitude}; allowed: at most the mean, {mean}");
                return Err(SpecError::new("shape.amplitude", message));
            }
            ShapeSpec::Trace { file, points, .. } => fill_in(file.as_deref(), points)?,
            _ => {}
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

/// Every step but the last needs a length.
fn check_steps(steps: &[Step]) -> Result<(), SpecError> {
    let but_last = &steps[..steps.len().saturating_sub(1)];
    match but_last.iter().position(|step| step.duration.is_none()) {
        None => Ok(()),
        Some(index) => {
            let message = "missing; only the last step may leave it out";
            Err(SpecError::new(format!("shape.steps[{index}].for"), message))
        }
    }
}

/// Reads a trace's points if it has none, and checks their order if it has.
fn fill_in(file: Option<&Path>, points: &mut Vec<TracePoint>) -> Result<(), SpecError> {
    match file {
        Some(file) if points.is_empty() => {
            *points = trace::read(file).map_err(|error| SpecError::new("shape.file", error))?;
            Ok(())
        }
        None if points.is_empty() => {
            let message = "missing; give a file, or points in place";
            Err(SpecError::new("shape.file", message))
        }
        _ if points.len() > trace::MOST_POINTS => {
            let message = format!("more than {} points", trace::MOST_POINTS);
            Err(SpecError::new("shape.points", message))
        }
        _ => match points.windows(2).position(|pair| pair[0].at >= pair[1].at) {
            None => Ok(()),
            Some(index) => {
                let key = format!("shape.points[{}].at", index + 1);
                Err(SpecError::new(
                    key,
                    "times have to rise from point to point",
                ))
            }
        },
    }
}

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
            "shape = { kind = 'ramp', to = 500 }",
            "shape = { kind = 'sine', mean = 100, amplitude = 100, period = '1s' }",
            "shape = { kind = 'burst', peak = 1000, duty = 0.5 }",
            "shape = { kind = 'trace', points = [{ at = '0s', rate_per_s = 1 }, { at = '1m', rate_per_s = 0 }] }",
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
            "shape = { kind = 'sine', mean = 1, amplitude = 2 }",
            "shape.amplitude: found 2; allowed: at most the mean, 1",
        );
        refused(
            "shape = { kind = 'burst', peak = 1, duty = 1 }",
            "shape.duty: found 1 (integer)",
        );
        refused("shape = { kind = 'trace' }", "shape.file: missing");
        refused(
            "shape = { kind = 'trace', file = 'no/such.csv' }",
            "shape.file: no/such.csv: ",
        );
        refused(
            "shape = { kind = 'trace', points = [{ at = '1s', rate_per_s = 1 }, { at = '1s', rate_per_s = 1 }] }",
            "shape.points[1].at: times have to rise",
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
