//! The last stage of a task that feeds others: rows are routed into open batches, and a batch
//! without credit stops the task.

mod buffers;
mod wire;

use std::convert::Infallible;

use crate::batch::codec::Codec;
use crate::batch::{Batch, Part};
use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::taking::{RestoredTask, Taking};
use crate::operator::OperatorError;
use crate::source::SentHook;
use crate::stage::{OutputBook, Stage, Step, earliest};
use crate::subtask::Slice;

pub(crate) use buffers::{Buffers, ChannelTo, InFlight, Sending, stamp};
pub(crate) use wire::Wire;

/// Decides which channel each row takes.
pub(crate) trait Router<T>: Send {
    /// Routes all rows of `rows`, which has no signals and is empty afterwards.
    fn route(&mut self, rows: &mut Batch<T>, buffers: &mut Buffers<T>, sending: &mut Sending<'_>);

    /// The one subtask that a row can go to, if its value decides that.
    fn owner(&mut self, _value: &T) -> Option<usize> {
        None
    }
}

/// An output edge together with its routing.
pub(crate) struct Output<T> {
    /// Its place among the output edges of the task.
    position: usize,
    /// Under what a checkpoint knows it: the operator that sends, and a name.
    name: (String, String),
    codec: Codec<T>,
    buffers: Buffers<T>,
    router: Box<dyn Router<T>>,
    /// Rows between two signals.
    run: Batch<T>,
}

impl<T> Output<T> {
    /// `position` is one among the output edges of the task, `name` what checkpoints know it by.
    pub(crate) fn new(
        position: usize,
        name: (String, String),
        codec: Codec<T>,
        buffers: Buffers<T>,
        router: Box<dyn Router<T>>,
    ) -> Self {
        Output {
            position,
            name,
            codec,
            buffers,
            router,
            run: Batch::default(),
        }
    }

    /// Sends `batch` on its way; it is empty afterwards.
    fn take(&mut self, batch: &mut Batch<T>, sending: &mut Sending<'_>) {
        if batch.marks.is_empty() {
            return self.router.route(batch, &mut self.buffers, sending);
        }
        let (run, rows) = (&mut self.run, batch.len());
        let Ok(()) = batch.work_off(rows, |part| {
            match part {
                Part::Rows(rows) => {
                    rows.append_to(run);
                    self.router.route(run, &mut self.buffers, sending);
                }
                Part::Signal(signal) => self.buffers.signal(signal, sending),
            }
            Ok::<(), Infallible>(())
        });
        batch.reclaim(run);
    }
}

/// The last stage of a task that feeds others.
pub(crate) struct OutputStage<T> {
    pending: Batch<T>,
    outputs: Vec<Output<T>>,
    /// How to copy a row where there are several outputs.
    cloner: Option<fn(&T) -> T>,
    hook: Option<Box<dyn SentHook>>,
    flush_timeout_ns: u64,
    copies: Batch<T>,
    flush_now: bool,
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
            pending: Batch::default(),
            outputs,
            cloner,
            hook,
            flush_timeout_ns,
            copies: Batch::default(),
            flush_now: false,
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
            let hook = self.hook.as_mut();
            let mut sending = Sending::new(now_ns, hook, index == 0);
            work(&mut output.buffers, &mut sending);
            if !output.buffers.pump(&mut sending) && blocked.is_none() {
                blocked = Some(output.position);
            }
        }
        blocked
    }

    fn route(&mut self, now_ns: u64) {
        let Some(last) = self.outputs.len().checked_sub(1) else {
            // Nobody uses this stream.
            return self.pending.clear();
        };
        for (index, output) in self.outputs.iter_mut().enumerate() {
            let hook = self.hook.as_mut();
            let mut sending = Sending::new(now_ns, hook, index == 0);
            if index == last {
                output.take(&mut self.pending, &mut sending);
            } else {
                let clone = self
                    .cloner
                    .expect("a stream is used twice only through its Clone");
                self.copies.copy_from(&self.pending, clone);
                output.take(&mut self.copies, &mut sending);
            }
        }
    }
}

