//! Parameters of `state-growth`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::parameters::PARAMETERS;
use crate::spec::SpecError;

/// What `state-growth` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateGrowthSpec {
    /// Which of its two jobs.
    pub job: GrowthJob,
    /// Keys that have state before the job's time begins.
    pub preloaded: u32,
    /// Share of the records that each bring a new key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_key_share: Option<f64>,
    /// The same as keys per second of a constant load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_keys_per_s: Option<f64>,
    /// Which of the existing keys the other records have.
    pub distribution: Recency,
    /// How frequent operations are; only of profiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mix: Option<Mix>,
    /// Smallest payload in bytes; only of profiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_bytes: Option<u32>,
    /// Largest payload in bytes, if not all are equally large; only of profiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_bytes_max: Option<u32>,
    /// Length of a day; only of visits.
    #[serde(
        with = "humantime_serde",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub day: Option<Duration>,
    /// How long before they are due visits may have happened; only of visits.
    #[serde(
        with = "humantime_serde",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub disorder: Option<Duration>,
    /// Visits per second of event time, where there are no intended times; only of visits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_rate_per_s: Option<f64>,
    /// How long state lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TtlSpec>,
}

/// What is done with the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrowthJob {
    /// One value per key is read and changed.
    Profiles,
    /// A map per device, of days to first visits.
    UniqueVisitor,
}

/// Which of the existing keys records have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Recency {
    /// Any, all equally.
    Uniform {},
    /// The newer, the more frequent.
    Zipf {
        /// To six digits after the point.
        exponent: f64,
    },
    /// A share of the records have one of the newest keys.
    Recent {
        /// That share.
        share: f64,
        /// How many keys are the newest.
        keys: u32,
    },
}

/// Frequencies of the operations on existing keys, relative to each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mix {
    /// Look up.
    pub read: f64,
    /// Look up and change.
    pub update: f64,
    /// Replace without looking.
    pub write: f64,
    /// Forget without looking.
    pub delete: f64,
}

impl Default for Mix {
    fn default() -> Mix {
        Mix {
            read: 0.5,
            update: 0.5,
            write: 0.0,
            delete: 0.0,
        }
    }
}

/// How long state lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TtlSpec {
    /// In processing time.
    #[serde(with = "humantime_serde")]
    pub after: Duration,
    /// What makes an entry young again.
    pub refresh: Refresh,
}

/// What makes an entry young again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refresh {
    /// Writing it.
    OnWrite,
    /// Writing it, or reading it.
    OnReadAndWrite,
}

/// Most preloaded keys with zipf, whose table has 8 bytes per rank.
const MOST_ZIPF: u32 = 10_000_000;

impl StateGrowthSpec {
    /// Fills in what the job needs.
    pub(crate) fn with_defaults(self) -> StateGrowthSpec {
        match self.job {
            GrowthJob::Profiles => StateGrowthSpec {
                mix: self.mix.or(Some(Mix::default())),
                value_bytes: self.value_bytes.or(Some(100)),
                ..self
            },
            GrowthJob::UniqueVisitor => StateGrowthSpec {
                day: self.day.or(Some(Duration::from_secs(1))),
                disorder: self.disorder.or(Some(Duration::from_millis(10))),
                event_rate_per_s: self.event_rate_per_s.or(Some(100_000.0)),
                ..self
            },
        }
    }

    /// Checks what joins several parameters.
    pub(crate) fn validate(&self) -> Result<(), SpecError> {
        let refused = |key: &str, message: String| Err(SpecError::new(key, message));
        if let Some(key) = self.of_the_other_job() {
            return refused(key, format!("only with job = \"{}\"", self.other_job()));
        }
        if let (Some(_), Some(_)) = (self.new_key_share, self.new_keys_per_s) {
            let message = "give at most one of new_key_share and new_keys_per_s";
            return refused("new_keys_per_s", message.to_owned());
        }
        let preloaded = self.preloaded;
        if matches!(self.distribution, Recency::Zipf { .. })
            && !(1..=MOST_ZIPF).contains(&preloaded)
        {
            let message = format!("found {preloaded}; allowed with zipf: from 1 to {MOST_ZIPF}");
            return refused("preloaded", message);
        }
        if let (Some(least), Some(most)) = (self.value_bytes, self.value_bytes_max)
            && most < least
        {
            let message = format!("found {most}; allowed: from value_bytes = {least}");
            return refused("value_bytes_max", message);
        }
        if self.mix.is_some_and(|mix| mix.total() == 0.0) {
            let message = "found only zeros; allowed: at least one above 0".to_owned();
            return refused("mix", message);
        }
        self.check_times()
    }

