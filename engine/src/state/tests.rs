//! All kinds of state on all backends against naive models: random operations in runs of random
//! lengths, while time moves at random and subtasks go back to their last snapshot, as many as they
//! were or not.

mod checkpoints;
mod naive;
mod operations;
mod sizes;

use std::ops::ControlFlow;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use self::naive::{NaiveLists, NaiveMap};
use self::operations::{Blob, Bytes, OnList, OnMap, OnSum, OnValue, Operation, operation};
use super::rocksdb::config::Profile;
use super::saved::{KeyedState, ShowStates};
use super::ttl::TtlRefresh;
use super::*;
use crate::checkpoint::parts::{OperatorParts, Parts, Restored, Snapshot};
use crate::data::encode;
use crate::key_group::{group_of, subtask_of};
use crate::operator::SubtaskContext;

/// Cases times the operations of each: 100,000 at least.
const CASES: u32 = 56;
const OPERATIONS: std::ops::Range<usize> = 1_800..2_200;
const GROUPS: usize = 128;
const OPERATOR: &str = "operator";
/// What the steps in time are chosen for.
const TTL_MS: u64 = 100;

/// Adds up, and says the sum beside the first byte of the key.
#[derive(Clone, Copy, Debug)]
struct Sum;

impl Aggregate<Bytes, u32> for Sum {
    type Accumulator = u64;
    type Out = (Option<u8>, u64);

    fn create(&self) -> u64 {
        1
    }

    fn add(&self, accumulator: &mut u64, value: u32) {
        *accumulator += u64::from(value);
    }

    fn result(&self, key: &Bytes, accumulator: &u64) -> (Option<u8>, u64) {
        (key.first().copied(), *accumulator)
    }
}

type NaiveEntries = NaiveMap<(Bytes, Bytes), Bytes>;

/// The subtask that owns a key.
fn owner(key: &Bytes, parallelism: usize) -> usize {
    let mut encoded = Vec::new();
    encode(key, &mut encoded);
    subtask_of(group_of(&encoded, GROUPS), parallelism, GROUPS)
}

/// As a process would show them.
fn shown(mut states: [&mut dyn KeyedState; 4]) -> Box<ShowStates<'_>> {
    Box::new(move |visit| states.iter_mut().for_each(|state| visit(*state)))
}

/// One subtask's state of each kind.
struct States {
    backend: KeyedBackend,
    value: ValueState<Bytes, Bytes>,
    list: ListState<Bytes, Bytes>,
    map: MapState<Bytes, Bytes, Bytes>,
    sum: AggregatingState<Bytes, u32, Sum>,
}

impl States {
    fn new(mut context: StateContext, ttl: Option<Ttl>) -> Self {
        let (value, list, map, sum) = match ttl {
            None => (
                context.value("value"),
                context.list("list"),
                context.map("map"),
                context.aggregating("sum", Sum),
            ),
            Some(ttl) => (
                context.value_with_ttl("value", ttl),
                context.list_with_ttl("list", ttl),
                context.map_with_ttl("map", ttl),
                context.aggregating_with_ttl("sum", Sum, ttl),
            ),
        };
        States {
            backend: context.finish().expect("the database can be opened"),
            value,
            list,
            map,
            sum,
        }
    }

    fn snapshot(&mut self) -> Parts {
        let mut parts = Parts::default();
        let states: [&mut dyn KeyedState; 4] = [
            &mut self.value,
            &mut self.list,
            &mut self.map,
            &mut self.sum,
        ];
        let into = &mut Snapshot::new(0, OPERATOR, &mut parts);
        self.backend.snapshot(&mut *shown(states), into).unwrap();
        parts
    }

    fn restore(&mut self, from: &Restored<'_>) {
        let states: [&mut dyn KeyedState; 4] = [
            &mut self.value,
            &mut self.list,
            &mut self.map,
            &mut self.sum,
        ];
        self.backend.restore(&mut *shown(states), from).unwrap();
        self.backend.settle().unwrap();
    }
}

/// What states are held against.
#[derive(Clone)]
struct Models {
    value: NaiveMap<Bytes, Bytes>,
    list: NaiveLists<Bytes, Bytes>,
    map: NaiveEntries,
    sum: NaiveMap<Bytes, u64>,
}

/// A snapshot of all subtasks, and what was in it.
struct Kept {
    subtasks: Vec<Parts>,
    models: Models,
}

