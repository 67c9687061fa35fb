//! How many records a load asks for by a time: the integral of its rate, and the inverse of that integral.
//!
//! Rates are piecewise constant. All arithmetic is exact in integers: the exposure is counted in 1e-15 of a record, so
//! a rate in millionths of a record per second adds exactly that number each nanosecond. Nothing is rounded from one
//! record to the next, so a schedule cannot drift, however long it is.

use std::time::Duration;

use super::spec::Step;
use crate::draw::FEMTO;

/// A stretch of time with one rate. The last one of a load has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    start_ns: u64,
    end_ns: u64,
    /// Exposure at its start, in 1e-15 records.
    exposure: u128,
    /// Exposure per nanosecond = rate in millionths of a record per second.
    rate: u64,
}

/// The integral of a piecewise constant rate over job time, in 1e-15 records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exposure {
    segments: Vec<Segment>,
}

impl Exposure {
    /// The exposure of a sequence of rates in records per second; the last one holds for ever.
    pub(super) fn new(steps: &[Step]) -> Exposure {
        let (mut start_ns, mut exposure) = (0u64, 0u128);
        let mut segments: Vec<Segment> = Vec::with_capacity(steps.len());
        for (index, step) in steps.iter().enumerate() {
            let last = index + 1 == steps.len();
            let length = step.duration.filter(|_| !last).unwrap_or(Duration::MAX);
            let length_ns = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
            let end_ns = start_ns.saturating_add(length_ns);
            let rate = micro_per_s(step.rate_per_s);
            segments.push(Segment {
                start_ns,
                end_ns,
                exposure,
                rate,
            });
            exposure += u128::from(end_ns - start_ns) * u128::from(rate);
            start_ns = end_ns;
        }
        Exposure { segments }
    }

    /// Exposure at a time, in 1e-15 records.
    pub(super) fn at(&self, now: u64) -> u128 {
        let index = self
            .segments
            .partition_point(|segment| segment.start_ns <= now);
        match index.checked_sub(1).map(|index| &self.segments[index]) {
            Some(segment) => {
                segment.exposure + u128::from(now - segment.start_ns) * u128::from(segment.rate)
            }
            None => 0,
        }
    }

    /// The first nanosecond at which the exposure reaches `target`, starting the search at segment `hint`;
    /// the segment is returned as the next hint. `u64::MAX` if job time ends before.
    pub(super) fn reached(&self, target: u128, hint: usize) -> (u64, usize) {
        let mut index = hint;
        while self
            .segments
            .get(index + 1)
            .is_some_and(|next| next.exposure <= target)
        {
            index += 1;
        }
        let segment = &self.segments[index];
        let inside = target
            .saturating_sub(segment.exposure)
            .div_ceil(u128::from(segment.rate));
        let time = u64::try_from(inside)
            .ok()
            .and_then(|inside| segment.start_ns.checked_add(inside));
        (time.unwrap_or(u64::MAX), index)
    }

    /// What it takes to walk records of equal exposure distance inside a segment without dividing.
    pub(super) fn stride(&self, segment: usize, distance: u128) -> Stride {
        let Segment { end_ns, rate, .. } = self.segments[segment];
        let whole = u64::try_from(distance / u128::from(rate)).unwrap_or(u64::MAX);
        let rest = (distance % u128::from(rate)) as u64;
        Stride {
            whole,
            rest,
            rate,
            end_ns,
        }
    }

    /// By how much the exposure at `time` exceeds `target`; less than the rate if `time` is when it was reached.
    pub(super) fn excess(&self, time: u64, target: u128) -> u64 {
        u64::try_from(self.at(time).saturating_sub(target)).unwrap_or(0)
    }

    pub(super) fn segments(&self) -> usize {
        self.segments.len()
    }
}

/// A distance in exposure as nanoseconds of one segment: `whole` ns and `rest` / `rate` of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stride {
    whole: u64,
    rest: u64,
    rate: u64,
    end_ns: u64,
}

impl Stride {
    /// From the time at which one record is due (`excess` as [`Exposure::excess`]) to the time of the next, both
    /// exact (Bresenham's error accumulation). `None` if that lies beyond the segment.
    #[inline]
    pub(super) fn step(&self, time: u64, excess: u64) -> Option<(u64, u64)> {
        let carry = self.rest > excess;
        let next = time
            .checked_add(self.whole)?
            .checked_add(u64::from(carry))?;
        let excess = if carry {
            excess + (self.rate - self.rest)
        } else {
            excess - self.rest
        };
        (next <= self.end_ns).then_some((next, excess))
    }
}

/// A rate in millionths of a record per second, at least 1.
pub(super) fn micro_per_s(rate_per_s: f64) -> u64 {
    // Casts of floats saturate; the specification has checked the range.
    ((rate_per_s * 1e6).round() as u64).max(1)
}

/// Exposure of a number of records, in 1e-15 records.
pub(super) fn of_records(records: u64) -> u128 {
    u128::from(records) * u128::from(FEMTO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exposure() -> impl Strategy<Value = Exposure> {
        prop::collection::vec((1u64..=10_000_000_000, 1u64..5_000_000_000), 1..5).prop_map(
            |steps| {
                let steps: Vec<Step> = steps
                    .into_iter()
                    .map(|(micro, ns)| Step {
                        rate_per_s: micro as f64 / 1e6,
                        duration: Some(Duration::from_nanos(ns)),
                    })
                    .collect();
                Exposure::new(&steps)
            },
        )
    }

    proptest! {
        #[test]
        fn reached_is_the_first_time_with_that_exposure(exposure in exposure(), target in 0u128..1u128 << 70) {
            let (time, _) = exposure.reached(target, 0);
            if time < u64::MAX {
                prop_assert!(exposure.at(time) >= target);
                prop_assert!(time == 0 || exposure.at(time - 1) < target);
            }
        }

        #[test]
        fn striding_inside_a_segment_equals_dividing(exposure in exposure(), start in 0u64..1000, distance in 1u64..64) {
            let distance = of_records(distance);
            let mut target = of_records(start);
            let (mut time, mut segment) = exposure.reached(target, 0);
            let mut excess = exposure.excess(time, target);
            for _ in 0..50 {
                target += distance;
                let direct = exposure.reached(target, 0);
                match exposure.stride(segment, distance).step(time, excess) {
                    Some((next, next_excess)) => {
                        prop_assert_eq!((next, next_excess), (direct.0, exposure.excess(direct.0, target)));
                        time = next;
                        excess = next_excess;
                    }
                    None if direct.0 == u64::MAX => return Ok(()),
                    None => {
                        prop_assert!(direct.1 > segment);
                        (time, segment) = direct;
                        excess = exposure.excess(time, target);
                    }
                }
            }
        }
    }
}
