//! The latency tag: what the workloads put into the engine's opaque 64 bits beside every record.
//!
//! The upper 48 bits are the record's intended time t_k in nanoseconds of job time (78 hours), the lower 16 a lag in
//! nanoseconds as a small float: 5 bits of exponent, 11 bits of mantissa. Because the engine merges tags by maximum,
//! a merged record carries the largest intended time of its contributors. 0 means "no tag".
//!
//! The source writes (t_k, own lag); the sent hook replaces it by (t_k, schedule lag); a sink reads
//! response = now - t_k and service = response - schedule lag.

/// The largest intended time a tag can hold, in nanoseconds: 78 hours less a little. Later ones are cut to it.
pub const MAX_INTENDED_NS: u64 = (1 << 48) - 1;

/// The largest lag a tag can hold, in units of [`LAG_UNIT_NS`]: 4,095 * 2^30.
const MAX_LAG_UNITS: u64 = 4095 << 30;

/// Lags are kept in units of 16 ns, so that 31 exponents reach past 19 hours.
const LAG_UNIT_NS: u64 = 16;

/// A tag of an intended time and a lag, both in nanoseconds.
///
/// The lag is rounded to the nearest value that can be kept: exact to 8 ns below 33 us, otherwise to one part in
/// 4,096. A tag that would be 0 (intended time 0, no lag) becomes that of intended time 1 ns: 0 means "no tag".
#[inline]
pub fn encode(intended_ns: u64, lag_ns: u64) -> u64 {
    let tag = (intended_ns.min(MAX_INTENDED_NS) << 16) | encode_lag(lag_ns);
    if tag == 0 { 1 << 16 } else { tag }
}

/// Intended time and lag of a tag, in nanoseconds; `None` for 0.
#[inline]
pub fn decode(tag: u64) -> Option<(u64, u64)> {
    (tag != 0).then(|| (intended_ns(tag), decode_lag(tag & 0xffff)))
}

/// The intended time of a tag that is not 0, in nanoseconds.
#[inline]
pub fn intended_ns(tag: u64) -> u64 {
    tag >> 16
}

/// Values below 2,048 units are kept as they are (exponent 0); above, the leading bit is implied, as in IEEE 754.
#[inline]
fn encode_lag(lag_ns: u64) -> u64 {
    let units = (lag_ns.saturating_add(LAG_UNIT_NS / 2) / LAG_UNIT_NS).min(MAX_LAG_UNITS);
    if units < 2048 {
        return units;
    }
    let exponent = u64::from(units.ilog2()) - 10; // 1..=32
    let shift = exponent - 1;
    let rounded = (units + ((1 << shift) >> 1)) >> shift; // 2048..=4096
    // Adding instead of or-ing lets a mantissa that rounds up to 4096 carry into the exponent.
    ((exponent << 11) + (rounded - 2048)).min(0xffff)
}

#[inline]
fn decode_lag(bits: u64) -> u64 {
    let (exponent, mantissa) = (bits >> 11, bits & 2047);
    let units = if exponent == 0 {
        mantissa
    } else {
        (mantissa + 2048) << (exponent - 1)
    };
    units * LAG_UNIT_NS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lags of every magnitude up to 19 hours.
    fn lag() -> impl Strategy<Value = u64> {
        (0u32..=46).prop_flat_map(|bits| 0..(1u64 << bits))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn times_come_back_exactly_and_lags_to_one_part_in_2048(intended in 1..=MAX_INTENDED_NS, lag in lag()) {
            let (back, back_lag) = decode(encode(intended, lag)).expect("not zero");
            prop_assert_eq!(back, intended);
            let error = back_lag.abs_diff(lag);
            prop_assert!(error <= 8 || (error as f64) < lag as f64 / 2048.0, "{} came back as {}", lag, back_lag);
        }

        #[test]
        fn the_larger_tag_is_that_of_the_later_record(a in 0..=MAX_INTENDED_NS, b in 0..=MAX_INTENDED_NS, lag in lag()) {
            let merged = encode(a, lag).max(encode(b, 0));
            prop_assert!(merged >> 16 >= a.max(b));
            prop_assert!(merged >> 16 == a.max(b) || a.max(b) == 0);
        }

        #[test]
        fn nothing_overflows_into_the_other_field(intended: u64, lag: u64) {
            let tag = encode(intended, lag);
            prop_assert_eq!(tag >> 16, intended.clamp(u64::from(tag & 0xffff == 0), MAX_INTENDED_NS));
        }

        #[test]
        fn a_larger_lag_never_reads_smaller(a in lag(), b in lag()) {
            let (small, large) = (a.min(b), a.max(b));
            prop_assert!(decode(encode(1, small)) <= decode(encode(1, large)));
        }
    }

    #[test]
    fn zero_is_no_tag_and_no_record_has_it() {
        assert_eq!(decode(0), None);
        assert_eq!(decode(encode(0, 0)), Some((1, 0)));
    }
}
