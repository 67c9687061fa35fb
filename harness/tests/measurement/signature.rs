//! The signature of a slow operator: everything upstream backpressured, itself busy, everything
//! downstream idle, and the throughput that its cost allows.

use crate::bench::{Finished, in_one_of_three_attempts, is_within, run};

fn slow(cost: &str) -> Finished {
    run(&format!(
        "[workload]
         kind = 'slow-operator'
         cost = {cost}
         slow_parallelism = 1
         async = {{ capacity = 16 }}
         [job]
         parallelism = 1
         chaining = false
         channels = {{ batch = 16 }}
         [measure]
         warmup = '2s'
         duration = '6s'
         interval = '100ms'"
    ))
}

/// Shares are over the time that was not starved: what other processes take is not the engine's.
fn assert_signature(kind: &str, run: &Finished, allowed_per_s: f64) {
    let share = |task: &str| {
        let activity = run.task(task);
        let starved = activity.starved.unwrap();
        let of_rest = |share: Option<f64>| share.unwrap() / (1.0 - starved);
        let busy = (activity.busy.unwrap() - starved) / (1.0 - starved);
        (
            busy,
            of_rest(activity.backpressured),
            of_rest(activity.idle),
            starved,
        )
    };
    let throughput = run.run.summary.throughput_per_s.unwrap();
    let out_usage = run.task("parse").out_usage.unwrap();
    println!(
        "{kind}: {throughput:.1} records/s of {allowed_per_s:.1} allowed, out usage of parse {out_usage:.3}"
    );
    for task in ["source", "parse", "slow", "sum", "sink"] {
        let (busy, backpressured, idle, starved) = share(task);
        println!(
            "  {task:8} busy {busy:.3} backpressured {backpressured:.3} idle {idle:.3} (starved {starved:.3})"
        );
    }
    let (_, backpressured, _, _) = share("parse");
    assert!(
        backpressured >= 0.9 && out_usage >= 0.9,
        "{kind}: upstream is not backpressured"
    );
    let (busy, backpressured, _, _) = share("slow");
    assert!(
        busy >= 0.95 && backpressured <= 0.05,
        "{kind}: the slow operator is not busy"
    );
    for task in ["sum", "sink"] {
        let (_, _, idle, _) = share(task);
        assert!(idle >= 0.8, "{kind}: {task} is not idle");
    }
    assert!(
        is_within(5.0, throughput, allowed_per_s),
        "{kind}: not the throughput its cost allows"
    );
}

#[test]
fn a_slow_external_call_shows_its_signature() {
    in_one_of_three_attempts(|| {
        let run = slow("{ kind = 'blocking', mean = '1ms' }");
        assert_signature("blocking", &run, 1_000.0);
    });
}

#[test]
fn a_slow_computation_shows_its_signature() {
    in_one_of_three_attempts(|| {
        let run = slow("{ kind = 'cpu', mean = '1ms' }");
        // On a machine that is shared: what the CPU time that it got allows.
        let allowed_per_s = run.task("slow").on_cpu.unwrap() * 1_000.0;
        assert_signature("cpu", &run, allowed_per_s);
    });
}

#[test]
fn slow_asynchronous_calls_show_their_signature() {
    in_one_of_three_attempts(|| {
        let run = slow("{ kind = 'async', mean = '20ms' }");
        assert_signature("async", &run, 16.0 / 0.020);
    });
}
