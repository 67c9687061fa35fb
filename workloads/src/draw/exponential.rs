//! The exponential distribution with mean 1 from 64 uniform bits, in integers only.
//!
//! `-ln U` needs a logarithm, and library logarithms differ in the last bit between platforms and languages. So U is
//! split exactly into 2^-n * V with V in [1/2, 1): the number n of leading zero bits gives n * ln 2 (this is the
//! exact tail recursion, by which the distribution has no cut at the end of a table), and -ln V is interpolated
//! linearly between 1,025 integers, which are made by integer arithmetic at compile time.
//!
//! Exactness: a chord of -ln lies above the curve by at most h^2 / 2 = 1.2e-7 (h = 2^-11) and by h^2 / 6 = 4.0e-8 on
//! average, so the mean is 1 + 4e-8 and the distribution function is off by less than 1.2e-7 everywhere.

/// The unit of exposure: 1e-15 of a record.
pub const FEMTO: u64 = 1_000_000_000_000_000;

/// ln 2 in units of 1e-21 (OEIS A002162).
const LN_2_ZEPTO: u128 = 693_147_180_559_945_309_417;

pub(super) const LN_2_FEMTO: u64 = (LN_2_ZEPTO / 1_000_000) as u64;

const INTERVALS: usize = 1024;

/// `TABLE[j]` = -ln((1024 + j) / 2048) in units of 1e-15.
static TABLE: [u64; INTERVALS + 1] = table();

const fn table() -> [u64; INTERVALS + 1] {
    let mut table = [0; INTERVALS + 1];
    let mut j = 0;
    while j < INTERVALS {
        let mantissa = (INTERVALS as u128 + j as u128) << 53;
        let one_minus_log2 = (1u128 << LOG_BITS) - log2_of_mantissa(mantissa) as u128;
        table[j] = (((LN_2_ZEPTO * one_minus_log2) >> LOG_BITS) / 1_000_000) as u64;
        j += 1;
    }
    table
}

/// Logarithms are in units of 2^-56.
pub(super) const LOG_BITS: u32 = 56;

/// log2 of a number in [1, 2) given in units of 2^-63, by repeated squaring: the square of a number in [1, 2)
/// reaches 2 exactly if the next bit of its logarithm is 1. Each squaring loses less than 2^-62 of the logarithm in
/// total, because an error at step b weighs 2^-b.
pub(super) const fn log2_of_mantissa(mut mantissa: u128) -> u64 {
    let mut log = 0;
    let mut bit = 0;
    while bit < LOG_BITS {
        mantissa = (mantissa * mantissa) >> 63;
        log <<= 1;
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            log |= 1;
        }
        bit += 1;
    }
    log
}

/// An exponentially distributed number with mean 1, in units of 1e-15 ([`FEMTO`]), from 64 uniform bits.
/// At most 64 ln 2 = 44.4.
#[inline]
pub fn exponential(bits: u64) -> u64 {
    let bits = bits | 1; // at most 63 leading zeros
    let zeros = bits.leading_zeros();
    let mantissa = bits << zeros;
    let j = (mantissa >> 53) as usize & (INTERVALS - 1);
    let fraction = (mantissa >> 29) & 0xff_ffff;
    let drop = TABLE[j] - TABLE[j + 1];
    u64::from(zeros) * LN_2_FEMTO + TABLE[j] - ((drop * fraction) >> 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draw, Purpose};

    #[test]
    fn the_table_is_the_logarithm_to_one_part_in_1e14() {
        for (j, &entry) in TABLE.iter().enumerate() {
            let exact = -(((1024 + j) as f64 / 2048.0).ln()) * FEMTO as f64;
            assert!(
                (entry as f64 - exact).abs() < 8.0,
                "entry {j}: {entry} against {exact}"
            );
        }
    }

    #[test]
    fn mean_is_one_within_the_stated_error() {
        // The mean over a fine midpoint grid of V plus the exact mean of the number of leading zeros (1) times ln 2.
        let steps = 1u64 << 20;
        let sum: u128 = (0..steps)
            .map(|step| u128::from(exponential((1 << 63) | (step << 43) | (1 << 42))))
            .sum();
        let mean = sum as f64 / steps as f64 / FEMTO as f64 + std::f64::consts::LN_2;
        assert!((mean - 1.0).abs() < 5e-8, "mean {mean}");
    }

    #[test]
    fn draws_follow_the_exponential_distribution() {
        let draw = Draw::new(3, Purpose::Arrival);
        let n = 200_000;
        let mut values: Vec<f64> = (0..n)
            .map(|i| exponential(draw.bits(i)) as f64 / FEMTO as f64)
            .collect();
        values.sort_by(f64::total_cmp);
        // Kolmogorov-Smirnov: 1.95 / sqrt(n) is passed by chance once in a thousand seeds; this one is fixed.
        let distance = values
            .iter()
            .enumerate()
            .map(|(i, x)| (1.0 - (-x).exp() - i as f64 / n as f64).abs());
        assert!(distance.fold(0.0, f64::max) < 1.95 / (n as f64).sqrt());
        let mean = values.iter().sum::<f64>() / n as f64;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        assert!(
            (mean - 1.0).abs() < 0.01 && (variance - 1.0).abs() < 0.02,
            "mean {mean}, variance {variance}"
        );
    }

    #[test]
    fn extremes_stay_in_range() {
        assert_eq!(exponential(u64::MAX) / 1_000_000_000, 0);
        assert!(exponential(0) > 43 * FEMTO && exponential(0) < 45 * FEMTO);
    }
}
