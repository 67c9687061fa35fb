//! The run directory: what a run leaves behind, and how it is read.
//!
//! [`Writer`] makes one while the run goes on, [`RunDir`] reads one in whatever state it is. The
//! tables hold cumulative counters ([`SubtaskRow`] and its siblings), `latency.hlog` histograms
//! per interval ([`Series`]), `run.json` the conclusion ([`Run`]). This module knows the format
//! and nothing of what the numbers mean.

mod answer;
mod checkpoint;
mod graph;
mod latency;
mod line_file;
mod reader;
mod rows;
mod run;
mod search;
mod selftest;
mod state;
mod table;
mod trade_off;
mod writer;

use std::io;
use std::path::{Path, PathBuf};

pub use answer::{
    Freeze, Heading, RESULT_FILE, RESULT_SCHEMA, SearchRecord, Start, SweepRecord, publish_result,
    result_of,
};
pub(crate) use checkpoint::restored_checkpoint;
pub use checkpoint::{CheckpointOutcome, CheckpointRow, OutcomeRow, restored_text};
pub use graph::{Edge, Graph, Member, Task};
pub use latency::{LatencyInterval, Series, histogram};
pub(crate) use line_file::publish;
pub use reader::{Rows, RunDir};
pub use rows::{ChannelRow, EventRow, KeyRow, SubtaskRow, TimelineRow, event_kind};
pub use run::{
    Activity, Backend, Backpressure, BlockCache, Calibration, Ceiling, CheckpointDuration,
    CheckpointParts, Checkpoints, Correctness, Distribution, Environment, EventTime, Evidence,
    Fired, Late, Latencies, Level, MemberCost, Memory, Mode, Objective, Operator, Phase, Recovery,
    Run, SCHEMA, Slo, StateBackend, Subtask, Summary, Target, TopKey, Verdict, WatermarkLag,
};
pub use search::{ProbeRow, SweepRow, probe_rows, publish_probes, publish_sweep, sweep_rows};
pub use selftest::{
    Examined, Finding, FindingRow, FindingUnit, SELFTEST, SELFTEST_SCHEMA, SelfTestRecord,
    publish_selftest,
};
pub(crate) use state::LEVELS;
pub use state::StateRow;
pub use table::{Cell, Row, Table};
pub use trade_off::{TradeOffRow, publish_trade_off};
pub use writer::{Writer, publish_run};

/// The effective scenario, written first.
pub const SCENARIO_FILE: &str = "scenario.toml";
/// The deployed plan, written second.
pub const GRAPH_FILE: &str = "graph.json";
/// Latency histograms.
pub const LATENCY_FILE: &str = "latency.hlog";
/// The conclusion, written last and by rename.
pub const RUN_FILE: &str = "run.json";

/// Why a record could not be written or opened.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The directory holds nothing of a run.
    #[error("{} holds none of the files of a run", path.display())]
    NotARecord {
        /// The directory.
        path: PathBuf,
    },
    /// A histogram's counter is larger than the format's.
    #[error("a count of the series {series} is too large for {LATENCY_FILE}")]
    CountTooLarge {
        /// The series.
        series: &'static str,
    },
}

impl RecordError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        RecordError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
