//! The job of `flights`, and its oracle.

use std::fmt::Debug;

use borsh::{BorshDeserialize, BorshSerialize};
use engine::{Aggregate, JobGraph, Key, WindowAggregate};
use rustc_hash::FxHashMap;

use super::spec::FlightsSpec;
use super::stream::{Flight, FlightEvents, RawFlight};
use super::totals::{Code, Totals};
use super::windows;
use crate::jobs::{Built, Wiring};
use crate::load::Events;
use crate::verify::{Collected, Correctness, KeyedResult, Results, Tally, TallySink, Verifier};

/// Names of the operators. The last three take the place of the four before them in a job with windows.
pub const OPERATORS: &[&str] = &[
    "source",
    "parse",
    "by-destination",
    "destinations",
    "by-carrier",
    "carriers",
    "windows",
    "results",
    "late",
];

/// Arrival delays of a destination or carrier so far.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delays<K> {
    /// The destination or carrier.
    pub key: K,
    /// The delays of its flights.
    pub totals: Totals,
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

/// Count, mean and maximum of arrival delays.
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

impl<K: Key> WindowAggregate<K, Flight> for DelayAggregate {
    fn merge(&self, into: &mut Totals, other: &Totals) {
        into.merge(other);
    }
}

/// The job, with its sources and its verifier.
pub fn build(spec: &FlightsSpec, wiring: Wiring<FlightEvents>) -> Built {
    match spec.windows() {
        Some(options) => windows::build(options, wiring),
        None => build_running(wiring),
    }
}

/// Running results.
fn build_running(wiring: Wiring<FlightEvents>) -> Built {
    let graph = JobGraph::new("flights");
    let parsed = wiring
        .source(&graph)
        .map("parse", |raw: RawFlight| raw.parse());
    let (destinations, carriers) = (Collected::default(), Collected::default());

    let (probes, leave) = (wiring.probes(), destinations.clone());
    let by_destination = parsed
        .clone()
        .key_by(|flight: &Flight| Code(flight.destination))
        .aggregate("by-destination", DelayAggregate);
    wiring.sink(by_destination, "destinations", move |context| {
        TallySink::new(probes.sink(context.index), leave.of(context.index))
    });

    let (probes, leave) = (wiring.probes(), carriers.clone());
    let by_carrier = parsed
        .key_by(|flight: &Flight| Code(flight.carrier))
        .aggregate("by-carrier", DelayAggregate);
    wiring.sink(by_carrier, "carriers", move |context| {
        TallySink::new(probes.sink(context.index), leave.of(context.index))
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
        let names = [aggregate.to_owned(), format!("{key:?}")];
        names.into_iter().chain(delays.totals.cells()).collect()
    };
    total.finals().into_iter().map(row).collect()
}
