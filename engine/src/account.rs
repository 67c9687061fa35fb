//! Where a subtask's time goes: a ledger fed with moments, reading no clock of its own.
//!
//! Every nanosecond of a subtask's life lands in exactly one part of [`TimeSplit`]. Waits are
//! charged up to the moment the subtask became ready; from there to its next poll it is `starved`.
//! What a slice took beyond its CPU time and its declared waits is `starved` too: the operating
//! system had taken the thread away.

use std::ops::AddAssign;

/// Cumulative disjoint parts of a subtask's wall time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSplit {
    /// Nothing to process.
    pub idle_ns: u64,
    /// Thread CPU time of processing.
    pub on_cpu_ns: u64,
    /// Inside a state backend that leaves the operator's memory. Heap state is the operator's own
    /// memory: its cost is `on_cpu`, and this stays 0.
    pub state_ns: u64,
    /// Inside a declared external call, at the capacity of asynchronous calls, or frozen.
    pub blocked_ns: u64,
    /// Ready, but without a slot or a processor.
    pub starved_ns: u64,
    /// Has output, or would have, and no credit to send it.
    pub backpressured_ns: u64,
}

impl TimeSplit {
    /// Wall time accounted for.
    pub fn total_ns(&self) -> u64 {
        self.idle_ns
            + self.on_cpu_ns
            + self.state_ns
            + self.blocked_ns
            + self.starved_ns
            + self.backpressured_ns
    }
}

/// What a slice spent in a state backend that leaves the operator's memory, in nanoseconds, and how
/// often it was asked; of states in memory, one access per row of a keyed operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StateCost {
    pub(crate) wall_ns: u64,
    pub(crate) cpu_ns: u64,
    pub(crate) accesses: u64,
}

impl AddAssign for StateCost {
    fn add_assign(&mut self, other: StateCost) {
        self.wall_ns += other.wall_ns;
        self.cpu_ns += other.cpu_ns;
        self.accesses += other.accesses;
    }
}

/// What a subtask waits for between two polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// For input, a due record or a deadline.
    Idle,
    /// For credit on the output edge with this position among the task's edges.
    Backpressured { output: usize },
    /// For an external call, or for the end of a freeze.
    Blocked,
    /// For state that is slow on purpose.
    State,
    /// For its next turn on a slot.
    Runnable,
}

/// The ledger of one subtask.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    split: TimeSplit,
    by_output_ns: Vec<u64>,
    generating_ns: u64,
    doing: Doing,
    since_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Waiting(Wait),
    /// `blocked_ns` is what this slice has spent in declared waits so far.
    Running {
        blocked_ns: u64,
        blocked_since_ns: Option<u64>,
    },
    Ended,
}

impl Account {
    /// A subtask that waits for its first turn from `now_ns` on.
    pub(crate) fn new(outputs: usize, now_ns: u64) -> Self {
        Account {
            split: TimeSplit::default(),
            by_output_ns: vec![0; outputs],
            generating_ns: 0,
            doing: Doing::Waiting(Wait::Runnable),
            since_ns: now_ns,
        }
    }

    /// Nothing has happened before `now_ns`.
    pub(crate) fn begin(&mut self, now_ns: u64) {
        self.since_ns = now_ns;
    }

    /// The subtask is polled at `now_ns`, having become ready at `ready_at_ns` (if it did).
    pub(crate) fn slice_begins(&mut self, now_ns: u64, ready_at_ns: Option<u64>) {
        let now_ns = now_ns.max(self.since_ns);
        if let Doing::Waiting(wait) = self.doing {
            let ready_ns = ready_at_ns.unwrap_or(now_ns).clamp(self.since_ns, now_ns);
            charge(
                &mut self.split,
                &mut self.by_output_ns,
                wait,
                ready_ns - self.since_ns,
            );
            self.split.starved_ns += now_ns - ready_ns;
        }
        self.doing = Doing::Running {
            blocked_ns: 0,
            blocked_since_ns: None,
        };
        self.since_ns = now_ns;
    }

    /// A declared wait begins inside the slice.
    pub(crate) fn block_begins(&mut self, now_ns: u64) {
        if let Doing::Running {
            blocked_since_ns, ..
        } = &mut self.doing
        {
            *blocked_since_ns = Some(now_ns);
        }
    }

    /// The declared wait is over.
    pub(crate) fn block_ends(&mut self, now_ns: u64) {
        if let Doing::Running {
            blocked_ns,
            blocked_since_ns,
        } = &mut self.doing
            && let Some(since_ns) = blocked_since_ns.take()
        {
            let waited_ns = now_ns.saturating_sub(since_ns);
            *blocked_ns += waited_ns;
            self.split.blocked_ns += waited_ns;
        }
    }

