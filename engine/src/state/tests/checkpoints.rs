//! What checkpoints of states are made of, and which are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::checkpoint::parts::PartFile;
use crate::{DetachedCheckpoint, DetachedStates};

type Numbers = ValueState<u64, Vec<u8>>;

/// Bytes that cannot be compressed.
fn value(key: u64, version: u64) -> Vec<u8> {
    let word = |n: u64| {
        (n + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ (version << 32))
            .rotate_left(29)
    };
    let words = (0..12).map(|place| word(word(key) ^ word(place)));
    words.flat_map(u64::to_le_bytes).collect()
}

fn opened(backend: &StateBackend) -> (DetachedStates, Numbers) {
    let mut state = None;
    let open = |context: &mut StateContext| state = Some(context.value("numbers"));
    let states = DetachedStates::open(backend, GROUPS, open).unwrap();
    (states, state.unwrap())
}

fn files(checkpoint: &DetachedCheckpoint) -> &[PartFile] {
    &checkpoint.parts().files[0].files
}

/// Bytes of files that no earlier checkpoint has.
fn new_bytes(of: &DetachedCheckpoint, before: &DetachedCheckpoint) -> u64 {
    let known: BTreeSet<_> = files(before)
        .iter()
        .filter_map(|it| it.identity.as_ref())
        .collect();
    let is_new = |file: &&PartFile| file.identity.as_ref().is_none_or(|it| !known.contains(it));
    files(of).iter().filter(is_new).map(|file| file.bytes).sum()
}

#[test]
fn a_checkpoint_in_rocksdb_shares_what_did_not_change_with_the_one_before_also_after_a_restore() {
    const KEYS: u64 = 100_000;
    let config = RocksDbConfig::of_profile(Profile::Default, std::env::temp_dir());
    let backend = StateBackend::RocksDb(config);
    let (mut states, mut numbers) = opened(&backend);
    for key in 0..KEYS {
        numbers.put(&key, value(key, 0)).unwrap();
    }
    let first = states.checkpoint(&mut |visit| visit(&mut numbers)).unwrap();
    assert!(first.bytes() > KEYS * 96);
    for change in 0..KEYS / 100 {
        // Keys all over the state.
        let key = change.wrapping_mul(0x9e37_79b9_7f4a_7c15) % KEYS;
        numbers.put(&key, value(key, 1)).unwrap();
    }
    let second = states.checkpoint(&mut |visit| visit(&mut numbers)).unwrap();
    assert!(new_bytes(&second, &first) * 20 <= second.bytes());
    // The first database goes on from the second checkpoint, and so does another one.
    let mut all = Vec::new();
    for version in 2..6 {
        numbers.put(&1, value(1, version)).unwrap();
        all.push(states.checkpoint(&mut |visit| visit(&mut numbers)).unwrap());
    }
    drop((states, numbers));
    let (mut states, mut numbers) = opened(&backend);
    states
        .restore(&second, &mut |visit| visit(&mut numbers))
        .unwrap();
    assert_eq!(numbers.get(&1).unwrap(), Some(value(1, 0)));
    for version in 6..10 {
        numbers.put(&1, value(1, version)).unwrap();
        all.push(states.checkpoint(&mut |visit| visit(&mut numbers)).unwrap());
    }
    assert!(new_bytes(&all[4], &second) * 20 <= all[4].bytes());
    let mut contents = BTreeMap::new();
    for checkpoint in &all {
        for file in files(checkpoint) {
            if let Some(identity) = &file.identity {
                let folder = checkpoint.parts().files[0].folder.path();
                let read = std::fs::read(folder.join(&file.name)).unwrap();
                let known = contents.entry(identity).or_insert_with(|| read.clone());
                assert!(*known == read, "equal identities mean equal contents");
            }
        }
    }
    assert!(
        contents.len() >= 10,
        "two at first, and one for each checkpoint since"
    );
}

fn on_heap() -> StateContext {
    StateContext::new(None, GROUPS)
}

/// What a state puts into a checkpoint.
fn saved(context: StateContext, state: &mut dyn KeyedState) -> Parts {
    let mut backend = context.finish().unwrap();
    let mut parts = Parts::default();
    let into = &mut Snapshot::new(0, OPERATOR, &mut parts);
    backend.snapshot(&mut |visit| visit(state), into).unwrap();
    parts
}

/// One of two subtasks, or a single one, goes on from the checkpoint of a single one.
fn restored(
    context: StateContext,
    subtask: (usize, usize),
    parts: &Parts,
    show: &mut ShowStates<'_>,
) -> Result<KeyedBackend, StateError> {
    let mut backend = context.finish()?;
    let parts = OperatorParts {
        subtasks: vec![parts.of(OPERATOR)],
    };
    let (index, parallelism) = subtask;
    let context = SubtaskContext { index, parallelism };
    backend.restore(show, &Restored::new(context, GROUPS, &parts))?;
    Ok(backend)
}

#[test]
fn a_state_that_its_process_does_not_show_is_not_lost_without_a_word() {
    let mut context = on_heap();
    let mut one = context.value::<u8, u8>("one");
    let _other = context.value::<u8, u8>("other");
    let mut backend = context.finish().unwrap();
    let mut refused = |show: &mut ShowStates<'_>| {
        let mut parts = Parts::default();
        let into = &mut Snapshot::new(0, OPERATOR, &mut parts);
        backend.snapshot(show, into).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&mut |visit| visit(&mut one)),
        "state 'other': the process opened it and does not show it in `states`"
    );
    assert_eq!(
        refused(&mut |visit| (0..2).for_each(|_| visit(&mut one))),
        "state 'one': the process shows it in `states` more than once"
    );
}

