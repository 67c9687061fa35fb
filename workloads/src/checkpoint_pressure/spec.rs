//! Parameters of `checkpoint-pressure`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::slow_operator::{CostSpec, DISTRIBUTION as COST_DISTRIBUTION};
use crate::spec::{Default, Kind, Parameter, SpecError};
use crate::state_growth::{DISTRIBUTION, GrowthJob, Mix, Recency, StateGrowthSpec};

/// What `checkpoint-pressure` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointPressureSpec {
    /// Keys with state, none of which comes or goes.
    pub keys: u32,
    /// Payload of each in bytes.
    pub value_bytes: u32,
    /// Share of the records that change what their key has; the others look it up.
    pub changes: f64,
    /// Which keys records have.
    pub distribution: Recency,
    /// What an answer costs in `deliver`.
    pub cost: CostSpec,
}

/// The parameters of `checkpoint-pressure`.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "keys",
        kind: Kind::Integer {
            min: 1,
            max: 100_000_000,
        },
        default: Default::Value("200000"),
        help: "keys with state, all there before the job's time begins; at most 10000000 if zipf",
    },
    Parameter {
        name: "value_bytes",
        kind: Kind::Integer {
            min: 0,
            max: 1 << 20,
        },
        default: Default::Value("200"),
        help: "payload of each in bytes, to which its entry adds 20 of key, version, counter and length",
    },
    Parameter {
        name: "changes",
        kind: Kind::Number { min: 0.0, max: 1.0 },
        default: Default::Value("0.5"),
        help: "share of the records that change what their key has; the others look it up",
    },
    DISTRIBUTION,
    Parameter {
        name: "cost",
        kind: Kind::Table(COST),
        default: Default::Value("{}"),
        help: "what an answer costs in the operator deliver, behind the state",
    },
];

const COST: &[Parameter] = &[
    Parameter {
        name: "kind",
        kind: Kind::Choice(&["cpu", "blocking"]),
        default: Default::Value("\"blocking\""),
        help: "computing, or one external call after another",
    },
    Parameter {
        name: "mean",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: Duration::from_secs(60),
        },
        default: Default::Value("\"100us\""),
        help: "mean per answer",
    },
    COST_DISTRIBUTION,
];

impl CheckpointPressureSpec {
    /// Checks what joins several parameters.
    pub(crate) fn validate(&self) -> Result<(), SpecError> {
        let renamed = |error: SpecError| match error.key.as_str() {
            "preloaded" => SpecError::new("keys", error.message),
            _ => error,
        };
        self.state().validate().map_err(renamed)
    }

    /// The part of the job that keeps state.
    pub fn state(&self) -> StateGrowthSpec {
        StateGrowthSpec {
            job: GrowthJob::Profiles,
            preloaded: self.keys,
            new_key_share: None,
            new_keys_per_s: None,
            distribution: self.distribution,
            mix: Some(Mix {
                read: 1.0 - self.changes,
                update: self.changes,
                write: 0.0,
                delete: 0.0,
            }),
            value_bytes: Some(self.value_bytes),
            value_bytes_max: None,
            day: None,
            disorder: None,
            event_rate_per_s: None,
            ttl: None,
        }
    }
}
