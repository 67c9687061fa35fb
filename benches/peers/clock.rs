//! The clocks of the peers, read nowhere else.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The moment.
#[allow(
    clippy::disallowed_methods,
    reason = "whoever measures contestants has to read a clock; this is the place"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// Time since the Unix epoch, for the name of the folder with the results.
#[allow(
    clippy::disallowed_methods,
    reason = "a calendar name needs the wall clock"
)]
pub fn unix_time() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
