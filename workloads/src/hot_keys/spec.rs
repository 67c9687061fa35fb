//! Parameters of `hot-keys`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::slow_operator::{CostKind, CostSpec, DISTRIBUTION};
use crate::spec::{Default, Kind, Parameter, SpecError, Variant};

/// What `hot-keys` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HotKeysSpec {
    /// Number of keys.
    pub keys: u32,
    /// How frequent each of them is.
    pub distribution: KeyDistribution,
    /// What a row costs in the aggregate.
    pub cost: CostSpec,
    /// Records that each subtask adds up per key before it sends them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_aggregation: Option<u32>,
    /// Length of the windows in which records are added up; without, sums run on for ever.
    #[serde(
        with = "humantime_serde",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub window: Option<Duration>,
    /// Parts into which each key is divided for a first phase of windows; without, there is one phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salt: Option<u32>,
    /// Records per second of event time, where windows meet records without intended times.
    pub event_rate_per_s: f64,
}

/// How frequent keys are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum KeyDistribution {
    /// All equally.
    Uniform,
    /// The share of key number r, from 1, is proportional to r^-exponent.
    Zipf {
        /// To six digits after the point.
        exponent: f64,
    },
    /// A few keys, always the same, have a share of the records; the others are equally frequent.
    Hot {
        /// Share of all hot keys together.
        share: f64,
        /// How many.
        hot_keys: u32,
    },
    /// As `Hot`, but which keys are hot changes from period to period.
    Drifting {
        /// Share of all hot keys together.
        share: f64,
        /// How many at a time.
        hot_keys: u32,
        /// Length of a period in records.
        #[serde(skip_serializing_if = "Option::is_none")]
        period_records: Option<u64>,
        /// Length of a period in intended time.
        #[serde(
            with = "humantime_serde",
            default,
            skip_serializing_if = "Option::is_none"
        )]
        period: Option<Duration>,
    },
    /// All keys are equally frequent, but some key groups have more of them than others.
    KeyGroups {
        /// The first so many of the 128 key groups are crowded.
        crowded_groups: u32,
        /// Keys of a crowded group over those of another one.
        ratio: f64,
    },
}

impl KeyDistribution {
    /// Whether some keys are hotter than others, so that others can become it.
    pub fn has_hot_keys(&self) -> bool {
        !matches!(
            self,
            KeyDistribution::Uniform | KeyDistribution::KeyGroups { .. }
        )
    }
}

/// Most keys of a zipf distribution, whose table has 8 bytes per key.
const MOST_ZIPF: u32 = 10_000_000;

/// Most keys of distribution `key-groups`, which are searched for one by one.
const MOST_LISTED: u32 = 1_000_000;

/// Highest mean cost of a row in a window, which cannot be interrupted.
const MOST_IN_WINDOW: Duration = Duration::from_millis(10);

const SHARE: Parameter = Parameter {
    name: "share",
    kind: Kind::Number { min: 0.0, max: 1.0 },
    default: Default::Value("0.5"),
    help: "share of the records that all hot keys have together",
};

const HOT_KEYS: Parameter = Parameter {
    name: "hot_keys",
    kind: Kind::Integer {
        min: 1,
        max: 100_000,
    },
    default: Default::Value("1"),
    help: "number of hot keys, equally hot; below keys",
};

/// The parameters of `hot-keys`.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "keys",
        kind: Kind::Integer {
            min: 1,
            max: 100_000_000,
        },
        default: Default::Value("100000"),
        help: "number of keys; at most 10000000 if zipf, 1000000 if key-groups",
    },
    Parameter {
        name: "distribution",
        kind: Kind::Variants(DISTRIBUTIONS),
        default: Default::Value("{ kind = \"hot\" }"),
        help: "how frequent keys are",
    },
    Parameter {
        name: "cost",
        kind: Kind::Table(COST),
        default: Default::Value("{}"),
        help: "what a row costs in the aggregate",
    },
    Parameter {
        name: "local_aggregation",
        kind: Kind::Integer {
            min: 1,
            max: 10_000_000,
        },
        default: Default::Absent("none"),
        help: "records that each subtask adds up per key before it sends one row per key",
    },
    Parameter {
        name: "window",
        kind: Kind::Span {
            min: Duration::from_millis(1),
            max: Duration::from_secs(90 * 3600),
        },
        default: Default::Absent("none: running sums"),
        help: "length of tumbling windows of event time; each says once what its records of a key add up to",
    },
    Parameter {
        name: "salt",
        kind: Kind::Integer {
            min: 1,
            max: 10_000,
        },
        default: Default::Absent("none: one phase"),
        help: "with window: two phases, the first by key and one of so many random parts, the second by key",
    },
    Parameter {
        name: "event_rate_per_s",
        kind: Kind::Number {
            min: 0.001,
            max: 1e9,
        },
        default: Default::Value("100000.0"),
        help: "with window and load shape max: records per second of event time",
    },
];

