//! How states get into a checkpoint and out of it again, whatever their types: bytes that each state
//! writes and reads itself, and a list of what the operator had opened, by which a checkpoint of other
//! states is refused.
//!
//! Left out is what a database holds: that is part of a checkpoint as files. A state in RocksDB writes
//! only what it keeps in memory.

use std::fmt;

use super::StateError;
use crate::data::{Decode, Encode, encode};
use sealed::SavedState;

/// A state of any kind, as the process that opened it shows it: [`ValueState`](crate::ValueState),
/// [`ListState`](crate::ListState), [`MapState`](crate::MapState) and
/// [`AggregatingState`](crate::AggregatingState). No other type can implement it.
pub trait KeyedState: SavedState {}

pub(crate) mod sealed {
    use crate::state::StateError;

    /// What the backend asks of every state.
    pub trait SavedState {
        /// The name under which it was opened.
        fn name(&self) -> &str;

        /// Appends what it holds in memory.
        fn save(&mut self, bytes: &mut Vec<u8>);

        /// Adds what a state of this name and form has saved, if `owns` says so of the encoded key.
        fn load(&mut self, saved: &[u8], owns: &dyn Fn(&[u8]) -> bool) -> Result<(), StateError>;
    }
}

/// Shows every state that a process opened to whoever visits them.
pub type ShowStates<'a> = dyn FnMut(&mut dyn FnMut(&mut dyn KeyedState)) + 'a;

/// What is kept per key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Kept {
    Value,
    List,
    Map,
    /// Timers, which belong to the operator and not to its process.
    Timers,
}

/// A state as it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct OpenedState {
    pub(crate) name: String,
    pub(crate) kept: Kept,
    pub(crate) expires: bool,
    pub(crate) on_disk: bool,
}

impl fmt::Display for OpenedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kept {
            Kept::Value => "a value per key",
            Kept::List => "a list per key",
            Kept::Map => "a map per key",
            Kept::Timers => "timers",
        })?;
        f.write_str(if self.expires {
            " with a time to live"
        } else {
            ""
        })?;
        f.write_str(match self.on_disk {
            true => " in RocksDB",
            false => " on the heap",
        })
    }
}

/// The states that an operator subtask has opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenedStates(Vec<OpenedState>);

impl OpenedStates {
    pub(crate) fn add(&mut self, state: OpenedState) {
        self.0.push(state);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|state| state.name == name)
    }

    /// Calls `each` with every state that the process shows, after making sure that these are all it
    /// opened: one that is not shown would be lost.
    pub(crate) fn visit(
        &self,
        show: &mut ShowStates<'_>,
        each: &mut dyn FnMut(&mut dyn KeyedState) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let mut shown = Vec::new();
        show(&mut |state| shown.push(state.name().to_owned()));
        self.check_shown(&shown)?;
        let mut result = Ok(());
        show(&mut |state| {
            if result.is_ok() {
                result = each(state);
            }
        });
        result
    }

    fn check_shown(&self, shown: &[String]) -> Result<(), StateError> {
        let opened = self.0.iter().filter(|state| state.kept != Kept::Timers);
        for state in opened {
            let reason = match shown.iter().filter(|name| **name == state.name).count() {
                1 => continue,
                0 => "the process opened it and does not show it in `states`",
                _ => "the process shows it in `states` more than once",
            };
            return Err(StateError::new(&state.name, reason));
        }
        match shown.iter().find(|name| !self.contains(name)) {
            Some(name) => Err(StateError::new(name, "shown in `states`, but not opened")),
            None => Ok(()),
        }
    }

    pub(crate) fn save(&self, bytes: &mut Vec<u8>) {
        encode(&self.0, bytes);
    }

    /// Refuses what was saved by an operator with states that this one does not have, or has in
    /// another form. It may have more: those begin empty.
    pub(crate) fn check_saved(&self, saved: &[u8]) -> Result<(), StateError> {
        let damaged = |error| StateError::new("all", format!("the list of states: {error}"));
        let saved = Vec::<OpenedState>::try_from_slice(saved).map_err(damaged)?;
        for old in saved {
            let reason = match self.0.iter().find(|state| state.name == old.name) {
                Some(state) if *state == old => continue,
                Some(state) => format!("the checkpoint has {old}, the job {state}"),
                None => "the checkpoint has it, the job does not open it".to_owned(),
            };
            return Err(StateError::new(&old.name, reason));
        }
        Ok(())
    }
}
