//! What is broken on purpose: the `[[fault]]` tables.
//!
//! Operators, their state, its disk and the network before them are disturbed while the job runs, by orders to the engine. Inputs are disturbed by the
//! schedule itself, known before the run, so that the expected answer knows them too.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use workloads::load::{Disturbances, SplitPause};
use workloads::spec::{Default, Kind, Parameter, Size, Variant};

use super::parameters::{MAX_PHASE, SHORTEST_FAULT};

/// One `[[fault]]`. `at` counts from the start of the measured phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// An operator, with all of its chain, processes nothing for a while.
    Freeze {
        /// The operator, by its uid.
        operator: String,
        /// When it begins.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// How long it lasts.
        #[serde(rename = "for", with = "humantime_serde")]
        lasting: Duration,
    },
    /// Subtasks of an operator fail, and the job with them.
    Kill {
        /// The operator, by its uid.
        operator: String,
        /// Which of its subtasks; without it, all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subtask: Option<u32>,
        /// When.
        #[serde(with = "humantime_serde")]
        at: Duration,
    },
    /// One subtask of an operator takes longer for every record.
    SlowSubtask {
        /// The operator, by its uid.
        operator: String,
        /// Which of its subtasks.
        subtask: u32,
        /// By how much a record takes longer.
        #[serde(with = "humantime_serde")]
        extra: Duration,
        /// When it begins.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// How long it lasts.
        #[serde(rename = "for", with = "humantime_serde")]
        lasting: Duration,
    },
    /// Every access to state takes one subtask of an operator longer.
    SlowState {
        /// The operator, by its uid.
        operator: String,
        /// Which of its subtasks.
        subtask: u32,
        /// By how much an access takes longer.
        #[serde(with = "humantime_serde")]
        extra: Duration,
        /// When it begins.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// How long it lasts.
        #[serde(rename = "for", with = "humantime_serde")]
        lasting: Duration,
    },
    /// The disk below all state in RocksDB becomes slow.
    ThrottleDisk {
        /// Bytes per second that each subtask may write in the background.
        rate_per_s: Size,
        /// What finishing a file takes longer.
        #[serde(with = "humantime_serde")]
        sync: Duration,
        /// When it begins.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// How long it lasts.
        #[serde(rename = "for", with = "humantime_serde")]
        lasting: Duration,
    },
    /// Links into an operator become slower.
    ThrottleNetwork {
        /// The operator, by its uid.
        operator: String,
        /// Bytes per second of each link.
        bandwidth_per_s: Size,
        /// Latency of each link.
        #[serde(with = "humantime_serde")]
        latency: Duration,
        /// When it begins.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// How long it lasts.
        #[serde(rename = "for", with = "humantime_serde")]
        lasting: Duration,
    },
    /// The hot keys become others.
    SkewShift {
        /// When.
        #[serde(with = "humantime_serde")]
        at: Duration,
    },
    /// A split of the source falls silent, and then catches up.
    PauseSplit {
        /// The split.
        split: u32,
        /// When it begins.
        #[serde(with = "humantime_serde")]
        at: Duration,
        /// How long it lasts.
        #[serde(rename = "for", with = "humantime_serde")]
        lasting: Duration,
    },
}

impl Fault {
    /// When it begins, from the start of the measured phase.
    pub fn at(&self) -> Duration {
        match self {
            Fault::Freeze { at, .. }
            | Fault::SlowSubtask { at, .. }
            | Fault::SlowState { at, .. }
            | Fault::ThrottleDisk { at, .. }
            | Fault::ThrottleNetwork { at, .. }
            | Fault::Kill { at, .. }
            | Fault::SkewShift { at }
            | Fault::PauseSplit { at, .. } => *at,
        }
    }

    /// How long it lasts; a kill is a moment, and a shift is for good.
    pub fn lasting(&self) -> Option<Duration> {
        match self {
            Fault::Freeze { lasting, .. }
            | Fault::SlowSubtask { lasting, .. }
            | Fault::SlowState { lasting, .. }
            | Fault::ThrottleDisk { lasting, .. }
            | Fault::ThrottleNetwork { lasting, .. }
            | Fault::PauseSplit { lasting, .. } => Some(*lasting),
            Fault::Kill { .. } | Fault::SkewShift { .. } => None,
        }
    }

    /// The operator it happens to; `None` if it happens to the input, or to the whole job.
    pub fn operator(&self) -> Option<&str> {
        match self {
            Fault::Freeze { operator, .. }
            | Fault::Kill { operator, .. }
            | Fault::SlowSubtask { operator, .. }
            | Fault::SlowState { operator, .. }
            | Fault::ThrottleNetwork { operator, .. } => Some(operator),
            Fault::ThrottleDisk { .. } | Fault::SkewShift { .. } | Fault::PauseSplit { .. } => None,
        }
    }

    /// The one subtask of the operator that it happens to, if it is only one.
    pub fn subtask(&self) -> Option<u32> {
        match self {
            Fault::SlowSubtask { subtask, .. } | Fault::SlowState { subtask, .. } => Some(*subtask),
            Fault::Kill { subtask, .. } => *subtask,
            _ => None,
        }
    }

    /// Whether the schedule itself knows of it; otherwise the engine is told when it is time.
    pub fn disturbs_input(&self) -> bool {
        matches!(self, Fault::SkewShift { .. } | Fault::PauseSplit { .. })
    }

