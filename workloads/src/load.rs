//! The load: when which record is due, and the source that keeps to it.
//!
//! A [`Schedule`] is fixed before the run. The intended time of record i of split s is a function of (schedule, seed,
//! s, i); it never waits for a result and never skips a tick. Record i of split s is record k = i * splits + s of the
//! whole stream, so the stream does not depend on how it is split.

mod at_once;
mod clock;
mod disturbances;
mod event_time;
mod events;
mod exposure;
mod fingerprint;
mod null;
mod origin;
mod progress;
mod recording;
mod schedule;
mod source;
mod spec;
mod trace;
mod wave;

pub use clock::{SplitClock, SplitState};
pub use disturbances::{Disturbances, SplitPause};
pub use event_time::{SourceWatermarks, WatermarkEmission};
pub use events::Events;
pub use fingerprint::{event_fingerprint, schedule_fingerprint};
pub(crate) use null::Discarding;
pub use null::NullSource;
pub use progress::Progress;
pub use recording::Recording;
pub use schedule::{Bounds, Schedule};
pub use source::ScheduledSource;
pub use spec::{Arrivals, LoadSpec, ShapeSpec, Step, parameters_of_load};
pub use trace::{Interpolation, TracePoint};