/// The subtasks of an operator, and the models of all their states.
struct Pairs {
    backend: StateBackend,
    ttl: Option<Ttl>,
    now_ms: u64,
    subtasks: Vec<States>,
    models: Models,
    kept: Option<Kept>,
}

impl Pairs {
    fn new(backend: StateBackend, ttl: Option<Ttl>) -> Self {
        let models = Models {
            value: NaiveMap::new(ttl),
            list: NaiveLists::new(ttl),
            map: NaiveMap::new(ttl),
            sum: NaiveMap::new(ttl),
        };
        let mut pairs = Pairs {
            backend,
            ttl,
            now_ms: 0,
            subtasks: Vec::new(),
            models,
            kept: None,
        };
        pairs.deploy(1);
        pairs
    }

    /// Replaces all subtasks by empty ones.
    fn deploy(&mut self, parallelism: usize) {
        let shared = SharedResources::of(&self.backend).expect("a folder can be made");
        let subtask = |_| States::new(StateContext::new(shared.clone(), GROUPS), self.ttl);
        self.subtasks = (0..parallelism).map(subtask).collect();
        self.end_run();
    }

    fn end_run(&mut self) {
        for subtask in &mut self.subtasks {
            subtask.backend.settle().unwrap();
            subtask.backend.set_time(self.now_ms);
        }
    }

    fn snapshot(&mut self) {
        let subtasks = self.subtasks.iter_mut().map(States::snapshot);
        self.kept = Some(Kept {
            subtasks: subtasks.collect(),
            models: self.models.clone(),
        });
    }

