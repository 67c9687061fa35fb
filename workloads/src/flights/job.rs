//! The job of `flights`, and its oracle.

use std::fmt::{self, Debug};

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{Aggregate, JobGraph, Key};
use rustc_hash::FxHashMap;

use super::stream::{Flight, FlightEvents, RawFlight};
use crate::draw::mix;
use crate::jobs::{Built, Wiring};
use crate::load::Events;
use crate::verify::{Collected, Correctness, KeyedResult, Results, Tally, TallySink, Verifier};

/// Names of the operators.
pub const OPERATORS: &[&str] = &[
    "source",
    "parse",
    "by-destination",
    "destinations",
    "by-carrier",
    "carriers",
];

/// The letters of a destination or carrier; wherever a key is shown, they read as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Code<const N: usize>(pub [u8; N]);

impl<const N: usize> Debug for Code<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// Arrival delays of a destination or carrier so far.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delays<K> {
    /// The destination or carrier.
    pub key: K,
    /// The delays of its flights.
    pub totals: Totals,
}

/// Delays of some flights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Totals {
    /// Number of flights.
    pub count: u64,
    /// Sum of the delays in minutes.
    pub sum_minutes: i64,
    /// Largest delay in minutes; the smallest possible number if there are no flights.
    pub max_minutes: i32,
    /// Sum of a hash of the record numbers, modulo 2^64: tells exactly which flights were counted.
    pub fingerprint: u64,
}

impl Totals {
    const NONE: Totals = Totals {
        count: 0,
        sum_minutes: 0,
        max_minutes: i32::MIN,
        fingerprint: 0,
    };

    #[inline]
    fn add(&mut self, flight: &Flight) {
        self.count += 1;
        self.sum_minutes += i64::from(flight.delay_minutes);
        self.max_minutes = self.max_minutes.max(flight.delay_minutes);
        self.fingerprint = self.fingerprint.wrapping_add(mix(flight.record));
    }

    /// Mean delay in minutes; `None` if there are no flights.
    pub fn mean_minutes(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_minutes as f64 / self.count as f64)
    }
}

impl<K: Key + Ord + Debug> KeyedResult for Delays<K> {
    type Key = K;

    fn key(&self) -> K {
        self.key.clone()
    }

    fn count(&self) -> u64 {
        self.totals.count
    }
}

/// The running count, mean and maximum of arrival delays.
#[derive(Debug, Clone, Copy)]
pub struct DelayAggregate;

impl<K: Key> Aggregate<K, Flight> for DelayAggregate {
    type Accumulator = Totals;
    type Out = Delays<K>;

    fn create(&self) -> Totals {
        Totals::NONE
    }

    #[inline]
    fn add(&self, totals: &mut Totals, flight: Flight) {
        totals.add(&flight);
    }

    #[inline]
    fn result(&self, key: &K, totals: &Totals) -> Delays<K> {
        Delays {
            key: key.clone(),
            totals: *totals,
        }
    }
}

/// The job, with its sources and its verifier.
pub fn build(wiring: Wiring<FlightEvents>) -> Built {
    let graph = JobGraph::new("flights");
    let parsed = wiring
        .source(&graph)
        .map("parse", |raw: RawFlight| raw.parse());
    let (destinations, carriers) = (Collected::default(), Collected::default());

    let (probes, leave) = (wiring.probes(), destinations.clone());
    parsed
        .clone()
        .key_by(|flight: &Flight| Code(flight.destination))
        .aggregate("by-destination", DelayAggregate)
        .sink("destinations", move |context| {
            TallySink::new(probes.sink(context.index), leave.clone())
        });

    let (probes, leave) = (wiring.probes(), carriers.clone());
    parsed
        .key_by(|flight: &Flight| Code(flight.carrier))
        .aggregate("by-carrier", DelayAggregate)
        .sink("carriers", move |context| {
            TallySink::new(probes.sink(context.index), leave.clone())
        });

    let (progress, alone) = (wiring.progress(), wiring.alone());
    Built {
        graph,
        progress,
        verifier: Box::new(DelayVerifier {
            wiring,
            destinations,
            carriers,
        }),
        alone,
    }
}

struct DelayVerifier {
    wiring: Wiring<FlightEvents>,
    destinations: Collected<Delays<Code<3>>>,
    carriers: Collected<Delays<Code<2>>>,
}

impl DelayVerifier {
    /// The oracle of one aggregate: the whole job as one loop.
    fn expected<K: Key + Ord + Debug>(
        &self,
        admitted: &[u64],
        key: impl Fn(&Flight) -> K,
    ) -> Tally<Delays<K>> {
        let mut totals: FxHashMap<K, Totals> = FxHashMap::default();
        let mut tally = Tally::default();
        for record in self.wiring.admitted(admitted) {
            let flight = self.wiring.events().event(record).parse();
            let key = key(&flight);
            let totals = totals.entry(key.clone()).or_insert(Totals::NONE);
            totals.add(&flight);
            tally.add(Delays {
                key,
                totals: *totals,
            });
        }
        tally
    }
}

impl Verifier for DelayVerifier {
    fn verify(&self, admitted_per_split: &[u64]) -> Correctness {
        let destinations = self.expected(admitted_per_split, |flight| Code(flight.destination));
        let carriers = self.expected(admitted_per_split, |flight| Code(flight.carrier));
        destinations
            .compare(&self.destinations.total())
            .and(carriers.compare(&self.carriers.total()))
    }

    fn results(&self) -> Results {
        let destinations = rows("destination", &self.destinations.total());
        let carriers = rows("carrier", &self.carriers.total());
        Results {
            header: vec![
                "aggregate",
                "key",
                "count",
                "sum_minutes",
                "mean_minutes",
                "max_minutes",
            ],
            rows: destinations.into_iter().chain(carriers).collect(),
        }
    }
}

fn rows<K: Key + Ord + Debug>(aggregate: &str, total: &Tally<Delays<K>>) -> Vec<Vec<String>> {
    let row = |(key, delays): (&K, &Delays<K>)| {
        let Totals {
            count,
            sum_minutes,
            max_minutes,
            ..
        } = delays.totals;
        vec![
            aggregate.to_owned(),
            format!("{key:?}"),
            count.to_string(),
            sum_minutes.to_string(),
            delays
                .totals
                .mean_minutes()
                .map_or_else(String::new, |mean| mean.to_string()),
            max_minutes.to_string(),
        ]
    };
    total.finals().into_iter().map(row).collect()
}
