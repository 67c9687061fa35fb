//! Workloads for stream-processing engines: what is run, how hard, and what the right answer is.
//!
//! - [`load`]: when which record is due, fixed before the run, and the source that keeps to it.
//! - [`slow_operator`], [`flights`], [`hot_keys`], [`late_data`], [`state_growth`], [`checkpoint_pressure`]: events, jobs for the embedded engine, oracles.
//! - [`family`], [`job`], [`spec`]: the tables of a scenario that say so, checked against one declaration that
//!   `backwater list` shows, too. [`scenarios`]: the built-in ones.
//! - [`jobs`]: from specifications to a job; [`verify`]: were its results right; [`trade_off`]: what its windows would
//!   have been worth under other settings.
//!
//! Everything here is a function of (specification, seed): no clock is read, and nothing is measured. How rows are
//! timed is the business of whoever gives the [`probes`].

pub mod checkpoint_pressure;
pub mod draw;
pub mod family;
pub mod flights;
pub mod hot_keys;
pub mod job;
pub mod jobs;
pub mod late_data;
pub mod load;
mod output;
pub mod probes;
pub mod scenarios;
pub mod slow_operator;
pub mod spec;
pub mod stamped;
pub mod state_growth;
pub mod tag;
pub mod trade_off;
pub mod verify;

pub use family::{Family, WorkloadSpec, families};
pub use job::{
    ChainingSpec, ChannelSpec, CheckpointSpec, JobSpec, NetworkSpec, OutputSpec, RemoteSpec,
    RestartSpec, RocksDbSpec, StateSpec, parameters_of_job,
};
pub use jobs::{Alone, BuildError, Built, NullSources, build, null_sources};
pub use load::{
    Arrivals, Bounds, Disturbances, Events, Interpolation, LoadSpec, NullSource, Progress,
    Schedule, ShapeSpec, SourceWatermarks, SplitPause, Step, TracePoint, WatermarkEmission,
    parameters_of_load,
};
pub use probes::{NoProbes, Probes, SinkProbe, TagRun};
pub use scenarios::builtin_scenarios;
pub use spec::{Default, Kind, Parameter, SpecError, Variant};
pub use trade_off::TradeOff;
pub use verify::{Correctness, Mode, Results, Verifier};

/// Bytes in lower-case hexadecimal.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