    /// Goes back to the last snapshot, with another number of subtasks. Time does not go back.
    fn restore(&mut self, parallelism: usize) {
        if self.kept.is_none() {
            self.snapshot();
        }
        self.deploy(parallelism);
        let kept = self.kept.as_ref().expect("just made sure of");
        self.models = kept.models.clone();
        let parts = OperatorParts {
            subtasks: kept.subtasks.iter().map(|it| it.of(OPERATOR)).collect(),
        };
        for (index, subtask) in self.subtasks.iter_mut().enumerate() {
            let context = SubtaskContext { index, parallelism };
            subtask.restore(&Restored::new(context, GROUPS, &parts));
        }
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Value(key, what) => self.on_value(key, what),
            Operation::List(key, what) => self.on_list(key, what),
            Operation::Map(key, what) => self.on_map(key, what),
            Operation::Sum(key, what) => self.on_sum(key, what),
            Operation::EndRun { later_ms } => {
                self.now_ms += later_ms;
                self.end_run();
                self.all_values()
            }
            Operation::Snapshot => {
                self.snapshot();
                Ok(())
            }
            Operation::Restore { parallelism } => {
                self.restore(*parallelism);
                self.all_values()
            }
        }
    }

    fn all_values(&mut self) -> Result<(), TestCaseError> {
        let mut ours = std::collections::BTreeMap::new();
        let mut entries = 0;
        let owners = self.subtasks.len();
        for (index, subtask) in self.subtasks.iter_mut().enumerate() {
            let mut show = |key: &Bytes, value: &Bytes| {
                assert_eq!(owner(key, owners), index, "the key of another subtask");
                ours.insert(key.clone(), value.clone());
            };
            subtask.value.for_each(&mut show).unwrap();
            if self.ttl.is_none() {
                entries += subtask.value.entries().unwrap();
            }
        }
        let model = &mut self.models.value;
        let keys = model.living(self.now_ms, |_| true);
        prop_assert_eq!(&ours, &model.unread(&keys));
        if self.ttl.is_none() {
            prop_assert_eq!(entries, keys.len() as u64);
        }
        Ok(())
    }

    fn on_value(&mut self, key: &Bytes, what: &OnValue) -> Result<(), TestCaseError> {
        let owners = self.subtasks.len();
        let state = &mut self.subtasks[owner(key, owners)].value;
        let (model, now_ms) = (&mut self.models.value, self.now_ms);
        let append = |bytes: &mut Bytes, byte| {
            bytes.push(byte);
            bytes.len()
        };
        match what {
            OnValue::Get => prop_assert_eq!(state.get(key).unwrap(), model.get(key, now_ms)),
            OnValue::Put(blob) => {
                state.put(key, blob.bytes()).unwrap();
                model.put(key, blob.bytes(), now_ms);
            }
            OnValue::Append(byte) => {
                let ours = state.update(key, || vec![7], |bytes| append(bytes, *byte));
                let theirs = model.update(key, now_ms, vec![7], |bytes| append(bytes, *byte));
                prop_assert_eq!(ours.unwrap(), theirs);
            }
            OnValue::AppendEach(items) => {
                let own = |item: &&(Bytes, u8)| owner(&item.0, owners) == owner(key, owners);
                let items: Vec<_> = items.iter().filter(own).collect();
                let change = |key: &Bytes, bytes: &mut Bytes, byte| append(bytes, byte) + key.len();
                let mut ours = Vec::new();
                let all = items.iter().copied().cloned();
                state.update_each(all, Vec::new, change, &mut ours).unwrap();
                let theirs = items.iter().map(|(key, byte)| {
                    model.update(key, now_ms, Vec::new(), |bytes| change(key, bytes, *byte))
                });
                prop_assert_eq!(ours, theirs.collect::<Vec<_>>());
            }
            OnValue::Prefetch(keys) => state.prefetch(keys.iter().cloned()).unwrap(),
            OnValue::Remove => {
                state.remove(key).unwrap();
                model.remove(key);
            }
        }
        Ok(())
    }

    fn on_list(&mut self, key: &Bytes, what: &OnList) -> Result<(), TestCaseError> {
        let owners = self.subtasks.len();
        let state = &mut self.subtasks[owner(key, owners)].list;
        let (model, now_ms) = (&mut self.models.list, self.now_ms);
        let bytes = |blobs: &[Blob]| blobs.iter().map(Blob::bytes).collect::<Vec<_>>();
        match what {
            OnList::Get => prop_assert_eq!(state.get(key).unwrap(), model.get(key, now_ms)),
            OnList::Add(blob) => {
                state.add(key, blob.bytes()).unwrap();
                model.add(key, blob.bytes(), now_ms);
            }
            OnList::AddAll(blobs) => {
                state.add_all(key, bytes(blobs)).unwrap();
                bytes(blobs)
                    .into_iter()
                    .for_each(|element| model.add(key, element, now_ms));
            }
            OnList::Replace(blobs) => {
                state.replace(key, bytes(blobs)).unwrap();
                model.clear(key);
                bytes(blobs)
                    .into_iter()
                    .for_each(|element| model.add(key, element, now_ms));
            }
            OnList::Clear => {
                state.clear(key).unwrap();
                model.clear(key);
            }
        }
        Ok(())
    }

    fn on_map(&mut self, key: &Bytes, what: &OnMap) -> Result<(), TestCaseError> {
        let owners = self.subtasks.len();
        let state = &mut self.subtasks[owner(key, owners)].map;
        let (model, now_ms) = (&mut self.models.map, self.now_ms);
        let id = |field: &Bytes| (key.clone(), field.clone());
        match what {
            OnMap::Get(field) => {
                prop_assert_eq!(
                    state.get(key, field).unwrap(),
                    model.get(&id(field), now_ms)
                );
            }
            OnMap::Contains(field) => {
                let theirs = model.get(&id(field), now_ms).is_some();
                prop_assert_eq!(state.contains(key, field).unwrap(), theirs);
            }
            OnMap::Put(field, blob) => {
                state.put(key, field, blob.bytes()).unwrap();
                model.put(&id(field), blob.bytes(), now_ms);
            }
            OnMap::Append(field, byte) => {
                let ours = state.update(key, field, Vec::new, |bytes| bytes.push(*byte));
                ours.unwrap();
                model.update(&id(field), now_ms, Vec::new(), |bytes| bytes.push(*byte));
            }
            OnMap::Remove(field) => {
                state.remove(key, field).unwrap();
                model.remove(&id(field));
            }
            OnMap::Prefetch(entries) => state.prefetch(entries.iter().cloned()).unwrap(),
            OnMap::Scan(limit) => {
                let mut ours = Vec::new();
                let scanned = state.for_each(key, |field, value| {
                    ours.push((field.clone(), value.clone()));
                    match ours.len() < *limit {
                        true => ControlFlow::Continue(()),
                        false => ControlFlow::Break(()),
                    }
                });
                scanned.unwrap();
                let fields = model.living(now_ms, |(of, _)| of == key);
                let shown = fields.iter().take(*limit);
                let theirs = shown.map(|id| (id.1.clone(), model.get(id, now_ms).unwrap()));
                prop_assert_eq!(ours, theirs.collect::<Vec<_>>());
            }
            OnMap::Clear => {
                state.clear(key).unwrap();
                model.remove_all(|(of, _)| of == key);
            }
        }
        Ok(())
    }

    fn on_sum(&mut self, key: &Bytes, what: &OnSum) -> Result<(), TestCaseError> {
        let owners = self.subtasks.len();
        let state = &mut self.subtasks[owner(key, owners)].sum;
        let (model, now_ms) = (&mut self.models.sum, self.now_ms);
        match what {
            OnSum::Get => {
                let theirs = model
                    .get(key, now_ms)
                    .map(|sum| (key.first().copied(), sum));
                prop_assert_eq!(state.get(key).unwrap(), theirs);
            }
            OnSum::Add(value) => {
                state.add(key, *value).unwrap();
                model.update(key, now_ms, 1, |sum| *sum += u64::from(*value));
            }
            OnSum::Clear => {
                state.clear(key).unwrap();
                model.remove(key);
            }
        }
        Ok(())
    }
}

