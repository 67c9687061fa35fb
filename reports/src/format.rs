//! Numbers as people read them: three significant digits, a fitting unit, "n/a" for what is not
//! known. The one place for it: terminal, charts and pages agree.

/// What stands for a value that was not measured or is not supported.
pub const NOT_AVAILABLE: &str = "n/a";

/// Formats what is there.
pub fn or_na<T>(value: Option<T>, format: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| NOT_AVAILABLE.to_owned(), format)
}

/// Events per second: `27.3 k/s`.
pub fn rate(per_s: f64) -> String {
    let (digits, prefix) = scaled(per_s, &METRIC);
    format!("{digits} {prefix}/s")
}

/// A duration in nanoseconds: `4.12 ms`. Seconds stay readable up to ten minutes.
pub fn duration_ns(ns: f64) -> String {
    let units = if ns.abs() < 600e9 { 4 } else { 5 };
    let (digits, unit) = scaled(ns, &TIME[..units]);
    format!("{digits} {unit}")
}

/// A duration of event time, in milliseconds: `97.0 min`. What is set in minutes and hours reads so.
pub fn duration_ms(ms: f64) -> String {
    let units = match ms.abs() {
        0.0 => return "0 s".to_owned(),
        seconds if seconds < 120e3 => 4,
        minutes if minutes < 7_200e3 => 5,
        _ => 6,
    };
    let (digits, unit) = scaled(ms * 1e6, &TIME[..units]);
    format!("{digits} {unit}")
}

/// A share between 0 and 1: `93.1 %`. What is positive never reads as zero.
pub fn share(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        0.0 => "0 %".to_owned(),
        small if small < 0.1 => "<0.1 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

/// A count, in full: `1,234,567`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count in short, for axes: `1.5 M`.
pub fn short_count(count: f64) -> String {
    let (digits, prefix) = scaled(count, &METRIC);
    format!("{digits} {prefix}").trim_end().to_owned()
}

/// A size in memory or on disk: `64.0 MiB`.
pub fn bytes(bytes: f64) -> String {
    let (digits, unit) = scaled(bytes, &BINARY);
    format!("{digits} {unit}")
}

/// How fast a size grows or is written: `1.20 MiB/s`.
pub fn bytes_per_s(bytes_per_s: f64) -> String {
    format!("{}/s", bytes(bytes_per_s))
}

/// A text of at most `limit` characters, its end replaced by an ellipsis if need be.
pub fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// In nanoseconds.
const TIME: [(f64, &str); 6] = [
    (1.0, "ns"),
    (1e3, "us"),
    (1e6, "ms"),
    (1e9, "s"),
    (60e9, "min"),
    (3_600e9, "h"),
];
const METRIC: [(f64, &str); 5] = [(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")];

/// As sizes are set in scenarios.
const BINARY: [(f64, &str); 5] = [
    (1.0, "B"),
    (1024.0, "KiB"),
    (1_048_576.0, "MiB"),
    (1_073_741_824.0, "GiB"),
    (1_099_511_627_776.0, "TiB"),
];

/// Three significant digits in the largest unit of which there is at least one.
fn scaled<'a>(value: f64, units: &[(f64, &'a str)]) -> (String, &'a str) {
    let fits = |(factor, _): &&(f64, &str)| value.abs() >= factor * 0.9995;
    let at = units.iter().rposition(|unit| fits(&unit)).unwrap_or(0);
    let (factor, unit) = units[at];
    let in_unit = value / factor;
    let digits = match in_unit.abs() {
        whole if whole >= 99.95 || in_unit == 0.0 => format!("{in_unit:.0}"),
        tens if tens >= 9.995 => format!("{in_unit:.1}"),
        _ => format!("{in_unit:.2}"),
    };
    (digits, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_the_unit_that_fits() {
        assert_eq!(
            [0.0, 0.5, 99.96, 999.6, 27_349.0, 1.34e6].map(rate),
            [
                "0 /s", "0.50 /s", "100 /s", "1.00 k/s", "27.3 k/s", "1.34 M/s"
            ]
        );
        assert_eq!(
            [0.0, 850.0, 4.1234e6, 999_960.0, 59.96e9, 540e9, 3600e9].map(duration_ns),
            [
                "0 ns", "850 ns", "4.12 ms", "1.00 ms", "60.0 s", "540 s", "60.0 min"
            ]
        );
        assert_eq!(
            [0.0, 500.0, 90e3, -240e3, 3_600e3, 14_400e3].map(duration_ms),
            ["0 s", "500 ms", "90.0 s", "-4.00 min", "60.0 min", "4.00 h"]
        );
        assert_eq!(
            [0.0, 1e-5, 0.0012, 0.931, 1.0].map(share),
            ["0 %", "<0.1 %", "0.1 %", "93.1 %", "100.0 %"]
        );
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(short_count(1_500_000.0), "1.50 M");
        assert_eq!(
            [0.0, 1_023.0, 65_536.0, -1.5e6, 3.2e9].map(bytes),
            ["0 B", "1023 B", "64.0 KiB", "-1.43 MiB", "2.98 GiB"]
        );
        assert_eq!(bytes_per_s(2_097_152.0), "2.00 MiB/s");
        assert_eq!(or_na(None, rate), "n/a");
        assert_eq!(shortened("source -> parse", 8), "source…");
    }
}
