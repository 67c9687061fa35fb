//! `firings.svg`: how many results windows gave, and which of them were first words, last words or
//! corrections. Nothing without windows.

use super::Subject;
use super::axis::{count_label, duration_ms_label, linear_ticks};
use super::over_time::{self, Shown, largest};
use super::plot::{Line, Scale};
use super::style::{BLUE, GREEN, SKY};

pub(super) const TITLE: &str = "Window firings";
/// What the chart shows, for people who see one for the first time.
pub(super) const SENTENCE: &str = "results that windows gave in each interval: before the end of the window (early), \
     first when it was complete (on time), corrected later";

pub(super) fn draw(subject: &Subject<'_>) -> Option<String> {
    let lines = lines(subject);
    if lines.is_empty() {
        return None;
    }
    let title = format!("{TITLE} per {}", interval(subject.span.column_s() * 1e3));
    let shown = Shown {
        title: &title,
        about: "Firings of windows over time: early, on time and refinements",
        subtitle: SENTENCE,
        lines: &lines,
        scale: Scale::linear(linear_ticks(largest(&lines)), count_label),
    };
    Some(over_time::draw(subject, &shown))
}

/// Firings in each interval; empty without windows.
pub(super) fn lines(subject: &Subject<'_>) -> Vec<Line> {
    let it = &subject.event_time;
    let lines = [
        ("on time", GREEN, 4, &it.fired_on_time),
        ("early", SKY, 2, &it.fired_early),
        ("refinements", BLUE, 2, &it.refined),
    ];
    over_time::named(lines)
}

/// As it was set, in few digits: samples are taken a little before or after they are due.
fn interval(ms: f64) -> String {
    let rounded = |digits: f64| {
        let unit = 10f64.powf(ms.log10().floor() + 1.0 - digits);
        (ms / unit).round() * unit
    };
    let is_near = |rounded: f64| (rounded - ms).abs() < 0.03 * ms;
    let few = [1.0, 2.0].map(rounded).into_iter().find(|it| is_near(*it));
    duration_ms_label(few.unwrap_or(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_named_as_it_was_set() {
        assert_eq!(
            [98.6, 248.0, 1_004.0, 134_500.0].map(interval),
            ["100 ms", "250 ms", "1 s", "2.24 min"]
        );
    }
}
