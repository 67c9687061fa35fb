//! The parameters of `late-data`, declared.

use std::time::Duration;

use crate::slow_operator::DISTRIBUTION;
use crate::spec::{Default, Kind, Parameter, Variant};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Longest window: nearly four days, more than job time reaches.
const LONGEST: Duration = Duration::from_secs(90 * 3_600);

/// The parameters of `late-data`.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "keys",
        kind: Kind::Integer {
            min: 1,
            max: 100_000_000,
        },
        default: Default::Value("100"),
        help: "number of keys, equally frequent",
    },
    Parameter {
        name: "lateness",
        kind: Kind::Variants(LATENESSES),
        default: Default::Value("{ kind = \"exponential\" }"),
        help: "how late records usually are: sent so long after they happened",
    },
    Parameter {
        name: "very_late",
        kind: Kind::Table(VERY_LATE),
        default: Default::Value("{}"),
        help: "records that are very late, beside being late as usual",
    },
    Parameter {
        name: "skew",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: HOUR,
        },
        default: Default::Value("\"0s\""),
        help: "by how much the last split is behind the first in event time; the others lie evenly between them",
    },
    Parameter {
        name: "event_rate_per_s",
        kind: Kind::Number {
            min: 0.001,
            max: 1e9,
        },
        default: Default::Value("100000.0"),
        help: "with load shape max: records per second of event time, which intended times say otherwise",
    },
    Parameter {
        name: "watermark",
        kind: Kind::Table(WATERMARK),
        default: Default::Value("{}"),
        help: "how the sources make watermarks",
    },
    Parameter {
        name: "window",
        kind: Kind::Variants(WINDOWS),
        default: Default::Value("{ kind = \"tumbling\" }"),
        help: "which windows there are",
    },
    Parameter {
        name: "trigger",
        kind: Kind::Variants(TRIGGERS),
        default: Default::Value("{ kind = \"event-time\" }"),
        help: "when a window says what it has seen of a key",
    },
    Parameter {
        name: "purging",
        kind: Kind::Flag,
        default: Default::Value("false"),
        help: "forget what was said: each result counts what has come since the one before",
    },
    Parameter {
        name: "allowed_lateness",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: LONGEST,
        },
        default: Default::Value("\"0s\""),
        help: "how long a window is kept after its end; a late record within it corrects the result",
    },
    Parameter {
        name: "late",
        kind: Kind::Choice(&["side-output", "drop"]),
        default: Default::Value("\"side-output\""),
        help: "records that are too late for all their windows go to a sink of their own, or are dropped and counted",
    },
    Parameter {
        name: "contents",
        kind: Kind::Choice(&["aggregate", "all-elements"]),
        default: Default::Value("\"aggregate\""),
        help: "windows keep sums, or all records, which are added up at each firing",
    },
    Parameter {
        name: "result_cost",
        kind: Kind::Table(RESULT_COST),
        default: Default::Value("{}"),
        help: "what it costs to hand a result on, in an operator deliver; none if 0s",
    },
];

const LATENESSES: &[Variant] = &[
    Variant {
        kind: "none",
        help: "records come in the order in which they happened",
        parameters: &[],
    },
    Variant {
        kind: "uniform",
        help: "evenly, earlier or later",
        parameters: &[Parameter {
            name: "max",
            kind: Kind::Span {
                min: Duration::ZERO,
                max: HOUR,
            },
            default: Default::Value("\"50ms\""),
            help: "most either way",
        }],
    },
    Variant {
        kind: "exponential",
        help: "exponentially",
        parameters: &[Parameter {
            name: "mean",
            kind: Kind::Span {
                min: Duration::ZERO,
                max: HOUR,
            },
            default: Default::Value("\"50ms\""),
            help: "mean",
        }],
    },
    Variant {
        kind: "pareto",
        help: "some are very late: P(later than x) = (1 + x / scale)^-shape",
        parameters: &[
            Parameter {
                name: "shape",
                kind: Kind::Number {
                    min: 0.1,
                    max: 100.0,
                },
                default: Default::Value("1.5"),
                help: "the smaller, the more very late records; to six digits after the point",
            },
            Parameter {
                name: "scale",
                kind: Kind::Span {
                    min: Duration::from_micros(1),
                    max: HOUR,
                },
                default: Default::Value("\"50ms\""),
                help: "the mean is scale / (shape - 1)",
            },
            Parameter {
                name: "cap",
                kind: Kind::Span {
                    min: Duration::ZERO,
                    max: LONGEST,
                },
                default: Default::Value("\"60s\""),
                help: "none is later",
            },
        ],
    },
    Variant {
        kind: "yahoo",
        help: "as the Yahoo streaming benchmark: 50 ms earlier or later, and one in 100,000 up to 60 s late beside that",
        parameters: &[],
    },
    Variant {
        kind: "beam",
        help: "as Apache Beam's Nexmark: one in ten between 1 ms and 3 s late",
        parameters: &[],
    },
];

