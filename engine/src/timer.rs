//! Deadlines to a fraction of a millisecond, for flush timeouts, due records and freezes.
//!
//! One thread per job sleeps until the earliest deadline. The runtime's own timers round up to
//! whole milliseconds, which would sit in every latency that is measured here.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::Clock;
use crate::wake::{Reason, Wake};

/// A handle to the timer thread; the thread ends when [`Timer::stop`] is called.
#[derive(Default)]
pub(crate) struct Timer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    deadlines: BinaryHeap<Reverse<Deadline>>,
    stopped: bool,
}

struct Deadline {
    at_ns: u64,
    wake: Arc<Wake>,
}

impl Timer {
    /// Starts the thread.
    pub(crate) fn spawn(self: &Arc<Self>, clock: Clock) -> std::io::Result<JoinHandle<()>> {
        let timer = Arc::clone(self);
        std::thread::Builder::new()
            .name("engine-timer".into())
            .spawn(move || timer.run(clock))
    }

    /// Notifies `wake` at `at_ns`. A subtask holds at most one armed deadline at a time, and one
    /// that is overtaken by other events merely costs it an empty poll.
    pub(crate) fn arm(&self, at_ns: u64, wake: &Arc<Wake>) {
        let mut state = self.lock();
        let earliest = state
            .deadlines
            .peek()
            .is_none_or(|Reverse(first)| at_ns < first.at_ns);
        state.deadlines.push(Reverse(Deadline {
            at_ns,
            wake: Arc::clone(wake),
        }));
        drop(state);
        if earliest {
            self.changed.notify_one();
        }
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_one();
    }

    fn run(&self, clock: Clock) {
        let mut state = self.lock();
        while !state.stopped {
            let now = clock.now();
            let wait_ns = match state.deadlines.peek() {
                Some(Reverse(first)) if first.at_ns <= now => {
                    let due = state.deadlines.pop().expect("just peeked").0;
                    drop(state);
                    due.wake.notify(Reason::DEADLINE, now);
                    state = self.lock();
                    continue;
                }
                Some(Reverse(first)) => first.at_ns - now,
                None => u64::MAX,
            };
            let wait = Duration::from_nanos(wait_ns.min(3_600_000_000_000));
            state = self
                .changed
                .wait_timeout(state, wait)
                .unwrap_or_else(|e| e.into_inner())
                .0;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing under the lock can panic half-way; a poisoned state is still whole.
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at_ns == other.at_ns
    }
}
impl Eq for Deadline {}
impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at_ns.cmp(&other.at_ns)
    }
}
