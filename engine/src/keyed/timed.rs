//! Processes on keyed streams that set timers: Flink's keyed process function.

use crate::batch::{Batch, Rows, Signal};
use crate::checkpoint::parts::{Restored, Snapshot};
use crate::data::{Decode, Key, Row};
use crate::event_time::timers::TimeDomain;
use crate::event_time::{NO_WATERMARK_MS, job_time_ns, processing_ms};
use crate::keyed::timer_service::TimerService;
use crate::operator::{Operator, OperatorContext, OperatorError};
use crate::stage::earliest;
use crate::state::backend::KeyedBackend;
use crate::state::saved::KeyedState;
use crate::state::{StateContext, StateError};
use crate::top_keys::KeySketch;
use crate::window::WindowCounters;

/// A user-written operator on a keyed stream that wants to be called again at points in time. All
/// rows and timers of one key reach the same subtask.
pub trait TimedProcess<K, In, Out>: Send {
    /// Opens the states it needs; called once, before the first row.
    fn open(&mut self, _state: &mut StateContext) {}

    /// Shows every state that it opened, once each: this is how they get into a checkpoint, and out
    /// of it. Asked for at any time after [`open`](Self::open).
    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn KeyedState));

    /// Takes one row, appends what comes of it to `out`.
    fn process(
        &mut self,
        key: &K,
        row: Row<In>,
        timers: &mut Timers<'_, K>,
        out: &mut Batch<Out>,
    ) -> Result<(), OperatorError>;

    /// The time has come for which `key` set a timer. A row made here has no contributor: its tag is
    /// 0 unless one was kept.
    fn on_timer(
        &mut self,
        key: &K,
        due: Due,
        timers: &mut Timers<'_, K>,
        out: &mut Batch<Out>,
    ) -> Result<(), OperatorError>;
}

/// The part of a checkpoint that says how far event time had come.
const WATERMARK: &str = "watermark";

/// A timer that fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which clock it is about.
    pub domain: TimeDomain,
    /// For when it was set, in milliseconds of that clock, which may be further by now.
    pub at_ms: i64,
}

/// The timers of the key at hand, and both clocks.
#[derive(Debug)]
pub struct Timers<'a, K> {
    all: &'a mut TimerService<K>,
    key: &'a K,
    watermark_ms: i64,
    now_ms: i64,
}

impl<K: Key> Timers<'_, K> {
    /// Wants the key to be called when `domain` reaches `at_ms`; once, however often it is said. A
    /// time that has passed fires when its clock next moves.
    pub fn register(&mut self, domain: TimeDomain, at_ms: i64) -> Result<(), StateError> {
        self.all.register(domain, self.key, at_ms)
    }

    /// No longer wants that.
    pub fn delete(&mut self, domain: TimeDomain, at_ms: i64) -> Result<(), StateError> {
        self.all.delete(domain, self.key, at_ms)
    }

    /// The watermark; [`NO_WATERMARK_MS`] before the first.
    pub fn watermark_ms(&self) -> i64 {
        self.watermark_ms
    }

    /// Processing time: milliseconds since the job's start.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }
}

/// Calls a process with rows and timers.
pub(crate) struct TimedOperator<K, F, P> {
    key: F,
    process: P,
    backend: KeyedBackend,
    timers: TimerService<K>,
    watermark_ms: i64,
    sketch: KeySketch<K>,
}

impl<K: Key, F, P> TimedOperator<K, F, P> {
    pub(crate) fn new(
        key: F,
        process: P,
        timers: TimerService<K>,
        backend: KeyedBackend,
        sketch: KeySketch<K>,
    ) -> Self {
        TimedOperator {
            key,
            process,
            backend,
            timers,
            watermark_ms: NO_WATERMARK_MS,
            sketch,
        }
    }

    /// Fires all timers of `domain` up to `until_ms`, also those that are set meanwhile.
    fn fire<In, Out>(
        &mut self,
        domain: TimeDomain,
        until_ms: i64,
        out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError>
    where
        P: TimedProcess<K, In, Out>,
    {
        let now_ms = processing_ms(context.now_ns());
        let run = self.backend.begin(context.slice)?;
        while let Some((at_ms, key)) = self.timers.pop_due(domain, until_ms)? {
            let mut timers = Timers {
                all: &mut self.timers,
                key: &key,
                watermark_ms: self.watermark_ms,
                now_ms,
            };
            let due = Due { domain, at_ms };
            self.process.on_timer(&key, due, &mut timers, out)?;
        }
        self.backend.end(run, 0, context.slice)?;
        self.report(context);
        Ok(())
    }

    fn report(&self, context: &mut OperatorContext<'_, '_>) {
        context.slice.windows = Some(WindowCounters {
            timers_pending: self.timers.pending(),
            timers_fired: self.timers.fired(),
            ..WindowCounters::default()
        });
    }
}

impl<K, In, Out, F, P> Operator<In, Out> for TimedOperator<K, F, P>
where
    K: Key,
    F: FnMut(&In) -> K + Send,
    P: TimedProcess<K, In, Out>,
{
    fn process(
        &mut self,
        rows: Rows<'_, In>,
        out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.sketch.observe(rows.values(), &mut self.key);
        let now_ms = processing_ms(context.now_ns());
        let count = rows.values().len();
        let run = self.backend.begin(context.slice)?;
        for row in rows {
            let key = (self.key)(&row.value);
            let mut timers = Timers {
                all: &mut self.timers,
                key: &key,
                watermark_ms: self.watermark_ms,
                now_ms,
            };
            self.process.process(&key, row, &mut timers, out)?;
        }
        self.backend.end(run, count, context.slice)?;
        self.report(context);
        Ok(())
    }

    fn watermark(
        &mut self,
        watermark_ms: i64,
        out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        self.watermark_ms = self.watermark_ms.max(watermark_ms);
        self.fire(TimeDomain::Event, self.watermark_ms, out, context)?;
        out.signal(Signal::Watermark(watermark_ms));
        Ok(())
    }

    fn next_timer_ns(&self) -> Option<u64> {
        let next_ms = self.timers.next_ms(TimeDomain::Processing);
        earliest(next_ms.map(job_time_ns), self.backend.due_ns())
    }

    fn timer(
        &mut self,
        now_ns: u64,
        out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        let until_ms = processing_ms(now_ns);
        self.fire(TimeDomain::Processing, until_ms, out, context)
    }

    fn snapshot(&mut self, into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        let process = &mut self.process;
        let show = &mut |visit: &mut dyn FnMut(&mut dyn KeyedState)| process.states(visit);
        self.backend.snapshot(show, into)?;
        self.timers.snapshot(into);
        into.put_value(WATERMARK, &self.watermark_ms);
        Ok(())
    }

    fn restore(&mut self, from: &Restored<'_>) -> Result<(), OperatorError> {
        let process = &mut self.process;
        let show = &mut |visit: &mut dyn FnMut(&mut dyn KeyedState)| process.states(visit);
        let taken_over = self.backend.restore(show, from)?;
        self.timers.restore(from, taken_over)?;
        self.backend.settle()?;
        // Subtasks may have stood at different watermarks. Event time rises from the lowest again.
        let watermarks = from.all(WATERMARK);
        let watermarks = watermarks.map(|(_, bytes)| i64::try_from_slice(bytes));
        let lowest = watermarks
            .collect::<Result<Vec<i64>, _>>()?
            .into_iter()
            .min();
        self.watermark_ms = lowest.unwrap_or(NO_WATERMARK_MS);
        Ok(())
    }
}
