//! The load: when which record is due, and the source that keeps to it.
//!
//! A [`Schedule`] is fixed before the run. The intended time of record i of split s is a function of (schedule, seed,
//! s, i); it never waits for a result and never skips a tick. Record i of split s is record k = i * splits + s of the
//! whole stream, so the stream does not depend on how it is split.

mod at_once;
mod clock;
mod disturbances;
mod exposure;
mod fingerprint;
mod progress;
mod recording;
mod schedule;
mod source;
mod spec;
mod trace;
mod wave;

pub use clock::{SplitClock, SplitState};
pub use disturbances::{Disturbances, SplitPause};
pub use fingerprint::{event_fingerprint, schedule_fingerprint};
pub use progress::Progress;
pub use recording::Recording;
pub use schedule::{Bounds, Schedule};
pub(crate) use source::Discarding;
pub use source::{Events, NullSource, ScheduledSource};
pub use spec::{Arrivals, LoadSpec, ShapeSpec, Step, parameters_of_load};
pub use trace::{Interpolation, TracePoint};
