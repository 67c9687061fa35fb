//! What others see of states on the heap.

use std::time::Duration;

use crate::state::snapshot::StateSnapshot;
use crate::state::ttl::{Ttl, TtlRefresh};
use crate::state::{KeyedBackend, StateContext};

/// Entries and bytes now; the first look asks, the touch in between answers.
fn seen(backend: &KeyedBackend, touch: impl FnOnce()) -> (u64, u64) {
    let probe = backend.probe().expect("there is state");
    probe.read(&mut StateSnapshot::default());
    touch();
    let mut seen = StateSnapshot::default();
    probe.read(&mut seen);
    (seen.entries, seen.bytes)
}

#[test]
fn states_on_the_heap_tell_their_entries_and_the_size_of_what_they_hold_now() {
    let mut context = StateContext::new(None, 128);
    let mut values = context.value::<u64, Vec<u8>>("values");
    let backend = context.finish().unwrap();
    for key in 0..100 {
        values.put(&key, vec![0; 6]).unwrap();
    }
    // 8 bytes of key, 4 of length, 6 of value.
    assert_eq!(
        seen(&backend, || values.put(&0, vec![0; 6]).unwrap()),
        (100, 1_800)
    );
    for key in 0..100 {
        values
            .update(&key, Vec::new, |value| value.extend([0; 4]))
            .unwrap();
    }
    let touch = || values.update(&0, Vec::new, |_| ()).unwrap();
    assert_eq!(seen(&backend, touch), (100, 2_200));
    assert_eq!(seen(&backend, || values.remove(&0).unwrap()), (99, 99 * 22));
}

#[test]
fn every_kind_of_state_on_the_heap_tells_what_it_holds() {
    let ttl = Ttl {
        after: Duration::from_millis(10),
        refresh: TtlRefresh::OnWrite,
    };
    for ttl in [None, Some(ttl)] {
        let mut context = StateContext::new(None, 128);
        let (mut list, mut map) = match ttl {
            None => (
                context.list::<u64, u8>("list"),
                context.map::<u64, u8, u8>("map"),
            ),
            Some(ttl) => (
                context.list_with_ttl::<u64, u8>("list", ttl),
                context.map_with_ttl::<u64, u8, u8>("map", ttl),
            ),
        };
        let backend = context.finish().unwrap();
        for key in 0..10 {
            list.add_all(&key, [1, 2, 3]).unwrap();
            map.put(&key, &1, 1).unwrap();
            map.put(&key, &2, 1).unwrap();
        }
        map.clear(&0).unwrap();
        list.clear(&0).unwrap();
        let (entries, bytes) = seen(&backend, || {
            list.add(&11, 1).unwrap();
            map.put(&1, &1, 1).unwrap();
        });
        assert_eq!(entries, 27 + 1 + 18, "{ttl:?}");
        // A list that expires keeps its elements by number, which take eight bytes more each.
        let element = if ttl.is_some() { 17 } else { 9 };
        assert_eq!(bytes, 28 * element + 18 * 10, "{ttl:?}");
        if ttl.is_some() {
            backend.set_time(100);
            let touch = || (0..20).for_each(|key| list.clear(&key).and(map.clear(&key)).unwrap());
            assert_eq!(seen(&backend, touch).0, 0);
        }
    }
}
