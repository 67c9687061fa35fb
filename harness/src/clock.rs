//! The harness's clock reads, all of them.
//!
//! Everything else takes time as an argument. Job time (nanoseconds since the job started) is the
//! target's; this module only knows the wall calendar, for names and stamps, a free-running
//! monotonic reading, for the calibration loop and the live line, and CPU clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Seconds since the Unix epoch, for the run's name and `started_at`.
pub fn unix_time() -> Duration {
    // The run's calendar stamp is the one thing that needs the wall clock.
    #[allow(clippy::disallowed_methods)]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Monotonic nanoseconds from an arbitrary origin: only differences mean anything.
pub fn monotonic_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// CPU time of the whole process so far, in nanoseconds.
pub fn process_cpu_ns() -> u64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

/// CPU time of the calling thread so far, in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    // Kernel times are never negative; a negative one would read as 0.
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}
