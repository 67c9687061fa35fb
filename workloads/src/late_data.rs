//! Workload `late-data`: records come in another order than they happened in, and windows have to be closed all the
//! same.
//!
//! source (makes watermarks) -> parse -> key_by -> window -> (deliver) -> sink, and late records -> late-sink. When a
//! window is complete is a guess. Whoever guesses early gives wrong results, whoever guesses late gives them late;
//! the parameters are all that one can turn, and the verifier says from one run what other guesses would have given.
//!
//! With one split, a watermark after every record and trigger event-time the results are a function of the records
//! and their order, and are compared one by one. Otherwise they depend on who was faster, and have to keep what any
//! right results keep (`invariants`).

mod event;
mod exact;
mod invariants;
mod job;
mod lateness;
mod layout;
mod parameters;
mod results;
mod rules;
mod sinks;
mod spec;
mod trigger;
mod verify;
mod windows;
mod witness;

pub use event::LateEvents;
pub use job::{OPERATORS, build, build_with};
pub use lateness::LatenessModel;
pub use parameters::PARAMETERS;
pub use results::WindowResult;
pub use spec::{
    Contents, LateDataSpec, LateOutput, Lateness, SlidingForm, TriggerSpec, VeryLate,
    WatermarkSpec, WindowSpec,
};
