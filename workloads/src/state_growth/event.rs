//! The records of `state-growth`: the lines of `slow-operator`, with keys of a growing population.

use super::population::Population;
use super::spec::{Mix, StateGrowthSpec};
use crate::draw::{Draw, Purpose, mix};
use crate::load::Events;
use crate::slow_operator::{Line, Record};
use crate::stamped::{EventClock, NS_PER_MS, StampedLine, StampedRecord};

/// What a record does with the profile of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Looks it up.
    Read = 0,
    /// Looks it up and changes it; makes it if there is none.
    Update = 1,
    /// Replaces it without looking.
    Write = 2,
    /// Forgets it without looking.
    Delete = 3,
}

impl Operation {
    /// The operation that the value of a record stands for.
    #[inline]
    pub fn of(record: &Record) -> Operation {
        match record.value & 3 {
            0 => Operation::Read,
            1 => Operation::Update,
            2 => Operation::Write,
            _ => Operation::Delete,
        }
    }

    /// Whether it depends on what was there before.
    #[inline]
    pub fn looks(self) -> bool {
        matches!(self, Operation::Read | Operation::Update)
    }
}

/// Record k has uniform bits b = draw k of the seed's events, which decide on its key. The upper half of mix(b) decides
/// on its operation, which is its value; a new key is updated.
#[derive(Debug, Clone)]
pub struct ProfileEvents {
    draw: Draw,
    population: Population,
    /// Of 32 uniform bits: below these it is a read, an update, a write.
    thresholds: [u64; 3],
}

impl ProfileEvents {
    /// The lines of a seed.
    pub fn new(seed: u64, population: Population, mix: &Mix) -> ProfileEvents {
        let mut sum = 0.0;
        let thresholds = [mix.read, mix.update, mix.write].map(|weight| {
            sum += weight;
            (sum / mix.total() * 4_294_967_296.0).round() as u64
        });
        ProfileEvents {
            draw: Draw::new(seed, Purpose::Event),
            population,
            thresholds,
        }
    }

    /// Record k as it will be parsed.
    #[inline]
    pub fn record(&self, id: u64) -> Record {
        let bits = self.draw.bits(id);
        let splits = self.population.splits();
        let touch = self.population.touch(id % splits, id / splits, bits);
        let choice = mix(bits) >> 32;
        let operation = match self.thresholds {
            _ if touch.is_new => Operation::Update,
            [read, ..] if choice < read => Operation::Read,
            [_, update, _] if choice < update => Operation::Update,
            [_, _, write] if choice < write => Operation::Write,
            _ => Operation::Delete,
        };
        Record {
            id,
            key: touch.key,
            value: operation as u32,
        }
    }

    /// The keys.
    pub fn population(&self) -> &Population {
        &self.population
    }
}

impl Events for ProfileEvents {
    type Out = Line;

    #[inline]
    fn event(&self, record: u64) -> Line {
        Line::of(self.record(record))
    }
}

/// Visits: record k has the key, its device, that b = draw k of the seed's events decides on, and happened at its base
/// time less a lateness, rounded down to milliseconds. Its base time is its intended time, or without intended times k
/// times a step; its lateness is uniform, by draw k of the seed's lateness.
#[derive(Debug, Clone)]
pub struct VisitEvents {
    draw: Draw,
    lateness: Draw,
    population: Population,
    clock: EventClock,
    disorder_ns: u64,
}

impl VisitEvents {
    /// The visits of a seed for a load with intended times or without.
    pub fn new(
        spec: &StateGrowthSpec,
        seed: u64,
        population: Population,
        is_timed: bool,
    ) -> VisitEvents {
        let disorder = spec.disorder.unwrap_or_default();
        let rate_per_s = spec.event_rate_per_s.unwrap_or(1.0);
        VisitEvents {
            draw: Draw::new(seed, Purpose::Event),
            lateness: Draw::new(seed, Purpose::Lateness),
            population,
            clock: EventClock::new(is_timed, rate_per_s),
            disorder_ns: u64::try_from(disorder.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// Record k, due at `intended_ns`, as it will be parsed.
    #[inline]
    pub fn record(&self, id: u64, intended_ns: u64) -> StampedRecord {
        let splits = self.population.splits();
        let touch = self
            .population
            .touch(id % splits, id / splits, self.draw.bits(id));
        let most = u128::from(self.disorder_ns) + 1;
        let late_ns = ((u128::from(self.lateness.bits(id)) * most) >> 64) as i64;
        StampedRecord {
            event_time_ms: (self.clock.ns(id, intended_ns) - late_ns).div_euclid(NS_PER_MS),
            record: Record {
                id,
                key: touch.key,
                value: 0,
            },
        }
    }

    /// The devices.
    pub fn population(&self) -> &Population {
        &self.population
    }
}

impl Events for VisitEvents {
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

    fn events(text: &str, share: f64) -> ProfileEvents {
        let spec = spec(text);
        let population = Population::new(&spec, 4, share);
        ProfileEvents::new(1, population, &spec.mix.unwrap_or_default())
    }

    #[test]
    fn operations_are_as_frequent_as_stated_and_survive_their_lines() {
        let events = events("mix = { read = 4, update = 3, write = 2, delete = 1 }", 0.0);
        let mut counts = [0u32; 4];
        for k in 0..100_000 {
            let record = events.record(k);
            assert_eq!(events.event(k).parse(), Ok(record));
            counts[Operation::of(&record) as usize] += 1;
        }
        for (count, expected) in counts.into_iter().zip([40_000, 30_000, 20_000, 10_000]) {
            assert!(count.abs_diff(expected) < 600, "{counts:?}");
        }
    }

    #[test]
    fn a_new_key_is_updated_whatever_the_mix() {
        let events = events("mix = { read = 1, update = 0 }\npreloaded = 10", 0.25);
        let updates = (0..40_000).filter(|&k| events.record(k).value == Operation::Update as u32);
        assert_eq!(updates.count(), 10_000);
    }

    #[test]
    fn visits_happened_at_their_base_time_or_up_to_the_disorder_before() {
        let spec = spec("job = 'unique-visitor'");
        let population = Population::new(&spec, 1, 0.0);
        let events = VisitEvents::new(&spec, 1, population, true);
        let before = |k| 1_000 - events.record(k, 1_000_000_000).event_time_ms;
        assert!((0..1_000).all(|k| (0..=10).contains(&before(k))));
        assert!((0..1_000).any(|k| before(k) <= 1) && (0..1_000).any(|k| before(k) >= 9));
    }
}