fn ttl() -> impl Strategy<Value = Option<Ttl>> {
    let refresh = prop::sample::select(vec![
        None,
        Some(TtlRefresh::OnWrite),
        Some(TtlRefresh::OnReadAndWrite),
    ]);
    let after = Duration::from_millis(TTL_MS);
    refresh.prop_map(move |refresh| refresh.map(|refresh| Ttl { after, refresh }))
}

/// RocksDB that flushes and compacts all the time, because its write buffers are small.
pub(crate) fn busy_rocksdb(write_back_cache: u64) -> RocksDbConfig {
    RocksDbConfig {
        write_buffer_size: 256 << 10,
        level_base: 1 << 20,
        target_file_size: 256 << 10,
        write_back_cache,
        ..RocksDbConfig::of_profile(Profile::Default, std::env::temp_dir())
    }
}

pub(crate) fn in_rocksdb(config: RocksDbConfig) -> StateContext {
    let shared = SharedResources::new(config).expect("a temporary folder can be made");
    StateContext::new(Some(shared), 128)
}

fn agree(
    backend: StateBackend,
    ttl: Option<Ttl>,
    operations: &[Operation],
) -> Result<(), TestCaseError> {
    let mut pairs = Pairs::new(backend, ttl);
    operations
        .iter()
        .try_for_each(|operation| pairs.apply(operation))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn on_the_heap_every_kind_of_state_agrees_with_its_model(
        ttl in ttl(), operations in prop::collection::vec(operation(), OPERATIONS),
    ) {
        agree(StateBackend::Heap, ttl, &operations)?;
    }

    #[test]
    fn in_rocksdb_every_kind_of_state_agrees_with_its_model(
        ttl in ttl(), cache in prop::sample::select(vec![0, 4 << 10, 64 << 20]),
        operations in prop::collection::vec(operation(), OPERATIONS),
    ) {
        agree(StateBackend::RocksDb(busy_rocksdb(cache)), ttl, &operations)?;
    }
}

fn other_states_can_be_used_meanwhile(mut context: StateContext) {
    let mut counts = context.value::<u8, u64>("counts");
    let mut fields = context.map::<u8, u8, u64>("fields");
    let _backend = context.finish().unwrap();
    for field in 0..100 {
        let count = counts.update(
            &1,
            || 0,
            |count| {
                fields.put(&1, &field, *count).unwrap();
                *count += 1;
                *count
            },
        );
        assert_eq!(count.unwrap(), u64::from(field) + 1);
    }
    let mut seen = 0;
    let scanned = fields.for_each(&1, |field, value| {
        assert_eq!(u64::from(*field), *value);
        seen = counts
            .update(&2, || 0, |count| std::mem::replace(count, *count + 1))
            .unwrap();
        ControlFlow::Continue(())
    });
    scanned.unwrap();
    assert_eq!(seen, 99);
}

#[test]
fn a_state_can_be_used_while_another_is_changed_or_gone_through() {
    other_states_can_be_used_meanwhile(StateContext::new(None, 128));
    other_states_can_be_used_meanwhile(in_rocksdb(busy_rocksdb(0)));
}
