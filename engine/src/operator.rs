//! The contract between the engine and user code that transforms or consumes rows.
//!
//! Calls are per chunk of rows: dispatch is dynamic at the operator and static inside the chunk.

use crate::batch::{Batch, Rows, Signal};
use crate::checkpoint::parts::{Restored, Snapshot};
use crate::clock::Clock;
use crate::prepare::PrepareContext;
use crate::subtask::Slice;

/// What an operator may fail with; it fails the job with this message.
pub type OperatorError = Box<dyn std::error::Error + Send + Sync>;

/// What a factory may know of the subtask that it builds an operator for.
#[derive(Clone, Copy, Debug)]
pub struct SubtaskContext {
    /// Index of the subtask, from 0.
    pub index: usize,
    /// Number of subtasks of this operator.
    pub parallelism: usize,
}

/// Turns rows into rows.
pub trait Operator<In, Out>: Send {
    /// Before the job's time begins: may fill the operator's state. Asked of operators on keyed
    /// streams only.
    fn prepare(&mut self, _context: &PrepareContext) -> Result<(), OperatorError> {
        Ok(())
    }

    /// Takes every row of `rows`, appends what comes of them to `out`.
    fn process(
        &mut self,
        rows: Rows<'_, In>,
        out: &mut Batch<Out>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError>;

    /// Event time has reached `watermark_ms`. Hands the watermark on, unless overridden: an operator
    /// that answers to it must do so itself, behind what it makes of it.
    fn watermark(
        &mut self,
        watermark_ms: i64,
        out: &mut Batch<Out>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        out.signal(Signal::Watermark(watermark_ms));
        Ok(())
    }

    /// Job time in nanoseconds at which [`timer`](Self::timer) is to be called, if at all. Asked
    /// after every call of the other methods.
    fn next_timer_ns(&self) -> Option<u64> {
        None
    }

    /// The time of [`next_timer_ns`](Self::next_timer_ns) has come: `now_ns` is not before it.
    fn timer(
        &mut self,
        _now_ns: u64,
        _out: &mut Batch<Out>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        Ok(())
    }

    /// The input has ended: appends what is still owed to `out`. After a restore from a checkpoint that
    /// was taken behind it this is called again: what it appends has to come from state that it clears.
    fn finish(
        &mut self,
        _out: &mut Batch<Out>,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        Ok(())
    }

    /// A checkpoint is taken between two rows: puts what the operator holds beside keyed state into it.
    fn snapshot(&mut self, _into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        Ok(())
    }

    /// Before any rows: takes over what belongs to this subtask of what a checkpoint holds.
    fn restore(&mut self, _from: &Restored<'_>) -> Result<(), OperatorError> {
        Ok(())
    }
}

/// Consumes rows.
pub trait Sink<T>: Send {
    /// Takes every row of `rows`.
    fn write(
        &mut self,
        rows: Rows<'_, T>,
        context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError>;

    /// Whether what it has been given has no effect beyond what it restores, or beyond what its committer
    /// rolls back. Otherwise a job that has to go back to a checkpoint before its latest would say again
    /// what others have seen, and does so only if it is allowed to.
    fn takes_back(&self) -> bool {
        false
    }

    /// Event time has reached `watermark_ms`.
    fn watermark(
        &mut self,
        _watermark_ms: i64,
        _context: &mut OperatorContext<'_, '_>,
    ) -> Result<(), OperatorError> {
        Ok(())
    }

    /// The input has ended.
    fn close(&mut self, _context: &mut OperatorContext<'_, '_>) -> Result<(), OperatorError> {
        Ok(())
    }

    /// A checkpoint is taken between two rows: puts what the sink holds into it.
    fn snapshot(&mut self, _into: &mut Snapshot<'_>) -> Result<(), OperatorError> {
        Ok(())
    }

    /// Before any rows: takes over what belongs to this subtask of what a checkpoint holds.
    fn restore(&mut self, _from: &Restored<'_>) -> Result<(), OperatorError> {
        Ok(())
    }
}

/// Makes the output of a sink visible with checkpoints: what its subtasks put in as pending output, when
/// the checkpoint is complete. One for all subtasks of a sink.
///
/// A checkpoint is not made complete before the committing of the one before has returned.
pub trait Committer: Send + Sync {
    /// Makes the output of transactions visible, for good. Is called again for the same ones, also by
    /// another process, wherever it may not have come to an end.
    fn commit(&self, checkpoint: u64, transactions: &[Vec<u8>]) -> Result<(), OperatorError>;

    /// The job goes back to `checkpoint`, or to its beginning: removes what later ones made visible, and
    /// what is pending and not in `kept`, which are the transactions of that checkpoint. Says what could
    /// be seen of what it removed.
    fn roll_back(
        &self,
        checkpoint: Option<u64>,
        kept: &[Vec<u8>],
    ) -> Result<Option<String>, OperatorError>;
}

/// What an operator may ask and do while it processes a chunk.
pub struct OperatorContext<'a, 'b> {
    pub(crate) slice: &'a mut Slice<'b>,
    pub(crate) arrived_ns: u64,
}

impl OperatorContext<'_, '_> {
    /// Job time at the start of this chunk, in nanoseconds. Reads no clock.
    pub fn now_ns(&self) -> u64 {
        self.slice.now_ns
    }

    /// The job's clock, for the few operators that must time something inside a chunk.
    pub fn clock(&self) -> Clock {
        self.slice.clock
    }

    /// Job time at which the chunk's batch reached this operator, in nanoseconds.
    pub fn arrived_ns(&self) -> u64 {
        self.arrived_ns
    }

    /// Waits until `deadline_ns` as an external call would, in pieces of at most 50 ms between
    /// which it looks for cancellation; accounted as `blocked`. False if the job was cancelled
    /// meanwhile. Belongs into operators that were declared `.blocking()`: elsewhere it keeps a
    /// slot from the other subtasks.
    pub fn block_until(&mut self, deadline_ns: u64) -> bool {
        self.slice.block_until(deadline_ns)
    }

    /// Whether the job is being cancelled.
    pub fn cancelled(&self) -> bool {
        self.slice.cancelled()
    }
}
