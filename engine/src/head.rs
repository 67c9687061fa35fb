//! Where a subtask's rows come from: a source, or the input gate.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::batch::{Batch, Mark, Signal};
use crate::gate::{Credit, Gate, Parcel, Payload};
use crate::operator::OperatorError;
use crate::output::stamp;
use crate::prepare::PrepareContext;
use crate::source::{SentHook, Source, SourceStatus};
use crate::stage::{MemberCounters, OutputBook, Pace, Stage, Step, earliest};
use crate::subtask::Slice;
use crate::valve::Valve;

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
    /// Before the job's time begins: fills the state of a keyed operator, which always begins a task.
    fn prepare(&mut self, _context: &PrepareContext) -> Result<(), OperatorError> {
        Ok(())
    }
    /// A source emits nothing more; a task with an input ends when its input does.
    fn stop(&mut self) {}
    /// The closing account: rows taken from the input edge, rows there but not taken, the outputs.
    fn close(&self) -> ClosingBook;
}

/// What a subtask leaves behind, in rows.
pub(crate) struct ClosingBook {
    pub(crate) inputs: Vec<InputBook>,
    pub(crate) outputs: Vec<OutputBook>,
}

pub(crate) struct InputBook {
    pub(crate) edge: usize,
    pub(crate) received: u64,
    pub(crate) unread: u64,
}

/// Feeds a chain from the gates of its input edges.
pub(crate) struct GateHead<T> {
    inputs: Vec<Input<T>>,
    /// The input that is looked at next.
    turn: usize,
    /// The batch that the chain works on: its input, channel and credit.
    current: Option<(usize, usize, Credit)>,
    open_channels: usize,
    valve: Valve,
    reported: u64,
    first: Box<dyn Stage<T>>,
}

/// One input edge.
struct Input<T> {
    edge: usize,
    gate: Arc<Gate<T>>,
    taken: VecDeque<Parcel<T>>,
    /// Number of its first channel among those of all inputs.
    first_channel: usize,
    /// Rows given to the chain.
    handed_over: u64,
}

impl<T: Send> GateHead<T> {
    /// Input edges are given as (position in the plan, gate).
    pub(crate) fn new(edges: Vec<(usize, Arc<Gate<T>>)>, first: Box<dyn Stage<T>>) -> Self {
        let mut channels = 0;
        let inputs = edges.into_iter().map(|(edge, gate)| {
            let first_channel = channels;
            channels += gate.channels();
            Input {
                edge,
                gate,
                taken: VecDeque::new(),
                first_channel,
                handed_over: 0,
            }
        });
        GateHead {
            inputs: inputs.collect(),
            turn: 0,
            current: None,
            open_channels: channels,
            valve: Valve::new(channels),
            reported: 0,
            first,
        }
    }

    fn release_current(&mut self, now_ns: u64) {
        if let Some((input, channel, credit)) = self.current.take() {
            let spare = std::mem::take(self.first.input());
            self.inputs[input]
                .gate
                .release(channel, credit, spare, now_ns);
        }
    }

    /// The next parcel and its input; the inputs take turns.
    fn next_parcel(&mut self) -> Option<(usize, Parcel<T>)> {
        for _ in 0..self.inputs.len() {
            let turn = self.turn;
            self.turn = (turn + 1) % self.inputs.len();
            let input = &mut self.inputs[turn];
            if input.taken.is_empty() {
                input.gate.take(&mut input.taken);
            }
            if let Some(parcel) = input.taken.pop_front() {
                return Some((turn, parcel));
            }
        }
        None
    }

    /// Hands the next parcel to the chain; false if there is none.
    fn accept_next(&mut self) -> bool {
        let Some((input, parcel)) = self.next_parcel() else {
            return false;
        };
        match parcel.payload {
            Payload::Batch { mut batch, credit } => {
                self.current = Some((input, parcel.channel, credit));
                self.merge_signals(input, parcel.channel, &mut batch);
                self.inputs[input].handed_over += batch.len() as u64;
                *self.first.input() = batch;
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

    /// Replaces the signals of one channel by what they mean for all of them together.
    fn merge_signals(&mut self, input: usize, channel: usize, batch: &mut Batch<T>) {
        if batch.marks.is_empty() {
            return;
        }
        let channel = self.inputs[input].first_channel + channel;
        let marks = std::mem::take(&mut batch.marks);
        for Mark { after_rows, signal } in marks {
            self.valve.feed(channel, signal, |signal| {
                batch.signal_after(after_rows, signal)
            });
        }
    }

    fn handed_over(&self) -> u64 {
        self.inputs.iter().map(|input| input.handed_over).sum()
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
                    until_ns: self.first.wake_at_ns(),
                });
            }
        }
    }
}

impl<T: Send> Head for GateHead<T> {
    fn prepare(&mut self, context: &PrepareContext) -> Result<(), OperatorError> {
        self.first.prepare(context)
    }

    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<Progress, OperatorError> {
        let progress = self.work(slice);
        let received = self.handed_over() - self.first.pending() as u64;
        slice.records_in += received - self.reported;
        self.reported = received;
        progress
    }

    fn close(&self) -> ClosingBook {
        let mut outputs = Vec::new();
        self.first.close(&mut outputs);
        // What the chain has not worked off is of the current batch.
        let current = self.current.as_ref().map(|&(input, ..)| input);
        let inputs = self.inputs.iter().enumerate().map(|(index, input)| {
            let pending = match current {
                Some(current) if current == index => self.first.pending() as u64,
                _ => 0,
            };
            let taken = input.taken.iter().map(|parcel| match &parcel.payload {
                Payload::Batch { batch, .. } => batch.len() as u64,
                Payload::EndOfInput => 0,
            });
            InputBook {
                edge: input.edge,
                received: input.handed_over - pending,
                unread: pending + taken.sum::<u64>(),
            }
        });
        ClosingBook {
            inputs: inputs.collect(),
            outputs,
        }
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
        if !self.exhausted {
            self.exhausted = true;
            // As in Flink: the end of a source, or of a drain, is the end of event time.
            let end_of_time = Signal::Watermark(i64::MAX);
            self.first.input().signal(end_of_time);
            self.first.end();
        }
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

fn stopped(step: Step) -> Progress {
    match step {
        Step::Backpressured { output } => Progress::Backpressured { output },
        Step::AtCapacity => Progress::AtCapacity,
        Step::SliceOver | Step::Done => Progress::SliceOver,
    }
}
