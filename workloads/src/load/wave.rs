//! Shapes of load as rates one after another.
//!
//! A rate that changes continuously becomes a staircase: in each step the rate is the mean of the true one, so the
//! number of records up to each step's end is that of the true rate. A [`line`] has so many steps that it is off by
//! less than 1/8 of a record inside a step (up to [`MOST_STEPS`]); a sine has 256 per period, and is off by less than
//! amplitude * period / 80,000. All is done in integers: rates in millionths of a record per second.

use std::time::Duration;

use super::exposure::{Exposure, Rate};
use super::spec::{ShapeSpec, Step};
use super::trace::{Interpolation, TracePoint};

/// A rate holds for this long where nothing ends it.
const FOR_EVER: u64 = u64::MAX;

/// Most steps of one line.
const MOST_STEPS: u64 = 4096;

/// The exposure of a shape; one record per second for shapes without rates, which nobody asks for.
pub(super) fn exposure(shape: &ShapeSpec) -> Exposure {
    match shape {
        ShapeSpec::Constant { rate_per_s } => {
            Exposure::holding_last([(at_least_one(micro_per_s(*rate_per_s)), FOR_EVER)])
        }
        ShapeSpec::Steps { steps } => Exposure::holding_last(steps.iter().map(of_step)),
        ShapeSpec::Ramp { from, to, over } => {
            let (from, to) = (micro_per_s(*from), micro_per_s(*to));
            let hold = (at_least_one(to), FOR_EVER);
            Exposure::holding_last(line(from, to, nanos(*over)).into_iter().chain([hold]))
        }
        ShapeSpec::Sine {
            mean,
            amplitude,
            period,
        } => Exposure::repeating(sine(
            micro_per_s(*mean),
            micro_per_s(*amplitude),
            nanos(*period),
        )),
        ShapeSpec::Burst {
            base,
            peak,
            period,
            duty,
        } => {
            let period_ns = nanos(*period).max(2);
            let peak_ns = ((period_ns as f64 * duty).round() as u64).clamp(1, period_ns - 1);
            Exposure::repeating([
                (at_least_one(micro_per_s(*base)), period_ns - peak_ns),
                (at_least_one(micro_per_s(*peak)), peak_ns),
            ])
        }
        ShapeSpec::Trace {
            points,
            interpolation,
            ..
        } => Exposure::holding_last(trace(points, *interpolation)),
        ShapeSpec::Max | ShapeSpec::Replay { .. } => {
            Exposure::holding_last([(1_000_000, FOR_EVER)])
        }
    }
}

/// A rate in millionths of a record per second.
fn micro_per_s(rate_per_s: f64) -> u64 {
    // Casts of floats saturate; the specification has checked the range.
    (rate_per_s * 1e6).round() as u64
}

/// A rate is never 0, so that every record is due some day: it is then one record in 11 days.
fn at_least_one(micro_per_s: u64) -> u64 {
    micro_per_s.max(1)
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(FOR_EVER)
}

fn of_step(step: &Step) -> Rate {
    (
        at_least_one(micro_per_s(step.rate_per_s)),
        step.duration.map_or(FOR_EVER, nanos),
    )
}

/// The rates of a straight line from one rate to another.
fn line(from: u64, to: u64, over_ns: u64) -> Vec<Rate> {
    // Inside a step of length h the staircase is off by at most slope * h^2 / 8 records.
    let change = from.abs_diff(to) as f64 / 1e6;
    let steps = (change * over_ns as f64 / 1e9).sqrt().ceil() as u64;
    let steps = steps.clamp(1, MOST_STEPS);
    let boundary = |step: u64| (u128::from(over_ns) * u128::from(step) / u128::from(steps)) as u64;
    (0..steps)
        .map(|step| {
            let (left, right) = (2 * (steps - step) - 1, 2 * step + 1);
            let sum = u128::from(from) * u128::from(left) + u128::from(to) * u128::from(right);
            let mean = (sum / u128::from(2 * steps)) as u64;
            (at_least_one(mean), boundary(step + 1) - boundary(step))
        })
        .filter(|&(_, length_ns)| length_ns > 0)
        .collect()
}

/// Steps per period of a sine.
const SINE_STEPS: usize = 256;

/// The unit of [`SINE`].
const SINE_ONE: i128 = 1_000_000_000_000_000_000;

/// Mean of the sine over each 64th of its first quarter, in units of 1e-18. It is the difference of the cosines at the
/// two ends times 256 / 2 pi, and the cosines follow from one rotation by 2 pi / 256 after another: the constants are
/// cos, sin and 256 / 2 pi to 18 digits, the error is below 1e-14.
static SINE: [i64; SINE_STEPS / 4] = quarter_sine();

const fn quarter_sine() -> [i64; SINE_STEPS / 4] {
    const COS: i128 = 999_698_818_696_204_220;
    const SIN: i128 = 24_541_228_522_912_288;
    const PER_RADIAN: i128 = 40_743_665_431_525_205_957;
    let mut table = [0; SINE_STEPS / 4];
    let (mut cos, mut sin) = (SINE_ONE, 0);
    let mut step = 0;
    while step < table.len() {
        let next = (cos * COS - sin * SIN) / SINE_ONE;
        sin = (sin * COS + cos * SIN) / SINE_ONE;
        table[step] = ((cos - next) * PER_RADIAN / SINE_ONE) as i64;
        cos = next;
        step += 1;
    }
    table
}

