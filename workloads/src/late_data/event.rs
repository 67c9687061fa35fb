//! The records of `late-data`: the lines of `slow-operator`, stamped with the time at which they happened.

use super::lateness::LatenessModel;
use super::spec::LateDataSpec;
use crate::draw::{Draw, Purpose, below};
use crate::load::Events;
use crate::slow_operator::Record;
use crate::stamped::{EventClock, NS_PER_MS, StampedLine, StampedRecord};

/// Record k is that of `slow-operator`. It happened at its base time less its split's skew and its lateness, rounded
/// down to milliseconds. Its base time is its intended time, or without intended times k times a step.
#[derive(Debug, Clone, Copy)]
pub struct LateEvents {
    draw: Draw,
    keys: u32,
    lateness: LatenessModel,
    clock: EventClock,
    splits: u64,
    skew_ns: u64,
}

impl LateEvents {
    /// The records of a seed for a load with so many splits, with intended times or without.
    pub fn new(spec: &LateDataSpec, seed: u64, splits: u32, is_timed: bool) -> LateEvents {
        LateEvents {
            draw: Draw::new(seed, Purpose::Event),
            keys: spec.keys,
            lateness: LatenessModel::new(spec, seed),
            clock: EventClock::new(is_timed, spec.event_rate_per_s),
            splits: u64::from(splits.max(1)),
            skew_ns: u64::try_from(spec.skew.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// Record k, due at `intended_ns`, as it will be parsed.
    #[inline]
    pub fn record(&self, id: u64, intended_ns: u64) -> StampedRecord {
        let bits = self.draw.bits(id);
        StampedRecord {
            event_time_ms: self.happened_ms(id, intended_ns),
            record: Record {
                id,
                key: below(bits, self.keys),
                value: bits as u32,
            },
        }
    }

    /// When a record comes on the stream's own clock, in milliseconds: its base time.
    #[inline]
    pub fn clock_ms(&self, id: u64, intended_ns: u64) -> i64 {
        self.clock.ns(id, intended_ns) / NS_PER_MS
    }

    #[inline]
    fn happened_ms(&self, id: u64, intended_ns: u64) -> i64 {
        // The last split is behind by the whole skew, the others lie evenly between it and the first.
        let behind = u128::from(self.skew_ns) * u128::from(id % self.splits);
        let skew_ns = (behind / u128::from((self.splits - 1).max(1))) as i64;
        let late_ns = skew_ns + self.lateness.lateness_ns(id);
        (self.clock.ns(id, intended_ns) - late_ns).div_euclid(NS_PER_MS)
    }
}

impl Events for LateEvents {
    type Out = StampedLine;

    #[inline]
    fn event(&self, record: u64) -> StampedLine {
        self.event_at(record, 0)
    }

    #[inline]
    fn event_at(&self, record: u64, intended_ns: u64) -> StampedLine {
        self.record(record, intended_ns).to_line()
    }

    #[inline]
    fn event_time_ms(&self, event: &StampedLine) -> Option<i64> {
        Some(event.event_time_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::tests::spec;
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn event_time_is_the_base_time_less_skew_and_lateness() {
        let spec = spec("skew = '90ms'\nevent_rate_per_s = 1000\nlateness = { kind = 'none' }");
        let timed = LateEvents::new(&spec, 1, 4, true);
        let times: Vec<i64> = (0..4)
            .map(|k| timed.record(k, 500 * MS).event_time_ms)
            .collect();
        assert_eq!(times, [500, 470, 440, 410]);
        // Half a millisecond before the beginning lies in the millisecond before it.
        assert_eq!(timed.record(1, 29 * MS + MS / 2).event_time_ms, -1);
        let closed = LateEvents::new(&spec, 1, 1, false);
        let times: Vec<i64> = (0..4).map(|k| closed.record(k, 0).event_time_ms).collect();
        assert_eq!(times, [0, 1, 2, 3]);
        assert_eq!(
            closed.record(u64::MAX >> 1, 0).event_time_ms,
            (1 << 61) / 1_000_000
        );
    }

    #[test]
    fn lines_parse_to_the_records_that_they_were_made_of() {
        let events = LateEvents::new(&spec("lateness = { kind = 'yahoo' }"), 3, 2, true);
        for k in 0..1_000 {
            let line = events.event_at(k, k * MS);
            assert_eq!(
                line.line.parse().ok(),
                Some(events.record(k, k * MS).record)
            );
            assert_eq!(
                events.event_time_ms(&line),
                Some(events.record(k, k * MS).event_time_ms)
            );
        }
    }
}