    /// What the record calls it.
    pub fn label(&self) -> String {
        match self {
            Fault::Freeze { operator, .. } => format!("freeze {operator}"),
            Fault::Kill {
                operator, subtask, ..
            } => match subtask {
                Some(subtask) => format!("kill {operator} {subtask}"),
                None => format!("kill {operator}"),
            },
            Fault::SlowSubtask {
                operator, subtask, ..
            } => format!("slow {operator} {subtask}"),
            Fault::SlowState {
                operator, subtask, ..
            } => format!("slow state {operator} {subtask}"),
            Fault::ThrottleDisk { .. } => "throttle disk".to_owned(),
            Fault::ThrottleNetwork { operator, .. } => format!("throttle network {operator}"),
            Fault::SkewShift { .. } => "skew shift".to_owned(),
            Fault::PauseSplit { split, .. } => format!("pause split {split}"),
        }
    }
}

/// What the faults do to the input, in job time: `warmup` before the measured phase.
pub fn disturbances(faults: &[Fault], warmup: Duration) -> Disturbances {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let mut all = Disturbances::default();
    for fault in faults {
        let from_ns = nanos(warmup + fault.at());
        match fault {
            Fault::SkewShift { .. } => all.skew_shifts_ns.push(from_ns),
            Fault::PauseSplit { split, lasting, .. } => all.pauses.push(SplitPause {
                split: *split,
                from_ns,
                for_ns: nanos(*lasting),
            }),
            Fault::Freeze { .. }
            | Fault::Kill { .. }
            | Fault::SlowSubtask { .. }
            | Fault::SlowState { .. }
            | Fault::ThrottleDisk { .. }
            | Fault::ThrottleNetwork { .. } => {}
        }
    }
    all
}

const fn required(name: &'static str, kind: Kind, help: &'static str) -> Parameter {
    Parameter {
        name,
        kind,
        default: Default::Required,
        help,
    }
}

const OPERATOR: Parameter = required(
    "operator",
    Kind::Choice(&[]),
    "an operator of the job, with all of its chain",
);
const AT: Parameter = required(
    "at",
    Kind::Span {
        min: Duration::ZERO,
        max: MAX_PHASE,
    },
    "when it begins, from the start of the measured phase",
);
const FOR: Parameter = required(
    "for",
    Kind::Span {
        min: SHORTEST_FAULT,
        max: MAX_PHASE,
    },
    "how long it lasts, within the measured phase",
);
const SUBTASK: Parameter = required(
    "subtask",
    Kind::Integer { min: 0, max: 9_999 },
    "which subtask of the operator",
);
const ANY_SUBTASK: Parameter = Parameter {
    default: Default::Absent("all of them"),
    ..SUBTASK
};
const EXTRA: Parameter = required(
    "extra",
    Kind::Span {
        min: Duration::from_micros(1),
        max: Duration::from_secs(60),
    },
    "by how much every record takes it longer",
);
const EXTRA_ACCESS: Parameter = Parameter {
    help: "by how much every access to its state takes longer",
    ..EXTRA
};
const RATE: Parameter = required(
    "rate_per_s",
    Kind::Size {
        min: 64 << 10,
        max: 1 << 40,
    },
    "bytes per second that flushes and compactions of each subtask may write",
);
const SYNC: Parameter = Parameter {
    name: "sync",
    kind: Kind::Span {
        min: Duration::ZERO,
        max: Duration::from_secs(60),
    },
    default: Default::Value("\"0s\""),
    help: "by how much finishing a file takes longer",
};
const BANDWIDTH: Parameter = required(
    "bandwidth_per_s",
    Kind::Size {
        min: 1 << 10,
        max: 1 << 40,
    },
    "bytes per second of each link meanwhile",
);
const LATENCY: Parameter = Parameter {
    name: "latency",
    kind: Kind::Span {
        min: Duration::ZERO,
        max: Duration::from_secs(10),
    },
    default: Default::Value("\"0s\""),
    help: "latency of each link meanwhile",
};
const SPLIT: Parameter = required(
    "split",
    Kind::Integer {
        min: 0,
        max: 65_535,
    },
    "which split of the source",
);

/// A `[[fault]]`, declared once for the parser and for `list`.
pub const FAULT: Parameter = required(
    "fault",
    Kind::Variants(&[
        Variant {
            kind: "freeze",
            help: "the operator processes nothing for a while",
            parameters: &[OPERATOR, AT, FOR],
        },
        Variant {
            kind: "kill",
            help: "subtasks of the operator fail, and the job with them; job.restart says what then",
            parameters: &[OPERATOR, ANY_SUBTASK, AT],
        },
        Variant {
            kind: "slow-subtask",
            help: "one subtask of the operator takes longer for every record",
            parameters: &[OPERATOR, SUBTASK, EXTRA, AT, FOR],
        },
        Variant {
            kind: "slow-state",
            help: "every access to its state takes one subtask of the operator longer",
            parameters: &[OPERATOR, SUBTASK, EXTRA_ACCESS, AT, FOR],
        },
        Variant {
            kind: "throttle-disk",
            help: "the disk below all state in RocksDB becomes slow",
            parameters: &[RATE, SYNC, AT, FOR],
        },
        Variant {
            kind: "throttle-network",
            help: "links of job.remote exchanges into the operator's task become slower",
            parameters: &[OPERATOR, BANDWIDTH, LATENCY, AT, FOR],
        },
        Variant {
            kind: "skew-shift",
            help: "the hot keys of hot-keys become others",
            parameters: &[AT],
        },
        Variant {
            kind: "pause-split",
            help: "a split of the source falls silent, then catches up",
            parameters: &[SPLIT, AT, FOR],
        },
    ]),
    "what is broken on purpose; may be given several times",
);
