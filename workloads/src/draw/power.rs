//! Negative powers of whole numbers in integers only: the weights of a zipf distribution.
//!
//! `pow` differs in the last bit between platforms and languages, so n^-s is made as 2^(-s log2 n): the logarithm by
//! repeated squaring, the power as a product of the numbers 2^-(1/2), 2^-(1/4), .., which are integer square roots.

use super::exponential::{LOG_BITS, log2_of_mantissa};

/// The unit of a weight: the weight of 1 is 2^62.
pub const POWER_ONE: u64 = 1 << 62;

/// `HALVINGS[i]` = 2^-(2^-(i+1)) in units of 2^-64.
static HALVINGS: [u64; LOG_BITS as usize] = halvings();

const fn halvings() -> [u64; LOG_BITS as usize] {
    let mut roots = [0; LOG_BITS as usize];
    let mut root: u64 = 1 << 63;
    let mut i = 0;
    while i < roots.len() {
        root = ((root as u128) << 64).isqrt() as u64;
        roots[i] = root;
        i += 1;
    }
    roots
}

/// n to the power of minus `exponent_micro` millionths, in units of 2^-62 ([`POWER_ONE`]); that of 0 is taken as 1.
///
/// The error is below 1e-14 of the value plus one unit: what is smaller than 2^-62 becomes 0.
pub fn inverse_power(n: u32, exponent_micro: u32) -> u64 {
    let n = n.max(1);
    let whole_log = n.ilog2();
    let mantissa = u128::from(n) << (63 - whole_log);
    let log = (u128::from(whole_log) << LOG_BITS) + u128::from(log2_of_mantissa(mantissa));
    let power = log * u128::from(exponent_micro) / 1_000_000;
    let whole = power >> LOG_BITS;
    if whole > 62 {
        return 0;
    }
    let mut weight = u128::from(POWER_ONE);
    for (bit, &root) in (0..LOG_BITS).rev().zip(&HALVINGS) {
        if power >> bit & 1 == 1 {
            weight = (weight * u128::from(root)) >> 64;
        }
    }
    (weight >> whole) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn powers_of_two_are_exact() {
        assert_eq!(inverse_power(1, 1_234_567), POWER_ONE);
        assert_eq!(inverse_power(1 << 20, 1_000_000), POWER_ONE >> 20);
        assert_eq!(inverse_power(1 << 20, 4_000_000), 0);
    }

    proptest! {
        #[test]
        fn powers_are_those_of_the_floating_point_library(n in 1u32.., micro in 0u32..2_000_000) {
            let exact = f64::from(n).powf(-f64::from(micro) / 1e6) * POWER_ONE as f64;
            let error = (inverse_power(n, micro) as f64 - exact).abs();
            prop_assert!(error <= exact * 2e-14 + 2.0, "{n}^-{micro}e-6: off by {error} of {exact}");
        }
    }
}
