//! Parameters of a scenario's tables, declared once.
//!
//! A declaration says what a parameter is called, what it may be, what it is if absent, and what it means. The
//! checker ([`check`]) and `backwater list` both read it, so they cannot disagree. After checking, a table
//! has every default filled in and fits its Rust struct, which serde then reads; rules that join several parameters
//! are in the struct's own `validate`.

mod check;
mod size;

use std::fmt;
use std::time::Duration;

pub use check::{check, read, write};
pub use size::Size;

/// Why a table was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct SpecError {
    /// Path of the key below the table that was parsed, such as `cost.mean`.
    pub key: String,
    /// What was found and what is allowed.
    pub message: String,
}

impl SpecError {
    pub(crate) fn new(key: impl Into<String>, message: impl Into<String>) -> SpecError {
        SpecError {
            key: key.into(),
            message: message.into(),
        }
    }
}

/// One parameter of a table.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Key in the table.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is if absent.
    pub default: Default,
    /// One line for people.
    pub help: &'static str,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// An integer in a closed range.
    Integer {
        /// Smallest allowed value.
        min: i64,
        /// Largest allowed value.
        max: i64,
    },
    /// A finite number in a closed range; an integer is read as one.
    Number {
        /// Smallest allowed value.
        min: f64,
        /// Largest allowed value.
        max: f64,
    },
    /// A span of time written with its unit, such as `"5ms"`, in a closed range.
    Span {
        /// Shortest allowed span.
        min: Duration,
        /// Longest allowed span.
        max: Duration,
    },
    /// The same, or a word instead.
    SpanOr {
        /// The word.
        word: &'static str,
        /// Shortest allowed span.
        min: Duration,
        /// Longest allowed span.
        max: Duration,
    },
    /// A number of bytes written with its unit, such as `"64MiB"`, in a closed range.
    Size {
        /// Smallest allowed size in bytes.
        min: u64,
        /// Largest allowed size in bytes.
        max: u64,
    },
    /// `true` or `false`.
    Flag,
    /// `true`, `false` or a list of names.
    FlagOrNames,
    /// One of some words; any text if there are none.
    Choice(&'static [&'static str]),
    /// A table of parameters.
    Table(&'static [Parameter]),
    /// A table whose key `kind` says which further parameters it has.
    Variants(&'static [Variant]),
    /// The same with another key than `kind`.
    Tagged {
        /// The key.
        tag: &'static str,
        /// What it may be.
        variants: &'static [Variant],
    },
    /// A list of at least one table.
    Tables(&'static [Parameter]),
}

/// One of the forms of a [`Kind::Variants`] or a [`Kind::Tagged`].
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// Value of the key that tells the forms apart.
    pub kind: &'static str,
    /// One line for people.
    pub help: &'static str,
    /// Parameters beside that key.
    pub parameters: &'static [Parameter],
}

/// What a parameter is if absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// It has to be there.
    Required,
    /// It may be left out, and then stays out; the text says what that means.
    Absent(&'static str),
    /// A value in TOML notation.
    Value(&'static str),
}

impl fmt::Display for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Default::Required => "required",
            Default::Absent(meaning) => meaning,
            Default::Value(text) => text,
        })
    }
}

/// What is allowed, in words: completes "allowed: ..".
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Integer { min, max: i64::MAX } => write!(f, "an integer from {min}"),
            Kind::Integer { min, max } => write!(f, "an integer from {min} to {max}"),
            Kind::Number { min, max } => write!(f, "a number from {min} to {max}"),
            Kind::Span { min, max } => {
                let (min, max) = (
                    humantime::format_duration(*min),
                    humantime::format_duration(*max),
                );
                write!(f, "a time with its unit from \"{min}\" to \"{max}\"")
            }
            Kind::SpanOr { word, min, max } => {
                let (min, max) = (*min, *max);
                write!(f, "\"{word}\" or {}", Kind::Span { min, max })
            }
            Kind::Size { min, max } => {
                let (min, max) = (Size(*min), Size(*max));
                write!(
                    f,
                    "a size in B, KiB, MiB or GiB from \"{min}\" to \"{max}\""
                )
            }
            Kind::Flag => f.write_str("true or false"),
            Kind::Choice([]) => f.write_str("a text"),
            Kind::FlagOrNames => f.write_str("true, false or a list of operator names"),
            Kind::Choice(words) => f.write_str(&quoted(words.iter().copied())),
            Kind::Table(parameters) => write!(f, "a table with {}", names(parameters)),
            Kind::Variants(variants) => write!(f, "a table with kind = {}", kinds(variants)),
            Kind::Tagged { tag, variants } => {
                write!(f, "a table with {tag} = {}", kinds(variants))
            }
            Kind::Tables(parameters) => write!(f, "a list of tables with {}", names(parameters)),
        }
    }
}

/// The names of parameters, separated by commas.
fn names(parameters: &[Parameter]) -> String {
    parameters
        .iter()
        .map(|parameter| parameter.name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The forms of a table as alternatives.
fn kinds(variants: &[Variant]) -> String {
    quoted(variants.iter().map(|variant| variant.kind))
}

/// Words as alternatives: `"a" or "b" or "c"`.
fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words
        .map(|word| format!("\"{word}\""))
        .collect::<Vec<_>>()
        .join(" or ")
}

/// Serde through a type's own `parse(toml::Table)` and `to_table()`, so that every way in has the same checks.
macro_rules! serde_through_table {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let table = toml::Table::deserialize(deserializer)?;
                Self::parse(table).map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.to_table().serialize(serializer)
            }
        }
    };
}
pub(crate) use serde_through_table;
