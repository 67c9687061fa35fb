//! Timers of one operator on all backends against timers in a list, while its subtasks go back to their
//! last snapshot, as many as they were or not.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::checkpoint::parts::{OperatorParts, Parts, Restored, Snapshot};
use crate::event_time::timers::TimeDomain::{Event, Processing};
use crate::key_group::{group_of, subtask_of};
use crate::operator::SubtaskContext;
use crate::state::backend::KeyedBackend;
use crate::state::rocksdb::shared::SharedResources;
use crate::state::tests::busy_rocksdb;
use crate::state::{StateBackend, StateContext};

const GROUPS: usize = 128;
const OPERATOR: &str = "operator";

#[derive(Clone, Debug)]
enum Step {
    Register(bool, u8, i64),
    Delete(bool, u8, i64),
    Advance(bool, i64),
    EndRun,
    Snapshot,
    Restore(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let timer = || (any::<bool>(), 0u8..8, -10i64..30);
    prop_oneof![
        240 => timer().prop_map(|(domain, key, at_ms)| Step::Register(domain, key, at_ms)),
        80 => timer().prop_map(|(domain, key, at_ms)| Step::Delete(domain, key, at_ms)),
        40 => (any::<bool>(), -10i64..30).prop_map(|(domain, to_ms)| Step::Advance(domain, to_ms)),
        40 => Just(Step::EndRun),
        1 => Just(Step::Snapshot),
        1 => (1usize..4).prop_map(Step::Restore),
    ]
}

fn domain(event: bool) -> TimeDomain {
    if event { Event } else { Processing }
}

fn owner(key: u8, parallelism: usize) -> usize {
    subtask_of(group_of(&[key], GROUPS), parallelism, GROUPS)
}

struct Subtask {
    backend: KeyedBackend,
    timers: TimerService<u8>,
    fired: u64,
}

impl Subtask {
    fn snapshot(&mut self) -> Parts {
        let mut parts = Parts::default();
        let into = &mut Snapshot::new(0, OPERATOR, &mut parts);
        self.backend.snapshot(&mut |_| (), into).unwrap();
        self.timers.snapshot(into);
        parts
    }

    fn restore(&mut self, from: &Restored<'_>) {
        let taken_over = self.backend.restore(&mut |_| (), from).unwrap();
        self.timers.restore(from, taken_over).unwrap();
        self.backend.settle().unwrap();
    }
}

/// In order of registration: whether it is about event time, when, and the key.
type Model = Vec<(bool, i64, u8)>;

struct Operator {
    backend: StateBackend,
    /// Timers in memory where most are on disk.
    head: usize,
    subtasks: Vec<Subtask>,
    model: Model,
    kept: Option<(Vec<Parts>, Model)>,
    /// Subtasks have always been one: then timers of a time fire in order of registration.
    is_ordered: bool,
}

impl Operator {
    fn new(backend: StateBackend, head: usize) -> Self {
        let mut operator = Operator {
            backend,
            head,
            subtasks: Vec::new(),
            model: Vec::new(),
            kept: None,
            is_ordered: true,
        };
        operator.deploy(1);
        operator
    }

    fn deploy(&mut self, parallelism: usize) {
        let shared = SharedResources::of(&self.backend).unwrap();
        let subtasks = (0..parallelism).map(|_| {
            let mut context = StateContext::new(shared.clone(), GROUPS);
            let timers = match context.stored_timers(self.head) {
                Some(timers) => TimerService::RocksDb(timers),
                None => context.timers(),
            };
            Subtask {
                backend: context.finish().unwrap(),
                timers,
                fired: 0,
            }
        });
        self.subtasks = subtasks.collect();
    }

    fn snapshot(&mut self) {
        let subtasks = self.subtasks.iter_mut().map(Subtask::snapshot);
        self.kept = Some((subtasks.collect(), self.model.clone()));
    }

    fn restore(&mut self, parallelism: usize) {
        if self.kept.is_none() {
            self.snapshot();
        }
        self.deploy(parallelism);
        let (kept, model) = self.kept.as_ref().expect("just made sure of");
        self.model = model.clone();
        self.is_ordered &= kept.len() == 1 && parallelism == 1;
        let parts = OperatorParts {
            subtasks: kept.iter().map(|it| it.of(OPERATOR)).collect(),
        };
        for (index, subtask) in self.subtasks.iter_mut().enumerate() {
            let context = SubtaskContext { index, parallelism };
            subtask.restore(&Restored::new(context, GROUPS, &parts));
        }
    }

    fn timers_of(&mut self, key: u8) -> &mut TimerService<u8> {
        let owner = owner(key, self.subtasks.len());
        &mut self.subtasks[owner].timers
    }

