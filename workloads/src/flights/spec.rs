//! Parameters of `flights`.

use serde::{Deserialize, Serialize};

use crate::spec::{Default, Kind, Parameter};

/// What `flights` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightsSpec {
    /// How often the year is played; each pass is one year later than the one before.
    pub repeat: u64,
}

/// The parameters of `flights`.
pub const PARAMETERS: &[Parameter] = &[Parameter {
    name: "repeat",
    kind: Kind::Integer {
        min: 1,
        max: 1_000_000,
    },
    default: Default::Value("1"),
    help: "how often the year is played; each pass is one year later",
}];
