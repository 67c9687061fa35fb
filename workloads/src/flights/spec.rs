//! Parameters of `flights`.

use std::time::Duration;

use engine::SplitWatermarkOptions;
use serde::{Deserialize, Serialize};

use crate::load::{SourceWatermarks, WatermarkEmission};
use crate::spec::{Default, Kind, Parameter, SpecError};

/// What `flights` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightsSpec {
    /// How often the year is played; each pass is one year later than the one before.
    pub repeat: u64,
    /// Size of the windows by scheduled arrival; without them there are running results.
    #[serde(
        with = "humantime_serde",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub window: Option<Duration>,
    /// How far the watermark stays behind; only with windows.
    #[serde(
        with = "humantime_serde",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub watermark_delay: Option<Duration>,
    /// How long after its end a window takes late flights; only with windows.
    #[serde(
        with = "humantime_serde",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub allowed_lateness: Option<Duration>,
    /// When the source tells of its watermark; only with windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermarks: Option<WatermarkEmission>,
}

/// Windows by scheduled arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowOptions {
    /// Size in milliseconds.
    pub size_ms: u64,
    /// How far the watermark stays behind the latest scheduled arrival, in milliseconds.
    pub delay_ms: u64,
    /// How long after its end a window takes late flights, in milliseconds.
    pub lateness_ms: u64,
    /// When the source tells of its watermark.
    pub watermarks: WatermarkEmission,
}

/// Longest window, delay and lateness.
const LONGEST: Duration = Duration::from_secs(28 * 24 * 3600);

/// Most passes over the year with windows: a verifier keeps every window of the run.
const MOST_WITH_WINDOWS: u64 = 10;

/// The parameters of `flights`.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "repeat",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: Default::Value("1"),
        help: "how often the year is played; each pass is one year later; at most 10 with window",
    },
    Parameter {
        name: "window",
        kind: Kind::Span {
            min: Duration::from_secs(60),
            max: LONGEST,
        },
        default: Default::Absent("running results"),
        help: "results per destination and window of this size, by scheduled arrival",
    },
    Parameter {
        name: "watermark_delay",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: LONGEST,
        },
        default: Default::Absent("\"30m\" with window"),
        help: "how far the watermark stays behind the latest scheduled arrival",
    },
    Parameter {
        name: "allowed_lateness",
        kind: Kind::Span {
            min: Duration::ZERO,
            max: LONGEST,
        },
        default: Default::Absent("\"0s\" with window"),
        help: "how long after its end a window takes late flights, and says its result again",
    },
    Parameter {
        name: "watermarks",
        kind: Kind::Choice(&["per-record", "per-poll"]),
        default: Default::Absent("\"per-record\" with window"),
        help: "a mark after every flight (with one split there is then one right answer), or per batch",
    },
];

impl FlightsSpec {
    /// Fills in what windows need.
    pub(crate) fn with_defaults(self) -> FlightsSpec {
        if self.window.is_none() {
            return self;
        }
        FlightsSpec {
            watermark_delay: self.watermark_delay.or(Some(Duration::from_secs(30 * 60))),
            allowed_lateness: self.allowed_lateness.or(Some(Duration::ZERO)),
            watermarks: self.watermarks.or(Some(WatermarkEmission::PerRecord)),
            ..self
        }
    }

    /// Checks what joins several parameters.
    pub(crate) fn validate(&self) -> Result<(), SpecError> {
        if self.window.is_some() {
            let found = self.repeat;
            let message = format!("found {found}; allowed with window: up to {MOST_WITH_WINDOWS}");
            return match found {
                ..=MOST_WITH_WINDOWS => Ok(()),
                _ => Err(SpecError::new("repeat", message)),
            };
        }
        let given = [
            ("watermark_delay", self.watermark_delay.is_some()),
            ("allowed_lateness", self.allowed_lateness.is_some()),
            ("watermarks", self.watermarks.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(SpecError::new(*key, "only with window")),
            None => Ok(()),
        }
    }

    /// The windows, if there are any.
    pub fn windows(&self) -> Option<WindowOptions> {
        let spec = self.with_defaults();
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Some(WindowOptions {
            size_ms: ms(spec.window?),
            delay_ms: ms(spec.watermark_delay?),
            lateness_ms: ms(spec.allowed_lateness?),
            watermarks: spec.watermarks?,
        })
    }
}

impl WindowOptions {
    /// What the source has to do for them.
    pub fn source_watermarks(&self) -> SourceWatermarks {
        SourceWatermarks {
            splits: SplitWatermarkOptions {
                delay_ms: self.delay_ms,
                ..SplitWatermarkOptions::default()
            },
            emission: self.watermarks,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::WorkloadSpec;

    fn parse(text: &str) -> Result<WorkloadSpec, String> {
        let table = format!("kind = 'flights'\n{text}").parse().expect("TOML");
        WorkloadSpec::parse(table).map_err(|error| error.to_string())
    }

    #[test]
    fn windows_come_with_their_defaults_and_their_parameters_only_with_windows() {
        let windowed = parse("window = '1h'").expect("the rest has defaults");
        let table = windowed.to_table();
        let text = |key: &str| table[key].as_str().map(str::to_owned);
        assert_eq!(text("watermark_delay").as_deref(), Some("30m"));
        assert_eq!(text("allowed_lateness").as_deref(), Some("0s"));
        assert_eq!(text("watermarks").as_deref(), Some("per-record"));
        assert_eq!(WorkloadSpec::parse(table), Ok(windowed));
        for key in ["watermark_delay = '1h'", "allowed_lateness = '0s'"] {
            let name = key.split_once(' ').expect("a key").0;
            assert_eq!(parse(key), Err(format!("{name}: only with window")));
        }
        assert_eq!(
            parse("window = '1h'\nrepeat = 11"),
            Err("repeat: found 11; allowed with window: up to 10".to_owned())
        );
    }
}
