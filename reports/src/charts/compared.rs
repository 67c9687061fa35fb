//! Pictures of a comparison: ratios with intervals, and the runs of all variants over each other.

mod forest;
mod overlaid;

use super::live::{Unit, live_ranges};
use super::{Chart, Drawn};
use crate::compared::Courses;
pub(crate) use forest::{ForestGroup, ForestRow};
use overlaid::Overlaid;

/// Everything that is drawn of a comparison. `margin`: ratios within this share of 1 are equivalent.
/// `about`: what is compared, and what its runs are worth.
pub(crate) fn draw_compared(
    courses: &Courses,
    groups: &[ForestGroup],
    margin: f64,
    about: &str,
) -> Drawn {
    let throughput = Overlaid {
        title: "Throughput",
        subtitle: "records admitted per second; median over the runs of a variant, and their range",
        unit: Unit::PerSecond,
        course: |course| &course.throughput,
    };
    let p99 = Overlaid {
        title: "Response time, p99",
        subtitle: "of each sampling interval, logarithmic; median over the runs of a variant, and their range",
        unit: Unit::Nanoseconds,
        course: |course| &course.p99,
    };
    let drawn = [
        (
            "forest.svg",
            "Ratios to the baseline",
            "",
            forest::draw(groups, margin, about),
        ),
        (
            "throughput.svg",
            throughput.title,
            throughput.subtitle,
            throughput.draw(courses, about),
        ),
        ("p99.svg", p99.title, p99.subtitle, p99.draw(courses, about)),
        (
            "percentiles.svg",
            overlaid::PERCENTILES,
            "",
            overlaid::percentiles(courses, about),
        ),
    ];
    let charts = drawn
        .into_iter()
        .filter_map(|(file_name, title, sentence, svg)| {
            Some(Chart {
                file_name,
                title,
                sentence,
                svg: svg?,
                table: None,
            })
        });
    let live = vec![
        (
            "throughput.svg",
            "records per second",
            throughput.unit,
            throughput.lines(courses),
        ),
        (
            "p99.svg",
            "p99 of each interval",
            p99.unit,
            p99.lines(courses),
        ),
    ];
    Drawn {
        charts: charts.collect(),
        live: live_ranges((courses.measured_ms, courses.end_ms), live),
    }
}
