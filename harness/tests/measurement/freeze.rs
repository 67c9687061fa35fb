//! The freeze test (METHODS, open-loop load and latency): a frozen operator must show in the tail
//! of the response times as theory says, or somebody has omitted what waited.

use reports::record::{EventRow, Series, event_kind, histogram};

use crate::bench::{Finished, in_one_of_three_attempts, is_within, run};

/// When the operator stood still, by the engine's own events: its begin and end in milliseconds.
fn frozen(run: &Finished) -> (u64, u64) {
    let events: Vec<EventRow> = run.record().rows::<EventRow>().collect();
    let at = |kind: &str| {
        events
            .iter()
            .find(|event| event.kind == kind)
            .unwrap_or_else(|| panic!("no {kind}"))
            .t_ms
    };
    (at(event_kind::FAULT), at(event_kind::FAULT_END))
}

/// Truth for q near 1: a record due x before the end of the freeze waits x and then for those before
/// it, which the operator works off at 1 / rho times the rate: latency(q) = F - (1 - q) T (1 - rho).
#[test]
fn a_freeze_shows_in_the_tail_as_theory_says() {
    in_one_of_three_attempts(|| {
        let run = run("[workload]
         kind = 'slow-operator'
         cost = { kind = 'cpu', mean = '25us' }
         slow_parallelism = 1
         [load]
         shape = { kind = 'constant', rate_per_s = 4_000 }
         [job]
         parallelism = 1
         chaining = ['slow', 'sum']
         channels = { batch = 64, flush_timeout = '500us' }
         [measure]
         warmup = '1s'
         duration = '60s'
         [[fault]]
         kind = 'freeze'
         operator = 'slow'
         at = '5s'
         for = '500ms'");
        let (from_ms, to_ms) = frozen(&run);
        let frozen_s = (to_ms - from_ms) as f64 / 1e3;
        let seconds = run.seconds();
        // What the records cost; a share of the time in which the operator could work on them.
        let utilisation = run.task("slow").on_cpu.unwrap() * seconds / (seconds - frozen_s);
        let mut response = histogram();
        let measured = run.run.measured.unwrap();
        for interval in run.record().latency() {
            if interval.series == Series::Response
                && interval.from_ms >= measured.from_ms
                && interval.to_ms <= measured.to_ms
            {
                interval.add_to(&mut response).unwrap();
            }
        }
        let at = |quantile: f64| response.value_at_quantile(quantile) as f64 / 1e9;
        println!(
            "frozen {frozen_s:.3} s of {seconds:.1} s, utilisation {utilisation:.3}, {} samples",
            response.len()
        );
        println!("  p98 {:.4} s", at(0.98));
        assert!(frozen_s >= 0.5 && response.len() >= 100_000);
        let tail = [0.995, 0.999, 0.9999].map(|quantile| {
            let truth = frozen_s - (1.0 - quantile) * seconds * (1.0 - utilisation);
            println!("  q {quantile}: {:.4} s, truth {truth:.4} s", at(quantile));
            is_within(2.0, at(quantile), truth)
        });
        assert_eq!(tail, [true; 3]);
        assert!(at(0.98) <= 0.005);
    });
}
