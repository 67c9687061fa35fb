//! The only place where the engine reads a clock. Everything else takes the time as an argument.

use std::time::{Duration, Instant};

/// A job's clock: nanoseconds since the job started ("job time").
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    /// What it read at its origin.
    ahead_ns: u64,
}

impl Clock {
    /// A clock that reads 0 now.
    #[allow(clippy::disallowed_methods, reason = "one of the named clock readers")]
    pub fn start() -> Self {
        Clock {
            origin: Instant::now(),
            ahead_ns: 0,
        }
    }

    /// A clock that reads `at_ns` now: of a job that goes on from a checkpoint.
    #[allow(clippy::disallowed_methods, reason = "one of the named clock readers")]
    pub(crate) fn start_at(at_ns: u64) -> Self {
        Clock {
            origin: Instant::now(),
            ahead_ns: at_ns,
        }
    }

    /// Job time in nanoseconds. About 40 ns a call: read it per batch, never per record.
    pub fn now(&self) -> u64 {
        self.ahead_ns.saturating_add(nanos(self.origin.elapsed()))
    }
}

/// CPU time of the calling thread in nanoseconds. A system call: read it per slice, not per batch.
pub fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A duration as whole nanoseconds, saturating after 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
