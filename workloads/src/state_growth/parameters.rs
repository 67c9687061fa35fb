//! The declaration of `state-growth`'s parameters.

use std::time::Duration;

use crate::spec::{Default, Kind, Parameter, Variant};

/// Longest time to live, day and disorder: what job time can hold with room to spare.
const LONGEST: Duration = Duration::from_secs(90 * 3600);

/// Largest payload in bytes.
const MOST_BYTES: i64 = 1 << 20;

/// The parameters of `state-growth`.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "job",
        kind: Kind::Choice(&["profiles", "unique-visitor"]),
        default: Default::Value("\"profiles\""),
        help: "profiles that are read and changed by key; or of each device the first visit of each day",
    },
    Parameter {
        name: "preloaded",
        kind: Kind::Integer {
            min: 0,
            max: 100_000_000,
        },
        default: Default::Value("100000"),
        help: "keys that have state before the job's time begins; at most 10000000 if zipf",
    },
    Parameter {
        name: "new_key_share",
        kind: Kind::Number { min: 0.0, max: 1.0 },
        default: Default::Absent("0, or what new_keys_per_s says"),
        help: "share of the records that each bring a key that no record had before",
    },
    Parameter {
        name: "new_keys_per_s",
        kind: Kind::Number { min: 0.0, max: 1e9 },
        default: Default::Absent("new_key_share is used"),
        help: "the same as keys per second of intended time; needs load shape constant",
    },
    DISTRIBUTION,
    Parameter {
        name: "mix",
        kind: Kind::Table(MIX),
        default: Default::Absent("{} with job profiles"),
        help: "how frequent the operations on existing keys are, relative to each other; a new key is updated",
    },
    Parameter {
        name: "value_bytes",
        kind: Kind::Integer {
            min: 0,
            max: MOST_BYTES,
        },
        default: Default::Absent("100 with job profiles"),
        help: "payload of a profile in bytes, to which its entry adds 20 of key, version, counter and length",
    },
    Parameter {
        name: "value_bytes_max",
        kind: Kind::Integer {
            min: 0,
            max: MOST_BYTES,
        },
        default: Default::Absent("value_bytes: all are equally large"),
        help: "payloads of random sizes from value_bytes to this, another one with each change",
    },
    Parameter {
        name: "day",
        kind: Kind::Span {
            min: Duration::from_millis(1),
            max: LONGEST,
        },
        default: Default::Absent("\"1s\" with job unique-visitor"),
        help: "length of a day in event time; short, so that growth shows",
    },
    Parameter {
        name: "disorder",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: LONGEST,
        },
        default: Default::Absent("\"10ms\" with job unique-visitor"),
        help: "visits happened up to so long before they are due, so that an earlier one may come later; at most a day",
    },
    Parameter {
        name: "event_rate_per_s",
        kind: Kind::Number {
            min: 0.001,
            max: 1e9,
        },
        default: Default::Absent("100000.0 with job unique-visitor"),
        help: "with load shape max: visits per second of event time",
    },
    Parameter {
        name: "ttl",
        kind: Kind::Table(TTL),
        default: Default::Absent("none: state is kept for ever"),
        help: "how long state lives, in processing time",
    },
];

/// Which keys records have, for every workload with such a state.
pub(crate) const DISTRIBUTION: Parameter = Parameter {
    name: "distribution",
    kind: Kind::Variants(DISTRIBUTIONS),
    default: Default::Value("{ kind = \"uniform\" }"),
    help: "which of the existing keys all other records have; the records of a key come from one split",
};

const DISTRIBUTIONS: &[Variant] = &[
    Variant {
        kind: "uniform",
        help: "all existing keys equally frequent",
        parameters: &[],
    },
    Variant {
        kind: "zipf",
        help: "of each split, the newest key but r as frequent as (r + 1)^-exponent, over as many as are preloaded",
        parameters: &[Parameter {
            name: "exponent",
            kind: Kind::Number { min: 0.0, max: 4.0 },
            default: Default::Value("1.0"),
            help: "0 is uniform; no key has more of the records than its split, so fewer splits make hotter keys",
        }],
    },
    Variant {
        kind: "recent",
        help: "the newest keys have a share of the records, all of them equally",
        parameters: &[
            Parameter {
                name: "share",
                kind: Kind::Number { min: 0.0, max: 1.0 },
                default: Default::Value("0.9"),
                help: "share of the records that go to the newest keys; the others go to any key",
            },
            Parameter {
                name: "keys",
                kind: Kind::Integer {
                    min: 1,
                    max: 100_000_000,
                },
                default: Default::Value("10000"),
                help: "how many keys count as the newest; at least one of each split",
            },
        ],
    },
];

const fn weight(name: &'static str, default: &'static str, help: &'static str) -> Parameter {
    Parameter {
        name,
        kind: Kind::Number { min: 0.0, max: 1e6 },
        default: Default::Value(default),
        help,
    }
}

const MIX: &[Parameter] = &[
    weight("read", "0.5", "look the profile up"),
    weight(
        "update",
        "0.5",
        "look the profile up, count one more, and give it another payload",
    ),
    weight("write", "0.0", "replace the profile without looking"),
    weight("delete", "0.0", "forget the profile without looking"),
];

const TTL: &[Parameter] = &[
    Parameter {
        name: "after",
        kind: Kind::Span {
            min: Duration::from_millis(1),
            max: LONGEST,
        },
        default: Default::Required,
        help: "an entry that is older is never returned",
    },
    Parameter {
        name: "refresh",
        kind: Kind::Choice(&["on-write", "on-read-and-write"]),
        default: Default::Value("\"on-write\""),
        help: "what makes an entry young again",
    },
];