    /// The slice is over at `now_ns`; it used `cpu_ns` of thread CPU time, `generating_ns` of its
    /// wall time in a source, and `state` in a state backend. What follows is `wait`, or the end.
    pub(crate) fn slice_ends(
        &mut self,
        now_ns: u64,
        cpu_ns: u64,
        generating_ns: u64,
        state: StateCost,
        next: Option<Wait>,
    ) {
        let now_ns = now_ns.max(self.since_ns);
        if let Doing::Running { blocked_ns, .. } = self.doing {
            let worked_ns = (now_ns - self.since_ns).saturating_sub(blocked_ns);
            let state_ns = state.wall_ns.min(worked_ns);
            let rest_ns = worked_ns - state_ns;
            let on_cpu_ns = cpu_ns.saturating_sub(state.cpu_ns).min(rest_ns);
            self.split.state_ns += state_ns;
            self.split.on_cpu_ns += on_cpu_ns;
            self.split.starved_ns += rest_ns - on_cpu_ns;
        }
        self.generating_ns += generating_ns;
        self.doing = next.map_or(Doing::Ended, Doing::Waiting);
        self.since_ns = now_ns;
    }

    /// Everything up to `now_ns`, a wait under way included (a slice under way, at most 2 ms of
    /// computing, counts when it ends). Never decreases.
    pub(crate) fn read(&self, now_ns: u64, ready_at_ns: Option<u64>) -> (TimeSplit, Vec<u64>) {
        let (mut split, mut by_output_ns) = (self.split, self.by_output_ns.clone());
        let now_ns = now_ns.max(self.since_ns);
        match self.doing {
            Doing::Waiting(wait) => {
                let ready_ns = ready_at_ns.unwrap_or(now_ns).clamp(self.since_ns, now_ns);
                charge(
                    &mut split,
                    &mut by_output_ns,
                    wait,
                    ready_ns - self.since_ns,
                );
                split.starved_ns += now_ns - ready_ns;
            }
            Doing::Running {
                blocked_since_ns: Some(since_ns),
                ..
            } => {
                split.blocked_ns += now_ns.saturating_sub(since_ns);
            }
            Doing::Running { .. } => {}
            // Nothing will come any more: for whoever looks at the whole job, that is idleness.
            Doing::Ended => split.idle_ns += now_ns - self.since_ns,
        }
        (split, by_output_ns)
    }

    /// Cumulative time up to the last slice in which the engine kept a source from generating:
    /// waiting for credit, for a slot, or at work on chained operators.
    pub(crate) fn held_ns(&self) -> u64 {
        self.held_of(&self.split)
    }

    /// The same of a later [`read`](Self::read).
    pub(crate) fn held_of(&self, split: &TimeSplit) -> u64 {
        (split.total_ns() - split.idle_ns).saturating_sub(self.generating_ns)
    }
}

fn charge(split: &mut TimeSplit, by_output_ns: &mut [u64], wait: Wait, waited_ns: u64) {
    match wait {
        Wait::Idle => split.idle_ns += waited_ns,
        Wait::Blocked => split.blocked_ns += waited_ns,
        Wait::State => split.state_ns += waited_ns,
        Wait::Runnable => split.starved_ns += waited_ns,
        Wait::Backpressured { output } => {
            split.backpressured_ns += waited_ns;
            by_output_ns[output] += waited_ns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn waits() -> impl Strategy<Value = Wait> {
        prop_oneof![
            Just(Wait::Idle),
            Just(Wait::Blocked),
            Just(Wait::State),
            Just(Wait::Runnable),
            (0usize..2).prop_map(|output| Wait::Backpressured { output }),
        ]
    }

    proptest! {
        /// Conservation: at every slice boundary the parts sum to the time that has passed, and no
        /// reading is ever below an earlier one.
        #[test]
        fn parts_sum_to_wall_time_and_never_decrease(
            slices in prop::collection::vec(
                (0u64..1_000, 0u64..2_000, 0u64..1_000, 0u64..1_000, 0u64..1_500, waits(), 0u64..1_200), 1..40),
        ) {
            let mut account = Account::new(2, 0);
            let mut now = 0;
            let mut last = TimeSplit::default();
            for (waited, ready_after, computing, blocked, cpu, next, state) in slices {
                let ready = Some(now + ready_after).filter(|_| ready_after < 1_000);
                let begin = now + waited;
                let (during, _) = account.read(begin, ready);
                account.slice_begins(begin, ready);
                account.block_begins(begin + computing);
                let (inside, _) = account.read(begin + computing + blocked / 2, None);
                account.block_ends(begin + computing + blocked);
                now = begin + computing + blocked;
                let state = StateCost { wall_ns: state, cpu_ns: state / 2, accesses: 1 };
                account.slice_ends(now, cpu, 0, state, Some(next));
                let (split, by_output) = account.read(now, None);
                prop_assert_eq!(split.total_ns(), now);
                prop_assert_eq!(by_output.iter().sum::<u64>(), split.backpressured_ns);
                for (earlier, later) in [(last, during), (during, inside), (inside, split)] {
                    prop_assert!(earlier.idle_ns <= later.idle_ns);
                    prop_assert!(earlier.on_cpu_ns <= later.on_cpu_ns);
                    prop_assert!(earlier.state_ns <= later.state_ns);
                    prop_assert!(earlier.blocked_ns <= later.blocked_ns);
                    prop_assert!(earlier.starved_ns <= later.starved_ns);
                    prop_assert!(earlier.backpressured_ns <= later.backpressured_ns);
                }
                last = split;
            }
        }
    }
}
