//! Too much load and a driver that is too slow look alike from afar, and must never be confused.

use harness::target::Null;
use reports::record::Verdict;

use crate::bench::{Finished, alone_on_the_machine, run, run_on};

fn overloaded(chaining: bool, cost: &str, rate_per_s: u32) -> Finished {
    run(&format!(
        "[workload]
         kind = 'slow-operator'
         cost = {cost}
         slow_parallelism = 1
         [load]
         shape = {{ kind = 'constant', rate_per_s = {rate_per_s} }}
         [job]
         parallelism = 1
         chaining = {chaining}
         channels = {{ batch = 16 }}
         [measure]
         warmup = '500ms'
         duration = '3s'"
    ))
}

#[test]
fn an_overloaded_job_is_never_called_generator_limited() {
    let _alone = alone_on_the_machine();
    for chaining in [true, false] {
        for cost in [
            "{ kind = 'blocking', mean = '1ms' }",
            "{ kind = 'cpu', mean = '1ms' }",
        ] {
            for rate_per_s in [1_300, 20_000] {
                let run = overloaded(chaining, cost, rate_per_s).run;
                println!(
                    "chaining {chaining}, {cost}, {rate_per_s}/s: {}, {:?}",
                    run.verdict, run.evidence
                );
                assert_eq!(run.verdict, Verdict::Overloaded);
                let due = f64::from(rate_per_s) * 3.5;
                let counted = run.censored.unwrap() as f64 + run.summary.records_in.unwrap() as f64;
                assert!(
                    counted > 0.5 * due,
                    "records that never came out are counted"
                );
            }
        }
    }
}

#[test]
fn a_driver_that_is_too_slow_is_never_called_an_overloaded_engine() {
    let _alone = alone_on_the_machine();
    for arrivals in ["uniform", "poisson"] {
        let run = run_on(
            &Null,
            &format!(
                "[workload]
                 kind = 'slow-operator'
                 [load]
                 shape = {{ kind = 'constant', rate_per_s = 1e9 }}
                 arrivals = '{arrivals}'
                 [job]
                 parallelism = 1
                 [measure]
                 warmup = '100ms'
                 duration = '1s'"
            ),
        )
        .run;
        println!("{arrivals}: {}, {:?}", run.verdict, run.evidence);
        assert_eq!(run.verdict, Verdict::GeneratorLimited);
    }
}
