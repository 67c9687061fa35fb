//! A long run with many subtasks: its size must not show in pictures or memory. Time is printed,
//! not asserted: `cargo test --release -p reports large -- --nocapture`.

use std::time::Instant;

use reports::record::Backend;
use reports::render;

use crate::simulated::Simulation;

#[test]
fn an_hour_of_a_hundred_subtasks_makes_pictures_no_larger_than_a_minute() {
    let hour = Simulation {
        length_ms: 3_600_000,
        interval_ms: 1_000,
        parallelism: [4, 24, 24, 24, 24],
        freeze_ms: Some((1_000_000, 1_060_000)),
        has_event_time: true,
        state: Some(Backend::RocksDb),
        ..Simulation::default()
    };
    let directory = tempfile::tempdir().unwrap();
    #[allow(
        clippy::disallowed_methods,
        reason = "the time is shown to a person, nothing depends on it"
    )]
    let clock = Instant::now;
    let begin = clock();
    hour.write(directory.path());
    let written = clock();
    let run = reports::conclude(directory.path(), &hour.facts()).unwrap();
    reports::record::publish_run(directory.path(), &run).unwrap();
    let concluded = clock();
    let rendered = render(directory.path()).unwrap();
    let end = clock();
    println!(
        "written in {:?}, concluded in {:?}, rendered in {:?}",
        written - begin,
        concluded - written,
        end - concluded
    );
    for chart in rendered.charts {
        let bytes = std::fs::metadata(&chart).unwrap().len();
        println!("{}: {bytes} bytes", chart.display());
        assert!(bytes < 150_000, "{} has {bytes} bytes", chart.display());
    }
}
