//! The instrument against the truth: what a run reports, compared with what was injected or can be
//! computed. Real time, so each test has the machine to itself and prints what it measured
//! (`cargo test --test measurement -- --nocapture`).

#[path = "measurement/bench.rs"]
mod bench;
#[path = "measurement/claims.rs"]
mod claims;
#[path = "measurement/event_time.rs"]
mod event_time;
#[path = "measurement/examined.rs"]
mod examined;
#[path = "measurement/keyed_state.rs"]
mod keyed_state;
#[path = "measurement/signature.rs"]
mod signature;
#[path = "measurement/subjects.rs"]
mod subjects;
#[path = "measurement/verdicts.rs"]
mod verdicts;