fn refuses_other_states_and_begins_new_ones_empty(backend: &StateBackend, place: &str) {
    let ttl = Ttl {
        after: Duration::from_secs(1),
        refresh: TtlRefresh::OnWrite,
    };
    let context = || StateContext::new(SharedResources::of(backend).unwrap(), GROUPS);
    let mut before = context();
    let mut counts = before.value::<u8, u8>("counts");
    for key in 0..100 {
        counts.put(&key, key).unwrap();
    }
    let parts = saved(before, &mut counts);
    for subtask in [(0, 1), (0, 2), (1, 2)] {
        let mut renaming = context();
        let mut renamed = renaming.value::<u8, u8>("totals");
        let refused = restored(renaming, subtask, &parts, &mut |visit| visit(&mut renamed));
        assert_eq!(
            refused.err().unwrap().to_string(),
            "state 'counts': the checkpoint has it, the job does not open it"
        );

        let mut expiring = context();
        let mut changed = expiring.value_with_ttl::<u8, u8>("counts", ttl);
        let refused = restored(expiring, subtask, &parts, &mut |visit| visit(&mut changed));
        assert_eq!(
            refused.err().unwrap().to_string(),
            format!(
                "state 'counts': the checkpoint has a value per key {place}, the job a value per key \
                 with a time to live {place}"
            )
        );

        let mut extended = context();
        let mut new = extended.list::<u8, u8>("new");
        let mut counts = extended.value::<u8, u8>("counts");
        let show = &mut |visit: &mut dyn FnMut(&mut dyn KeyedState)| {
            visit(&mut counts);
            visit(&mut new);
        };
        let _backend = restored(extended, subtask, &parts, show).unwrap();
        for key in 0..100u8 {
            let owner = subtask_of(group_of(&[key], GROUPS), subtask.1, GROUPS);
            let known = (owner == subtask.0).then_some(key);
            assert_eq!(counts.get(&key).unwrap(), known);
            assert!(new.get(&key).unwrap().is_empty());
        }
    }
}

#[test]
fn a_checkpoint_of_other_states_is_refused_and_a_new_state_begins_empty() {
    refuses_other_states_and_begins_new_ones_empty(&StateBackend::Heap, "on the heap");
    let rocksdb = StateBackend::RocksDb(busy_rocksdb(0));
    refuses_other_states_and_begins_new_ones_empty(&rocksdb, "in RocksDB");
}

type Open = fn(&mut StateContext) -> Box<dyn KeyedState>;

/// One state of each kind, with something in it.
fn filled() -> [(Open, Parts); 4] {
    let ttl = Ttl {
        after: Duration::from_secs(1),
        refresh: TtlRefresh::OnWrite,
    };
    fn expiring(context: &mut StateContext, ttl: Ttl) -> MapState<Bytes, u8, Bytes> {
        context.map_with_ttl("state", ttl)
    }
    let mut contexts = [on_heap(), on_heap(), on_heap(), on_heap()];
    let [first, second, third, fourth] = &mut contexts;
    let mut values = first.value::<Bytes, Bytes>("state");
    let mut lists = second.list::<Bytes, Bytes>("state");
    let mut maps = third.map::<Bytes, u8, Bytes>("state");
    let mut expiring_maps = expiring(fourth, ttl);
    for key in [vec![], vec![1, 2, 3], vec![7]] {
        values.put(&key, vec![5; 9]).unwrap();
        for element in 0..3 {
            lists.add(&key, vec![element; 3]).unwrap();
            maps.put(&key, &element, vec![element; 3]).unwrap();
            expiring_maps.put(&key, &element, vec![element; 3]).unwrap();
        }
    }
    let states: [&mut dyn KeyedState; 4] = [&mut values, &mut lists, &mut maps, &mut expiring_maps];
    let mut parts = contexts
        .into_iter()
        .zip(states)
        .map(|(it, state)| saved(it, state));
    let opens: [Open; 4] = [
        |context| Box::new(context.value::<Bytes, Bytes>("state")),
        |context| Box::new(context.list::<Bytes, Bytes>("state")),
        |context| Box::new(context.map::<Bytes, u8, Bytes>("state")),
        |context| {
            let after = Duration::from_secs(1);
            let refresh = TtlRefresh::OnWrite;
            Box::new(expiring(context, Ttl { after, refresh }))
        },
    ];
    opens.map(|open| (open, parts.next().expect("as many")))
}

#[test]
fn damaged_bytes_of_a_state_never_make_loading_panic_and_missing_ones_are_always_noticed() {
    for (open, parts) in filled() {
        let load = |damage: &dyn Fn(&mut Vec<u8>)| {
            let mut context = on_heap();
            let mut state = open(&mut context);
            let mut damaged = Parts::default();
            for part in &parts.parts {
                damaged.put_bytes(&part.operator, &part.name, |bytes| {
                    bytes.extend_from_slice(&part.bytes);
                    if part.name == "state/state" {
                        damage(bytes);
                    }
                });
            }
            restored(context, (0, 1), &damaged, &mut |visit| visit(&mut *state)).map(|_| ())
        };
        load(&|_| ()).unwrap();
        let part = parts.parts.iter().find(|part| part.name == "state/state");
        let length = part.unwrap().bytes.len();
        for place in 0..length {
            let cut = load(&|bytes| bytes.truncate(place)).unwrap_err();
            assert!(cut.to_string().starts_with("state 'state': "), "{cut}");
            for bit in 0..8 {
                let _ = load(&|bytes| bytes[place] ^= 1 << bit);
            }
        }
        load(&|bytes| bytes.push(0)).unwrap_err();
    }
}
