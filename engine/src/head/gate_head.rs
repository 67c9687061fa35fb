//! Feeds a chain from the gates of its input edges.

mod restoring;
mod snapshots;

use std::collections::VecDeque;
use std::sync::Arc;

use super::latch::Latched;
use super::replay::{INPUT, InputImage, Piece, Replay};
use super::{ClosingBook, Head, InputBook, Progress, stopped};
use crate::batch::codec::Codec;
use crate::batch::{Batch, Mark};
use crate::checkpoint::alignment::{Alignment, Next};
use crate::checkpoint::parts::Parts;
use crate::checkpoint::taking::{RestoredTask, Taking};
use crate::checkpoint::underway::Underway;
use crate::exchange::Exchange;
use crate::gate::{Credit, Encoded, Gate, Parcel, Payload};
use crate::operator::OperatorError;
use crate::output::Router;
use crate::prepare::PrepareContext;
use crate::stage::{Stage, Step, earliest};
use crate::subtask::Slice;
use crate::valve::Valve;

use snapshots::Record;

/// What a task reads from over one edge.
pub(crate) struct InputEdge<T> {
    /// Its position in the plan.
    pub(crate) number: usize,
    pub(crate) gate: Arc<Gate<T>>,
    pub(crate) exchange: Exchange,
    /// The operator that sends, and the name under which it keeps what it has not sent.
    pub(crate) sender: String,
    pub(crate) sent_name: String,
    /// Routes to the subtasks of this task.
    pub(crate) router: Box<dyn Router<T>>,
}

/// Feeds a chain from the gates of its input edges.
pub(crate) struct GateHead<T> {
    /// Uid of the chain's first operator.
    operator: String,
    codec: Codec<T>,
    inputs: Vec<Input<T>>,
    /// The input that is looked at next.
    turn: usize,
    /// What the chain works on.
    current: Option<Current>,
    open_channels: usize,
    end_told: bool,
    valve: Valve,
    reported: u64,
    first: Box<dyn Stage<T>>,
    /// Rows that a checkpoint held, before any from the gates.
    replay: Option<Replay<T>>,
    /// What keeps this subtask from going on to those.
    latch: Option<Latched>,
    alignment: Alignment,
    underway: Underway,
    /// When the first barrier of the checkpoint under way came.
    first_barrier_ns: u64,
    /// From when a barrier that has been taken from a gate may pass what lies before it.
    urgent_from_ns: Option<u64>,
    /// What the snapshot under way holds of the input.
    image: InputImage,
}

/// One input edge.
struct Input<T> {
    edge: InputEdge<T>,
    taken: VecDeque<Parcel<T>>,
    /// Of channels whose barrier has come: behind it.
    held: VecDeque<Parcel<T>>,
    /// Number of its first channel among those of all inputs.
    first_channel: usize,
    /// Rows given to the chain.
    handed_over: u64,
    /// Those among them that come from a checkpoint.
    restored: u64,
    /// Of a network: an emptied batch to decode the next one into.
    spare: Batch<T>,
}

impl<T: Send> Input<T> {
    /// Whether any parcel has been taken that is there.
    fn has_any(&self, now_ns: u64) -> bool {
        let is_remote = self.edge.gate.is_remote();
        let first = self.taken.front();
        first.is_some_and(|parcel| !is_remote || parcel.enqueued_ns <= now_ns)
    }

    /// Links differ in what lies on them. Parcels of one channel keep their order.
    fn sort_by_arrival(&mut self) {
        if self.edge.gate.is_remote() {
            let taken = self.taken.make_contiguous();
            taken.sort_by_key(|parcel| parcel.enqueued_ns);
        }
    }

    /// When the next thing arrives over the network, as far as is known.
    fn next_arrival_ns(&self, now_ns: u64) -> Option<u64> {
        let next = self.taken.front().map(|parcel| parcel.enqueued_ns);
        let next = next.filter(|_| self.edge.gate.is_remote());
        earliest(next, self.edge.gate.next_arrival_ns()).filter(|at_ns| *at_ns > now_ns)
    }
}

/// The batch that the chain works on.
struct Current {
    input: usize,
    /// Where its credit goes back to; nowhere, if a checkpoint held it.
    release: Option<(usize, Credit)>,
}

impl<T: Send> GateHead<T> {
    /// The task whose first operator is `operator`.
    pub(crate) fn new(
        operator: String,
        edges: Vec<InputEdge<T>>,
        codec: Codec<T>,
        first: Box<dyn Stage<T>>,
    ) -> Self {
        let mut channels = 0;
        let inputs = edges.into_iter().map(|edge| {
            let first_channel = channels;
            channels += edge.gate.channels();
            Input {
                edge,
                taken: VecDeque::new(),
                held: VecDeque::new(),
                first_channel,
                handed_over: 0,
                restored: 0,
                spare: Batch::default(),
            }
        });
        GateHead {
            operator,
            codec,
            inputs: inputs.collect(),
            turn: 0,
            current: None,
            open_channels: channels,
            end_told: false,
            valve: Valve::new(channels),
            reported: 0,
            first,
            replay: None,
            latch: None,
            alignment: Alignment::new(channels),
            underway: Underway::default(),
            first_barrier_ns: 0,
            urgent_from_ns: None,
            image: InputImage::default(),
        }
    }

