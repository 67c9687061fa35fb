//! Numbers of a comparison as people read them.

use super::quantities::formatted;
use crate::comparison::{Direction, Estimate};
use crate::format::NOT_AVAILABLE;

/// `1.42x (1.31 to 1.55)`.
pub(super) fn ratio_with_interval(estimate: &Estimate) -> String {
    match (estimate.ratio, estimate.low, estimate.high) {
        (Some(it), Some(low), Some(high)) => {
            // A narrow interval is still one.
            let width = if high - low < 0.02 { 3 } else { 0 };
            let places = places(it).max(places(low)).max(width).min(4);
            format!("{it:.places$}x ({low:.places$} to {high:.places$})")
        }
        (Some(it), ..) => format!("{}, no interval", ratio(it)),
        (None, ..) => "no pair of runs has both values".to_owned(),
    }
}

/// A ratio with three significant digits.
pub(super) fn ratio(ratio: f64) -> String {
    let places = places(ratio);
    format!("{ratio:.places$}x")
}

/// Decimal places that make three significant digits, of ratios near 1 two.
fn places(ratio: f64) -> usize {
    match ratio.abs() {
        large if large >= 99.95 => 0,
        tens if tens >= 9.995 => 1,
        ones if ones >= 0.0995 => 2,
        hundredths if hundredths >= 0.00995 => 3,
        _ => 4,
    }
}

pub(super) fn plural(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{noun}{ending}")
}

/// Which way is better, as people say it.
pub(super) fn direction(better: Direction) -> &'static str {
    match better {
        Direction::Higher => "higher is better",
        Direction::Lower => "lower is better",
    }
}

/// Of p: what is too small to matter does not read as zero.
pub(super) fn p(p: f64) -> String {
    match p {
        small if small < 0.001 => "<0.001".to_owned(),
        _ => format!("{p:.3}"),
    }
}

/// A share without needless digits: `5 %`, `2.5 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = format!("{:.1}", share * 100.0);
    format!("{} %", percent.strip_suffix(".0").unwrap_or(&percent))
}

/// A value of a metric as people read it, or that there is none.
pub(super) fn value(metric: &str, value: Option<f64>) -> String {
    value.map_or_else(
        || NOT_AVAILABLE.to_owned(),
        |value| formatted(metric, value),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_have_the_digits_that_they_need() {
        assert_eq!(
            [0.012_34, 0.123, 1.0, 1.417, 12.34, 123.4].map(ratio),
            ["0.012x", "0.12x", "1.00x", "1.42x", "12.3x", "123x"]
        );
        assert_eq!([0.05, 0.025].map(percent), ["5 %", "2.5 %"]);
        assert_eq!([0.0, 0.0124, 1.0].map(p), ["<0.001", "0.012", "1.000"]);
    }
}