const DISTRIBUTIONS: &[Variant] = &[
    Variant {
        kind: "uniform",
        help: "all keys equally frequent",
        parameters: &[],
    },
    Variant {
        kind: "zipf",
        help: "key r, from 1, as frequent as r^-exponent",
        parameters: &[Parameter {
            name: "exponent",
            kind: Kind::Number { min: 0.0, max: 4.0 },
            default: Default::Value("1.0"),
            help: "0 is uniform; with 1.0 and 100,000 keys the first one has 8 %",
        }],
    },
    Variant {
        kind: "hot",
        help: "a few keys, always the same, have a share of all records",
        parameters: &[SHARE, HOT_KEYS],
    },
    Variant {
        kind: "drifting",
        help: "as hot, but other keys are hot in each period; exactly one of period and period_records",
        parameters: &[
            SHARE,
            HOT_KEYS,
            Parameter {
                name: "period_records",
                kind: Kind::Integer {
                    min: 1,
                    max: i64::MAX,
                },
                default: Default::Absent("period is given"),
                help: "length of a period in records",
            },
            Parameter {
                name: "period",
                kind: Kind::Span {
                    min: Duration::from_millis(1),
                    max: Duration::from_secs(90 * 3600),
                },
                default: Default::Absent("period_records is given"),
                help: "length of a period by the records' intended times (not with load shape max)",
            },
        ],
    },
    Variant {
        kind: "key-groups",
        help: "no key is hot, but some key groups, and so subtasks, have more keys than others",
        parameters: &[
            Parameter {
                name: "crowded_groups",
                kind: Kind::Integer { min: 1, max: 127 },
                default: Default::Value("32"),
                help: "the first so many of the 128 key groups are crowded",
            },
            Parameter {
                name: "ratio",
                kind: Kind::Number {
                    min: 1.0,
                    max: 100.0,
                },
                default: Default::Value("3.0"),
                help: "keys of a crowded group over those of another one",
            },
        ],
    },
];

const COST: &[Parameter] = &[
    Parameter {
        name: "kind",
        kind: Kind::Choice(&["cpu", "blocking"]),
        default: Default::Value("\"cpu\""),
        help: "computing; or one external call after another",
    },
    Parameter {
        name: "mean",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: Duration::from_secs(60),
        },
        default: Default::Value("\"5us\""),
        help: "mean per row that reaches the aggregate",
    },
    DISTRIBUTION,
];

impl HotKeysSpec {
    /// Checks what joins several parameters.
    pub(crate) fn validate(&self) -> Result<(), SpecError> {
        self.check_windows()?;
        let keys = self.keys;
        let refused = |key: &str, message: String| Err(SpecError::new(key, message));
        match self.distribution {
            KeyDistribution::Uniform => Ok(()),
            KeyDistribution::Zipf { .. } if keys > MOST_ZIPF => refused(
                "keys",
                format!("found {keys}; allowed with zipf: up to {MOST_ZIPF}"),
            ),
            KeyDistribution::KeyGroups { .. } if keys > MOST_LISTED => refused(
                "keys",
                format!("found {keys}; allowed with key-groups: up to {MOST_LISTED}"),
            ),
            KeyDistribution::Zipf { .. } | KeyDistribution::KeyGroups { .. } => Ok(()),
            KeyDistribution::Hot { hot_keys, .. } | KeyDistribution::Drifting { hot_keys, .. }
                if hot_keys >= keys =>
            {
                refused(
                    "distribution.hot_keys",
                    format!("found {hot_keys}; allowed: below keys = {keys}"),
                )
            }
            KeyDistribution::Drifting {
                period_records,
                period,
                ..
            } if period_records.is_some() == period.is_some() => refused(
                "distribution.period",
                "give exactly one of period and period_records".to_owned(),
            ),
            KeyDistribution::Hot { .. } | KeyDistribution::Drifting { .. } => Ok(()),
        }
    }

    fn check_windows(&self) -> Result<(), SpecError> {
        let refused = |key: &str, message: String| Err(SpecError::new(key, message));
        let Some(window) = self.window else {
            return match self.salt {
                None => Ok(()),
                Some(salt) => refused(
                    "salt",
                    format!("found {salt}; without window there are no phases"),
                ),
            };
        };
        if window.subsec_nanos() % 1_000_000 != 0 {
            let found = humantime::format_duration(window);
            return refused(
                "window",
                format!("found \"{found}\"; allowed: whole milliseconds"),
            );
        }
        if let Some(batch) = self.local_aggregation {
            return refused(
                "local_aggregation",
                format!("found {batch}; with window it is salt that adds records up beforehand"),
            );
        }
        if self.cost.kind == CostKind::Blocking {
            let message = "found \"blocking\"; windows do not wait; allowed with window: \"cpu\"";
            return refused("cost.kind", message.to_owned());
        }
        if self.cost.mean > MOST_IN_WINDOW {
            let found = humantime::format_duration(self.cost.mean);
            let most = humantime::format_duration(MOST_IN_WINDOW);
            return refused(
                "cost.mean",
                format!("found \"{found}\"; allowed with window: up to \"{most}\""),
            );
        }
        Ok(())
    }
}