    fn release_current(&mut self, now_ns: u64) {
        if let Some(Current { input, release }) = self.current.take() {
            let mut spare = std::mem::take(self.first.input());
            if let Some((channel, credit)) = release {
                let Input {
                    edge, spare: own, ..
                } = &mut self.inputs[input];
                if edge.gate.is_remote() {
                    *own = std::mem::take(&mut spare);
                }
                edge.gate.release(channel, credit, spare, now_ns);
            }
        }
    }

    /// Takes what lies in the gate of an input. What belongs to a snapshot under way is added to it.
    fn take(&mut self, input: usize, now_ns: u64) {
        let Input { edge, taken, .. } = &mut self.inputs[input];
        let known = taken.len();
        let urgent_from_ns = edge.gate.take(now_ns, taken);
        self.urgent_from_ns = earliest(self.urgent_from_ns, urgent_from_ns);
        // One that is due has not begun to record: it will look at all that lies here.
        let recording = self.alignment.recording();
        if let Some(barrier) = recording.filter(|_| !self.underway.is_due()) {
            let Input {
                taken,
                first_channel,
                ..
            } = &self.inputs[input];
            let (alignment, image) = (&mut self.alignment, &mut self.image);
            let record = Record {
                barrier,
                alignment,
                image,
                codec: &self.codec,
            };
            if record.parcels(taken.range(known..), *first_channel) == Next::Whole {
                self.is_whole(now_ns);
            }
        }
        self.inputs[input].sort_by_arrival();
    }

    /// The next parcel and its input; the inputs take turns.
    fn next_parcel(&mut self, now_ns: u64) -> Option<(usize, Parcel<T>)> {
        for _ in 0..self.inputs.len() {
            let turn = self.turn;
            self.turn = (turn + 1) % self.inputs.len();
            if let Some(parcel) = self.next_parcel_of(turn, now_ns) {
                return Some((turn, parcel));
            }
        }
        None
    }

    /// The next parcel of an input whose channel is not held back, whether or not it has been taken yet.
    fn next_parcel_of(&mut self, input: usize, now_ns: u64) -> Option<Parcel<T>> {
        loop {
            if !self.inputs[input].has_any(now_ns) {
                self.take(input, now_ns);
                if !self.inputs[input].has_any(now_ns) {
                    return None;
                }
            }
            let Input {
                taken,
                held,
                first_channel,
                ..
            } = &mut self.inputs[input];
            let parcel = taken.pop_front()?;
            if !self.alignment.holds(*first_channel + parcel.channel) {
                return Some(parcel);
            }
            held.push_back(parcel);
        }
    }

    /// Acts on the next parcel, or hands the chain the rows that come before any; false if there are
    /// none.
    fn accept_next(&mut self, now_ns: u64) -> Result<bool, OperatorError> {
        if let Some(replay) = &mut self.replay {
            if let Some(piece) = replay.next() {
                self.hand_over_restored(piece, now_ns);
                return Ok(true);
            }
            let channels = self.valve.inputs().count();
            self.valve = replay.valve(channels);
            self.replay = None;
            if self.latch.is_some() {
                self.first.flush();
                return Ok(true);
            }
        }
        if let Some(latch) = &mut self.latch {
            if !latch.pass(now_ns) {
                return Ok(false);
            }
            self.latch = None;
        }
        let Some((input, parcel)) = self.next_parcel(now_ns) else {
            return Ok(false);
        };
        let channel = self.inputs[input].first_channel + parcel.channel;
        let at_ns = parcel.enqueued_ns;
        match parcel.payload {
            Payload::Batch { batch, credit } => {
                self.hand_over((input, parcel.channel), batch, credit, at_ns);
            }
            Payload::Encoded(Encoded { bytes, credit, .. }) => {
                let mut batch = std::mem::take(&mut self.inputs[input].spare);
                batch.clear();
                self.codec.decode_into(&mut bytes.as_slice(), &mut batch)?;
                self.hand_over((input, parcel.channel), batch, credit, at_ns);
            }
            Payload::Barrier(barrier) => {
                self.note_barrier(&barrier, now_ns);
                let passes = barrier.passes(now_ns);
                let next = self.alignment.arrived(channel, barrier, passes);
                self.act(next, now_ns);
            }
            Payload::EndOfInput => {
                self.open_channels -= 1;
                let next = self.alignment.ended(channel);
                self.act(next, now_ns);
            }
        }
        Ok(true)
    }

