//! Two kinds of rows in one stream: two inputs of an operator that were one joined stream before it,
//! or two outputs, the second of which is what Flink calls a side output.
//!
//! [`Stream::split`](crate::Stream::split) makes two streams of one. In a task it is the place where
//! the chain forks: each side goes on to its own next stage, by its own exchange.

use crate::batch::codec::Codec;
use crate::batch::{Batch, Part};
use crate::checkpoint::taking::{RestoredTask, Taking};
use crate::data::{Decode, Encode, Row};
use crate::operator::OperatorError;
use crate::output::stamp;
use crate::source::SentHook;
use crate::stage::{OutputBook, Stage, Step, earliest};
use crate::subtask::Slice;

/// A row of one of two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Side<L, R> {
    /// Of the first: the main output, where it is about outputs.
    Left(L),
    /// Of the second: the side output.
    Right(R),
}

/// Where a chain forks: rows go to the stage of their side, signals to both.
pub(crate) struct ForkStage<L, R> {
    pending: Batch<Side<L, R>>,
    left: Box<dyn Stage<L>>,
    right: Box<dyn Stage<R>>,
    /// Of a source whose task forks: rows are told of here, before they know their channel.
    hook: Option<Box<dyn SentHook>>,
    ending: bool,
}

impl<L, R> ForkStage<L, R> {
    pub(crate) fn new(
        left: Box<dyn Stage<L>>,
        right: Box<dyn Stage<R>>,
        hook: Option<Box<dyn SentHook>>,
    ) -> Self {
        ForkStage {
            pending: Batch::default(),
            left,
            right,
            hook,
            ending: false,
        }
    }

    fn hand_on(&mut self, now_ns: u64) -> Result<(), OperatorError> {
        if let Some(hook) = &mut self.hook {
            stamp(hook.as_mut(), now_ns, true, &mut self.pending);
        }
        let (left, right) = (self.left.input(), self.right.input());
        let rows = self.pending.len();
        self.pending.work_off(rows, |part| {
            match part {
                Part::Rows(rows) => {
                    for Row { tag, value } in rows {
                        match value {
                            Side::Left(value) => left.push(Row { tag, value }),
                            Side::Right(value) => right.push(Row { tag, value }),
                        }
                    }
                }
                Part::Signal(signal) => {
                    left.signal(signal);
                    right.signal(signal);
                }
            }
            Ok::<(), OperatorError>(())
        })?;
        self.left.arrived(now_ns);
        self.right.arrived(now_ns);
        Ok(())
    }
}

/// How far a chain got whose two branches got so far.
fn both(left: Step, right: Step) -> Step {
    match (left, right) {
        (Step::SliceOver, _) | (_, Step::SliceOver) => Step::SliceOver,
        (Step::Done, step) | (step, _) => step,
    }
}

impl<L: Send, R: Send> Stage<Side<L, R>> for ForkStage<L, R> {
    fn input(&mut self) -> &mut Batch<Side<L, R>> {
        &mut self.pending
    }

    fn pending(&self) -> usize {
        self.pending.len()
    }

    fn arrived(&mut self, _at_ns: u64) {}

    /// Both sides get their turn, whatever the other waits for; then the first that is not done says
    /// what the chain waits for.
    fn run(&mut self, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        loop {
            match both(self.left.run(slice)?, self.right.run(slice)?) {
                Step::Done => {}
                step => return Ok(step),
            }
            if self.pending.is_empty() {
                if self.ending {
                    self.ending = false;
                    self.left.end();
                    self.right.end();
                    continue;
                }
                return Ok(Step::Done);
            }
            self.hand_on(slice.now_ns)?;
        }
    }

    fn end(&mut self) {
        self.ending = true;
    }

    fn ended(&self) -> bool {
        self.left.ended() && self.right.ended()
    }

    fn wake_at_ns(&self) -> Option<u64> {
        earliest(self.left.wake_at_ns(), self.right.wake_at_ns())
    }

    fn close(&self, books: &mut Vec<OutputBook>) {
        self.left.close(books);
        self.right.close(books);
    }

    fn settle(&mut self, with_input: bool, slice: &mut Slice<'_>) -> Result<Step, OperatorError> {
        if with_input {
            match self.run(slice)? {
                Step::Done => {}
                step => return Ok(step),
            }
        }
        let (left, right) = (
            self.left.settle(true, slice)?,
            self.right.settle(true, slice)?,
        );
        Ok(both(left, right))
    }

    fn flush(&mut self) {
        self.left.flush();
        self.right.flush();
    }

    fn save_input(&mut self, codec: &Codec<Side<L, R>>, bytes: &mut Vec<u8>) {
        if !self.pending.is_empty() {
            codec.encode(&self.pending, bytes);
        }
    }

    fn snapshot(&mut self, taking: &mut Taking<'_>) -> Result<(), OperatorError> {
        self.left.snapshot(taking)?;
        self.right.snapshot(taking)
    }

    fn holds_barrier(&self) -> bool {
        self.left.holds_barrier() || self.right.holds_barrier()
    }

    fn pass_barrier(&mut self, taking: &mut Taking<'_>) {
        self.left.pass_barrier(taking);
        self.right.pass_barrier(taking);
    }

    fn restore(&mut self, from: &RestoredTask<'_>) -> Result<(), OperatorError> {
        self.left.restore(from)?;
        self.right.restore(from)
    }
}
