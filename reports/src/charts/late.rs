//! `late.svg`: late records that windows could not use, and results that they still corrected.
//! Nothing without windows.

use super::Subject;
use super::axis::{linear_ticks, rate_label};
use super::over_time::{self, Shown, largest};
use super::plot::{Line, Scale};
use super::style::{BLUE, ORANGE, VERMILLION};

pub(super) const TITLE: &str = "Late records and refinements";
/// What the chart shows, for people who see one for the first time.
pub(super) const SENTENCE: &str = "records per second that came too late for all their windows, and results per second \
     that late records still corrected";

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let lines = lines(subject);
    if lines.is_empty() {
        return None;
    }
    let shown = Shown {
        title: TITLE,
        about: "Late records dropped, late records to the side output and refined results per second over time",
        subtitle: SENTENCE,
        lines: &lines,
        scale: Scale::linear(linear_ticks(largest(&lines)), rate_label),
    };
    Some(over_time::draw(subject, &shown))
}

/// Per second; empty without windows.
pub(super) fn lines(subject: &Subject<'_>) -> Vec<Line> {
    let it = &subject.event_time;
    let lines = [
        ("refinements", BLUE, 4, &it.refined_per_s),
        ("side output", ORANGE, 2, &it.side_output_per_s),
        ("dropped", VERMILLION, 2, &it.dropped_per_s),
    ];
    over_time::named(lines)
}
