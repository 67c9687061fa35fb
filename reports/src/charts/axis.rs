//! Ticks at round places, and their labels.

use crate::format;

/// Multiples of 1, 2 or 5 times a power of ten from 0 to a little above `max`: at most seven.
pub(super) fn linear_ticks(max: f64) -> Vec<f64> {
    if !(max.is_finite() && max > 0.0) {
        return vec![0.0, 1.0];
    }
    let rough = max / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|&step| step >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    (0..=(max / step * 1.03).ceil() as u32)
        .map(|at| f64::from(at) * step)
        .collect()
}

/// The same of an axis of whole numbers: no ticks between them.
pub(super) fn whole_ticks(max: f64) -> Vec<f64> {
    match max {
        few if few <= 5.0 => (0..=max.ceil().max(1.0) as u32).map(f64::from).collect(),
        _ => linear_ticks(max),
    }
}

/// The same of an axis of bytes: round numbers of the unit that its largest value has.
pub(super) fn byte_ticks(max: f64) -> Vec<f64> {
    let units = (0..5).map(|power| 1024f64.powi(power));
    let unit = units.rev().find(|unit| *unit <= max).unwrap_or(1.0);
    let ticks = linear_ticks(max / unit).into_iter();
    ticks.map(|tick| tick * unit).collect()
}

/// Ticks of a logarithmic axis that holds `min` and `max`, both positive: 1-2-5 steps over up to
/// three decades, whole decades beyond. The first and the last are the axis' ends.
pub(super) fn log_ticks(min: f64, max: f64) -> Vec<f64> {
    let decades = (max / min).log10();
    let factors: &[f64] = if decades > 3.0 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let (first, last) = (min.log10().floor() as i32, max.log10().ceil() as i32);
    let steps: Vec<f64> = (first..=last + 1)
        .flat_map(|exponent| {
            factors
                .iter()
                .map(move |factor| factor * 10f64.powi(exponent))
        })
        .collect();
    let from = steps
        .iter()
        .rposition(|&step| step <= min * 1.0001)
        .unwrap_or(0);
    let to = steps
        .iter()
        .position(|&step| step >= max * 0.9999)
        .unwrap_or(steps.len() - 1)
        .max(from + 1);
    steps[from..=to.min(steps.len() - 1)].to_vec()
}

/// The same where `min` and `max` are close together and 1-2-5 steps would be too far apart: round places at
/// equal distances, as long as the axis holds less than a factor of four.
pub(super) fn narrow_log_ticks(min: f64, max: f64) -> Vec<f64> {
    if max > 4.0 * min || max <= min {
        return log_ticks(min, max);
    }
    let step = linear_ticks(max - min).get(1).copied().unwrap_or(max - min);
    let (first, last) = ((min / step).floor(), (max / step).ceil());
    let ticks = (0..=(last - first) as u32).map(|at| (first + f64::from(at)) * step);
    // An axis of logarithms has no zero.
    let ticks: Vec<f64> = ticks.filter(|tick| *tick > 0.0).collect();
    match ticks.first() {
        Some(first) if *first <= min && ticks.len() > 1 => ticks,
        _ => log_ticks(min, max),
    }
}

/// Ticks of a time axis, milliseconds: at most ten, at steps that a clock has.
pub(super) fn time_ticks(from_ms: u64, to_ms: u64) -> Vec<u64> {
    let step = clock_step_ms(to_ms.saturating_sub(from_ms), 10);
    (from_ms.div_ceil(step)..=to_ms / step)
        .map(|at| at * step)
        .collect()
}

/// Ticks of an axis of durations that holds `min` and `max`, milliseconds, at steps that a clock
/// has. The first and the last are the axis' ends.
pub(super) fn duration_ms_ticks(min: f64, max: f64) -> Vec<f64> {
    let step = clock_step_ms((max - min).max(0.0) as u64, 6) as f64;
    let first = (min / step).floor();
    let steps = ((max / step).ceil() - first).max(1.0) as u32;
    (0..=steps)
        .map(|at| (first + f64::from(at)) * step)
        .collect()
}

/// The smallest step that a clock has and that fits into a span at most so many times.
fn clock_step_ms(span_ms: u64, most: u64) -> u64 {
    const STEPS_MS: [u64; 26] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000,
        120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000,
        43_200_000, 86_400_000,
    ];
    let fits = |step: &u64| span_ms / step <= most;
    let step = STEPS_MS.into_iter().find(fits);
    step.unwrap_or((span_ms / most).max(1))
}

/// The title of a time axis with these ends, and how it labels a tick.
pub(super) fn time_labels(to_ms: u64) -> (&'static str, fn(u64) -> String) {
    match to_ms {
        0..=120_000 => ("job time, seconds", |t_ms| format!("{}", t_ms as f64 / 1e3)),
        120_001..=7_200_000 => ("job time, minutes:seconds", |t_ms| {
            format!("{}:{:02}", t_ms / 60_000, t_ms / 1_000 % 60)
        }),
        _ => ("job time, hours:minutes", |t_ms| {
            format!("{}:{:02}", t_ms / 3_600_000, t_ms / 60_000 % 60)
        }),
    }
}

