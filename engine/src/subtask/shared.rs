//! What others see of a subtask and tell it: counters, orders, and the bell.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::account::Account;
use crate::checkpoint::barrier::Barrier;
use crate::state::rocksdb::calls::UnbookedCalls;
use crate::wake::{Reason, Wake};
use crate::window::WindowCounters;

/// What a job tells a subtask, beside all channels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// A source emits nothing more.
    Stop,
    /// Do nothing for this long.
    Freeze(Duration),
    /// Take `extra` longer for every access to state, for this long.
    SlowState { extra: Duration, lasting: Duration },
    /// Take `extra` longer for every row, for this long.
    SlowDown { extra: Duration, lasting: Duration },
    /// The network before it is throttled.
    NetworkThrottled { until_ns: u64 },
    /// A source: take part in a checkpoint.
    Checkpoint(Barrier),
    /// This checkpoint and all before it are over.
    GiveUp(u64),
    /// Fail.
    Kill,
}

/// The part of a subtask that others see.
pub(crate) struct SubtaskShared {
    /// Its position among all subtasks of the job.
    pub(crate) number: usize,
    pub(crate) task: usize,
    pub(crate) subtask: usize,
    pub(crate) is_source: bool,
    pub(crate) wake: Arc<Wake>,
    /// Of a subtask with its state on disk: time there that its account does not know yet.
    pub(super) unbooked: Option<UnbookedCalls>,
    meter: Mutex<Meter>,
    orders: Mutex<Vec<Order>>,
}

/// Cumulative counters of one subtask.
#[derive(Clone)]
pub(crate) struct Meter {
    pub(crate) account: Account,
    pub(crate) records_in: u64,
    pub(crate) records_out: u64,
    pub(crate) watermark_ms: Option<i64>,
    /// Of a source: the highest event time emitted, in milliseconds.
    pub(crate) event_time_ms: Option<i64>,
    pub(crate) windows: Option<WindowCounters>,
}

impl SubtaskShared {
    pub(crate) fn new(
        number: usize,
        (task, subtask): (usize, usize),
        is_source: bool,
        outputs: usize,
        wake: Arc<Wake>,
        unbooked: Option<UnbookedCalls>,
    ) -> Self {
        let account = Account::new(outputs, 0);
        SubtaskShared {
            number,
            task,
            subtask,
            is_source,
            wake,
            unbooked,
            meter: Mutex::new(Meter {
                account,
                records_in: 0,
                records_out: 0,
                watermark_ms: None,
                event_time_ms: None,
                windows: None,
            }),
            orders: Mutex::new(Vec::new()),
        }
    }

    /// The subtask's time begins: an attempt may begin late in a job's.
    pub(crate) fn begin(&self, now_ns: u64) {
        self.meter().account.begin(now_ns);
    }

    pub(crate) fn meter(&self) -> MutexGuard<'_, Meter> {
        // Counters stay whole even if a panic passed by.
        self.meter.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Nanoseconds in a state backend that are not in the account: of the slice under way. To be asked
    /// while the meter is held.
    pub(crate) fn pending_state_ns(&self) -> u64 {
        self.unbooked.as_ref().map_or(0, UnbookedCalls::pending_ns)
    }

    pub(crate) fn order(&self, order: Order, now_ns: u64) {
        self.orders
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .push(order);
        self.wake.notify(Reason::CONTROL, now_ns);
    }

    pub(super) fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut *self.orders.lock().unwrap_or_else(|e| e.into_inner()))
    }
}
