//! Ctrl-C: the first one asks for a clean end, the second one ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit status of a run that was not allowed to end cleanly.
const ABORTED: i32 = 3;

/// Whether the user has asked for an end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens to interrupt, terminate and hang-up signals; once per process.
    pub fn listen() -> Result<Self, ctrlc::Error> {
        let interrupt = Self::default();
        let user = interrupt.clone();
        ctrlc::set_handler(move || {
            if user.ask() {
                std::process::exit(ABORTED);
            }
        })?;
        Ok(interrupt)
    }

    /// Asks for an end; true if that was asked for before.
    pub fn ask(&self) -> bool {
        self.asked.swap(true, Ordering::SeqCst)
    }

    /// Whether the user has asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}
