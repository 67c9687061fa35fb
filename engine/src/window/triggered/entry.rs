//! One key's share of one window.

use crate::data::{Decode, Encode};
use crate::event_time::timers::TimerPlace;
use crate::window::trigger::PaneTimer;
use crate::window::{Pane, TimeWindow};

/// What is held per key and window.
#[derive(Encode, Decode)]
pub(super) struct Entry<T, S> {
    pub(super) window: TimeWindow,
    /// Nothing after a purge, until the next element.
    pub(super) pane: Option<Pane<S>>,
    pub(super) trigger: T,
    /// Timers that the trigger has registered and that have not fired.
    pub(super) timers: Vec<PaneTimer>,
    /// When it is to be forgotten; nothing for the end of time. Not kept in a checkpoint: it follows from
    /// the window.
    #[borsh(skip)]
    pub(super) cleanup: Option<TimerPlace>,
    /// Whether it has fired at or after the end of its window.
    pub(super) complete: bool,
}

impl<T: Default, S> Entry<T, S> {
    pub(super) fn new(window: TimeWindow) -> Self {
        Entry {
            window,
            pane: None,
            trigger: T::default(),
            timers: Vec::new(),
            cleanup: None,
            complete: false,
        }
    }
}
