//! `[job] restart`: whether and when a failed job is started again from its last checkpoint. Names and defaults are
//! those of Apache Flink's `restart-strategy.*`. Its jitter is left out: runs are to be repeatable.

use std::time::Duration;

use engine::RestartStrategy;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::spec::{Default as Absent, Kind, Parameter, SpecError, Variant, read, write};

/// Longest delay and interval.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Whether and when a failed job is started again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "strategy", rename_all = "kebab-case")]
pub enum RestartSpec {
    /// Never.
    #[default]
    None,
    /// So many times, each after the same delay.
    FixedDelay {
        /// How often.
        attempts: u32,
        /// From a failure to the next attempt.
        #[serde(with = "humantime_serde")]
        delay: Duration,
    },
    /// After delays that grow, for ever.
    ExponentialDelay {
        /// The first delay.
        #[serde(with = "humantime_serde")]
        initial_backoff: Duration,
        /// The longest.
        #[serde(with = "humantime_serde")]
        max_backoff: Duration,
        /// Each is so many times the one before.
        multiplier: f64,
        /// A job that has run for so long begins with the first delay again.
        #[serde(with = "humantime_serde")]
        reset_after: Duration,
    },
    /// Unless there are too many failures in too short a time.
    FailureRate {
        /// More than so many failures within the interval end the job.
        max_failures: u32,
        /// The interval.
        #[serde(with = "humantime_serde")]
        interval: Duration,
        /// From a failure to the next attempt.
        #[serde(with = "humantime_serde")]
        delay: Duration,
    },
}

const fn span(
    name: &'static str,
    min: Duration,
    default: &'static str,
    help: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind: Kind::Span { min, max: LONGEST },
        default: Absent::Value(default),
        help,
    }
}

const DELAY: Parameter = span(
    "delay",
    Duration::ZERO,
    "\"1s\"",
    "from a failure to the next attempt",
);

/// What `[job] restart` may be.
pub(super) const KIND: Kind = Kind::Tagged {
    tag: "strategy",
    variants: &[
        Variant {
            kind: "none",
            help: "never: the first failure ends the job",
            parameters: &[],
        },
        Variant {
            kind: "fixed-delay",
            help: "so many times, each after the same delay",
            parameters: &[
                Parameter {
                    name: "attempts",
                    kind: Kind::Integer {
                        min: 1,
                        max: 1_000_000,
                    },
                    default: Absent::Value("1"),
                    help: "how often the job is started again",
                },
                DELAY,
            ],
        },
        Variant {
            kind: "exponential-delay",
            help: "for ever, after delays that grow while failures follow each other",
            parameters: &[
                span(
                    "initial_backoff",
                    Duration::from_millis(1),
                    "\"1s\"",
                    "the first delay",
                ),
                span(
                    "max_backoff",
                    Duration::from_millis(1),
                    "\"1m\"",
                    "the longest delay, at least the first",
                ),
                Parameter {
                    name: "multiplier",
                    kind: Kind::Number {
                        min: 1.0,
                        max: 1000.0,
                    },
                    default: Absent::Value("1.5"),
                    help: "each delay is so many times the one before",
                },
                span(
                    "reset_after",
                    Duration::from_millis(1),
                    "\"1h\"",
                    "a job that has run for so long begins with the first delay again (reset-backoff-threshold)",
                ),
            ],
        },
        Variant {
            kind: "failure-rate",
            help: "unless there are too many failures in too short a time",
            parameters: &[
                Parameter {
                    name: "max_failures",
                    kind: Kind::Integer {
                        min: 1,
                        max: 1_000_000,
                    },
                    default: Absent::Value("1"),
                    help: "more failures within the interval end the job (max-failures-per-interval)",
                },
                span(
                    "interval",
                    Duration::from_millis(1),
                    "\"1m\"",
                    "in which failures are counted (failure-rate-interval)",
                ),
                DELAY,
            ],
        },
    ],
};

impl RestartSpec {
    /// Reads a checked table.
    ///
    /// # Errors
    /// A longest delay that is shorter than the first.
    pub(super) fn complete(table: Table) -> Result<RestartSpec, SpecError> {
        let spec = read(table)?;
        if let RestartSpec::ExponentialDelay {
            initial_backoff,
            max_backoff,
            ..
        } = spec
            && max_backoff < initial_backoff
        {
            let (found, least) = (
                humantime::format_duration(max_backoff),
                humantime::format_duration(initial_backoff),
            );
            let message = format!("found \"{found}\"; allowed: from initial_backoff = \"{least}\"");
            return Err(SpecError::new("restart.max_backoff", message));
        }
        Ok(spec)
    }

    /// The table again, with every default filled in.
    pub(super) fn to_table(&self) -> Table {
        write(self)
    }

    /// What the embedded engine is deployed with.
    pub(super) fn to_strategy(&self) -> RestartStrategy {
        match *self {
            RestartSpec::None => RestartStrategy::None,
            RestartSpec::FixedDelay { attempts, delay } => {
                RestartStrategy::FixedDelay { attempts, delay }
            }
            RestartSpec::ExponentialDelay {
                initial_backoff,
                max_backoff,
                multiplier,
                reset_after,
            } => RestartStrategy::ExponentialDelay {
                initial: initial_backoff,
                max: max_backoff,
                multiplier,
                reset_after,
            },
            RestartSpec::FailureRate {
                max_failures,
                interval,
                delay,
            } => RestartStrategy::FailureRate {
                max_failures,
                interval,
                delay,
            },
        }
    }
}
