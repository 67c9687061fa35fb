//! Golden fingerprints: whatever else changes, the same seed gives the same events at the same times, in every
//! implementation. A changed fingerprint breaks the comparison with all earlier runs; it is never just updated.

use std::sync::Arc;

use sha2::Digest as _;
use workloads::flights::{FlightEvents, Year};
use workloads::hot_keys::{HotKeyEvents, KeyModel};
use workloads::late_data::LateEvents;
use workloads::load::{event_fingerprint, schedule_fingerprint};
use workloads::slow_operator::LineEvents;
use workloads::state_growth::{Content, Population, ProfileEvents, VisitEvents};
use workloads::{Bounds, LoadSpec, Schedule, WorkloadSpec};

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

fn hot_keys(distribution: &str) -> String {
    let text = format!("kind = 'hot-keys'\ndistribution = {distribution}");
    let Ok(WorkloadSpec::HotKeys(spec)) = WorkloadSpec::parse(text.parse().expect("TOML")) else {
        panic!("{text}")
    };
    event_fingerprint(&HotKeyEvents::new(42, KeyModel::new(&spec, &[])), RECORDS)
}

#[test]
fn hot_keys_makes_the_same_events_for_ever_with_every_distribution() {
    for (distribution, fingerprint) in [
        (
            "{ kind = 'uniform' }",
            "557436cb61450b16eb61995e793e59be01bf681e80433d0486e1d19f9bb5d91b",
        ),
        (
            "{ kind = 'zipf', exponent = 1 }",
            "3913f87840c103ccf2846d155cd673487d729bed809bd3d90430cc5d73b737f4",
        ),
        (
            "{ kind = 'hot', share = 0.5 }",
            "0f25913cc1c2e9a3943e024ba6d962ac7a78d20930b7e53bc821e901465477b5",
        ),
        (
            "{ kind = 'drifting', share = 0.6, hot_keys = 3, period_records = 10_000 }",
            "651cce7d3c621428085e602c79c9415c3c24e8493944a5916a916a5ad1b9fe01",
        ),
        (
            "{ kind = 'key-groups', crowded_groups = 32, ratio = 3 }",
            "7faba2f2b521bc2f1b425680806de8aff771bfc3ff10dc2bf674ef537a0c9a27",
        ),
    ] {
        assert_eq!(hot_keys(distribution), fingerprint, "{distribution}");
    }
}

/// The events of a closed loop: 100,000 records per second of event time in four splits.
fn late_data(rest: &str) -> String {
    let text = format!("kind = 'late-data'\nkeys = 1_000\nskew = '1s'\n{rest}");
    let Ok(WorkloadSpec::LateData(spec)) = WorkloadSpec::parse(text.parse().expect("TOML")) else {
        panic!("{text}")
    };
    event_fingerprint(&LateEvents::new(&spec, 42, 4, false), RECORDS)
}

#[test]
fn late_data_makes_the_same_events_for_ever_with_every_lateness() {
    for (lateness, fingerprint) in [
        (
            "{ kind = 'none' }",
            "c9d973f5586ecd85f7d3a94fabfcefd7dcaee551680d3c31b64fe171ea8d14c7",
        ),
        (
            "{ kind = 'exponential', mean = '50ms' }",
            "08010dbe6a8d4e8307ecad04f15db4ebed0078d82750479036a74d4193b20d7d",
        ),
        (
            "{ kind = 'pareto', shape = 1.16, scale = '50ms', cap = '20s' }",
            "cd960d9d1d37293bd83058413ef51b4ffc414c44105a38b174a44a0e4d67626a",
        ),
        (
            "{ kind = 'yahoo' }",
            "9d2090bac254592d619430df646aab015fba11820ce5bc76af52f140b91d1945",
        ),
        (
            "{ kind = 'beam' }",
            "5a88beef1ba62f71e010a5121c15f008893d4535791f94252397739958cafbb5",
        ),
    ] {
        let text = format!("lateness = {lateness}");
        assert_eq!(late_data(&text), fingerprint, "{lateness}");
    }
}

/// The keys of 10,000 preloaded ones in four splits, of whose records one in ten brings a new one.
fn growth(rest: &str) -> (workloads::state_growth::StateGrowthSpec, Population) {
    let text = format!("kind = 'state-growth'\npreloaded = 10_000\n{rest}");
    let Ok(WorkloadSpec::StateGrowth(spec)) = WorkloadSpec::parse(text.parse().expect("TOML"))
    else {
        panic!("{text}")
    };
    let population = Population::new(&spec, 4, 0.1);
    (spec, population)
}

