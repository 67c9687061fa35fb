//! What an operator subtask puts of its states into a checkpoint, and how it takes states over.
//!
//! Of states on the heap each is a part of its own. A subtask of another parallelism reads the parts of
//! all subtasks whose key groups overlap its own, and leaves out the keys that are not its.

use super::KeyedBackend;
use crate::checkpoint::parts::{Restored, Snapshot};
use crate::state::StateError;
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
        Ok(())
    }

    /// Before the first run: takes over the states of this subtask's keys.
    pub(crate) fn restore(
        &mut self,
        show: &mut ShowStates<'_>,
        from: &Restored<'_>,
    ) -> Result<(), StateError> {
        for (_, saved) in from.all(STATES) {
            self.opened.check_saved(saved)?;
        }
        let owns = |key: &[u8]| from.owns_key(key);
        self.opened.visit(show, &mut |state| {
            let part = part_of(state.name());
            let mut parts = from.overlapping(&part);
            parts.try_for_each(|saved| state.load(saved, &owns))
        })
    }
}
