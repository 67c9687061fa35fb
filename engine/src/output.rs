//! The end of a chain that leaves the task: rows are routed into open batches, batches are sent
//! when they are full or have waited long enough, and a batch without credit stops the task.

use std::collections::VecDeque;
use std::sync::Arc;
use std::vec::Drain;

use crate::data::Row;
use crate::gate::{Credit, Gate};
use crate::operator::OperatorError;
use crate::source::SentHook;
use crate::stage::{OutputBook, Stage, Step};
use crate::subtask::Slice;

/// Decides which channel each row takes.
pub(crate) trait Router<T>: Send {
    fn route(
        &mut self,
        rows: Drain<'_, Row<T>>,
        buffers: &mut Buffers<T>,
        sending: &mut Sending<'_>,
    );
}

/// What sending a batch needs besides the batch.
pub(crate) struct Sending<'a> {
    now_ns: u64,
    hook: Option<&'a mut Box<dyn SentHook>>,
    first: bool,
    tags: &'a mut Vec<u64>,
}

impl Sending<'_> {
    /// Tells the hook that these rows leave now.
    fn stamp<T>(&mut self, rows: &mut [Row<T>]) {
        if let Some(hook) = &mut self.hook {
            stamp(hook.as_mut(), self.now_ns, self.first, rows, self.tags);
        }
    }
}

/// Shows a hook the tags of `rows` as one slice and writes back what it makes of them.
pub(crate) fn stamp<T>(
    hook: &mut dyn SentHook,
    now_ns: u64,
    first: bool,
    rows: &mut [Row<T>],
    tags: &mut Vec<u64>,
) {
    tags.clear();
    tags.extend(rows.iter().map(|row| row.tag));
    hook.sent(now_ns, tags, first);
    for (row, &tag) in rows.iter_mut().zip(tags.iter()) {
        row.tag = tag;
    }
}

/// One output edge of a subtask: its channels, open batches, and sealed batches without credit.
pub(crate) struct Buffers<T> {
    edge: usize,
    channels: Vec<OutputChannel<T>>,
    /// Full batches that wait for credit, in the order in which they were sealed.
    sealed: VecDeque<(usize, Vec<Row<T>>)>,
    open_since_ns: Option<u64>,
    batch: usize,
    emitted: u64,
}

struct OutputChannel<T> {
    gate: Arc<Gate<T>>,
    index: usize,
    open: Vec<Row<T>>,
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
                open: Vec::new(),
                credit: None,
            })
            .collect();
        Buffers {
            edge,
            channels,
            sealed: VecDeque::new(),
            open_since_ns: None,
            batch,
            emitted: 0,
        }
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Puts a row into the open batch of `channel`.
    pub(crate) fn push(&mut self, channel: usize, row: Row<T>, sending: &mut Sending<'_>) {
        let open = &mut self.channels[channel].open;
        open.push(row);
        if open.len() >= self.batch {
            self.seal(channel, sending);
        } else if self.open_since_ns.is_none() {
            self.open_since_ns = Some(sending.now_ns);
        }
        self.emitted += 1;
    }

    /// Closes the open batch of `channel` and sends it, if everything before it could be sent.
    fn seal(&mut self, channel: usize, sending: &mut Sending<'_>) {
        let rows = std::mem::take(&mut self.channels[channel].open);
        if !self.sealed.is_empty() || !self.take_credit(channel) {
            self.sealed.push_back((channel, rows));
            return;
        }
        self.send(channel, rows, sending);
    }

    fn take_credit(&mut self, channel: usize) -> bool {
        let channel = &mut self.channels[channel];
        if channel.credit.is_none() {
            channel.credit = channel.gate.request(channel.index);
        }
        channel.credit.is_some()
    }

    fn send(&mut self, channel: usize, mut rows: Vec<Row<T>>, sending: &mut Sending<'_>) {
        sending.stamp(&mut rows);
        let channel = &mut self.channels[channel];
        let credit = channel.credit.take().expect("send follows take_credit");
        let spare = channel
            .gate
            .send(channel.index, credit, rows, sending.now_ns);
        if channel.open.capacity() == 0 {
            channel.open = spare;
        }
    }

    /// Sends sealed batches in order; true if none is left.
    fn pump(&mut self, sending: &mut Sending<'_>) -> bool {
        while let Some((channel, rows)) = self.sealed.pop_front() {
            if !self.take_credit(channel) {
                self.sealed.push_front((channel, rows));
                return false;
            }
            self.send(channel, rows, sending);
        }
        true
    }

    /// Seals every open batch.
    fn flush(&mut self, sending: &mut Sending<'_>) {
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
    fn may_accept(&mut self) -> bool {
        self.channels.len() != 1 || self.take_credit(0)
    }

    fn end(&mut self, now_ns: u64) {
        for channel in &self.channels {
            channel.gate.send_end(channel.index, now_ns);
        }
    }

    fn unsent(&self) -> u64 {
        let open: usize = self.channels.iter().map(|channel| channel.open.len()).sum();
        let sealed: usize = self.sealed.iter().map(|(_, rows)| rows.len()).sum();
        (open + sealed) as u64
    }
}

