//! The channels of one output edge of a subtask: open batches that fill, and sealed ones that wait
//! for credit. A batch is sent when it is full or its oldest row has waited long enough. Barriers lie
//! between them, or pass them: then the batches are part of the checkpoint, and follow all the same.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::batch::codec::Codec;
use crate::batch::{Batch, Signal};
use crate::checkpoint::barrier::Barrier;
use crate::data::Row;
use crate::gate::{Credit, Gate};
use crate::output::Wire;
use crate::source::SentHook;
use crate::stage::OutputBook;

/// What sending a batch needs besides the batch.
pub(crate) struct Sending<'a> {
    now_ns: u64,
    hook: Option<&'a mut Box<dyn SentHook>>,
    first: bool,
}

impl<'a> Sending<'a> {
    /// `first` is false where the same rows have been told of over another edge.
    pub(crate) fn new(now_ns: u64, hook: Option<&'a mut Box<dyn SentHook>>, first: bool) -> Self {
        Sending {
            now_ns,
            hook,
            first,
        }
    }

    /// Tells the hook that these rows leave now.
    fn stamp<T>(&mut self, batch: &mut Batch<T>) {
        if let Some(hook) = &mut self.hook {
            stamp(hook.as_mut(), self.now_ns, self.first, batch);
        }
    }
}

/// Lets a hook see the tags of a batch that leaves, and change them.
pub(crate) fn stamp<T>(hook: &mut dyn SentHook, now_ns: u64, first: bool, batch: &mut Batch<T>) {
    match hook.common_tag(now_ns) {
        Some(tag) => batch.tag_all(tag),
        None if batch.values().is_empty() => {}
        None => hook.sent(now_ns, batch.tags_mut(), first),
    }
}

/// Rows that must be there for each channel before it pays to look whether they can share a tag.
const ROWS_PER_CHANNEL: usize = 16;

/// A channel from a sending subtask: the gate into which it leads.
pub(crate) struct ChannelTo<T> {
    pub(crate) gate: Arc<Gate<T>>,
    /// Its index in that gate.
    pub(crate) index: usize,
    /// The subtask that reads there.
    pub(crate) receiver: usize,
}

/// What waits for its turn.
enum Outgoing<T> {
    /// A full batch that needs a credit.
    Batch(Batch<T>),
    Barrier(Barrier),
}

/// Rows on their way to a receiving subtask, encoded.
pub(crate) type InFlight = Vec<(u32, Vec<u8>)>;

/// One output edge of a subtask.
pub(crate) struct Buffers<T> {
    edge: usize,
    channels: Vec<OutputChannel<T>>,
    /// Of an exchange over a network.
    wire: Option<Wire<T>>,
    /// What could not be sent yet, by channel, in the order in which it was sealed.
    sealed: VecDeque<(usize, Outgoing<T>)>,
    /// Emptied batches that came back, to be filled again.
    spares: Vec<Batch<T>>,
    /// A moment not after the one when the oldest row of an open batch came.
    open_since_ns: Option<u64>,
    batch: usize,
    /// Rows of all batches sealed so far.
    sealed_rows: u64,
}

struct OutputChannel<T> {
    to: ChannelTo<T>,
    open: Batch<T>,
    /// Taken ahead of need, where an edge has one channel only.
    credit: Option<Credit>,
}