    fn check_times(&self) -> Result<(), SpecError> {
        let spans = [
            ("day", self.day),
            ("disorder", self.disorder),
            ("ttl.after", self.ttl.map(|ttl| ttl.after)),
        ];
        for (key, span) in spans {
            let found = humantime::format_duration(span.unwrap_or_default());
            if span.is_some_and(|span| span.subsec_nanos() % 1_000_000 != 0) {
                let message = format!("found \"{found}\"; allowed: whole milliseconds");
                return Err(SpecError::new(key, message));
            }
        }
        if let (Some(day), Some(disorder)) = (self.day, self.disorder)
            && disorder > day
        {
            let found = humantime::format_duration(disorder);
            let day = humantime::format_duration(day);
            let message = format!("found \"{found}\"; allowed: up to day = \"{day}\"");
            return Err(SpecError::new("disorder", message));
        }
        Ok(())
    }

    fn other_job(&self) -> &'static str {
        match self.job {
            GrowthJob::Profiles => "unique-visitor",
            GrowthJob::UniqueVisitor => "profiles",
        }
    }

    /// A parameter that the job does not have.
    fn of_the_other_job(&self) -> Option<&'static str> {
        let given = match self.job {
            GrowthJob::Profiles => [
                ("day", self.day.is_some()),
                ("disorder", self.disorder.is_some()),
                ("event_rate_per_s", self.event_rate_per_s.is_some()),
            ],
            GrowthJob::UniqueVisitor => [
                ("mix", self.mix.is_some()),
                ("value_bytes", self.value_bytes.is_some()),
                ("value_bytes_max", self.value_bytes_max.is_some()),
            ],
        };
        let found = given.into_iter().find(|(_, given)| *given);
        found.map(|(key, _)| key)
    }
}

impl TtlSpec {
    /// As the engine takes it.
    pub(super) fn to_engine(self) -> engine::Ttl {
        engine::Ttl {
            after: self.after,
            refresh: match self.refresh {
                Refresh::OnWrite => engine::TtlRefresh::OnWrite,
                Refresh::OnReadAndWrite => engine::TtlRefresh::OnReadAndWrite,
            },
        }
    }
}

impl Mix {
    pub(super) fn total(&self) -> f64 {
        self.read + self.update + self.write + self.delete
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::WorkloadSpec;

    fn parse(text: &str) -> Result<StateGrowthSpec, String> {
        let table = format!("kind = 'state-growth'\n{text}").parse();
        match WorkloadSpec::parse(table.expect("TOML")) {
            Ok(WorkloadSpec::StateGrowth(spec)) => Ok(spec),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(in crate::state_growth) fn spec(text: &str) -> StateGrowthSpec {
        parse(text).expect(text)
    }

    #[test]
    fn each_job_has_its_own_parameters_and_refuses_those_of_the_other() {
        let profiles = spec("");
        assert_eq!((profiles.value_bytes, profiles.day), (Some(100), None));
        let visits = spec("job = 'unique-visitor'");
        assert_eq!(visits.day, Some(Duration::from_secs(1)));
        assert_eq!(visits.mix, None);
        for (text, error) in [
            ("day = '1s'", "day: only with job = \"unique-visitor\""),
            (
                "job = 'unique-visitor'\nvalue_bytes = 1",
                "value_bytes: only with job = \"profiles\"",
            ),
            (
                "job = 'unique-visitor'\nday = '1s'\ndisorder = '2s'",
                "disorder: found \"2s\"; allowed: up to day = \"1s\"",
            ),
            (
                "preloaded = 0\ndistribution = { kind = 'zipf' }",
                "preloaded: found 0; allowed with zipf: from 1 to 10000000",
            ),
            (
                "value_bytes = 10\nvalue_bytes_max = 9",
                "value_bytes_max: found 9; allowed: from value_bytes = 10",
            ),
            (
                "mix = { read = 0, update = 0 }",
                "mix: found only zeros; allowed: at least one above 0",
            ),
            (
                "ttl = { after = '1500us' }",
                "ttl.after: found \"1ms 500us\"; allowed: whole milliseconds",
            ),
            (
                "new_key_share = 0.1\nnew_keys_per_s = 3",
                "new_keys_per_s: give at most one of new_key_share and new_keys_per_s",
            ),
        ] {
            assert_eq!(parse(text), Err(error.to_owned()));
        }
    }

    #[test]
    fn specifications_survive_a_round_trip() {
        for text in [
            "ttl = { after = '5s' }\nmix = { read = 1, update = 2, delete = 0.5 }",
            "job = 'unique-visitor'\nnew_key_share = 0.25\nttl = { after = '3s', refresh = 'on-read-and-write' }",
            "distribution = { kind = 'recent', share = 0.5 }\nnew_keys_per_s = 10\nvalue_bytes_max = 200",
        ] {
            let spec = WorkloadSpec::StateGrowth(spec(text));
            assert_eq!(WorkloadSpec::parse(spec.to_table()), Ok(spec));
        }
    }
}
