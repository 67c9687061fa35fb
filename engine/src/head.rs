//! Where a subtask's rows come from: a source, or the input gate.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::data::Row;
use crate::gate::{Credit, Gate, Parcel, Payload};
use crate::operator::OperatorError;
use crate::output::stamp;
use crate::source::{SentHook, Source, SourceStatus};
use crate::stage::{MemberCounters, OutputBook, Pace, Stage, Step};
use crate::subtask::Slice;

/// How far a subtask got in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Everything has left; the subtask is done.
    Finished,
    /// Work is left, the slice is over.
    SliceOver,
    /// Nothing to do before an event, or before this time.
    Idle { until_ns: Option<u64> },
    /// No credit on this output.
    Backpressured { output: usize },
    /// Asynchronous calls at their capacity.
    AtCapacity,
}

/// The driver of a chain.
pub(crate) trait Head: Send {
    /// Works until something stops it.
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<Progress, OperatorError>;
    /// A source emits nothing more; a task with an input ends when its input does.
    fn stop(&mut self) {}
    /// The closing account: rows taken from the input edge, rows there but not taken, the outputs.
    fn close(&self) -> ClosingBook;
}

/// What a subtask leaves behind, in rows.
pub(crate) struct ClosingBook {
    pub(crate) input: Option<InputBook>,
    pub(crate) outputs: Vec<OutputBook>,
}

pub(crate) struct InputBook {
    pub(crate) edge: usize,
    pub(crate) received: u64,
    pub(crate) unread: u64,
}

/// Feeds a chain from a gate.
pub(crate) struct GateHead<T> {
    edge: usize,
    gate: Arc<Gate<T>>,
    taken: VecDeque<Parcel<T>>,
    /// The batch that the chain works on: its channel and credit.
    current: Option<(usize, Credit)>,
    open_channels: usize,
    /// Rows given to the chain, and how many of them the slices have reported as taken.
    handed_over: u64,
    reported: u64,
    first: Box<dyn Stage<T>>,
}

impl<T: Send> GateHead<T> {
    pub(crate) fn new(edge: usize, gate: Arc<Gate<T>>, first: Box<dyn Stage<T>>) -> Self {
        let open_channels = gate.channels();
        GateHead {
            edge,
            gate,
            taken: VecDeque::new(),
            current: None,
            open_channels,
            handed_over: 0,
            reported: 0,
            first,
        }
    }

    fn release_current(&mut self, now_ns: u64) {
        if let Some((channel, credit)) = self.current.take() {
            let spare = std::mem::take(self.first.input());
            self.gate.release(channel, credit, spare, now_ns);
        }
    }

    /// Hands the next parcel to the chain; false if there is none.
    fn accept_next(&mut self) -> bool {
        if self.taken.is_empty() {
            self.gate.take(&mut self.taken);
        }
        let Some(parcel) = self.taken.pop_front() else {
            return false;
        };
        match parcel.payload {
            Payload::Batch { rows, credit } => {
                self.handed_over += rows.len() as u64;
                self.current = Some((parcel.channel, credit));
                *self.first.input() = rows;
                self.first.arrived(parcel.enqueued_ns);
            }
            Payload::EndOfInput => {
                self.open_channels -= 1;
                if self.open_channels == 0 {
                    self.first.end();
                }
            }
        }
        true
    }

    fn received(&self) -> u64 {
        self.handed_over - self.first.pending() as u64
    }

    fn work(&mut self, slice: &mut Slice<'_>) -> Result<Progress, OperatorError> {
        loop {
            match self.first.run(slice)? {
                Step::Done => {}
                step => return Ok(stopped(step)),
            }
            self.release_current(slice.now_ns);
            if self.first.ended() {
                return Ok(Progress::Finished);
            }
            if slice.over() {
                return Ok(Progress::SliceOver);
            }
            if !self.accept_next() {
                return Ok(Progress::Idle {
                    until_ns: self.first.flush_at_ns(),
                });
            }
        }
    }
}

impl<T: Send> Head for GateHead<T> {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<Progress, OperatorError> {
        let progress = self.work(slice);
        let received = self.received();
        slice.records_in += received - self.reported;
        self.reported = received;
        progress
    }

    fn close(&self) -> ClosingBook {
        let mut outputs = Vec::new();
        self.first.close(&mut outputs);
        let taken = self.taken.iter().map(|parcel| match &parcel.payload {
            Payload::Batch { rows, .. } => rows.len() as u64,
            Payload::EndOfInput => 0,
        });
        let unread = self.first.pending() as u64 + taken.sum::<u64>();
        let input = Some(InputBook {
            edge: self.edge,
            received: self.received(),
            unread,
        });
        ClosingBook { input, outputs }
    }
}

/// Feeds a chain from a source.
pub(crate) struct SourceHead<S: Source> {
    source: S,
    first: Box<dyn Stage<S::Out>>,
    /// Kept here only if the whole job is one chain: then emission is when rows are sent.
    hook: Option<Box<dyn SentHook>>,
    batch: usize,
    pace: Pace,
    not_before_ns: u64,
    exhausted: bool,
    counters: Arc<MemberCounters>,
    tags: Vec<u64>,
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
            exhausted: false,
            counters,
            tags: Vec::new(),
        }
    }

    fn generate(&mut self, slice: &mut Slice<'_>) {
        let begin_ns = slice.now_ns;
        let rows: &mut Vec<Row<S::Out>> = self.first.input();
        let max = self.pace.take(self.batch);
        let status = self.source.poll(begin_ns, slice.held_ns(), max, rows);
        let generated = rows.len();
        if let Some(hook) = &mut self.hook {
            stamp(hook.as_mut(), begin_ns, true, rows, &mut self.tags);
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
            SourceStatus::Finished => self.stop(),
        }
    }
}

impl<S: Source> Head for SourceHead<S> {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<Progress, OperatorError> {
        loop {
            match self.first.run(slice)? {
                Step::Done => {}
                step => return Ok(stopped(step)),
            }
            if self.first.ended() {
                return Ok(Progress::Finished);
            }
            if slice.over() {
                return Ok(Progress::SliceOver);
            }
            let flush_at_ns = self.first.flush_at_ns();
            if self.exhausted {
                // Asynchronous calls are still under way.
                return Ok(Progress::Idle {
                    until_ns: flush_at_ns,
                });
            }
            if slice.now_ns < self.not_before_ns {
                let until_ns =
                    flush_at_ns.map_or(self.not_before_ns, |at| at.min(self.not_before_ns));
                return Ok(Progress::Idle {
                    until_ns: Some(until_ns),
                });
            }
            self.generate(slice);
        }
    }

    fn stop(&mut self) {
        if !self.exhausted {
            self.exhausted = true;
            self.first.end();
        }
    }

    fn close(&self) -> ClosingBook {
        let mut outputs = Vec::new();
        self.first.close(&mut outputs);
        ClosingBook {
            input: None,
            outputs,
        }
    }
}

fn stopped(step: Step) -> Progress {
    match step {
        Step::Backpressured { output } => Progress::Backpressured { output },
        Step::AtCapacity => Progress::AtCapacity,
        Step::SliceOver | Step::Done => Progress::SliceOver,
    }
}
