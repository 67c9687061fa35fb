//! The instrument against the truth: what a run reports, compared with what was injected or can be
//! computed. Real time, so each test has the machine to itself and prints what it measured
//! (`cargo test --test measurement -- --nocapture`).

#[path = "measurement/bench.rs"]
mod bench;
#[path = "measurement/event_time.rs"]
mod event_time;
#[path = "measurement/freeze.rs"]
mod freeze;
#[path = "measurement/keyed_state.rs"]
mod keyed_state;
#[path = "measurement/queueing.rs"]
mod queueing;
#[path = "measurement/signature.rs"]
mod signature;
#[path = "measurement/time_split.rs"]
mod time_split;
#[path = "measurement/verdicts.rs"]
mod verdicts;