impl<T> OutputStage<T> {
    /// Sends a barrier ahead of all rows that have not been sent, over those outputs of which `which` says so.
    fn send_ahead(&mut self, taking: &mut Taking<'_>, which: impl Fn(&Buffers<T>) -> bool) {
        let Some(barrier) = taking.barrier.map(Barrier::passing_at_once) else {
            return;
        };
        let outputs = self.outputs.iter_mut();
        for output in outputs.filter(|output| which(&output.buffers)) {
            let sending = Sending::new(taking.now_ns, None, true);
            let buffers = &mut output.buffers;
            let in_flight = buffers.barrier_ahead(barrier, &output.codec, &sending);
            let (operator, name) = &output.name;
            taking.put_in_flight(operator, name, &in_flight);
        }
    }
}

impl<T: Send> Stage<T> for OutputStage<T> {
    fn input(&mut self) -> &mut Batch<T> {
        &mut self.pending
    }

    fn pending(&self) -> usize {
        self.pending.len()
    }

    fn arrived(&mut self, _at_ns: u64) {}

    fn run(&mut self, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        let now_ns = slice.now_ns;
        // No timeout: everything that is open is old enough.
        let flush_now = std::mem::take(&mut self.flush_now);
        let timeout_ns = if flush_now { 0 } else { self.flush_timeout_ns };
        let blocked = self.each_output(now_ns, |buffers, sending| {
            if buffers
                .open_since_ns()
                .is_some_and(|since| since + timeout_ns <= now_ns)
            {
                buffers.flush(sending);
            }
        });
        if let Some(output) = blocked.filter(|_| !slice.overdraft) {
            return Ok(Step::Backpressured { output });
        }
        if !self.pending.is_empty() {
            slice.records_out += self.pending.len() as u64;
            slice.watermark_ms = self.pending.last_watermark_ms().or(slice.watermark_ms);
            self.route(now_ns);
            let blocked = self.each_output(now_ns, |_, _| {});
            if let Some(output) = blocked.filter(|_| !slice.overdraft) {
                return Ok(Step::Backpressured { output });
            }
        }
        if slice.overdraft {
            return Ok(Step::Done);
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
        for output in &mut self.outputs {
            if !output.buffers.may_accept() {
                let output = output.position;
                return Ok(Step::Backpressured { output });
            }
        }
        Ok(Step::Done)
    }

    fn end(&mut self) {
        self.ending = true;
    }

    fn ended(&self) -> bool {
        self.ended
    }

    fn wake_at_ns(&self) -> Option<u64> {
        let open = self.outputs.iter().map(|output| &output.buffers);
        let oldest = open.map(Buffers::open_since_ns).fold(None, earliest);
        oldest.map(|since| since + self.flush_timeout_ns)
    }

    fn close(&self, books: &mut Vec<OutputBook>) {
        books.extend(self.outputs.iter().map(|output| output.buffers.book()));
    }

    fn settle(&mut self, with_input: bool, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        match with_input {
            true => self.run(slice),
            false => Ok(Step::Done),
        }
    }

    fn flush(&mut self) {
        self.flush_now = true;
    }

    fn save_input(&mut self, codec: &Codec<T>, bytes: &mut Vec<u8>) {
        if !self.pending.is_empty() {
            codec.encode(&self.pending, bytes);
        }
    }

    fn snapshot(&mut self, taking: &mut Taking<'_>) -> Result<(), OperatorError> {
        if taking.overtakes {
            self.send_ahead(taking, |_| true);
        } else if let Some(barrier) = taking.barrier {
            self.each_output(taking.now_ns, |buffers, sending| {
                buffers.barrier(barrier, sending);
            });
        }
        Ok(())
    }

    fn holds_barrier(&self) -> bool {
        self.outputs
            .iter()
            .any(|output| output.buffers.holds_barrier())
    }

    fn pass_barrier(&mut self, taking: &mut Taking<'_>) {
        // Where it has left already, what has come since is behind it.
        self.send_ahead(taking, Buffers::holds_barrier);
    }

    fn restore(&mut self, _from: &RestoredTask<'_>) -> Result<(), OperatorError> {
        // What was on its way is worked off by its receivers.
        Ok(())
    }
}
