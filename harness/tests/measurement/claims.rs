//! What `backwater selftest` claims: that it holds, and that each claim fails, by its name, of a subject that is
//! broken on purpose. A broken subject is far beyond the bound and gets one attempt; a sound one gets three, since
//! other programs use the machine, too. Most runs are shorter than those of the command.

use std::time::Duration;

use harness::selftest::{
    ATTEMPTS, Claim, Runs, a_a, freeze, null_ceiling, own_lag, queueing, sampling_cost, time_split,
};
use harness::target::Null;

use crate::bench::alone_on_the_machine;
use crate::examined::{Examination, Here, examined};
use crate::subjects::{FromSendTime, SlowDriver};

fn holds(claim: Claim) -> Examination {
    let examination = examined(claim, ATTEMPTS, &mut Here { null: &Null });
    assert_eq!(examination.record.failed(), [""; 0]);
    examination
}

/// One attempt: a broken subject must never pass.
fn fails(claim: Claim, runs: &mut dyn Runs) {
    let name = claim.name;
    let examination = examined(claim, 1, runs);
    assert_eq!(examination.record.failed(), [name]);
    assert!(examination.text.contains(&format!("fails: {name} ")));
    let failure = &examination.record.claims[0].failure;
    assert_eq!(failure, &None, "it was not judged at all");
}

/// The claim with another scenario than the one that its judge knows of; `of` says which subjects.
fn otherwise(mut claim: Claim, of: &str, from: &str, to: &str) -> Claim {
    let mut broken = 0;
    for subject in &mut claim.subjects {
        if subject.name.ends_with(of) {
            assert!(subject.scenario.contains(from), "{}", subject.scenario);
            subject.scenario = subject.scenario.replace(from, to);
            broken += 1;
        }
    }
    assert!(broken > 0, "no subject is called {of}");
    claim
}

/// The second half takes the record of the first and gives response times from the time of sending: nothing is said any
/// more of how long records waited before they could be sent.
#[test]
fn a_freeze_is_seen_unless_latency_counts_from_when_a_record_was_sent() {
    let _alone = alone_on_the_machine();
    let sound = holds(freeze());
    let run = sound.run_directory(0);
    fails(freeze(), &mut FromSendTime { run });
}

/// The servers sleep, so that the runs do not disturb each other and may go side by side.
#[test]
fn waits_are_those_of_the_lindley_recursion_at_every_utilisation() {
    let _alone = alone_on_the_machine();
    let runs = [0.3, 0.5, 0.7, 0.8]
        .map(|utilisation| std::thread::spawn(move || drop(holds(queueing(utilisation, 1_500)))));
    for run in runs {
        run.join().unwrap();
    }
}

#[test]
fn a_server_that_takes_longer_than_is_said_fails_the_claim_on_queueing() {
    let _alone = alone_on_the_machine();
    let claim = otherwise(queueing(0.7, 300), "waiting", "'10ms'", "'14ms'");
    fails(claim, &mut Here { null: &Null });
}

#[test]
fn every_part_of_a_subtasks_time_is_what_was_injected() {
    let _alone = alone_on_the_machine();
    holds(time_split(Duration::from_secs(4)));
}

#[test]
fn an_operator_that_does_other_work_than_is_said_fails_the_claim_on_the_time_split() {
    let _alone = alone_on_the_machine();
    let claim = otherwise(
        time_split(Duration::from_secs(1)),
        "waiting",
        "'10ms'",
        "'16ms'",
    );
    fails(claim, &mut Here { null: &Null });
}

#[test]
fn the_harness_alone_is_several_times_as_fast_as_its_engine_unless_it_is_slowed() {
    let _alone = alone_on_the_machine();
    let claim = || null_ceiling(Duration::from_secs(1));
    holds(claim());
    let pause = Duration::from_millis(1);
    let null = &SlowDriver { pause };
    fails(claim(), &mut Here { null });
}

#[test]
fn sampling_is_cheap_at_the_stated_interval_and_not_at_a_tenth_of_it() {
    let _alone = alone_on_the_machine();
    let claim = || sampling_cost(Duration::from_secs(2));
    holds(claim());
    let broken = otherwise(claim(), "sampled", "'100ms'", "'10ms'");
    fails(broken, &mut Here { null: &Null });
}

#[test]
fn the_generator_is_never_late_by_itself_unless_its_thread_is_held_up() {
    let _alone = alone_on_the_machine();
    let claim = || own_lag(Duration::from_millis(1_500));
    holds(claim());
    let mut broken = claim();
    for subject in &mut broken.subjects {
        subject.target = "null";
    }
    let pause = Duration::from_millis(30);
    let null = &SlowDriver { pause };
    fails(broken, &mut Here { null });
}

#[test]
fn a_job_compared_with_itself_differs_in_nothing_unless_one_side_is_slower() {
    let _alone = alone_on_the_machine();
    let claim = || a_a(Duration::from_millis(400));
    holds(claim());
    let broken = otherwise(claim(), "-same", "'100us'", "'150us'");
    fails(broken, &mut Here { null: &Null });
}
