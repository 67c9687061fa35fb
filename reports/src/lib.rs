//! The run record and everything concluded and drawn from it. Pure: a function of run directories,
//! without clocks, threads or an engine.
//!
//! - [`record`]: the run directory, written ([`record::Writer`]) and read ([`record::RunDir`]).
//! - [`conclude`]: from a record's tables and a few [`Facts`] to `run.json` ([`record::Run`]).
//! - [`open_run`]: the conclusion of a directory, finished or not.
//! - [`verdict`]: what the numbers of a run are worth.
//! - [`steady`]: whether a series has one level that a mean describes.
//! - [`environment`]: whether the machine was quiet meanwhile.
//! - [`WarmUp`]: when the warm-up of a run that is going on is over.
//! - [`comparison`]: whether one variant of a run is better than another.
//! - [`sustainable`]: whether one load is held; [`search`]: which loads to probe, and the capacity they tell;
//!   [`sweep`]: latency over load; [`overload`]: what happens beyond the capacity.
//! - [`compared`]: the record of a comparison, its answer and its page.
//! - [`render`]: charts and page of a run directory; [`render_search`], [`render_sweep`]: of those.
//! - [`styled_summary`]: the same for a terminal; [`search_text`], [`sweep_text`].
//! - [`format`](mod@format): how numbers read, everywhere.

pub mod compared;
pub mod comparison;
pub mod environment;
pub mod format;
pub mod overload;
pub mod record;
pub mod search;
pub mod steady;
pub mod sustainable;
pub mod sweep;
pub mod verdict;

mod charts;
mod conclude;
mod deltas;
mod event_time;
mod objectives;
mod render;
mod stats;
mod summary;
mod view;
mod warming;

pub use charts::{search_chart, sweep_chart};
pub use conclude::{Facts, Termination, conclude, open_run};
pub use objectives::Objectives;
pub use render::{Rendered, render, render_search, render_sweep};
pub use summary::{Style, search_text, selftest_text, styled_summary, summary_text, sweep_text};
pub use warming::WarmUp;
