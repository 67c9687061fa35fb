//! Workload `checkpoint-pressure`: checkpoints of a large state while a slow operator behind it holds everything up.
//!
//! source -> parse -> key_by -> profile -> (rebalance) -> deliver -> sink. `profile` is that of
//! [`state_growth`](crate::state_growth) with a fixed number of keys, all of them there before the job's time begins,
//! of which records look one up or change one: so a checkpoint has much to hold, and what it has to write depends on how
//! many keys were changed since the one before. `deliver` spends a while on each answer. Where that is more than it has
//! time for, queues are full on both exchanges: aligned barriers wait behind all that, and reach subtasks over one
//! channel long before the other; unaligned ones overtake it, and take it into the checkpoint.
//!
//! Records, operators and the oracle are those of `state-growth`: nothing here knows how right answers look.

mod job;
mod spec;

pub use job::{OPERATORS, build};
pub use spec::{CheckpointPressureSpec, PARAMETERS};