    fn apply(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Register(event, key, at_ms) => {
                let timers = self.timers_of(key);
                timers.register(domain(event), &key, at_ms).unwrap();
                if !self.model.contains(&(event, at_ms, key)) {
                    self.model.push((event, at_ms, key));
                }
            }
            Step::Delete(event, key, at_ms) => {
                let timers = self.timers_of(key);
                timers.delete(domain(event), &key, at_ms).unwrap();
                self.model.retain(|timer| *timer != (event, at_ms, key));
            }
            Step::Advance(event, to_ms) => self.advance(event, to_ms)?,
            Step::EndRun => {
                let mut subtasks = self.subtasks.iter_mut();
                subtasks.try_for_each(|it| it.backend.settle()).unwrap();
            }
            Step::Snapshot => self.snapshot(),
            Step::Restore(parallelism) => self.restore(parallelism),
        }
        self.agree()
    }

    fn advance(&mut self, event: bool, to_ms: i64) -> Result<(), TestCaseError> {
        let is_due = |timer: &(bool, i64, u8)| timer.0 == event && timer.1 <= to_ms;
        let parallelism = self.subtasks.len();
        for (index, subtask) in self.subtasks.iter_mut().enumerate() {
            let own = self
                .model
                .iter()
                .filter(|it| owner(it.2, parallelism) == index);
            let due = own.filter(|it| is_due(it)).map(|it| (it.1, it.2));
            let mut due: Vec<_> = due.collect();
            // The sort is stable: equal times stay in order of registration.
            due.sort_by_key(|timer| timer.0);
            let pop = || subtask.timers.pop_due(domain(event), to_ms).unwrap();
            let mut fired: Vec<_> = std::iter::from_fn(pop).collect();
            subtask.fired += fired.len() as u64;
            if !self.is_ordered {
                prop_assert!(fired.is_sorted_by_key(|timer| timer.0));
                fired.sort_unstable();
                due.sort_unstable();
            }
            prop_assert_eq!(&fired, &due);
        }
        self.model.retain(|timer| !is_due(timer));
        Ok(())
    }

    fn agree(&self) -> Result<(), TestCaseError> {
        for (index, subtask) in self.subtasks.iter().enumerate() {
            let is_own = |it: &&(bool, i64, u8)| owner(it.2, self.subtasks.len()) == index;
            let own: Vec<_> = self.model.iter().filter(is_own).collect();
            prop_assert_eq!(subtask.timers.pending(), own.len() as u64);
            prop_assert_eq!(subtask.timers.fired(), subtask.fired);
            for event in [true, false] {
                let first = own.iter().filter(|timer| timer.0 == event);
                let first_ms = first.map(|timer| timer.1).min();
                prop_assert_eq!(subtask.timers.next_ms(domain(event)), first_ms);
            }
        }
        Ok(())
    }
}

fn agree(backend: StateBackend, head: usize, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut operator = Operator::new(backend, head);
    steps.iter().try_for_each(|step| operator.apply(step))
}

proptest! {
    #[test]
    fn timers_fire_once_each_in_order_of_time_then_registration(
        steps in prop::collection::vec(step(), 0..300),
    ) {
        agree(StateBackend::Heap, 1, &steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn timers_in_rocksdb_of_which_few_are_in_memory_fire_as_those_on_the_heap(
        steps in prop::collection::vec(step(), 0..1_000), head in 1usize..8,
        cache in prop::sample::select(vec![0, 64 << 20]),
    ) {
        agree(StateBackend::RocksDb(busy_rocksdb(cache)), head, &steps)?;
    }
}

fn keep_the_order_of_each_subtask(backend: StateBackend) {
    let mut operator = Operator::new(backend, 2);
    operator.restore(2);
    // From the last key to the first, all at one time.
    for key in (0..8).rev() {
        operator.timers_of(key).register(Event, &key, 5).unwrap();
    }
    operator.snapshot();
    operator.restore(1);
    let timers = &mut operator.subtasks[0].timers;
    timers.register(Event, &99, 5).unwrap();
    let pop = || timers.pop_due(Event, 5).unwrap();
    let fired: Vec<u8> = std::iter::from_fn(pop).map(|timer| timer.1).collect();
    assert_eq!(fired.last(), Some(&99), "it was registered last");
    for old in 0..2 {
        let of_old = fired
            .iter()
            .filter(|&&key| key != 99 && owner(key, 2) == old);
        let of_old: Vec<_> = of_old.collect();
        assert!(
            of_old.len() > 1 && of_old.is_sorted_by(|a, b| a > b),
            "{fired:?}"
        );
    }
}

#[test]
fn timers_of_subtasks_that_become_one_fire_in_the_order_in_which_each_registered_them() {
    keep_the_order_of_each_subtask(StateBackend::Heap);
    keep_the_order_of_each_subtask(StateBackend::RocksDb(busy_rocksdb(0)));
}
