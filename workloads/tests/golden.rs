//! Golden fingerprints: whatever else changes, the same seed gives the same events at the same times, in every
//! implementation. A changed fingerprint breaks the comparison with all earlier runs; it is never just updated.

use std::sync::Arc;

use workloads::flights::{FlightEvents, Year};
use workloads::load::{event_fingerprint, schedule_fingerprint};
use workloads::slow_operator::LineEvents;
use workloads::{Bounds, LoadSpec, Schedule};

const RECORDS: u64 = 100_000;

fn schedule(load: &str) -> String {
    let load = LoadSpec::parse(load.parse().expect("TOML")).expect("valid");
    let year = Year::embedded().expect("unchanged");
    let schedule = Schedule::new(&load, Some(year.recording()), 42, Bounds::default());
    schedule_fingerprint(&schedule.expect("flights have recorded times"), RECORDS)
}

#[test]
fn slow_operator_makes_the_same_events_for_ever() {
    let fingerprint = event_fingerprint(&LineEvents::new(42, 1_000), RECORDS);
    assert_eq!(
        fingerprint,
        "3cf189f0118f86e685f2f0b82a9b6eee4263d2d16f2a464d3cc601d836bc04c8"
    );
}

#[test]
fn flights_makes_the_same_events_for_ever() {
    let year = Arc::new(Year::embedded().expect("unchanged"));
    let fingerprint = event_fingerprint(&FlightEvents::new(year, 1), RECORDS);
    assert_eq!(
        fingerprint,
        "c01e7aeb3cc622766a57c8014c23e08c1e1c283a4d366b6c93897ad0d9ac3a97"
    );
}

#[test]
fn every_kind_of_schedule_keeps_its_times_for_ever() {
    let steps = "{ kind = 'steps', steps = [{ rate_per_s = 30_000, for = '1s' }, { rate_per_s = 70_000.5 }] }";
    assert_eq!(
        schedule(&format!("shape = {steps}")),
        "45d1ca2a34a3b75d4d75851a8ed22e92e52ddfb1255b6f0f60321d90bfd516f0"
    );
    assert_eq!(
        schedule(&format!("shape = {steps}\narrivals = 'poisson'")),
        "36f72c362d2b63da378545ff08c1ae9b302b8f706969632cac6c2721554bafe7"
    );
    assert_eq!(
        schedule("shape = { kind = 'replay', compression = 86400 }\nsplits = 1"),
        "fe44312874a9cd1ccc518b386034777f4363fcb28c00adfe2ba9c2a4b19d9a68"
    );
}
