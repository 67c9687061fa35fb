//! `watermark_lag.svg`: how far event time is behind at each operator. Nothing without watermarks.

use super::Subject;
use super::axis::{duration_ms_label, duration_ms_ticks};
use super::data::OperatorLag;
use super::over_time::{self, Shown, largest};
use super::plot::{Line, Scale};
use super::style::LINES;
use crate::format;

pub(super) const TITLE: &str = "Watermark lag";
/// What the chart shows, for people who see one for the first time.
pub(super) const SENTENCE: &str = "event time from each operator's watermark to the newest record that a source has \
     emitted: windows wait that long before they fire";
/// Longer names are shortened.
const MAX_NAME: usize = 32;
/// More lines than this cannot be told apart; the operators that lag most are shown.
const MAX_LINES: usize = LINES.len();

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let lines = lines(subject);
    if lines.is_empty() {
        return None;
    }
    let more = subject.event_time.lags.len() - lines.len();
    let subtitle = match more {
        0 => SENTENCE.to_owned(),
        more => format!("{SENTENCE}; {more} more"),
    };
    let shown = Shown {
        title: TITLE,
        about: "How far each operator's watermark lags behind the sources over time",
        subtitle: &subtitle,
        lines: &lines,
        scale: Scale::linear(duration_ms_ticks(0.0, largest(&lines)), duration_ms_label),
    };
    Some(over_time::draw(subject, &shown))
}

/// Milliseconds of event time, of the operators that lag most; empty without watermarks.
pub(super) fn lines(subject: &Subject<'_>) -> Vec<Line> {
    let lags = furthest(&subject.event_time.lags);
    let count = lags.len();
    let lags = lags.into_iter().zip(LINES).enumerate();
    lags.map(|(at, (lag, color))| Line {
        name: format::shortened(&subject.run.operators[lag.operator].name, MAX_NAME),
        color,
        // Watermarks often coincide: lines stay visible on broader earlier ones.
        width: 2 + (count - 1 - at) as u32 / 2 * 2,
        points: lag.points.clone(),
    })
    .collect()
}

/// The operators that lag most, from sources to sinks.
fn furthest(lags: &[OperatorLag]) -> Vec<&OperatorLag> {
    let mut furthest: Vec<&OperatorLag> = lags.iter().collect();
    let largest = |lag: &OperatorLag| {
        let values = lag.points.iter().filter_map(|(_, value)| *value);
        values.fold(0.0, f64::max)
    };
    furthest.sort_by(|one, other| largest(other).total_cmp(&largest(one)));
    furthest.truncate(MAX_LINES);
    furthest.sort_by_key(|lag| lag.operator);
    furthest
}
