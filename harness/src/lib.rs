//! The harness: scenarios, targets, load, sampling, and the command line of `backwater`.
//!
//! It joins the other crates and is thin: `engine` runs jobs, `workloads` says what they are and how
//! they are driven, `reports` owns the record and everything concluded from it. What happens in a
//! run is in [`run`]; which engine it happens on, only in [`target`].

pub mod cli;
pub mod interrupt;
pub mod latency;
pub mod loads;
pub mod resume;
pub mod run;
pub mod scenario;
pub mod search;
pub mod selftest;
pub mod sweep;
pub mod target;

mod calibration;
mod child;
mod clock;
mod compare;
mod environment;
mod host;
mod line;
mod live;
mod lock;
mod process;
mod sampler;
mod ticks;
mod writing;
