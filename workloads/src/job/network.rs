//! `[job] remote` and `[job] network`: which exchanges go over a network, and what it is like. The network is
//! modelled: batches are encoded and decoded as for a real one, and a link says when they are there.

use std::time::Duration;

use engine::{NetworkConfig, Remote};
use serde::{Deserialize, Serialize};

use crate::spec::{Default as Absent, Kind, Parameter, Size};

/// Which exchanges go over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteSpec {
    /// None.
    None,
    /// All.
    All,
    /// Those into these operators.
    Into(Vec<String>),
}

impl RemoteSpec {
    /// Reads a checked value: a flag or names.
    pub(super) fn complete(value: &toml::Value) -> RemoteSpec {
        match value {
            toml::Value::Array(uids) => {
                let uids = uids.iter().filter_map(toml::Value::as_str);
                RemoteSpec::Into(uids.map(str::to_owned).collect())
            }
            toml::Value::Boolean(true) => RemoteSpec::All,
            _ => RemoteSpec::None,
        }
    }

    /// The value again.
    pub(super) fn to_value(&self) -> toml::Value {
        match self {
            RemoteSpec::None => false.into(),
            RemoteSpec::All => true.into(),
            RemoteSpec::Into(uids) => uids.clone().into(),
        }
    }

    /// What the embedded engine is deployed with.
    pub(super) fn to_remote(&self) -> Remote {
        match self {
            RemoteSpec::None => Remote::None,
            RemoteSpec::All => Remote::All,
            RemoteSpec::Into(uids) => Remote::Into(uids.clone()),
        }
    }
}

/// What the network is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// Bytes per second of each link; without it, as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth_per_s: Option<Size>,
    /// From when a batch has left to when it is there.
    #[serde(with = "humantime_serde")]
    pub latency: Duration,
}

/// Below a kilobyte per second a single batch takes minutes.
const SLOWEST_PER_S: u64 = 1 << 10;

/// What `[job] network` may be.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "bandwidth_per_s",
        kind: Kind::Size {
            min: SLOWEST_PER_S,
            max: 1 << 40,
        },
        default: Absent::Absent("unlimited"),
        help: "bytes per second that each sending subtask may send over each remote exchange",
    },
    Parameter {
        name: "latency",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: Duration::from_secs(10),
        },
        default: Absent::Value("\"0s\""),
        help: "from when the last byte of a batch has left to when the batch is there",
    },
];

impl NetworkSpec {
    /// What the embedded engine is deployed with.
    pub(super) fn to_config(&self) -> NetworkConfig {
        NetworkConfig {
            bandwidth_per_s: self.bandwidth_per_s.map(|size| size.0),
            latency: self.latency,
        }
    }
}
