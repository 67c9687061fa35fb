//! What an operator subtask puts of its states into a checkpoint, and how it takes states over.
//!
//! Of states on the heap each is a part of its own. A subtask of another parallelism reads the parts of
//! all subtasks whose key groups overlap its own, and leaves out the keys that are not its. States in
//! RocksDB are files, beside parts of what they keep in memory.

use super::{KeyedBackend, RocksDbStore};
use crate::account::StateCost;
use crate::checkpoint::parts::{Restored, Snapshot};
use crate::state::StateError;
use crate::state::rocksdb::store::{Store, TakenOver};
use crate::state::saved::ShowStates;

/// The part that lists the states.
const STATES: &str = "states";

fn part_of(state: &str) -> String {
    format!("state/{state}")
}

impl KeyedBackend {
    /// Between two runs: keeps all states.
    pub(crate) fn snapshot(
        &mut self,
        show: &mut ShowStates<'_>,
        into: &mut Snapshot<'_>,
    ) -> Result<(), StateError> {
        self.opened.visit(show, &mut |state| {
            let part = part_of(state.name());
            into.put(&part, |bytes| state.save(bytes));
            Ok(())
        })?;
        into.put(STATES, |bytes| self.opened.save(bytes));
        match &self.store {
            None => Ok(()),
            Some(RocksDbStore { store, .. }) => keep_store(&mut store.lock(), into),
        }
    }

    /// Before the first run: takes over the states of this subtask's keys.
    pub(crate) fn restore(
        &mut self,
        show: &mut ShowStates<'_>,
        from: &Restored<'_>,
    ) -> Result<TakenOver, StateError> {
        for (_, saved) in from.all(STATES) {
            self.opened.check_saved(saved)?;
        }
        let taken_over = match &self.store {
            None => TakenOver::Nothing,
            Some(RocksDbStore { store, .. }) => store.lock().restore(from)?,
        };
        let owns = |key: &[u8]| from.owns_key(key);
        self.opened.visit(show, &mut |state| {
            let part = part_of(state.name());
            let mut parts = from.overlapping(&part);
            parts.try_for_each(|saved| state.load(saved, &owns))
        })?;
        Ok(taken_over)
    }
}

/// Keeps a store; what that takes is time in state.
fn keep_store(store: &mut Store, into: &mut Snapshot<'_>) -> Result<(), StateError> {
    let before = *store.meter();
    store.snapshot(into)?;
    let after = *store.meter();
    into.spent(StateCost {
        wall_ns: after.wall_ns() - before.wall_ns(),
        cpu_ns: after.cpu_ns - before.cpu_ns,
        accesses: 0,
    });
    store.tell();
    Ok(())
}
