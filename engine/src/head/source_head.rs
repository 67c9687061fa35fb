//! Feeds a chain from a source.

use std::sync::Arc;

use super::{ClosingBook, Head, Progress, stopped};
use crate::batch::{Batch, Signal};
use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::parts::Parts;
use crate::checkpoint::taking::{RestoredTask, Taking};
use crate::checkpoint::underway::Underway;
use crate::operator::OperatorError;
use crate::output::stamp;
use crate::source::{SentHook, Source, SourceStatus};
use crate::stage::{MemberCounters, Pace, Stage, Step, earliest};
use crate::subtask::Slice;

/// A source and the chain behind it.
pub(crate) struct SourceHead<S: Source> {
    source: S,
    first: Box<dyn Stage<S::Out>>,
    /// Kept here only if the whole job is one chain: then emission is when rows are sent.
    hook: Option<Box<dyn SentHook>>,
    batch: usize,
    pace: Pace,
    not_before_ns: u64,
    /// No more rows are wanted, or there are none.
    is_stopped: bool,
    exhausted: bool,
    counters: Arc<MemberCounters>,
    underway: Underway,
}

impl<S: Source> SourceHead<S> {
    pub(crate) fn new(
        source: S,
        first: Box<dyn Stage<S::Out>>,
        hook: Option<Box<dyn SentHook>>,
        batch: usize,
        counters: Arc<MemberCounters>,
    ) -> Self {
        SourceHead {
            source,
            first,
            hook,
            batch,
            pace: Pace::new(),
            not_before_ns: 0,
            is_stopped: false,
            exhausted: false,
            counters,
            underway: Underway::default(),
        }
    }

    fn generate(&mut self, slice: &mut Slice<'_>) {
        let begin_ns = slice.now_ns;
        let rows: &mut Batch<S::Out> = self.first.input();
        let max = self.pace.take(self.batch);
        let status = self.source.poll(begin_ns, slice.held_ns(), max, rows);
        let generated = rows.len();
        slice.event_time_ms = self.source.event_time_ms().or(slice.event_time_ms);
        if let Some(hook) = &mut self.hook {
            stamp(hook.as_mut(), begin_ns, true, rows);
        }
        let elapsed_ns = slice.chunk_done(begin_ns);
        self.first.arrived(slice.now_ns);
        if generated > 0 {
            self.pace.learn(generated, elapsed_ns);
        }
        self.counters.add(generated, elapsed_ns);
        slice.records_in += generated as u64;
        slice.generating_ns += elapsed_ns;
        match status {
            SourceStatus::Ready => {}
            SourceStatus::WaitUntil(at_ns) => self.not_before_ns = at_ns,
            SourceStatus::Finished => self.is_stopped = true,
        }
    }
}

impl<S: Source> SourceHead<S> {
    /// Nothing more comes: once everything that came has been worked off.
    fn exhaust(&mut self) {
        self.exhausted = true;
        // As in Flink: the end of a source, or of a drain, is the end of event time.
        let end_of_time = Signal::Watermark(i64::MAX);
        self.first.input().signal(end_of_time);
        self.first.end();
    }

    fn hand_in(&mut self, slice: &Slice<'_>) {
        if let Some(whole) = self.underway.whole(&mut *self.first, slice.now_ns) {
            slice.hand_in(whole);
        }
    }

    fn take_snapshot(&mut self, slice: &mut Slice<'_>) -> Result<(), OperatorError> {
        let (source, uid) = (&mut self.source, self.counters.uid());
        let save = |_: &mut dyn Stage<S::Out>, _, taking: &mut Taking<'_>| {
            source.snapshot(&mut taking.of(uid))
        };
        self.underway.take(&mut *self.first, slice, save)
    }
}

impl<S: Source> Head for SourceHead<S> {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<Progress, OperatorError> {
        loop {
            if self.underway.is_due() {
                match self.underway.settle(&mut *self.first, slice)? {
                    Step::Done => self.take_snapshot(slice)?,
                    step => return Ok(stopped(step)),
                }
            }
            self.hand_in(slice);
            match self.first.run(slice)? {
                Step::Done => {}
                step => return Ok(stopped(step)),
            }
            // Its barrier may have left just now, and nothing else come.
            self.hand_in(slice);
            if self.first.ended() {
                return Ok(Progress::Finished);
            }
            if slice.over() {
                return Ok(Progress::SliceOver);
            }
            if self.is_stopped && !self.exhausted {
                self.exhaust();
                continue;
            }
            let wake_at_ns = self.first.wake_at_ns();
            if self.exhausted {
                // Asynchronous calls are still under way.
                return Ok(Progress::Idle {
                    until_ns: wake_at_ns,
                });
            }
            if slice.now_ns < self.not_before_ns {
                return Ok(Progress::Idle {
                    until_ns: earliest(wake_at_ns, Some(self.not_before_ns)),
                });
            }
            self.generate(slice);
        }
    }

    fn stop(&mut self) {
        self.is_stopped = true;
    }

    fn begin_checkpoint(&mut self, barrier: Barrier, now_ns: u64) {
        // Who has no more rows hands in what is left, which counts for this checkpoint as well.
        if !self.exhausted {
            self.underway.due(barrier, true, now_ns, now_ns);
        }
    }

    fn give_up(&mut self, checkpoint: u64) {
        self.underway.give_up(checkpoint);
    }

    fn deadline_ns(&self) -> Option<u64> {
        self.underway.deadline_ns()
    }

    fn last_parts(&mut self) -> Result<Parts, OperatorError> {
        let mut parts = Parts::default();
        let mut taking = Taking::last(self.underway.next_checkpoint(), &mut parts);
        self.source.snapshot(&mut taking.of(self.counters.uid()))?;
        self.first.snapshot(&mut taking)?;
        Ok(parts)
    }

    fn restore(&mut self, from: &RestoredTask<'_>) -> Result<(), OperatorError> {
        self.underway.go_on_from(from.checkpoint.head.checkpoint);
        if let Some(own) = from.of(self.counters.uid()) {
            self.source.restore(&own)?;
        }
        self.first.restore(from)
    }

    fn close(&self) -> ClosingBook {
        let mut outputs = Vec::new();
        self.first.close(&mut outputs);
        ClosingBook {
            inputs: Vec::new(),
            outputs,
        }
    }
}
