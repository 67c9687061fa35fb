//! Workload `flights`: the flights that left New York in 2013, as a stream in the order of their arrival.
//!
//! source -> parse, then running count, mean and maximum of the arrival delay per destination and per carrier. The
//! event time of a flight is its scheduled arrival (one day later if that lies before its scheduled departure; local
//! times are taken as they are, without time zones); it arrives its delay later. The stream is ordered by (arrival,
//! event time, row). Flights without an arrival delay are dropped at the source and counted.
//!
//! With `window` the job has windows by scheduled arrival instead; see [`windows`].

mod extract;
mod job;
mod spec;
mod stream;
mod totals;
pub mod windows;

pub use extract::{Extract, ExtractError, Row};
pub use job::{DelayAggregate, Delays, OPERATORS, build};
pub use spec::{FlightsSpec, PARAMETERS, WindowOptions};
pub use stream::{Flight, FlightEvents, RawFlight, Year, YearError};
pub use totals::{Code, Totals};
