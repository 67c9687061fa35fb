//! Model test of the checkpoint protocol: small jobs of tokens, in which everything that can happen
//! next is tried, in every order.
//!
//! The coordinator and the alignment are the real ones. Channels, subtasks, writers and the restart are
//! small stand-ins (`world`, `moves`, `drive`, `supervisor`) that say what the engine does with them: a parcel is one token,
//! state is the set of tokens seen. `search` goes through all states that can be reached; `cut` says
//! when a checkpoint is consistent. Left out: other parallelism after a restart, event time, and chains
//! of several operators.
//!
//! That the search can see at all is shown by breaking each rule of the drive code once.

mod cut;
mod drive;
mod job;
mod moves;
mod search;
mod supervisor;
mod world;

use crate::checkpoint::config::CheckpointMode;
use job::Job;
use search::search;
use std::time::Duration;
use world::{Budget, Model};

/// How to break a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutation {
    /// Channels whose barrier has come are read on.
    HoldNothingBack,
    /// An aligned snapshot is taken, and thought whole, when the first barrier comes.
    SnapshotAtFirstBarrier,
    /// What comes over other channels later, before their barriers, is not kept.
    ForgetRecorded,
    /// It is kept even behind their barriers.
    RecordBeyondBarriers,
    /// What lies there untaken when a barrier overtakes it is not kept.
    ForgetOvertaken,
    /// Nor what lies before the first operator.
    ForgetCurrent,
    /// Nor what waits for credit.
    ForgetUnsent,
    /// What waits for credit is kept, and the barrier is sent behind it.
    BarrierBehindUnsent,
    /// The end of a channel is no barrier.
    IgnoreEnds,
    /// What a subtask stores counts for whatever checkpoint is pending.
    CountEveryAck,
    /// What a subtask has stored at its end counts for nothing.
    ForgetFinals,
    /// Of several snapshots of a subtask the last is stored first.
    StoreLastFirst,
    /// A checkpoint begins while another that was given up is still being written.
    HideBusyWriters,
    /// Nobody is told that a checkpoint was given up.
    LoseAborts,
    /// What was held back for it is thrown away.
    DropHeld,
    /// A barrier of an earlier checkpoint, which was acted on before its turn and lies there still, is
    /// taken for one of the next.
    TakeOldBarriersForNew,
    /// What its sender had not sent comes before what its receiver had not taken.
    RestoreUnsentFirst,
}

const ALIGNED: CheckpointMode = CheckpointMode::Aligned;
const UNALIGNED: CheckpointMode = CheckpointMode::Unaligned;
const SWITCHING: CheckpointMode = CheckpointMode::AlignedFor(Duration::from_nanos(1));

/// Nothing goes wrong.
const QUIET: Budget = Budget {
    checkpoints: 1,
    failures: 0,
    crashes: 0,
    checkpoints_after_crash: 0,
};
/// One checkpoint fails, and the next may begin while not everybody has heard of that.
const FAILURE_AND_NEXT: Budget = Budget {
    checkpoints: 2,
    failures: 1,
    ..QUIET
};
const FAILURE_AND_CRASH: Budget = Budget {
    failures: 1,
    crashes: 1,
    ..QUIET
};
/// The second checkpoint may begin while rows of the first are still being worked off.
const CRASH_AND_NEXT: Budget = Budget {
    crashes: 1,
    checkpoints_after_crash: 1,
    ..QUIET
};

/// Goes through all states of these jobs, of which there have to be so many.
fn explore(mode: CheckpointMode, jobs: &[(Job, Budget)], at_least: usize) {
    let (mut states, mut with_rows) = (0, 0);
    for (job, budget) in jobs {
        let model = Model {
            job: job.clone(),
            mode,
            budget: *budget,
            mutation: None,
        };
        let found = search(&model)
            .unwrap_or_else(|violation| panic!("{}, {mode:?}: {violation}", job.name));
        println!("{}, {mode:?}, {budget:?}: {found:?}", job.name);
        states += found.states;
        with_rows += found.complete_with_rows;
    }
    println!("{mode:?}: {states} states");
    assert!(states >= at_least, "{states} states");
    assert_eq!(with_rows > 0, mode != ALIGNED);
}