/// An output edge together with its routing.
pub(crate) struct Output<T> {
    pub(crate) buffers: Buffers<T>,
    pub(crate) router: Box<dyn Router<T>>,
}

/// The last stage of a task that feeds others.
pub(crate) struct OutputStage<T> {
    pending: Vec<Row<T>>,
    outputs: Vec<Output<T>>,
    /// How to copy a row where there are several outputs.
    cloner: Option<fn(&T) -> T>,
    hook: Option<Box<dyn SentHook>>,
    flush_timeout_ns: u64,
    copies: Vec<Row<T>>,
    tags: Vec<u64>,
    ending: bool,
    ended: bool,
}

impl<T> OutputStage<T> {
    pub(crate) fn new(
        outputs: Vec<Output<T>>,
        cloner: Option<fn(&T) -> T>,
        hook: Option<Box<dyn SentHook>>,
        flush_timeout_ns: u64,
    ) -> Self {
        OutputStage {
            pending: Vec::new(),
            outputs,
            cloner,
            hook,
            flush_timeout_ns,
            copies: Vec::new(),
            tags: Vec::new(),
            ending: false,
            ended: false,
        }
    }

    /// Does `work` on every output; the first one that is then without credit.
    fn each_output(
        &mut self,
        now_ns: u64,
        mut work: impl FnMut(&mut Buffers<T>, &mut Sending<'_>),
    ) -> Option<usize> {
        let mut blocked = None;
        for (index, output) in self.outputs.iter_mut().enumerate() {
            let mut sending = Sending {
                now_ns,
                hook: self.hook.as_mut(),
                first: index == 0,
                tags: &mut self.tags,
            };
            work(&mut output.buffers, &mut sending);
            if !output.buffers.pump(&mut sending) && blocked.is_none() {
                blocked = Some(index);
            }
        }
        blocked
    }

    fn route(&mut self, now_ns: u64) {
        let last = self.outputs.len().saturating_sub(1);
        for (index, output) in self.outputs.iter_mut().enumerate() {
            let mut sending = Sending {
                now_ns,
                hook: self.hook.as_mut(),
                first: index == 0,
                tags: &mut self.tags,
            };
            if index == last {
                output
                    .router
                    .route(self.pending.drain(..), &mut output.buffers, &mut sending);
            } else {
                let clone = self
                    .cloner
                    .expect("a stream is used twice only through its Clone");
                self.copies
                    .extend(self.pending.iter().map(|row| row.with(clone(&row.value))));
                output
                    .router
                    .route(self.copies.drain(..), &mut output.buffers, &mut sending);
            }
        }
        self.pending.clear();
    }
}

impl<T: Send> Stage<T> for OutputStage<T> {
    fn input(&mut self) -> &mut Vec<Row<T>> {
        &mut self.pending
    }

    fn pending(&self) -> usize {
        self.pending.len()
    }

    fn arrived(&mut self, _at_ns: u64) {}

    fn run(&mut self, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        let now_ns = slice.now_ns;
        let timeout_ns = self.flush_timeout_ns;
        let blocked = self.each_output(now_ns, |buffers, sending| {
            if buffers
                .open_since_ns
                .is_some_and(|since| since + timeout_ns <= now_ns)
            {
                buffers.flush(sending);
            }
        });
        if let Some(output) = blocked {
            return Ok(Step::Backpressured { output });
        }
        if !self.pending.is_empty() {
            slice.records_out += self.pending.len() as u64;
            self.route(now_ns);
            if let Some(output) = self.each_output(now_ns, |_, _| {}) {
                return Ok(Step::Backpressured { output });
            }
        }
        if self.ending {
            if let Some(output) = self.each_output(now_ns, Buffers::flush) {
                return Ok(Step::Backpressured { output });
            }
            if !self.ended {
                self.outputs
                    .iter_mut()
                    .for_each(|output| output.buffers.end(now_ns));
                self.ended = true;
            }
            return Ok(Step::Done);
        }
        match self
            .outputs
            .iter_mut()
            .position(|output| !output.buffers.may_accept())
        {
            Some(output) => Ok(Step::Backpressured { output }),
            None => Ok(Step::Done),
        }
    }

    fn end(&mut self) {
        self.ending = true;
    }

    fn ended(&self) -> bool {
        self.ended
    }

    fn flush_at_ns(&self) -> Option<u64> {
        let open = self
            .outputs
            .iter()
            .filter_map(|output| output.buffers.open_since_ns);
        open.min().map(|since| since + self.flush_timeout_ns)
    }

    fn close(&self, books: &mut Vec<OutputBook>) {
        books.extend(
            self.outputs
                .iter()
                .map(|Output { buffers, .. }| OutputBook {
                    edge: buffers.edge,
                    emitted: buffers.emitted,
                    unsent: buffers.unsent(),
                }),
        );
    }
}