    /// Hands the chain a batch that came over a channel of an input.
    fn hand_over(
        &mut self,
        (input, channel): (usize, usize),
        mut batch: Batch<T>,
        credit: Credit,
        at_ns: u64,
    ) {
        self.current = Some(Current {
            input,
            release: Some((channel, credit)),
        });
        self.merge_signals(self.inputs[input].first_channel + channel, &mut batch);
        self.inputs[input].handed_over += batch.len() as u64;
        *self.first.input() = batch;
        self.first.arrived(at_ns);
    }

    fn hand_over_restored(&mut self, piece: Piece<T>, now_ns: u64) {
        let Piece { input, batch } = piece;
        self.current = Some(Current {
            input,
            release: None,
        });
        self.inputs[input].handed_over += batch.len() as u64;
        self.inputs[input].restored += batch.len() as u64;
        *self.first.input() = batch;
        self.first.arrived(now_ns);
    }

    /// Replaces the signals of one channel by what they mean for all of them together.
    fn merge_signals(&mut self, channel: usize, batch: &mut Batch<T>) {
        if batch.marks.is_empty() {
            return;
        }
        let marks = std::mem::take(&mut batch.marks);
        for Mark { after_rows, signal } in marks {
            self.valve.feed(channel, signal, |signal| {
                batch.signal_after(after_rows, signal)
            });
        }
    }

    fn hand_in(&mut self, slice: &Slice<'_>) {
        if let Some(whole) = self.underway.whole(&mut *self.first, slice.now_ns) {
            slice.hand_in(whole);
        }
    }

    fn handed_over(&self) -> u64 {
        self.inputs.iter().map(|input| input.handed_over).sum()
    }

    fn work(&mut self, slice: &mut Slice<'_>) -> Result<Progress, OperatorError> {
        loop {
            self.let_barriers_pass(slice.now_ns);
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
            self.release_current(slice.now_ns);
            if self.first.ended() {
                return Ok(Progress::Finished);
            }
            if slice.over() {
                return Ok(Progress::SliceOver);
            }
            if self.open_channels == 0 && !self.end_told {
                self.end_told = true;
                self.first.end();
            } else if !self.accept_next(slice.now_ns)? {
                let inputs = self.inputs.iter();
                let arrivals = inputs.map(|input| input.next_arrival_ns(slice.now_ns));
                let opens_at_ns = self.latch.as_ref().and_then(Latched::opens_at_ns);
                let until_ns = earliest(self.first.wake_at_ns(), opens_at_ns);
                return Ok(Progress::Idle {
                    until_ns: arrivals.fold(until_ns, earliest),
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

    fn give_up(&mut self, checkpoint: u64) {
        self.alignment.give_up(checkpoint);
        self.underway.give_up(checkpoint);
        if self.alignment.waiting().is_none() {
            self.let_go();
        }
    }

    fn deadline_ns(&self) -> Option<u64> {
        if self.replay.is_some() {
            return None;
        }
        let waiting = self.alignment.waiting();
        let waiting = waiting.and_then(|barrier| barrier.passes_from_ns());
        let underway = earliest(self.underway.deadline_ns(), waiting);
        earliest(underway, self.next_urgent_ns())
    }

    fn last_parts(&mut self) -> Result<Parts, OperatorError> {
        let mut parts = Parts::default();
        let image = self.empty_image();
        parts.put(&self.operator, INPUT, &image);
        let checkpoint = self.underway.next_checkpoint();
        self.first
            .snapshot(&mut Taking::last(checkpoint, &mut parts))?;
        Ok(parts)
    }

    fn restore(&mut self, from: &RestoredTask<'_>) -> Result<(), OperatorError> {
        self.underway.go_on_from(from.checkpoint.head.checkpoint);
        let images: Vec<(usize, InputImage)> = from.all(&self.operator, INPUT)?;
        if !images.is_empty() {
            if images.len() != from.subtask.parallelism {
                self.latch = Some(Latched::join(&from.latch));
            }
            self.replay = Some(self.replay_of(images, from)?);
        }
        self.first.restore(from)
    }

    fn close(&self) -> ClosingBook {
        let mut outputs = Vec::new();
        self.first.close(&mut outputs);
        // What the chain has not worked off is of the current batch.
        let current = self.current.as_ref().map(|current| current.input);
        let inputs = self.inputs.iter().enumerate().map(|(index, input)| {
            let pending = match current {
                Some(current) if current == index => self.first.pending() as u64,
                _ => 0,
            };
            let lie = input.held.iter().chain(&input.taken);
            let lie = lie.map(|parcel| parcel.payload.rows());
            InputBook {
                edge: input.edge.number,
                received: input.handed_over - pending,
                unread: pending + lie.sum::<u64>(),
                restored: input.restored,
            }
        });
        ClosingBook {
            inputs: inputs.collect(),
            outputs,
        }
    }
}