#[test]
fn state_growth_makes_the_same_events_for_ever_with_every_distribution() {
    for (distribution, fingerprint) in [
        (
            "{ kind = 'uniform' }",
            "9bb1061a4cf1e1c3b2e83c46b13f01828cb63e4b917b32bc359921862004e19d",
        ),
        (
            "{ kind = 'zipf', exponent = 1 }",
            "5fd65277590257cc53eb8aadee41b9b393574bb3820ffc2a448b384dbff4da39",
        ),
        (
            "{ kind = 'recent', share = 0.9, keys = 1_000 }",
            "98bb622b540cfd53697708e66674beec9aaa20304bf9a8bdcd8cc375e3527d05",
        ),
    ] {
        let mix = "{ read = 4, update = 3, write = 2, delete = 1 }";
        let (spec, population) = growth(&format!("distribution = {distribution}\nmix = {mix}"));
        let mix = spec.mix.expect("given");
        let events = ProfileEvents::new(42, population, &mix);
        assert_eq!(
            event_fingerprint(&events, RECORDS),
            fingerprint,
            "{distribution}"
        );
    }
}

#[test]
fn checkpoint_pressure_makes_the_same_events_for_ever() {
    let text = "kind = 'checkpoint-pressure'\nkeys = 10_000\nchanges = 0.25";
    let Ok(WorkloadSpec::CheckpointPressure(spec)) =
        WorkloadSpec::parse(text.parse().expect("TOML"))
    else {
        panic!("{text}")
    };
    let state = spec.state();
    let mix = state.mix.expect("always there");
    let events = ProfileEvents::new(42, Population::new(&state, 4, 0.0), &mix);
    assert_eq!(
        event_fingerprint(&events, RECORDS),
        "b8028ae5d817b83bda5ef3d33a4638396b378db80e9d12f06f2082c90d8d359b"
    );
}

#[test]
fn state_growth_makes_the_same_visits_and_payloads_for_ever() {
    let (spec, population) = growth("job = 'unique-visitor'\ndisorder = '50ms'");
    let visits = VisitEvents::new(&spec, 42, population, false);
    assert_eq!(
        event_fingerprint(&visits, RECORDS),
        "03c4d8b784b51c3af964bf04d191720cc0a43846fb8ec6d06c13f8f7738390fe"
    );
    let (spec, _) = growth("value_bytes = 50\nvalue_bytes_max = 150");
    let content = Content::new(&spec, 42);
    let payloads = (0..1_000).map(|key| content.profile(key, u64::from(key / 2), 1).payload);
    let bytes: Vec<u8> = payloads.flatten().collect();
    let hash: String = sha2::Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hash,
        "f30bc5fe10a5ed0cf072c8fd8b1637438dd112746726fa75c74a26e2044f0675"
    );
}

#[test]
fn waves_and_traces_keep_their_times_for_ever() {
    let points =
        "[{ at = '500ms', rate_per_s = 20_000 }, { at = '1s 500ms', rate_per_s = 60_000 }]";
    for (shape, fingerprint) in [
        (
            "{ kind = 'ramp', to = 50_000, over = '2s' }",
            "aafe248dca7acd0bdd5f922c00df5050764e5a4bf2aed7b064df93ae5940d36e",
        ),
        (
            "{ kind = 'sine', mean = 50_000, amplitude = 30_000, period = '1s' }",
            "41255724f21e64f9f4df66370893e7bb19fc62919a799fbd38e2e4524e68c71f",
        ),
        (
            "{ kind = 'burst', base = 10_000, peak = 90_000, period = '500ms', duty = 0.25 }",
            "d6f0099fa5eeb509ac71939217cdb11dd0ca61930bad2b54ba5ab624fd6b9316",
        ),
        (
            &format!("{{ kind = 'trace', points = {points}, interpolation = 'linear' }}"),
            "c15f356396f7747a008495292f1e5bea996ae5180e3146689920107cd3e7c45d",
        ),
    ] {
        assert_eq!(
            schedule(&format!("shape = {shape}")),
            fingerprint,
            "{shape}"
        );
    }
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
