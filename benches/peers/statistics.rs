//! Medians, with intervals that assume nothing about how values are distributed, only that those of
//! different rounds are independent.
//!
//! An order statistic x(k) of n values lies below the median of what they are drawn from unless
//! fewer than k values do, which has the probability P(B < k) for binomial B with n trials of 1/2. So
//! the interval from x(k) to x(n + 1 - k) misses that median with probability 2 P(B < k), whatever
//! the distribution (Thompson 1936; Conover, "Practical Nonparametric Statistics", 3.2).

/// A median and where that of all possible rounds lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Of the values.
    pub median: f64,
    /// Contains the true median with a probability of at least 95 %; `None` with fewer than 6 values.
    pub interval: Option<(f64, f64)>,
}

/// Largest probability with which an interval may miss.
const MISS: f64 = 0.05;

/// Median and interval of some numbers; `None` if there are none.
pub fn estimate(mut values: Vec<f64>) -> Option<Estimate> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let median = (values[last / 2] + values[last.div_ceil(2)]) / 2.0;
    let rank = rank(values.len());
    let interval = rank.map(|rank| (values[rank - 1], values[last + 1 - rank]));
    Some(Estimate { median, interval })
}

/// The largest k with 2 P(B < k) <= [`MISS`] for binomial B with n trials of 1/2; `None` if not even
/// 1 will do.
fn rank(n: usize) -> Option<usize> {
    // Of k successes, and of fewer than k. 2^-n is 0 from n = 1,075 on, as good as it is by then: the
    // result would be too large, so the rounds are limited to less.
    let mut exactly = 0.5f64.powi(i32::try_from(n).ok()?);
    let mut fewer = 0.0;
    let mut rank = 0;
    while rank < n / 2 && 2.0 * (fewer + exactly) <= MISS {
        fewer += exactly;
        exactly *= (n - rank) as f64 / (rank + 1) as f64;
        rank += 1;
    }
    (rank > 0).then_some(rank)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use workloads::draw::{Draw, Purpose};

    use super::*;

    /// Conover's table A3, and any table of the sign test.
    #[test]
    fn ranks_are_those_in_the_tables() {
        let ranks = [
            (5, None),
            (6, Some(1)),
            (8, Some(1)),
            (9, Some(2)),
            (15, Some(4)),
            (20, Some(6)),
            (50, Some(18)),
            (1_000, Some(469)),
        ];
        for (n, expected) in ranks {
            assert_eq!(rank(n), expected, "{n}");
        }
    }

    #[test]
    fn nineteen_of_twenty_intervals_contain_the_true_median() {
        const TRIALS: u64 = 4_000;
        let draw = Draw::new(5, Purpose::Event);
        let hits = (0..TRIALS).filter(|trial| {
            // Far from symmetric; the true median is 1/8.
            let value = |i| ((draw.bits(trial * 15 + i) >> 11) as f64 / 2f64.powi(53)).powi(3);
            let found = estimate((0..15).map(value).collect()).unwrap();
            let (low, high) = found.interval.unwrap();
            low <= 0.125 && 0.125 <= high
        });
        // 96.5 % are expected, with a standard deviation of 0.3 %.
        let share = hits.count() as f64 / TRIALS as f64;
        assert!((0.953..0.977).contains(&share), "{share}");
    }

    proptest! {
        #[test]
        fn the_median_lies_in_its_interval(values in prop::collection::vec(-1e9f64..1e9, 1..60)) {
            let found = estimate(values.clone()).unwrap();
            let below = values.iter().filter(|&&value| value < found.median).count();
            let above = values.iter().filter(|&&value| value > found.median).count();
            prop_assert!(2 * below <= values.len() && 2 * above <= values.len());
            if let Some((low, high)) = found.interval {
                prop_assert!(low <= found.median && found.median <= high);
            }
        }
    }
}