/// The rates of one period of a sine that begins at its mean and rises.
fn sine(mean: u64, amplitude: u64, period_ns: u64) -> impl Iterator<Item = Rate> {
    let boundary =
        move |step: usize| (u128::from(period_ns) * step as u128 / SINE_STEPS as u128) as u64;
    (0..SINE_STEPS).map(move |step| {
        let quarter = SINE.len();
        let inside = step % quarter;
        let height = match step / quarter {
            0 => SINE[inside],
            1 => SINE[quarter - 1 - inside],
            2 => -SINE[inside],
            _ => -SINE[quarter - 1 - inside],
        };
        let rate = i128::from(mean) + i128::from(amplitude) * i128::from(height) / SINE_ONE;
        let rate = u64::try_from(rate).unwrap_or(0);
        (at_least_one(rate), boundary(step + 1) - boundary(step))
    })
}

/// The rates of a trace: before its first point the first rate, after its last point the last one.
fn trace(points: &[TracePoint], interpolation: Interpolation) -> Vec<Rate> {
    let rate = |point: &TracePoint| micro_per_s(point.rate_per_s);
    let mut rates = Vec::new();
    if let Some(first) = points.first().filter(|first| !first.at.is_zero()) {
        rates.push((at_least_one(rate(first)), nanos(first.at)));
    }
    for pair in points.windows(2) {
        let length_ns = nanos(pair[1].at.saturating_sub(pair[0].at));
        match interpolation {
            Interpolation::Step => rates.push((at_least_one(rate(&pair[0])), length_ns)),
            Interpolation::Linear => rates.extend(line(rate(&pair[0]), rate(&pair[1]), length_ns)),
        }
    }
    let last = points.last().map_or(0, rate);
    rates.push((at_least_one(last), FOR_EVER));
    rates
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    /// Records due by a time.
    fn records(exposure: &Exposure, s: f64) -> f64 {
        exposure.at((s * 1e9) as u64) as f64 / 1e15
    }

    fn seconds(s: f64) -> Duration {
        Duration::from_nanos((s * 1e9) as u64)
    }

    proptest! {
        #[test]
        fn a_ramp_is_the_integral_of_its_line_and_then_holds(
            from in 0.0f64..100_000.0, to in 0.0f64..100_000.0, over in 0.1f64..100.0, part in 0.0f64..1.0,
        ) {
            let ramp = exposure(&ShapeSpec::Ramp { from, to, over: seconds(over) });
            let at = over * part;
            let expected = from * at + (to - from) * at * at / over / 2.0;
            prop_assert!((records(&ramp, at) - expected).abs() < 0.3, "{} of {expected}", records(&ramp, at));
            let held = (from + to) / 2.0 * over + to * at;
            prop_assert!((records(&ramp, over + at) - held).abs() < 0.3);
        }

        #[test]
        fn a_sine_is_the_integral_of_its_curve_in_every_period(
            mean in 1.0f64..100_000.0, depth in 0.0f64..1.0, period in 0.01f64..60.0, periods in 0.0f64..1_000.0,
        ) {
            let amplitude = mean * depth;
            let sine = exposure(&ShapeSpec::Sine { mean, amplitude, period: seconds(period) });
            let at = period * periods;
            let expected = mean * at + amplitude * period / TAU * (1.0 - (TAU * periods).cos());
            let allowed = amplitude * period / 80_000.0 + 0.01 + expected * 1e-8;
            prop_assert!((records(&sine, at) - expected).abs() < allowed, "{} of {expected}", records(&sine, at));
        }

        #[test]
        fn a_burst_has_its_two_rates_in_every_period(
            base in 0.0f64..1_000.0, peak in 1_000.0f64..100_000.0, period in 0.01f64..60.0, duty in 0.01f64..0.99,
            cycle in 0u32..1_000, part in 0.0f64..1.0,
        ) {
            let burst = exposure(&ShapeSpec::Burst { base, peak, period: seconds(period), duty });
            let start = f64::from(cycle) * period;
            let whole = (base * (1.0 - duty) + peak * duty) * start;
            let quiet = (part.min(1.0 - duty)) * period;
            let inside = base * quiet + peak * (part * period - quiet);
            let (found, expected) = (records(&burst, start + part * period), whole + inside);
            prop_assert!((found - expected).abs() < 0.1 + expected * 1e-6, "{found} of {expected}");
        }

        #[test]
        fn a_trace_is_the_area_under_its_points(
            first in 0.0f64..10.0,
            gaps in prop::collection::vec((0.01f64..20.0, 0.0f64..50_000.0), 1..8),
            linear: bool,
        ) {
            let mut at = first;
            let mut points = vec![];
            for &(gap, rate_per_s) in &gaps {
                points.push(TracePoint { at: seconds(at), rate_per_s });
                at += gap;
            }
            let interpolation = if linear { Interpolation::Linear } else { Interpolation::Step };
            let trace = exposure(&ShapeSpec::Trace { file: None, points: points.clone(), interpolation });
            let mut expected = points[0].rate_per_s * first;
            for pair in points.windows(2) {
                let right = if linear { pair[1].rate_per_s } else { pair[0].rate_per_s };
                expected += (pair[0].rate_per_s + right) / 2.0 * (pair[1].at - pair[0].at).as_secs_f64();
            }
            let last = &points[points.len() - 1];
            expected += last.rate_per_s * 3.0;
            let found = records(&trace, last.at.as_secs_f64() + 3.0);
            prop_assert!((found - expected).abs() < 0.3, "{found} of {expected}");
        }
    }

    #[test]
    fn the_sine_table_is_the_mean_of_the_sine() {
        let end = |step: usize| (TAU * step as f64 / SINE_STEPS as f64).cos();
        for (step, &entry) in SINE.iter().enumerate() {
            let exact = (end(step) - end(step + 1)) * SINE_STEPS as f64 / TAU;
            assert!((entry as f64 / 1e18 - exact).abs() < 1e-13, "step {step}");
        }
    }
}
