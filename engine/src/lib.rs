//! The embedded dataflow engine: typed jobs of operators, run as subtasks on tokio, with bounded
//! credit-counted channels and an exact account of where each subtask's time goes.
//!
//! Semantics and names are Apache Flink's. The engine knows nothing of workloads or of how results
//! are judged; it prints nothing and reads no environment.
//!
//! - [`JobGraph`] describes a job; [`JobGraph::deploy`] checks and builds it; [`Deployed::start`]
//!   runs it; [`Job`] drains, cancels, freezes and reads it.
//! - [`Source`], [`Operator`], [`KeyedProcess`], [`Aggregate`], [`Sink`] are what users write.
//! - [`JobSnapshot`] is what can be measured.

mod account;
mod async_io;
mod attempt;
mod batch;
mod checkpoint;
mod clock;
mod config;
mod data;
mod deploy;
mod edge;
mod event_time;
mod exchange;
mod fault;
mod file_sink;
mod functions;
mod gate;
mod graph;
mod head;
mod interval_join;
mod job;
mod key_group;
mod keyed;
mod link;
mod operator;
mod output;
mod panic_text;
mod plan;
mod prepare;
mod side;
mod snapshot;
mod source;
mod stage;
mod state;
mod subtask;
mod timer;
mod top_keys;
mod valve;
mod wake;
mod window;

pub use account::TimeSplit;
pub use async_io::AsyncOptions;
pub use batch::{Batch, Rows, Signal};
pub use checkpoint::config::{CheckpointConfig, CheckpointMode, RestartStrategy, RestoreFrom};
pub use checkpoint::parts::{Restored, Snapshot};
pub use checkpoint::report::{CheckpointOutcome, CheckpointReport, SubtaskCheckpoint};
pub use clock::{Clock, thread_cpu_ns};
pub use config::{Chaining, ChannelConfig, JobConfig, NetworkConfig, Remote};
pub use data::{Data, Decode, Encode, Key, Row};
pub use deploy::Deployed;
pub use event_time::bounded::BoundedOutOfOrderness;
pub use event_time::splits::{SplitProgress, SplitWatermarkOptions, SplitWatermarks};
pub use event_time::timers::{KeyedTimers, TimeDomain};
pub use event_time::{FINAL_WATERMARK_MS, NO_WATERMARK_MS, WatermarkStatus, WatermarkUpdate};
pub use exchange::Exchange;
pub use file_sink::{CsvRecord, CsvRow, FileCommitter, FileSink, read_parts};
pub use functions::Collector;
pub use graph::{JobGraph, KeyedStream, Stream};
pub use interval_join::{IntervalError, IntervalJoin};
pub use job::told::{EdgeBalance, JobEvent, Outcome};
pub use job::{Job, JobEnd, JobReport};
pub use key_group::{group_of, murmur3, subtask_of};
pub use keyed::timed::{Due, TimedProcess, Timers};
pub use keyed::{Aggregate, KeyedProcess};
pub use operator::{Committer, Operator, OperatorContext, OperatorError, Sink, SubtaskContext};
pub use plan::{DeployError, EdgePlan, MemberPlan, Plan, TaskPlan};
pub use prepare::{Preparation, PrepareContext};
pub use side::Side;
pub use snapshot::{ChannelSnapshot, JobSnapshot, MemberSnapshot, SubtaskSnapshot};
pub use source::{SentHook, Source, SourceStatus};
pub use state::aggregating::AggregatingState;
pub use state::detached::{DetachedCheckpoint, DetachedStates};
pub use state::list::ListState;
pub use state::map::MapState;
pub use state::ordered::OrderedKey;
pub use state::rocksdb::config::{
    Compression, ConfigError, Profile, RocksDbConfig, RocksDbMemory, TimerStore,
};
pub use state::saved::{KeyedState, ShowStates};
pub use state::snapshot::{RocksDbSnapshot, StateSnapshot, WriteBackSnapshot};
pub use state::ttl::{Ttl, TtlRefresh};
pub use state::value::ValueState;
pub use state::{StateBackend, StateContext, StateError};
pub use top_keys::{KeyCount, TopKeys};
pub use window::assigner::{AssignedWindows, Global, Session, Sliding, Tumbling, WindowAssigner};
pub use window::co_group::{BothSides, CoGroup, WindowJoin};
pub use window::contents::{
    Aggregated, AggregatedThen, AllElements, WindowAggregate, WindowContents,
};
pub use window::sliced::SlicedWindows;
pub use window::standing::{OwnsKey, WindowStateError};
pub use window::trigger::{Trigger, TriggerContext, TriggerResult};
pub use window::triggered::TriggeredWindows;
pub use window::triggers::{
    ContinuousEventTimeTrigger, CountTrigger, EarlyIntervalTrigger, EventTimeTrigger, NeverTrigger,
    ProcessingTimeTrigger, PurgingTrigger,
};
pub use window::tumbling::TumblingWindows;
pub use window::{
    Firing, FiringTime, TimeWindow, WindowCore, WindowCounters, WindowError, WindowOutput,
};
