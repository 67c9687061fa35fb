//! The Pareto distribution from 64 uniform bits, in integers only: few values are large, and those are very large.
//!
//! In Lomax' form, which begins at 0: `scale * (U^(-1/shape) - 1)`. The power is 2^(E / (shape ln 2)) with E = -ln U
//! from [`exponential`], and 2^x for x in [0, 1) is interpolated linearly between 1,025 integers, which are made by
//! integer square roots at compile time. A chord lies above 2^x by at most 6e-8 of it.

use super::exponential::{LN_2_FEMTO, exponential};

const INTERVALS: usize = 1024;

/// The unit of a power of two.
const ONE: u64 = 1 << 40;

/// `POWERS[j]` = 2^(j / 1024) in units of 2^-40.
static POWERS: [u64; INTERVALS + 1] = powers();

const fn powers() -> [u64; INTERVALS + 1] {
    // roots[i] = 2^(2^-i) in units of 2^-62.
    let mut roots = [1u128 << 63; 11];
    let mut i = 1;
    while i < roots.len() {
        roots[i] = (roots[i - 1] << 62).isqrt();
        i += 1;
    }
    let mut powers = [0; INTERVALS + 1];
    let mut j = 0;
    while j < INTERVALS {
        let mut power = 1u128 << 62;
        let mut i = 1;
        while i < roots.len() {
            if j >> (10 - i) & 1 == 1 {
                power = (power * roots[i]) >> 62;
            }
            i += 1;
        }
        powers[j] = (power >> 22) as u64;
        j += 1;
    }
    powers[INTERVALS] = 2 * ONE;
    powers
}

/// Doublings from which on a value counts as the cap: more than 10^12 times the scale.
const MOST_DOUBLINGS: u64 = 40;

/// A Pareto distribution with a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pareto {
    /// 1 / (shape ln 2), for a logarithm in 1e-15: in units of 2^-96.
    doublings: u128,
    scale: u64,
    cap: u64,
}

impl Pareto {
    /// The distribution with `P(X > x) = (1 + x / scale)^-shape`, cut at `cap`. The shape is given in millionths and
    /// taken as a tenth if it is smaller.
    pub fn new(shape_micro: u32, scale: u64, cap: u64) -> Pareto {
        let shape = u128::from(shape_micro.max(100_000)) * u128::from(LN_2_FEMTO);
        Pareto {
            doublings: (1_000_000 << 96) / shape,
            scale: scale.min(1 << 46),
            cap,
        }
    }

    /// The number that 64 uniform bits draw, in units of the scale's, rounded down.
    #[inline]
    pub fn pick(&self, bits: u64) -> u64 {
        let exponent = (u128::from(exponential(bits)) * self.doublings) >> 64;
        let (whole, fraction) = ((exponent >> 32) as u64, exponent as u32);
        if whole >= MOST_DOUBLINGS {
            return self.cap;
        }
        let (j, rest) = ((fraction >> 22) as usize, u64::from(fraction & 0x3f_ffff));
        let step = POWERS[j + 1] - POWERS[j];
        let power = u128::from(POWERS[j] + ((step * rest) >> 22)) << whole;
        let value = ((power - u128::from(ONE)) * u128::from(self.scale)) >> 40;
        u64::try_from(value).unwrap_or(u64::MAX).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draw, Purpose};

    #[test]
    fn the_table_is_the_power_to_one_part_in_1e11() {
        for (j, &entry) in POWERS.iter().enumerate() {
            let exact = (j as f64 / 1024.0).exp2() * ONE as f64;
            assert!((entry as f64 - exact).abs() < 8.0, "{j}: {entry}");
        }
    }

    #[test]
    fn draws_follow_the_pareto_distribution_up_to_the_cap() {
        let draw = Draw::new(3, Purpose::Event);
        for shape in [0.5, 1.0, 1.16, 3.0] {
            let cap = 50_000_000;
            let pareto = Pareto::new((shape * 1e6) as u32, 1_000_000, cap);
            let n = 200_000;
            let mut values: Vec<u64> = (0..n).map(|i| pareto.pick(draw.bits(i))).collect();
            values.sort_unstable();
            assert!(values.last() <= Some(&cap));
            let below = values.iter().take_while(|&&value| value < cap);
            let distance = below.enumerate().map(|(i, &value)| {
                let share = 1.0 - (1.0 + value as f64 / 1e6).powf(-shape);
                (share - i as f64 / n as f64).abs()
            });
            assert!(
                distance.fold(0.0, f64::max) < 1.95 / (n as f64).sqrt(),
                "{shape}"
            );
        }
    }

    #[test]
    fn extremes_stay_in_range() {
        let widest = Pareto::new(0, u64::MAX, u64::MAX);
        assert_eq!(widest.pick(0), u64::MAX);
        assert!(widest.pick(u64::MAX) < 1 << 20);
        assert_eq!(Pareto::new(u32::MAX, 0, 7).pick(0), 0);
    }
}
