//! The channels of one output edge of a subtask: open batches that fill, and sealed ones that wait
//! for credit. A batch is sent when it is full or its oldest row has waited long enough.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::batch::{Batch, Signal};
use crate::data::Row;
use crate::gate::{Credit, Gate};
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

/// One output edge of a subtask.
pub(crate) struct Buffers<T> {
    edge: usize,
    channels: Vec<OutputChannel<T>>,
    /// Full batches that wait for credit, in the order in which they were sealed.
    sealed: VecDeque<(usize, Batch<T>)>,
    /// Emptied batches that came back, to be filled again.
    spares: Vec<Batch<T>>,
    /// A moment not after the one when the oldest row of an open batch came.
    open_since_ns: Option<u64>,
    batch: usize,
    /// Rows of all batches sealed so far.
    sealed_rows: u64,
}

struct OutputChannel<T> {
    gate: Arc<Gate<T>>,
    index: usize,
    open: Batch<T>,
    /// Taken ahead of need, where an edge has one channel only.
    credit: Option<Credit>,
}

impl<T> Buffers<T> {
    /// Channels are given as (gate, channel index in that gate).
    pub(crate) fn new(edge: usize, channels: Vec<(Arc<Gate<T>>, usize)>, batch: usize) -> Self {
        let channels = channels
            .into_iter()
            .map(|(gate, index)| OutputChannel {
                gate,
                index,
                open: Batch::default(),
                credit: None,
            })
            .collect();
        Buffers {
            edge,
            channels,
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
            self.sealed.push_back((channel, batch));
            return;
        }
        self.send(channel, batch, sending);
    }

    fn take_credit(&mut self, channel: usize) -> bool {
        let channel = &mut self.channels[channel];
        if channel.credit.is_none() {
            channel.credit = channel.gate.request(channel.index);
        }
        channel.credit.is_some()
    }

    fn send(&mut self, channel: usize, mut batch: Batch<T>, sending: &mut Sending<'_>) {
        sending.stamp(&mut batch);
        let channel = &mut self.channels[channel];
        let credit = channel.credit.take().expect("send follows take_credit");
        let spare = channel
            .gate
            .send(channel.index, credit, batch, sending.now_ns);
        // Without room for rows it is no spare, only a want of one.
        if spare.has_room() {
            self.spares.push(spare);
        }
    }

    /// Sends sealed batches in order; true if none is left.
    pub(crate) fn pump(&mut self, sending: &mut Sending<'_>) -> bool {
        while let Some((channel, batch)) = self.sealed.pop_front() {
            if !self.take_credit(channel) {
                self.sealed.push_front((channel, batch));
                return false;
            }
            self.send(channel, batch, sending);
        }
        true
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
        for channel in &self.channels {
            channel.gate.send_end(channel.index, now_ns);
        }
    }

    pub(crate) fn book(&self) -> OutputBook {
        let channels = self.channels.iter();
        let open: usize = channels.map(|channel| channel.open.len()).sum();
        let sealed = self.sealed.iter();
        let sealed: usize = sealed.map(|(_, batch)| batch.len()).sum();
        OutputBook {
            edge: self.edge,
            emitted: self.sealed_rows + open as u64,
            unsent: (open + sealed) as u64,
        }
    }
}
