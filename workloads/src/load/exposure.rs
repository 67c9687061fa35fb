//! How many records a load asks for by a time: the integral of its rate, and the inverse of that integral.
//!
//! Rates are piecewise constant. All arithmetic is exact in integers: the exposure is counted in 1e-15 of a record, so
//! a rate in millionths of a record per second adds exactly that number each nanosecond. Nothing is rounded from one
//! record to the next, so a schedule cannot drift, however long it is. Which rates a shape has is the business of
//! [`super::wave`].

use crate::draw::FEMTO;

/// A stretch of time with one rate.
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
    /// What all segments together repeat with, if they do; otherwise the last one has no end.
    cycle: Cycle,
}

/// Length and exposure of all segments; [`ENDLESS`] if they do not repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cycle {
    length_ns: u64,
    exposure: u128,
}

const ENDLESS: Cycle = Cycle {
    length_ns: u64::MAX,
    exposure: u128::MAX,
};

/// A segment of a cycle: where the search for the next record goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Whole cycles before it.
    cycle: u64,
    /// When its cycle began.
    start_ns: u64,
    /// Index of the segment.
    pub(super) segment: u32,
}

/// A rate in millionths of a record per second, at least 1, and for how many nanoseconds it holds.
pub(super) type Rate = (u64, u64);

impl Exposure {
    /// The exposure of a sequence of at least one rate; the last one holds for ever.
    pub(super) fn holding_last(rates: impl IntoIterator<Item = Rate>) -> Exposure {
        let mut segments = segments(rates);
        if let Some(last) = segments.last_mut() {
            last.end_ns = u64::MAX;
        }
        Exposure {
            segments,
            cycle: ENDLESS,
        }
    }

    /// The exposure of a sequence of at least one rate that is repeated for ever.
    pub(super) fn repeating(rates: impl IntoIterator<Item = Rate>) -> Exposure {
        let segments = segments(rates);
        let cycle = segments.last().map_or(ENDLESS, |last| Cycle {
            length_ns: last.end_ns,
            exposure: last.exposure
                + u128::from(last.end_ns - last.start_ns) * u128::from(last.rate),
        });
        Exposure { segments, cycle }
    }

    /// Exposure at a time, in 1e-15 records.
    pub(super) fn at(&self, now: u64) -> u128 {
        let (cycles, now) = (now / self.cycle.length_ns, now % self.cycle.length_ns);
        let index = self
            .segments
            .partition_point(|segment| segment.start_ns <= now);
        let inside = index.checked_sub(1).map_or(0, |index| {
            let segment = &self.segments[index];
            segment.exposure + u128::from(now - segment.start_ns) * u128::from(segment.rate)
        });
        u128::from(cycles).saturating_mul(self.cycle.exposure) + inside
    }

    /// The first nanosecond at which the exposure reaches `target`, and the segment it lies in: the `hint` for a
    /// later target. `u64::MAX` if job time ends before.
    pub(super) fn reached(&self, target: u128, hint: Place) -> (u64, Place) {
        let Some((mut place, rest)) = self.cycle_of(target, hint) else {
            return (u64::MAX, hint);
        };
        let mut index = place.segment as usize;
        while self
            .segments
            .get(index + 1)
            .is_some_and(|next| next.exposure <= rest)
        {
            index += 1;
        }
        place.segment = index as u32;
        let segment = &self.segments[index];
        let inside = rest
            .saturating_sub(segment.exposure)
            .div_ceil(u128::from(segment.rate));
        let time = u64::try_from(inside)
            .ok()
            .and_then(|inside| segment.start_ns.checked_add(inside))
            .and_then(|inside| place.start_ns.checked_add(inside));
        (time.unwrap_or(u64::MAX), place)
    }

    /// The cycle that a target lies in, and what is left of the target there. `None` beyond the end of job time.
    fn cycle_of(&self, target: u128, hint: Place) -> Option<(Place, u128)> {
        let before = u128::from(hint.cycle).saturating_mul(self.cycle.exposure);
        let rest = target.saturating_sub(before);
        if rest < self.cycle.exposure {
            return Some((hint, rest));
        }
        let cycle = u64::try_from(target / self.cycle.exposure).ok()?;
        let place = Place {
            cycle,
            start_ns: cycle.checked_mul(self.cycle.length_ns)?,
            segment: 0,
        };
        Some((place, target % self.cycle.exposure))
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

/// Rates one after another from time 0.
fn segments(rates: impl IntoIterator<Item = Rate>) -> Vec<Segment> {
    let (mut start_ns, mut exposure) = (0u64, 0u128);
    let mut segments = Vec::new();
    for (rate, length_ns) in rates {
        let end_ns = start_ns.saturating_add(length_ns);
        segments.push(Segment {
            start_ns,
            end_ns,
            exposure,
            rate,
        });
        exposure += u128::from(end_ns - start_ns) * u128::from(rate);
        start_ns = end_ns;
    }
    segments
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
    /// exact (Bresenham's error accumulation). `place` is where the one record lies; `None` if the next one lies
    /// beyond that segment.
    #[inline]
    pub(super) fn step(&self, place: Place, time: u64, excess: u64) -> Option<(u64, u64)> {
        let carry = self.rest > excess;
        let next = time
            .checked_add(self.whole)?
            .checked_add(u64::from(carry))?;
        let excess = if carry {
            excess + (self.rate - self.rest)
        } else {
            excess - self.rest
        };
        (next - place.start_ns <= self.end_ns).then_some((next, excess))
    }
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
        let rate = (1u64..=10_000_000_000, 1u64..5_000_000_000);
        (prop::collection::vec(rate, 1..5), any::<bool>()).prop_map(|(rates, repeating)| {
            if repeating {
                Exposure::repeating(rates)
            } else {
                Exposure::holding_last(rates)
            }
        })
    }

    proptest! {
        #[test]
        fn reached_is_the_first_time_with_that_exposure(exposure in exposure(), target in 0u128..1u128 << 70) {
            let (time, _) = exposure.reached(target, Place::default());
            if time < u64::MAX {
                prop_assert!(exposure.at(time) >= target);
                prop_assert!(time == 0 || exposure.at(time - 1) < target);
            }
        }

        #[test]
        fn striding_inside_a_segment_equals_dividing(exposure in exposure(), start in 0u64..1000, distance in 1u64..64) {
            let distance = of_records(distance);
            let mut target = of_records(start);
            let (mut time, mut place) = exposure.reached(target, Place::default());
            let mut excess = exposure.excess(time, target);
            for _ in 0..50 {
                target += distance;
                let direct = exposure.reached(target, Place::default());
                match exposure.stride(place.segment as usize, distance).step(place, time, excess) {
                    Some((next, next_excess)) => {
                        prop_assert_eq!((next, next_excess), (direct.0, exposure.excess(direct.0, target)));
                        time = next;
                        excess = next_excess;
                    }
                    None if direct.0 == u64::MAX => return Ok(()),
                    None => {
                        prop_assert!((direct.1.cycle, direct.1.segment) > (place.cycle, place.segment));
                        prop_assert_eq!(exposure.reached(target, place), direct, "the hint changes nothing");
                        (time, place) = direct;
                        excess = exposure.excess(time, target);
                    }
                }
            }
        }
    }
}