const VERY_LATE: &[Parameter] = &[
    Parameter {
        name: "share",
        kind: Kind::Number { min: 0.0, max: 1.0 },
        default: Default::Value("0.0"),
        help: "share of all records",
    },
    Parameter {
        name: "min",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: LONGEST,
        },
        default: Default::Value("\"0s\""),
        help: "least",
    },
    Parameter {
        name: "max",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: LONGEST,
        },
        default: Default::Value("\"10s\""),
        help: "most; evenly between the two",
    },
];

const WATERMARK: &[Parameter] = &[
    Parameter {
        name: "delay",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: LONGEST,
        },
        default: Default::Value("\"200ms\""),
        help: "how far a watermark stays behind the highest event time of its split",
    },
    Parameter {
        name: "idle_timeout",
        kind: Kind::Span {
            min: MS,
            max: LONGEST,
        },
        default: Default::Absent("never: one silent split stalls event time"),
        help: "after how long without records a split is not waited for",
    },
    Parameter {
        name: "max_drift",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: LONGEST,
        },
        default: Default::Absent("any"),
        help: "how far a split may be ahead of the slowest of its source subtask in event time before it has to wait",
    },
    Parameter {
        name: "every_record",
        kind: Kind::Flag,
        default: Default::Value("false"),
        help: "a watermark after every record; with one split results are then exactly known",
    },
];

const WINDOWS: &[Variant] = &[
    Variant {
        kind: "tumbling",
        help: "one after the other",
        parameters: &[SIZE],
    },
    Variant {
        kind: "sliding",
        help: "overlapping: a new one begins with every slide",
        parameters: &[
            SIZE,
            Parameter {
                name: "slide",
                kind: Kind::Span {
                    min: MS,
                    max: LONGEST,
                },
                default: Default::Value("\"100ms\""),
                help: "how far apart they begin; up to size",
            },
            Parameter {
                name: "form",
                kind: Kind::Choice(&["sliced", "copies"]),
                default: Default::Absent(
                    "sliced with trigger event-time and without purging, else copies",
                ),
                help: "records go into slices that windows share, or into each of size / slide windows",
            },
        ],
    },
    Variant {
        kind: "session",
        help: "as long as records of a key keep coming",
        parameters: &[Parameter {
            name: "gap",
            kind: Kind::Span {
                min: MS,
                max: LONGEST,
            },
            default: Default::Value("\"100ms\""),
            help: "longest time between two records of a session",
        }],
    },
    Variant {
        kind: "global",
        help: "one for everything, which ends with the stream",
        parameters: &[],
    },
];

const SIZE: Parameter = Parameter {
    name: "size",
    kind: Kind::Span {
        min: MS,
        max: LONGEST,
    },
    default: Default::Value("\"1s\""),
    help: "how long each is",
};

const TRIGGERS: &[Variant] = &[
    Variant {
        kind: "event-time",
        help: "when the watermark reaches the end of the window, and for each late record after it",
        parameters: &[],
    },
    Variant {
        kind: "processing-time",
        help: "when job time reaches the end of the window, whatever has come by then",
        parameters: &[],
    },
    Variant {
        kind: "count",
        help: "at every so manieth record of a key and window; what is left over is lost",
        parameters: &[Parameter {
            name: "count",
            kind: Kind::Integer {
                min: 1,
                max: i64::MAX,
            },
            default: Default::Value("100"),
            help: "records",
        }],
    },
    Variant {
        kind: "early-interval",
        help: "as event-time, and before that at an interval of job time",
        parameters: &[INTERVAL],
    },
    Variant {
        kind: "continuous-event-time",
        help: "as event-time, and before that at an interval of event time",
        parameters: &[INTERVAL],
    },
];

const INTERVAL: Parameter = Parameter {
    name: "interval",
    kind: Kind::Span {
        min: MS,
        max: LONGEST,
    },
    default: Default::Value("\"100ms\""),
    help: "between two results of a key and window",
};

const RESULT_COST: &[Parameter] = &[
    Parameter {
        name: "kind",
        kind: Kind::Choice(&["cpu", "blocking"]),
        default: Default::Value("\"blocking\""),
        help: "computing; or one external call after another",
    },
    Parameter {
        name: "mean",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: Duration::from_secs(60),
        },
        default: Default::Value("\"0s\""),
        help: "mean per result",
    },
    DISTRIBUTION,
];
