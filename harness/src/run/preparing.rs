//! The time before a job's time: its operators fill their state, and somebody waits.
//!
//! The start itself blocks until the state is in place; meanwhile a thread of its own says how far it
//! is and takes Ctrl-C to the job.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::progress::Waiting;
use crate::clock;
use crate::interrupt::Interrupt;
use crate::target::{DeployError, Preparation, RunningJob, Start};

/// Longest time between two looks: how soon Ctrl-C is obeyed.
const LOOK: Duration = Duration::from_millis(50);

/// Starts the job when its state is in place; [`DeployError::Cancelled`] if the user ends it before.
pub fn start(
    start: Box<Start>,
    preparation: Option<&dyn Preparation>,
    interrupt: &Interrupt,
) -> Result<Arc<dyn RunningJob>, DeployError> {
    let Some(preparation) = preparation else {
        return start();
    };
    std::thread::scope(|scope| {
        let (ends_with_it, ended) = channel::<()>();
        scope.spawn(move || watch(preparation, interrupt, &ended));
        let started = start();
        drop(ends_with_it);
        started
    })
}

/// Until the other end of `ended` is gone.
fn watch(preparation: &dyn Preparation, interrupt: &Interrupt, ended: &Receiver<()>) {
    let began_ns = clock::monotonic_ns();
    let mut waiting = Waiting::default();
    let mut cancelled = false;
    while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        if interrupt.asked() && !cancelled {
            cancelled = true;
            preparation.cancel();
            waiting.say("interrupted: ending the run; once more ends it at once");
        }
        waiting.show(clock::monotonic_ns() - began_ns, preparation.done());
    }
    waiting.end();
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;

    /// A preparation without end.
    #[derive(Default)]
    struct Endless {
        done: AtomicU64,
        cancelled: AtomicBool,
    }

    impl Preparation for Arc<Endless> {
        fn done(&self) -> u64 {
            self.done.load(Ordering::Relaxed)
        }

        fn cancel(&self) {
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn an_interrupt_ends_a_preparation() {
        let endless = Arc::new(Endless::default());
        let (at_work, interrupt) = (Arc::clone(&endless), Interrupt::default());
        let user = interrupt.clone();
        let work: Box<Start> = Box::new(move || {
            while !at_work.cancelled.load(Ordering::Relaxed) {
                at_work.done.fetch_add(1, Ordering::Relaxed);
                user.ask();
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(DeployError::Cancelled)
        });
        let started = start(work, Some(&endless), &interrupt);
        assert!(matches!(started, Err(DeployError::Cancelled)));
        assert!(endless.done() > 0);
    }
}
