//! Parameters of `slow-operator`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::spec::{Default, Kind, Parameter, SpecError, Variant};

/// What `slow-operator` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowOperatorSpec {
    /// Number of keys that the sums are made by.
    pub keys: u32,
    /// Subtasks of the slow operator, if not the job's parallelism.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_parallelism: Option<usize>,
    /// Records that come of one behind the slow operator.
    pub fan_out: u32,
    /// What a record costs in the slow operator.
    pub cost: CostSpec,
    /// How calls are made if the cost is asynchronous.
    #[serde(rename = "async")]
    pub async_calls: AsyncSpec,
    /// One subtask of the slow operator that is slower than the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_subtask: Option<SlowSubtask>,
}

/// What a record costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostSpec {
    /// What the time is spent on.
    pub kind: CostKind,
    /// Mean per record.
    #[serde(with = "humantime_serde")]
    pub mean: Duration,
    /// How it varies from record to record.
    pub distribution: Distribution,
}

/// What the time of a record is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostKind {
    /// Computing.
    Cpu,
    /// Waiting for one external call after another, holding the thread.
    Blocking,
    /// Waiting for several external calls at once.
    Async,
}

/// How a cost varies from record to record; the mean is always that of [`CostSpec`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Distribution {
    /// Not at all.
    Constant,
    /// Exponentially.
    Exponential,
    /// A share of the records costs a multiple of what the others do.
    Bimodal {
        /// Share of the slow records.
        slow_share: f64,
        /// Cost of a slow record over that of a fast one.
        slow_factor: f64,
    },
}

/// How asynchronous calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsyncSpec {
    /// Calls under way at once, per subtask.
    pub capacity: usize,
    /// Whether results keep the order of their records.
    pub ordered: bool,
}

/// A subtask that is slower than the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SlowSubtask {
    /// Its index.
    pub index: usize,
    /// Its cost over that of the others.
    pub factor: f64,
}

/// An asynchronous wait is rounded up to the runtime's timer tick of 1 ms: below this mean that would be over 5 %.
const SHORTEST_ASYNC: Duration = Duration::from_millis(20);

/// The parameters of `slow-operator`.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "keys",
        kind: Kind::Integer {
            min: 1,
            max: 100_000_000,
        },
        default: Default::Value("1000"),
        help: "keys that the sums are made by, all equally frequent",
    },
    Parameter {
        name: "cost",
        kind: Kind::Table(COST),
        default: Default::Value("{}"),
        help: "what a record costs in the slow operator",
    },
    Parameter {
        name: "slow_parallelism",
        kind: Kind::Integer { min: 1, max: 1000 },
        default: Default::Absent("job.parallelism"),
        help: "subtasks of the slow operator",
    },
    Parameter {
        name: "slow_subtask",
        kind: Kind::Table(&[
            Parameter {
                name: "index",
                kind: Kind::Integer { min: 0, max: 9999 },
                default: Default::Value("0"),
                help: "which subtask of the slow operator",
            },
            Parameter {
                name: "factor",
                kind: Kind::Number {
                    min: 1.0,
                    max: 1000.0,
                },
                default: Default::Required,
                help: "its cost over that of the others",
            },
        ]),
        default: Default::Absent("none"),
        help: "one subtask of the slow operator that is slower than the others",
    },
    Parameter {
        name: "fan_out",
        kind: Kind::Integer {
            min: 1,
            max: 10_000,
        },
        default: Default::Value("1"),
        help: "records that come of one behind the slow operator; above 1 there is an operator fan-out",
    },
    Parameter {
        name: "async",
        kind: Kind::Table(&[
            Parameter {
                name: "capacity",
                kind: Kind::Integer {
                    min: 1,
                    max: 1_000_000,
                },
                default: Default::Value("16"),
                help: "calls under way at once, per subtask",
            },
            Parameter {
                name: "ordered",
                kind: Kind::Flag,
                default: Default::Value("true"),
                help: "whether results keep the order of their records",
            },
        ]),
        default: Default::Value("{}"),
        help: "how calls are made if cost.kind is \"async\"",
    },
];

const COST: &[Parameter] = &[
    Parameter {
        name: "kind",
        kind: Kind::Choice(&["cpu", "blocking", "async"]),
        default: Default::Value("\"blocking\""),
        help: "computing; or one external call after another; or several calls at once",
    },
    Parameter {
        name: "mean",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: Duration::from_secs(60),
        },
        default: Default::Value("\"1ms\""),
        help: "mean per record; at least 20ms if kind is \"async\"",
    },
    DISTRIBUTION,
];

/// How a cost varies, for every workload with costs.
pub(crate) const DISTRIBUTION: Parameter = Parameter {
    name: "distribution",
    kind: Kind::Variants(&[
        Variant {
            kind: "constant",
            help: "the same for every record",
            parameters: &[],
        },
        Variant {
            kind: "exponential",
            help: "exponentially distributed",
            parameters: &[],
        },
        Variant {
            kind: "bimodal",
            help: "a share of the records costs a multiple of what the others do",
            parameters: &[
                Parameter {
                    name: "slow_share",
                    kind: Kind::Number { min: 0.0, max: 1.0 },
                    default: Default::Value("0.1"),
                    help: "share of the slow records",
                },
                Parameter {
                    name: "slow_factor",
                    kind: Kind::Number {
                        min: 1.0,
                        max: 10_000.0,
                    },
                    default: Default::Value("10.0"),
                    help: "cost of a slow record over that of a fast one",
                },
            ],
        },
    ]),
    default: Default::Value("{ kind = \"constant\" }"),
    help: "how the cost varies from record to record",
};

impl SlowOperatorSpec {
    /// Checks what joins several parameters.
    pub(crate) fn validate(&self) -> Result<(), SpecError> {
        if self.cost.kind == CostKind::Async && self.cost.mean < SHORTEST_ASYNC {
            let found = humantime::format_duration(self.cost.mean);
            let allowed = humantime::format_duration(SHORTEST_ASYNC);
            let message =
                format!("found \"{found}\"; allowed with kind = \"async\": from \"{allowed}\"");
            return Err(SpecError::new("cost.mean", message));
        }
        if let (Some(subtask), Some(parallelism)) = (self.slow_subtask, self.slow_parallelism)
            && subtask.index >= parallelism
        {
            let message = format!(
                "found {}; allowed: below slow_parallelism = {parallelism}",
                subtask.index
            );
            return Err(SpecError::new("slow_subtask.index", message));
        }
        Ok(())
    }
}
