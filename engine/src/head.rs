//! Where a subtask's rows come from: a source, or the input gate.

pub(crate) mod gate_head;
pub(crate) mod latch;
mod replay;
pub(crate) mod source_head;

pub(crate) use replay::{INPUT, holds_rows};

use crate::checkpoint::barrier::Barrier;
use crate::checkpoint::parts::Parts;
use crate::checkpoint::taking::RestoredTask;
use crate::operator::OperatorError;
use crate::prepare::PrepareContext;
use crate::stage::{OutputBook, Step};
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
    /// Before the job's time begins: fills the state of a keyed operator, which always begins a task.
    fn prepare(&mut self, _context: &PrepareContext) -> Result<(), OperatorError> {
        Ok(())
    }
    /// A source emits nothing more; a task with an input ends when its input does.
    fn stop(&mut self) {}
    /// A checkpoint begins, at a source. A task with an input hears of it from its channels.
    fn begin_checkpoint(&mut self, _barrier: Barrier, _now_ns: u64) {}
    /// The checkpoint and all before it are over.
    fn give_up(&mut self, checkpoint: u64);
    /// Job time at which a barrier is to pass rows that keep it waiting.
    fn deadline_ns(&self) -> Option<u64>;
    /// What the chain holds once everything has left it.
    fn last_parts(&mut self) -> Result<Parts, OperatorError>;
    /// Before any rows: goes on from a checkpoint.
    fn restore(&mut self, from: &RestoredTask<'_>) -> Result<(), OperatorError>;
    /// The closing account: rows taken from the input edge, rows there but not taken, the outputs.
    fn close(&self) -> ClosingBook;
}

/// What a subtask leaves behind, in rows.
#[derive(Default)]
pub(crate) struct ClosingBook {
    pub(crate) inputs: Vec<InputBook>,
    pub(crate) outputs: Vec<OutputBook>,
}

pub(crate) struct InputBook {
    pub(crate) edge: usize,
    pub(crate) received: u64,
    pub(crate) unread: u64,
    /// Rows among these that no sender has sent: a checkpoint held them.
    pub(crate) restored: u64,
}

fn stopped(step: Step) -> Progress {
    match step {
        Step::Backpressured { output } => Progress::Backpressured { output },
        Step::AtCapacity => Progress::AtCapacity,
        Step::SliceOver | Step::Done => Progress::SliceOver,
    }
}
