//! `pending.svg`: what windows and timers hold in memory. Nothing without windows and timers.

use super::Subject;
use super::axis::{count_label, linear_ticks};
use super::over_time::{self, Shown, largest};
use super::plot::{Line, Scale};
use super::style::{BLUE, ORANGE};

pub(super) const TITLE: &str = "Pending windows and timers";
/// What the chart shows, for people who see one for the first time.
pub(super) const SENTENCE: &str = "what operators with windows hold at each moment: pairs of a key and a window that \
     may still change, and timers that wait";

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let lines = lines(subject);
    if lines.is_empty() {
        return None;
    }
    let shown = Shown {
        title: TITLE,
        about: "Pairs of key and window held, and timers waiting, over time",
        subtitle: SENTENCE,
        lines: &lines,
        scale: Scale::linear(linear_ticks(largest(&lines)), count_label),
    };
    Some(over_time::draw(subject, &shown))
}

/// How many there are; empty without windows and timers.
pub(super) fn lines(subject: &Subject<'_>) -> Vec<Line> {
    let it = &subject.event_time;
    let lines = [
        ("windows", BLUE, 4, &it.panes),
        ("timers", ORANGE, 2, &it.timers),
    ];
    over_time::named(lines)
}
