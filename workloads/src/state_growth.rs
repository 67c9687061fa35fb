//! Workload `state-growth`: an operator's state is what the job costs, and it grows.
//!
//! - `profiles`: source -> parse -> key_by -> profile -> sink. One value per key, preloaded before the job's time
//!   begins; records read, update, replace or delete it, and bring new keys. Every record is answered by what it found.
//! - `unique-visitor`, the classic example of tuning state: source -> parse -> key_by -> first-visit -> sink. A map per
//!   device, of days to the first visit; a row for each first visit of a day, and again if an earlier one comes later.
//!
//! All records of a key come from one split ([`Population`]), so every answer is known whatever the layout; only a time
//! to live makes some of them depend on when records were processed. Results are tallied by buckets of keys
//! ([`Buckets`]): millions of keys must not need a second state to be checked.

mod buckets;
mod event;
mod histories;
mod job;
mod outcome;
mod parameters;
mod population;
mod preload;
mod profile;
mod profiles;
mod spec;
mod verify;
mod visits;

pub use buckets::{BUCKETS, Bucket, Buckets, Found};
pub use event::{Operation, ProfileEvents, VisitEvents};
pub(crate) use job::build_profiles_behind;
pub use job::{OPERATORS, build_profiles, build_profiles_with, build_visits, build_visits_with};
pub(crate) use parameters::DISTRIBUTION;
pub use population::Population;
pub use profile::{Content, Profile};
pub use profiles::Answer;
pub use spec::{GrowthJob, Mix, PARAMETERS, Recency, Refresh, StateGrowthSpec, TtlSpec};
pub use visits::{Calendar, FirstVisit};