/// Labels without digits that say nothing: `2 k/s`, not `2.00 k/s`.
pub(super) fn rate_label(per_s: f64) -> String {
    without_zeros(&format::rate(per_s))
}

/// See [`rate_label`].
pub(super) fn duration_label(ns: f64) -> String {
    without_zeros(&format::duration_ns(ns))
}

/// See [`rate_label`].
pub(super) fn duration_ms_label(ms: f64) -> String {
    without_zeros(&format::duration_ms(ms))
}

/// Axes of shares close to 1: `99.5 %`. See [`rate_label`].
pub(super) fn share_label(share: f64) -> String {
    without_zeros(&format!("{:.3} %", share * 100.0))
}

/// Ticks of an axis of shares from a little below `min` to 1.
pub(super) fn share_ticks(min: f64) -> Vec<f64> {
    let missing = linear_ticks(1.0 - min.clamp(0.0, 0.999)).into_iter().rev();
    let shares = missing.map(|missing| 1.0 - missing);
    shares.filter(|&share| share > -1e-9).collect()
}

/// See [`rate_label`].
pub(super) fn count_label(count: f64) -> String {
    without_zeros(&format::short_count(count))
}

/// See [`rate_label`].
pub(super) fn bytes_label(bytes: f64) -> String {
    without_zeros(&format::bytes(bytes))
}

/// See [`rate_label`].
pub(super) fn bytes_per_s_label(bytes_per_s: f64) -> String {
    without_zeros(&format::bytes_per_s(bytes_per_s))
}

fn without_zeros(label: &str) -> String {
    let (digits, unit) = label
        .split_once(' ')
        .map_or((label, ""), |(digits, unit)| (digits, unit));
    let digits = if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    };
    format!("{digits} {unit}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_fall_on_round_places() {
        assert_eq!(linear_ticks(27_300.0), [0.0, 10_000.0, 20_000.0, 30_000.0]);
        assert_eq!(log_ticks(300e3, 4.1e6), [200e3, 500e3, 1e6, 2e6, 5e6]);
        assert_eq!(log_ticks(1.5e3, 9e9).len(), 8);
        assert_eq!(
            narrow_log_ticks(84e3, 113e3),
            [80e3, 90e3, 100e3, 110e3, 120e3]
        );
        assert_eq!(narrow_log_ticks(300e3, 4.1e6), log_ticks(300e3, 4.1e6));
        assert_eq!(
            time_ticks(0, 20_000),
            [
                0, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 14_000, 16_000, 18_000, 20_000
            ]
        );
        assert_eq!(rate_label(20_000.0), "20 k/s");
        assert_eq!(duration_label(2e6), "2 ms");
        assert_eq!(rate_label(0.0), "0 /s");
        assert_eq!(whole_ticks(2.0), [0.0, 1.0, 2.0]);
        assert_eq!(
            byte_ticks(290.0 * 1_048_576.0)
                .into_iter()
                .map(bytes_label)
                .collect::<Vec<_>>(),
            ["0 B", "100 MiB", "200 MiB", "300 MiB"]
        );
    }

    proptest! {
        #[test]
        fn an_axis_holds_its_values_with_few_ticks(a in 1e-3f64..1e15, b in 1e-3f64..1e15, t in any::<u64>(), span in any::<u32>()) {
            let (min, max) = (a.min(b), a.max(b));
            let log = log_ticks(min, max);
            prop_assert!(log[0] <= min * 1.001 && log[log.len() - 1] >= max * 0.999 && log.len() >= 2 && log.len() <= 22);
            let narrow = narrow_log_ticks(min, max);
            prop_assert!(narrow[0] <= min * 1.001 && narrow[narrow.len() - 1] >= max * 0.999 && narrow.len() >= 2 && narrow.len() <= 22);
            let linear = linear_ticks(max);
            prop_assert!(linear[linear.len() - 1] >= max * 0.998 && linear.len() <= 8);
            for ticks in [byte_ticks(max), whole_ticks(max)] {
                prop_assert!(ticks[ticks.len() - 1] >= max * 0.998 && ticks.len() <= 8);
            }
            let from = t.saturating_sub(u64::from(span));
            prop_assert!(time_ticks(from, t).len() <= 12);
            let shares = share_ticks(max / 1e15);
            prop_assert!(shares[0] <= max / 1e15 + 1e-9 && shares[shares.len() - 1] == 1.0 && shares.len() <= 8);
            for min in [min, -min] {
                let durations = duration_ms_ticks(min, max);
                prop_assert!(durations[0] <= min && durations[durations.len() - 1] >= max * 0.999_999);
                prop_assert!(durations.len() >= 2 && durations.len() <= 9);
            }
        }
    }
}
