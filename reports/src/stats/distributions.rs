//! The normal distribution and Student's t: what intervals and p-values are read from.

use std::f64::consts::{PI, SQRT_2};

/// Probability that a standard normal variable is below `z`.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// Two-sided p of a standard normal variable.
pub(crate) fn normal_p(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// The z below which a standard normal variable lies with probability `p`; infinite at 0 and 1.
///
/// Bisection of the distribution function from the tail that is small, so that no digits are lost
/// there; down to the last bit, for callers need few of them.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    // Beyond 38.5 the probability is below the smallest number there is.
    bisected(-38.5, 0.0, |z| normal_cdf(z) < p)
}

/// The t with `freedom` degrees of freedom below which lies `p` of the probability, for `p` of at
/// least one half.
pub(crate) fn student_quantile(p: f64, freedom: u32) -> f64 {
    let two_sided = (2.0 * p - 1.0).clamp(0.0, 1.0 - 1e-12);
    bisected(0.0, 1e13, |t| student_within(t, freedom) < two_sided)
}

/// Probability that |t| is smaller: the finite series for whole degrees of freedom (Abramowitz and
/// Stegun 1964, 26.7.3 and 26.7.4).
fn student_within(t: f64, freedom: u32) -> f64 {
    let theta = (t / f64::from(freedom.max(1)).sqrt()).atan();
    let (sine, cosine) = theta.sin_cos();
    let is_odd = freedom % 2 == 1;
    let mut term = if is_odd { cosine } else { 1.0 };
    let mut sum = if freedom > 1 { term } else { 0.0 };
    let mut divisor = if is_odd { 3 } else { 2 };
    while divisor + 2 <= freedom {
        term *= cosine * cosine * f64::from(divisor - 1) / f64::from(divisor);
        sum += term;
        divisor += 2;
    }
    if is_odd {
        2.0 / PI * (theta + sine * sum)
    } else {
        sine * sum
    }
}

/// Where `is_below` turns from true to false.
fn bisected(mut low: f64, mut high: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_that_of_the_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.05, -1.644_853_626_951_473),
            (1e-9, -5.997_807_015_007_65),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-9, "{p}");
            assert!((normal_cdf(z) - p).abs() < 1e-12, "{p}");
        }
        assert!((normal_p(-1.959_963_984_540_054) - 0.05).abs() < 1e-12);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }

    #[test]
    fn students_t_is_that_of_the_tables() {
        for (p, freedom, t) in [
            (0.975, 1, 12.706_204_736),
            (0.975, 2, 4.302_652_730),
            (0.975, 3, 3.182_446_305),
            (0.975, 4, 2.776_445_105),
            (0.995, 9, 3.249_835_542),
            (0.95, 19, 1.729_132_812),
            (0.975, 30, 2.042_272_456),
        ] {
            let found = student_quantile(p, freedom);
            assert!((found - t).abs() < 1e-6, "{p} {freedom}: {found}");
        }
    }
}
