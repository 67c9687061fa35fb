//! Workload `hot-keys`: some keys are more frequent than others, and a running aggregate per key pays for it.
//!
//! source -> parse -> (local) -> key_by -> aggregate -> sink. All records of a key meet in one subtask of
//! `aggregate`, so the hottest key decides how much of the job's parallelism is of use. What helps is to add records
//! up before they are sent ([`LocalAggregation`]). In windows the same is done by two phases: source -> parse ->
//! key_by (salt, key) -> salted -> key_by -> aggregate -> sink. Which subtask gets how much is known beforehand ([`skew`]).

mod aggregate;
mod event;
mod job;
mod keys;
mod local;
pub mod skew;
mod spec;
mod sums;
mod windowed;

pub use aggregate::CostlyAggregate;
pub use event::HotKeyEvents;
pub use job::{OPERATORS, build, build_with};
pub use keys::KeyModel;
pub use local::LocalAggregation;
pub use spec::{HotKeysSpec, KeyDistribution, PARAMETERS};
pub use sums::{Contribution, Partial, RunningTotal, Sums};
pub use windowed::{StampedHotKeys, WindowTotal, build_windowed, build_windowed_with};