#[test]
fn aligned_checkpoints_count_each_row_once_in_whatever_order_things_happen() {
    let jobs = [
        (Job::line(2), FAILURE_AND_NEXT),
        (Job::line(2), CRASH_AND_NEXT),
        (Job::line(3), FAILURE_AND_CRASH),
        (Job::union([1, 0]), FAILURE_AND_NEXT),
        (Job::union([2, 1]), FAILURE_AND_CRASH),
        (Job::detour(2), FAILURE_AND_CRASH),
        (Job::exchange([1, 1]), QUIET),
    ];
    explore(ALIGNED, &jobs, 700_000);
}

#[test]
fn unaligned_checkpoints_count_each_row_once_in_whatever_order_things_happen() {
    let jobs = [
        (Job::line(1), FAILURE_AND_NEXT),
        (Job::line(2), CRASH_AND_NEXT),
        (Job::line(3), FAILURE_AND_CRASH),
        (Job::union([1, 1]), FAILURE_AND_CRASH),
        (Job::detour(2), FAILURE_AND_CRASH),
    ];
    explore(UNALIGNED, &jobs, 700_000);
}

#[test]
fn checkpoints_that_cease_to_be_aligned_at_any_moment_count_each_row_once() {
    let jobs = [
        (Job::line(1), FAILURE_AND_NEXT),
        (Job::line(2), CRASH_AND_NEXT),
        (Job::union([1, 1]), FAILURE_AND_CRASH),
        (Job::detour(2), FAILURE_AND_CRASH),
    ];
    explore(SWITCHING, &jobs, 700_000);
}

#[test]
#[ignore = "takes minutes: the same on larger jobs"]
fn an_exchange_and_a_union_count_each_row_once_over_several_checkpoints() {
    for mode in [UNALIGNED, SWITCHING] {
        let jobs = [
            (Job::exchange([1, 0]), QUIET),
            (Job::union([1, 0]), FAILURE_AND_NEXT),
            (Job::union([2, 1]), FAILURE_AND_CRASH),
        ];
        explore(mode, &jobs, 2_000_000);
    }
}

/// Each rule, where it matters, what has to happen, and what is then said of it.
#[test]
fn a_rule_that_is_broken_is_found_out() {
    use Mutation::*;
    let line = || Job::line(2);
    let union = || Job::union([2, 1]);
    let failure = Budget {
        failures: 1,
        ..QUIET
    };
    let two = Budget {
        checkpoints: 2,
        ..QUIET
    };
    let (next, crash) = (FAILURE_AND_NEXT, CRASH_AND_NEXT);
    let broken = [
        (HoldNothingBack, union(), ALIGNED, QUIET, "seen behind"),
        (
            SnapshotAtFirstBarrier,
            union(),
            ALIGNED,
            QUIET,
            "lies 0 times",
        ),
        (ForgetRecorded, union(), UNALIGNED, QUIET, "lies 0 times"),
        (
            RecordBeyondBarriers,
            union(),
            UNALIGNED,
            QUIET,
            "lies 1 times",
        ),
        (ForgetOvertaken, line(), UNALIGNED, QUIET, "lies 0 times"),
        (ForgetCurrent, line(), SWITCHING, QUIET, "lies 0 times"),
        (ForgetUnsent, line(), UNALIGNED, QUIET, "lies 0 times"),
        (
            BarrierBehindUnsent,
            line(),
            UNALIGNED,
            QUIET,
            "lies 1 times",
        ),
        (IgnoreEnds, union(), ALIGNED, QUIET, "nothing can happen"),
        (ForgetFinals, line(), ALIGNED, QUIET, "nothing can happen"),
        (CountEveryAck, line(), ALIGNED, next, "lies 0 times"),
        (StoreLastFirst, line(), ALIGNED, QUIET, "seen behind"),
        (HideBusyWriters, line(), ALIGNED, next, "begins too early"),
        (LoseAborts, union(), ALIGNED, failure, "waits in vain"),
        (DropHeld, union(), ALIGNED, failure, "lies 0 times"),
        (
            TakeOldBarriersForNew,
            line(),
            UNALIGNED,
            two,
            "lies 0 times",
        ),
        (RestoreUnsentFirst, line(), UNALIGNED, crash, "too late"),
    ];
    for (mutation, job, mode, budget, expected) in broken {
        let model = Model {
            job,
            mode,
            budget,
            mutation: Some(mutation),
        };
        let violation = search(&model).expect_err("a broken rule shows");
        assert!(violation.contains(expected), "{mutation:?}: {violation}");
    }
}
