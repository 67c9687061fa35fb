//! Workload `slow-operator`: one operator that takes long for each record, in the middle of a plain job.
//!
//! source -> parse -> slow -> (fan-out) -> key_by -> sum -> sink. What a record costs is a function of the seed and
//! the record, so every run of a scenario injects the same work. The results do not depend on it.

mod cost;
mod event;
mod job;
mod operator;
mod serial;
mod spec;

pub use cost::CostModel;
pub use event::{Line, LineEvents, Record, UnreadableLine};
pub use job::{OPERATORS, RunningSum, SumAggregate, build, build_with};
pub use operator::{AsyncCost, BlockingCost, CpuCost, Parse};
pub use serial::SerialCost;
pub(crate) use spec::DISTRIBUTION;
pub use spec::{
    AsyncSpec, CostKind, CostSpec, Distribution, PARAMETERS, SlowOperatorSpec, SlowSubtask,
};
