//! The run record and everything concluded and drawn from it. Pure: a function of run directories,
//! without clocks, threads or an engine.
//!
//! - [`record`]: the run directory, written and read.
//! - [`conclude`]: from a record's tables and a few [`Facts`] to `run.json`.
//! - [`verdict`]: what the numbers of a run are worth.

pub mod record;
pub mod verdict;

mod conclude;
mod deltas;
mod stats;

pub use conclude::{Facts, Termination, conclude};
