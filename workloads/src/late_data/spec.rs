//! What `late-data` does. Which settings do not go together is said in `rules`.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::windows::ms;
use crate::slow_operator::CostSpec;

/// What `late-data` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LateDataSpec {
    /// Number of keys, equally frequent.
    pub keys: u32,
    /// How late records usually are.
    pub lateness: Lateness,
    /// Records that are very late.
    pub very_late: VeryLate,
    /// By how much the last split is behind the first in event time.
    #[serde(with = "humantime_serde")]
    pub skew: Duration,
    /// Records per second of event time, where records have no intended times.
    pub event_rate_per_s: f64,
    /// How the sources make watermarks.
    pub watermark: WatermarkSpec,
    /// Which windows there are.
    pub window: WindowSpec,
    /// When they say what they have seen.
    pub trigger: TriggerSpec,
    /// Whether they forget what they have said.
    pub purging: bool,
    /// How long they are kept after their end.
    #[serde(with = "humantime_serde")]
    pub allowed_lateness: Duration,
    /// What becomes of records that are late altogether.
    pub late: LateOutput,
    /// What windows keep of records.
    pub contents: Contents,
    /// What it costs to hand a result on.
    pub result_cost: CostSpec,
}

/// How late records usually are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Lateness {
    /// Not at all.
    None {},
    /// Evenly, earlier or later.
    Uniform {
        /// Most either way.
        #[serde(with = "humantime_serde")]
        max: Duration,
    },
    /// Exponentially.
    Exponential {
        /// Mean.
        #[serde(with = "humantime_serde")]
        mean: Duration,
    },
    /// By Pareto's law in Lomax' form: some are very late.
    Pareto {
        /// The smaller, the more very late records.
        shape: f64,
        /// Half of the records are later than scale * (2^(1/shape) - 1).
        #[serde(with = "humantime_serde")]
        scale: Duration,
        /// None is later than this.
        #[serde(with = "humantime_serde")]
        cap: Duration,
    },
    /// As in the Yahoo streaming benchmark.
    Yahoo {},
    /// As in Apache Beam's Nexmark.
    Beam {},
}

/// Records that are very late, beside being late as usual.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VeryLate {
    /// Share of all records.
    pub share: f64,
    /// Least.
    #[serde(with = "humantime_serde")]
    pub min: Duration,
    /// Most; evenly between the two.
    #[serde(with = "humantime_serde")]
    pub max: Duration,
}

/// How the sources make watermarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatermarkSpec {
    /// How far a watermark stays behind the highest event time of its split.
    #[serde(with = "humantime_serde")]
    pub delay: Duration,
    /// After how long without records a split is not waited for.
    #[serde(
        with = "humantime_serde",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub idle_timeout: Option<Duration>,
    /// How far a split may be ahead of the slowest one of its source subtask.
    #[serde(
        with = "humantime_serde",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub max_drift: Option<Duration>,
    /// Whether there is one after every record, instead of after every poll of the source.
    pub every_record: bool,
}

/// Which windows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WindowSpec {
    /// One after the other.
    Tumbling {
        /// How long each is.
        #[serde(with = "humantime_serde")]
        size: Duration,
    },
    /// Overlapping.
    Sliding {
        /// How long each is.
        #[serde(with = "humantime_serde")]
        size: Duration,
        /// How far apart they begin.
        #[serde(with = "humantime_serde")]
        slide: Duration,
        /// How they are made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<SlidingForm>,
    },
    /// As long as records of a key keep coming.
    Session {
        /// Longest time between two records of a session.
        #[serde(with = "humantime_serde")]
        gap: Duration,
    },
    /// One for everything.
    Global {},
}

/// How sliding windows are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlidingForm {
    /// Records go into slices, which the windows share.
    Sliced,
    /// Records go into each of their windows.
    Copies,
}

/// When windows say what they have seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TriggerSpec {
    /// When the watermark reaches their end.
    EventTime {},
    /// When processing time reaches their end.
    ProcessingTime {},
    /// At every so manieth record.
    Count {
        /// Records of a key and window.
        count: NonZeroU64,
    },
    /// At their end, and before that at an interval of processing time.
    EarlyInterval {
        /// The interval.
        #[serde(with = "humantime_serde")]
        interval: Duration,
    },
    /// At their end, and before that at an interval of event time.
    ContinuousEventTime {
        /// The interval.
        #[serde(with = "humantime_serde")]
        interval: Duration,
    },
}

/// What becomes of records that are late for all their windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateOutput {
    /// They go to a sink of their own.
    SideOutput,
    /// They are counted and dropped.
    Drop,
}

/// What windows keep of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contents {
    /// Sums, which each record is added to.
    Aggregate,
    /// The records, which are added up at each firing.
    AllElements,
}

impl TriggerSpec {
    pub(super) fn name(&self) -> &'static str {
        match self {
            TriggerSpec::EventTime {} => "event-time",
            TriggerSpec::ProcessingTime {} => "processing-time",
            TriggerSpec::Count { .. } => "count",
            TriggerSpec::EarlyInterval { .. } => "early-interval",
            TriggerSpec::ContinuousEventTime { .. } => "continuous-event-time",
        }
    }
}

impl LateDataSpec {
    /// Whether windows fire at their end and for refinements, and at no other time.
    pub fn fires_by_event_time(&self) -> bool {
        self.trigger == TriggerSpec::EventTime {}
    }

    /// Whether sliding windows are made of slices.
    pub fn is_sliced(&self) -> bool {
        let WindowSpec::Sliding { form, .. } = self.window else {
            return false;
        };
        match form {
            Some(form) => form == SlidingForm::Sliced,
            None => self.fires_by_event_time() && !self.purging,
        }
    }

    /// Where windows lie, if that is known beforehand.
    pub(super) fn layout(&self) -> Option<Layout> {
        match self.window {
            WindowSpec::Tumbling { size } => Some(Layout::new(ms(size), ms(size))),
            WindowSpec::Sliding { size, slide, .. } => Some(Layout::new(ms(size), ms(slide))),
            WindowSpec::Session { .. } | WindowSpec::Global {} => None,
        }
    }

    /// The start of the piece of time by which a record is added up: one for all of it where windows are not laid out.
    pub(super) fn piece_ms(&self, event_time_ms: i64) -> i64 {
        let layout = self.layout();
        layout.map_or(i64::MIN, |layout| layout.piece(event_time_ms))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::family::WorkloadSpec;

    pub(crate) fn parse(text: &str) -> Result<WorkloadSpec, String> {
        let text = format!("kind = 'late-data'\n{text}");
        WorkloadSpec::parse(text.parse().expect("TOML")).map_err(|error| error.to_string())
    }

    /// The specification of a table without its kind.
    pub(crate) fn spec(text: &str) -> LateDataSpec {
        match parse(text) {
            Ok(WorkloadSpec::LateData(spec)) => spec,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn every_form_survives_a_round_trip() {
        for text in [
            "lateness = { kind = 'pareto', shape = 1 }\nwindow = { kind = 'session', gap = '1s' }",
            "trigger = { kind = 'early-interval', interval = '1s' }\nwindow = { kind = 'global' }",
            "window = { kind = 'sliding', size = '1s', slide = '1s', form = 'copies' }\npurging = true",
            "watermark = { idle_timeout = '1s', max_drift = '0s', every_record = true }\nlate = 'drop'",
        ] {
            let spec = parse(text).expect(text);
            assert_eq!(WorkloadSpec::parse(spec.to_table()), Ok(spec));
        }
    }
}