impl<T> Buffers<T> {
    pub(crate) fn new(
        edge: usize,
        channels: Vec<ChannelTo<T>>,
        wire: Option<Wire<T>>,
        batch: usize,
    ) -> Self {
        let channels = channels
            .into_iter()
            .map(|to| OutputChannel {
                to,
                open: Batch::default(),
                credit: None,
            })
            .collect();
        Buffers {
            edge,
            channels,
            wire,
            sealed: VecDeque::new(),
            spares: Vec::new(),
            open_since_ns: None,
            batch,
            sealed_rows: 0,
        }
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Since when, at the earliest, a row has waited for its batch to fill.
    pub(crate) fn open_since_ns(&self) -> Option<u64> {
        self.open_since_ns
    }

    /// Call before [`push`](Self::push): the clock of open batches is set once per run of rows.
    #[inline]
    pub(crate) fn opening(&mut self, sending: &Sending<'_>) {
        self.open_since_ns.get_or_insert(sending.now_ns);
    }

    /// Puts a row into the open batch of `channel`.
    #[inline]
    pub(crate) fn push(&mut self, channel: usize, row: Row<T>, sending: &mut Sending<'_>) {
        let open = &mut self.channels[channel].open;
        open.push(row);
        if open.len() >= self.batch {
            self.seal(channel, sending);
        }
    }

    /// Whether the next `rows` rows, which all have `tag`, may go by
    /// [`push_shared`](Self::push_shared): no open batch holds another tag. Not asked of more
    /// channels than a few rows are worth.
    pub(crate) fn share_tag(&mut self, tag: u64, rows: usize) -> bool {
        self.channels.len() * ROWS_PER_CHANNEL <= rows
            && self
                .channels
                .iter_mut()
                .all(|channel| channel.open.share_tag(tag))
    }

    /// Puts a row into the open batch of `channel` that has the tag which was shared.
    #[inline]
    pub(crate) fn push_shared(&mut self, channel: usize, value: T, sending: &mut Sending<'_>) {
        let open = &mut self.channels[channel].open;
        open.push_shared(value);
        if open.len() >= self.batch {
            let tag = open.shared_tag();
            self.seal(channel, sending);
            if let Some(tag) = tag {
                self.channels[channel].open.share_tag(tag);
            }
        }
    }

    /// Moves all of `rows` into the open batch of `channel`. A whole batch changes hands without
    /// its rows being touched.
    pub(crate) fn append(
        &mut self,
        channel: usize,
        rows: &mut Batch<T>,
        sending: &mut Sending<'_>,
    ) {
        let open = &mut self.channels[channel].open;
        if open.is_empty() && rows.len() == self.batch {
            std::mem::swap(open, rows);
            return self.seal(channel, sending);
        }
        self.opening(sending);
        while !rows.values().is_empty() {
            let open = &mut self.channels[channel].open;
            let room = self.batch - open.len();
            open.append(rows, room.min(rows.len()));
            if open.len() == self.batch {
                self.seal(channel, sending);
            }
        }
    }

    /// Tells every channel.
    pub(crate) fn signal(&mut self, signal: Signal, sending: &Sending<'_>) {
        self.opening(sending);
        for channel in &mut self.channels {
            channel.open.signal(signal);
        }
    }

    /// Closes the open batch of `channel` and sends it, if everything before it could be sent.
    fn seal(&mut self, channel: usize, sending: &mut Sending<'_>) {
        let empty = self.spares.pop().unwrap_or_default();
        let batch = std::mem::replace(&mut self.channels[channel].open, empty);
        self.sealed_rows += batch.len() as u64;
        if !self.sealed.is_empty() || !self.take_credit(channel) {
            self.sealed.push_back((channel, Outgoing::Batch(batch)));
            return;
        }
        self.send(channel, batch, sending);
    }

    fn take_credit(&mut self, channel: usize) -> bool {
        let channel = &mut self.channels[channel];
        if channel.credit.is_none() {
            channel.credit = channel.to.gate.request(channel.to.index);
        }
        channel.credit.is_some()
    }

    fn send(&mut self, channel: usize, mut batch: Batch<T>, sending: &mut Sending<'_>) {
        sending.stamp(&mut batch);
        let channel = &mut self.channels[channel];
        let credit = channel.credit.take().expect("send follows take_credit");
        let to = &channel.to;
        let spare = match &mut self.wire {
            None => to.gate.send(to.index, credit, batch, sending.now_ns),
            Some(wire) => wire.send(to, credit, batch, sending.now_ns),
        };
        // Without room for rows it is no spare, only a want of one.
        if spare.has_room() {
            self.spares.push(spare);
        }
    }

    /// Sends what is sealed in order; true if nothing is left.
    pub(crate) fn pump(&mut self, sending: &mut Sending<'_>) -> bool {
        while let Some((channel, outgoing)) = self.sealed.pop_front() {
            match outgoing {
                Outgoing::Barrier(barrier) => self.send_barrier(channel, barrier, sending),
                Outgoing::Batch(batch) if self.take_credit(channel) => {
                    self.send(channel, batch, sending);
                }
                outgoing => {
                    self.sealed.push_front((channel, outgoing));
                    return false;
                }
            }
        }
        true
    }

    fn send_barrier(&self, channel: usize, barrier: Barrier, sending: &Sending<'_>) {
        let (to, now_ns) = (&self.channels[channel].to, sending.now_ns);
        let passage = self.wire.as_ref().map(|wire| wire.send_note(now_ns));
        to.gate.send_barrier(to.index, barrier, passage, now_ns);
    }

    /// Sends a barrier over every channel, behind all rows so far.
    pub(crate) fn barrier(&mut self, barrier: Barrier, sending: &mut Sending<'_>) {
        self.flush(sending);
        for channel in 0..self.channels.len() {
            self.sealed.push_back((channel, Outgoing::Barrier(barrier)));
        }
        self.pump(sending);
    }

    /// Sends a barrier over every channel, ahead of all rows that have not been sent; these follow, and
    /// are given here, too. One that lies behind them already goes now.
    pub(crate) fn barrier_ahead(
        &mut self,
        barrier: Barrier,
        codec: &Codec<T>,
        sending: &Sending<'_>,
    ) -> InFlight {
        let until = self.last_barrier(barrier.checkpoint);
        let mut in_flight: Vec<Vec<u8>> = self.channels.iter().map(|_| Vec::new()).collect();
        let passed = until.unwrap_or(self.sealed.len());
        for (channel, outgoing) in self.sealed.range(..passed) {
            if let Outgoing::Batch(batch) = outgoing {
                codec.encode(batch, &mut in_flight[*channel]);
            }
        }
        if until.is_none() {
            for (channel, bytes) in self.channels.iter().zip(&mut in_flight) {
                if !channel.open.is_empty() {
                    codec.encode(&channel.open, bytes);
                }
            }
        }
        let mut left = VecDeque::with_capacity(self.sealed.len());
        let mut waiting = vec![until.is_none(); self.channels.len()];
        for (channel, outgoing) in self.sealed.drain(..) {
            match outgoing {
                // One of a checkpoint before this has been given up.
                Outgoing::Barrier(other) => {
                    waiting[channel] |= other.checkpoint == barrier.checkpoint;
                }
                batch => left.push_back((channel, batch)),
            }
        }
        self.sealed = left;
        for channel in (0..waiting.len()).filter(|&channel| waiting[channel]) {
            self.send_barrier(channel, barrier, sending);
        }
        let receivers = self.channels.iter().map(|it| it.to.receiver as u32);
        let rows = receivers.zip(in_flight);
        rows.filter(|(_, bytes)| !bytes.is_empty()).collect()
    }

    /// Where the last barrier of a checkpoint lies.
    fn last_barrier(&self, checkpoint: u64) -> Option<usize> {
        self.sealed.iter().rposition(|(_, outgoing)| {
            matches!(outgoing, Outgoing::Barrier(barrier) if barrier.checkpoint == checkpoint)
        })
    }

    /// Whether a barrier lies behind rows that have no credit.
    pub(crate) fn holds_barrier(&self) -> bool {
        let mut sealed = self.sealed.iter();
        sealed.any(|(_, outgoing)| matches!(outgoing, Outgoing::Barrier(_)))
    }

    /// Seals every open batch.
    pub(crate) fn flush(&mut self, sending: &mut Sending<'_>) {
        self.open_since_ns = None;
        for channel in 0..self.channels.len() {
            if !self.channels[channel].open.is_empty() {
                self.seal(channel, sending);
            }
        }
    }

    /// An edge that leads to one channel is checked before there is anything to send, as in Flink:
    /// without credit the task is backpressured even if it has no input. Where there are several
    /// channels, which one will be needed is not known before the row is.
    pub(crate) fn may_accept(&mut self) -> bool {
        self.channels.len() != 1 || self.take_credit(0)
    }

    /// Nothing more comes; everything has been sent.
    pub(crate) fn end(&mut self, now_ns: u64) {
        for OutputChannel { to, .. } in &self.channels {
            let passage = self.wire.as_ref().map(|wire| wire.send_note(now_ns));
            to.gate.send_end(to.index, passage, now_ns);
        }
    }

    pub(crate) fn book(&self) -> OutputBook {
        let channels = self.channels.iter();
        let open: usize = channels.map(|channel| channel.open.len()).sum();
        let sealed = self.sealed.iter();
        let rows = |outgoing: &Outgoing<T>| match outgoing {
            Outgoing::Batch(batch) => batch.len(),
            Outgoing::Barrier(_) => 0,
        };
        let sealed: usize = sealed.map(|(_, outgoing)| rows(outgoing)).sum();
        OutputBook {
            edge: self.edge,
            emitted: self.sealed_rows + open as u64,
            unsent: (open + sealed) as u64,
        }
    }
}
