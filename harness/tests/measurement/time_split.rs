//! Each part of a subtask's time against a clock that has nothing to do with the account.

use crate::bench::{in_one_of_three_attempts, is_within, run};

#[test]
fn injected_computing_is_found_as_on_cpu_within_5_percent_of_the_process_clock() {
    in_one_of_three_attempts(|| {
        let run = run("[workload]
         kind = 'slow-operator'
         cost = { kind = 'cpu', mean = '1ms' }
         slow_parallelism = 1
         [job]
         parallelism = 1
         chaining = false
         channels = { batch = 16 }
         [measure]
         duration = '6s'");
        let injected_s = run.task("slow").records_in.unwrap() as f64 * 1e-3;
        let found_s = run.grown_ns(Some("slow"), |row| row.on_cpu_ns) / 1e9;
        let all_s = run.grown_ns(None, |row| row.on_cpu_ns) / 1e9;
        let process_s = run.engine_cpu_seconds();
        println!(
            "injected {injected_s:.3} s, found {found_s:.3} s; all tasks {all_s:.3} s, process clock {process_s:.3} s"
        );
        assert!(is_within(5.0, found_s, injected_s));
        assert!(is_within(5.0, all_s, process_s));
    });
}

#[test]
fn injected_waiting_is_found_as_blocked_within_5_percent_of_the_injected_time() {
    in_one_of_three_attempts(|| {
        let run = run("[workload]
         kind = 'slow-operator'
         cost = { kind = 'blocking', mean = '2ms' }
         slow_parallelism = 1
         [load]
         shape = { kind = 'constant', rate_per_s = 250 }
         [job]
         parallelism = 1
         chaining = false
         channels = { batch = 16, flush_timeout = '1ms' }
         [measure]
         duration = '6s'");
        let injected_s = run.task("slow").records_in.unwrap() as f64 * 2e-3;
        let found_s = run.grown_ns(Some("slow"), |row| row.blocked_ns) / 1e9;
        let starved_s = run.grown_ns(Some("slow"), |row| row.starved_ns) / 1e9;
        println!("injected {injected_s:.3} s, found {found_s:.3} s (starved {starved_s:.3} s)");
        assert!(is_within(5.0, found_s, injected_s));
    });
}

/// Two subtasks that always have something to compute share one slot: what the process's CPU clock
/// does not show as theirs, they were starved of.
#[test]
fn starvation_is_found_within_5_percent_of_what_the_process_clock_leaves() {
    in_one_of_three_attempts(|| {
        let run = run("[workload]
         kind = 'slow-operator'
         cost = { kind = 'cpu', mean = '1ms' }
         slow_parallelism = 2
         [job]
         parallelism = 1
         slots = 1
         chaining = false
         channels = { batch = 16 }
         [measure]
         duration = '6s'");
        let found = run.grown_ns(Some("slow"), |row| row.starved_ns) / 1e9 / run.seconds() / 2.0;
        let expected = 1.0 - run.engine_cpu_seconds() / run.seconds() / 2.0;
        println!("starved {found:.3} of the time, expected {expected:.3}");
        assert!(is_within(5.0, found, expected));
    });
}
