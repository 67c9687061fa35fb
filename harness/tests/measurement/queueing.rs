//! The queueing test (METHODS, open-loop load and latency): waiting in front of a single server,
//! against the Lindley recursion on the same intended times and costs.

use std::sync::Arc;

use harness::scenario::Document;
use reports::record::Distribution;
use workloads::{Bounds, Progress, Schedule};

use crate::bench::{in_one_of_three_attempts, run};

const COST_NS: u64 = 10_000_000;
const RECORDS: f64 = 1_500.0;

fn scenario(arrivals: &str, utilisation: f64, seconds: f64) -> String {
    let rate_per_s = utilisation / (COST_NS as f64 / 1e9);
    format!(
        "[workload]
         kind = 'slow-operator'
         cost = {{ kind = 'blocking', mean = '10ms' }}
         slow_parallelism = 1
         [load]
         shape = {{ kind = 'constant', rate_per_s = {rate_per_s:?} }}
         arrivals = '{arrivals}'
         splits = 1
         [job]
         parallelism = 1
         chaining = ['slow', 'sum']
         channels = {{ batch = 1, floating = 1000 }}
         [measure]
         warmup = '0s'
         duration = '{}ms'",
        (seconds * 1e3) as u64
    )
}

/// Mean time from the intended time to the sink in seconds, without the cost itself.
fn mean_delay_s(scenario: &str) -> f64 {
    let latency = run(scenario).run.summary.latency_ns;
    let response = latency.response.unwrap();
    let longest_ms = |lag: Option<Distribution>| lag.unwrap().max.unwrap() as f64 / 1e6;
    println!(
        "  longest own lag {:.1} ms, engine lag {:.1} ms, response {:.1} ms",
        longest_ms(latency.own_lag),
        longest_ms(latency.engine_lag),
        response.max.unwrap() as f64 / 1e6
    );
    (response.mean.unwrap() - COST_NS as f64) / 1e9
}

/// Lindley: a record waits as long as the one before it waited and was served, less the time
/// between the two.
fn mean_wait_s(scenario: &str) -> (f64, usize) {
    let parsed = Document::new("test", "test", scenario.to_owned())
        .parse(&[])
        .unwrap();
    let end_ns = u64::try_from(parsed.measure.duration.as_nanos()).unwrap();
    let bounds = Bounds {
        until_ns: Some(end_ns),
        ..Bounds::default()
    };
    let schedule = Schedule::new(&parsed.load, None, parsed.seed, bounds).unwrap();
    let due_ns: Vec<u64> = Progress::new(Arc::new(schedule), 1)
        .unsent(end_ns)
        .collect();
    let mut wait_ns = 0;
    let mut sum_ns = 0;
    for pair in due_ns.windows(2) {
        wait_ns = (wait_ns + COST_NS).saturating_sub(pair[1] - pair[0]);
        sum_ns += wait_ns;
    }
    (sum_ns as f64 / 1e9 / due_ns.len() as f64, due_ns.len())
}

/// The servers sleep, so that the runs do not disturb each other and may go side by side.
#[test]
fn waits_in_front_of_a_single_server_are_those_of_the_lindley_recursion() {
    in_one_of_three_attempts(|| {
        // Evenly spaced records at a low rate never meet: what they are late is the path's.
        let empty_path_s = mean_delay_s(&scenario("uniform", 0.2, 6.0));
        println!("empty path {:.3} ms", empty_path_s * 1e3);
        let runs = [0.3, 0.5, 0.7, 0.8].map(|utilisation| {
            std::thread::spawn(move || {
                let seconds = RECORDS * (COST_NS as f64 / 1e9) / utilisation;
                let scenario = scenario("poisson", utilisation, seconds);
                let (truth_s, records) = mean_wait_s(&scenario);
                let found_s = mean_delay_s(&scenario);
                (utilisation, records, truth_s, found_s)
            })
        });
        let agree = runs.map(|run| {
        let (utilisation, records, truth_s, found_s) = run.join().unwrap();
        let (truth_ms, found_ms) = (truth_s * 1e3, found_s * 1e3);
        println!("utilisation {utilisation}: {records} records, mean wait {found_ms:.3} ms, truth {truth_ms:.3} ms");
        (found_s - truth_s).abs() <= 0.05 * truth_s + empty_path_s
    });
        assert_eq!(agree, [true; 4]);
    });
}
