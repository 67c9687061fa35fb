//! `measure.warmup`: a span of time, or "auto".

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is written for [`Warmup::Auto`].
pub(super) const AUTO: &str = "auto";

/// When the warm-up ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Warmup {
    /// After this time.
    Lasts(Duration),
    /// When the run is found to be steady.
    Auto,
}

impl TryFrom<String> for Warmup {
    type Error = humantime::DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            AUTO => Ok(Warmup::Auto),
            span => humantime::parse_duration(span).map(Warmup::Lasts),
        }
    }
}

impl From<Warmup> for String {
    fn from(warmup: Warmup) -> String {
        match warmup {
            Warmup::Auto => AUTO.to_owned(),
            Warmup::Lasts(span) => humantime::format_duration(span).to_string(),
        }
    }
}
